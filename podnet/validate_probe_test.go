package podnet_test

import (
	"strings"
	"testing"

	"podnet.dev/podnet"
)

func TestValidateProbe(t *testing.T) {
	exec := &podnet.ExecAction{Command: []string{"a"}}
	const handler, port = `Required value: must specify a handler type`, `must be between 1 and 65535, inclusive`
	tests := map[string]struct {
		probe podnet.Probe
		want  string // after the probe's path; empty if it is all right
	}{
		"exec":                {podnet.Probe{Exec: exec}, ``},
		"exec of Go":          {podnet.Probe{Exec: &podnet.ExecAction{Run: nop}}, ``},
		"exec of nothing":     {podnet.Probe{Exec: &podnet.ExecAction{}}, `.exec.command: Required value`},
		"nothing":             {podnet.Probe{}, `: ` + handler},
		"two":                 {podnet.Probe{Exec: exec, GRPC: &podnet.GRPCAction{}}, `.grpc: Forbidden: may not specify more than 1 handler type`},
		"httpGet":             {podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(80)}}, ``},
		"httpGet by name":     {podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: podnet.PortName("http")}}, ``},
		"httpGet nowhere":     {podnet.Probe{HTTPGet: &podnet.HTTPGetAction{}}, `.httpGet.port: Invalid value: 0: ` + port},
		"httpGet by a number": {podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: podnet.PortName("80")}}, `.httpGet.port: Invalid value: "80": must contain at least one letter (a-z)`},
		"scheme":              {podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(1), Scheme: "http"}}, `.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"`},
		"header":              {podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(1), HTTPHeaders: []podnet.HTTPHeader{{Name: "X-A"}, {Name: "a b"}}}}, `.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')`},
		"tcpSocket":           {podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(65536)}}, `.tcpSocket.port: Invalid value: 65536: ` + port},
		"grpc":                {podnet.Probe{GRPC: &podnet.GRPCAction{Port: -1}}, `.grpc.port: Invalid value: -1: ` + port},
		"initial delay":       {podnet.Probe{Exec: exec, InitialDelaySeconds: -1}, `.initialDelaySeconds: Invalid value: -1: must be greater than or equal to 0`},
		"timeout":             {podnet.Probe{Exec: exec, TimeoutSeconds: -1}, `.timeoutSeconds: Invalid value: -1: must be greater than or equal to 0`},
		"period":              {podnet.Probe{Exec: exec, PeriodSeconds: -1}, `.periodSeconds: Invalid value: -1: must be greater than or equal to 0`},
		"failures":            {podnet.Probe{Exec: exec, FailureThreshold: -1}, `.failureThreshold: Invalid value: -1: must be greater than or equal to 0`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for at, set := range probes {
				s := validPod()
				set(&s.Containers[0], &test.probe)
				want := test.want
				if want != "" {
					want = "spec.containers[0]." + at + want
				}
				checkInvalid(t, s, want)
			}
		})
	}
}

// probes set one of a container's probes, by its field.
var probes = map[string]func(*podnet.ContainerSpec, *podnet.Probe){
	"livenessProbe":  func(c *podnet.ContainerSpec, p *podnet.Probe) { c.LivenessProbe = p },
	"readinessProbe": func(c *podnet.ContainerSpec, p *podnet.Probe) { c.ReadinessProbe = p },
	"startupProbe":   func(c *podnet.ContainerSpec, p *podnet.Probe) { c.StartupProbe = p },
}

func TestValidateProbeOfItsKind(t *testing.T) {
	const notForReadiness = `must not be set for readinessProbes`
	tests := map[string]struct {
		change              func(*podnet.Probe)
		restarts, readiness []string // each after the probe's path
	}{
		"one success":   {func(p *podnet.Probe) { p.SuccessThreshold = 1 }, nil, nil},
		"two successes": {func(p *podnet.Probe) { p.SuccessThreshold = 2 }, []string{`.successThreshold: Invalid value: 2: must be 1`}, nil},
		"grace":         {func(p *podnet.Probe) { p.TerminationGracePeriodSeconds = new(int64(1)) }, nil, []string{`.terminationGracePeriodSeconds: Invalid value: 1: ` + notForReadiness}},
		"no grace at all": {func(p *podnet.Probe) { p.TerminationGracePeriodSeconds = new(int64) }, []string{`.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0`},
			[]string{`.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0`, `.terminationGracePeriodSeconds: Invalid value: 0: ` + notForReadiness}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for at, set := range probes {
				s, p := validPod(), &podnet.Probe{Exec: &podnet.ExecAction{Run: nop}}
				test.change(p)
				set(&s.Containers[0], p)
				texts := test.restarts
				if at == "readinessProbe" {
					texts = test.readiness
				}
				var want []string
				for _, text := range texts {
					want = append(want, "spec.containers[0]."+at+text)
				}
				if len(want) > 1 {
					checkInvalid(t, s, "["+strings.Join(want, ", ")+"]")
				} else {
					checkInvalid(t, s, strings.Join(want, ""))
				}
			}
		})
	}
}

func TestValidateHook(t *testing.T) {
	const at = `spec.containers[0].lifecycle.`
	sleep := func(seconds int64) *podnet.LifecycleHandler {
		return &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: seconds}}
	}
	tests := map[string]struct {
		hooks podnet.Lifecycle
		grace *int64
		want  string
	}{
		"none":            {podnet.Lifecycle{}, nil, ``},
		"of Go":           {podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{Exec: &podnet.ExecAction{Run: nop}}}, nil, ``},
		"empty":           {podnet.Lifecycle{PostStart: &podnet.LifecycleHandler{}, PreStop: &podnet.LifecycleHandler{}}, nil, `[` + at + `postStart: Required value: must specify a handler type, ` + at + `preStop: Required value: must specify a handler type]`},
		"two":             {podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(1)}, Sleep: &podnet.SleepAction{}}}, nil, at + `preStop.sleep: Forbidden: may not specify more than 1 handler type`},
		"httpGet":         {podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{HTTPGet: &podnet.HTTPGetAction{}}}, nil, at + `preStop.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`},
		"sleep":           {podnet.Lifecycle{PreStop: sleep(30)}, nil, ``},
		"long sleep":      {podnet.Lifecycle{PreStop: sleep(31)}, nil, at + `preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`},
		"long grace":      {podnet.Lifecycle{PreStop: sleep(31)}, new(int64(60)), ``},
		"no grace":        {podnet.Lifecycle{PostStart: sleep(1)}, new(int64(0)), at + `postStart.sleep: Invalid value: 1: must be non-negative and less than terminationGracePeriodSeconds (0)`},
		"negative grace":  {podnet.Lifecycle{PostStart: sleep(1)}, new(int64(-9)), `spec.terminationGracePeriodSeconds: Invalid value: -9: must be greater than or equal to 0`},
		"sleep backwards": {podnet.Lifecycle{PostStart: sleep(-1)}, nil, at + `postStart.sleep: Invalid value: -1: must be non-negative and less than terminationGracePeriodSeconds (30)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.TerminationGracePeriodSeconds, s.Containers[0].Lifecycle = test.grace, &test.hooks
			checkInvalid(t, s, test.want)
		})
	}
}
