package main

import (
	"fmt"
	"slices"

	"podnet.dev/podnet"
)

// checkProbes finds probes of ports that nothing is known to listen on.
func (a *analysis) checkProbes() {
	for _, c := range members(a.pod.spec) {
		for _, p := range []struct {
			field string
			*podnet.Probe
		}{{"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}, {"startupProbe", c.StartupProbe}} {
			if p.Probe != nil {
				a.checkProbe(c, c.field+"."+p.field, *p.Probe)
			}
		}
	}
}

func (a *analysis) checkProbe(c member, field string, p podnet.Probe) {
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
			a.add(severityError, field, fmt.Sprintf("%s names no port %q: the probe fails every time.", c.Name, name),
				"Give the port's number, or its name in "+c.field+".ports.")
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
