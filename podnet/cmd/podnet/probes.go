package main

import (
	"fmt"
	"slices"

	"podnet.dev/podnet"
)

// checkProbes finds probes of ports that nothing is known to listen on.
func (a *analysis) checkProbes() {
	for _, c := range members(a.pod.spec) {
		for _, p := range []namedProbe{
			{c.LivenessProbe, "livenessProbe", severityWarning, "is never restarted by it"},
			{c.ReadinessProbe, "readinessProbe", severityError, "is never Ready"},
			{c.StartupProbe, "startupProbe", severityError, "never counts as started"},
		} {
			if p.Probe != nil {
				a.checkProbe(c, p)
			}
		}
	}
}

// namedProbe is a probe of a container, with what becomes of the container if
// the probe cannot be made: the kubelet throws such results away (worker.go of
// its prober).
type namedProbe struct {
	*podnet.Probe
	name     string
	severity string
	effect   string
}

func (a *analysis) checkProbe(c member, p namedProbe) {
	field := c.field + "." + p.name
	var port podnet.IntOrString
	var host string
	switch {
	case p.HTTPGet != nil:
		field, port, host = field+".httpGet.port", p.HTTPGet.Port, p.HTTPGet.Host
	case p.TCPSocket != nil:
		field, port, host = field+".tcpSocket.port", p.TCPSocket.Port, p.TCPSocket.Host
	case p.GRPC != nil:
		field, port = field+".grpc.port", podnet.Port(p.GRPC.Port)
	default:
		return
	}
	if name := port.StrVal; name != "" {
		if !slices.ContainsFunc(c.Ports, func(p podnet.ContainerPort) bool { return p.Name == name }) {
			a.add(p.severity, field, fmt.Sprintf("%s names no port %q, so the probe cannot be made: %s %s.", c.Name, name, c.Name, p.effect),
				"Give the port's number, or its name in "+a.pod.field(c.field)+".ports.")
		}
		return
	}
	known := slices.ContainsFunc(a.ports, func(u portUse) bool {
		return int32(u.Port) == port.IntVal && u.Protocol == podnet.ProtocolTCP && !u.unused
	})
	if host == "" && !known {
		a.add(severityWarning, field, fmt.Sprintf("The probe of %s asks port %d, which no container declares and no image is known to listen on.", c.Name, port.IntVal),
			fmt.Sprintf("Probe the port that %s listens on, and declare it for the reader.", c.Name))
	}
}
