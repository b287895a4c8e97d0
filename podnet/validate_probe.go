package podnet

import (
	"cmp"
	"fmt"
)

// gracePeriod is TerminationGracePeriodSeconds after defaults, as the API server
// has it when it validates.
func (s PodSpec) gracePeriod() int64 {
	switch grace := s.TerminationGracePeriodSeconds; {
	case grace == nil:
		return 30
	case *grace < 0:
		return 1
	default:
		return *grace
	}
}

func (c *ContainerSpec) validateHooksAndProbes(errs *fieldErrors, at string, gracePeriod int64) {
	if l := c.Lifecycle; l != nil {
		l.PostStart.validate(errs, at+".lifecycle.postStart", gracePeriod)
		l.PreStop.validate(errs, at+".lifecycle.preStop", gracePeriod)
	}
	if p := c.LivenessProbe; p != nil {
		p.validate(errs, at+".livenessProbe")
		p.validateSuccessOnce(errs, at+".livenessProbe")
	}
	if p := c.ReadinessProbe; p != nil {
		p.validate(errs, at+".readinessProbe")
		if p.TerminationGracePeriodSeconds != nil {
			errs.add(FieldInvalid, at+".readinessProbe.terminationGracePeriodSeconds", *p.TerminationGracePeriodSeconds,
				"must not be set for readinessProbes")
		}
	}
	if p := c.StartupProbe; p != nil {
		p.validate(errs, at+".startupProbe")
		p.validateSuccessOnce(errs, at+".startupProbe")
	}
}

func (p *Probe) validate(errs *fieldErrors, at string) {
	handlers{Exec: p.Exec, HTTPGet: p.HTTPGet, TCPSocket: p.TCPSocket, GRPC: p.GRPC}.validate(errs, at, 0)
	errs.notNegative(at+".initialDelaySeconds", int64(p.InitialDelaySeconds))
	errs.notNegative(at+".timeoutSeconds", int64(p.TimeoutSeconds))
	errs.notNegative(at+".periodSeconds", int64(p.PeriodSeconds))
	errs.notNegative(at+".successThreshold", int64(p.SuccessThreshold))
	errs.notNegative(at+".failureThreshold", int64(p.FailureThreshold))
	if grace := p.TerminationGracePeriodSeconds; grace != nil && *grace <= 0 {
		errs.add(FieldInvalid, at+".terminationGracePeriodSeconds", *grace, "must be greater than 0")
	}
}

// validateSuccessOnce is for the probes whose failure kills: they have no second
// success to wait for.
func (p *Probe) validateSuccessOnce(errs *fieldErrors, at string) {
	if cmp.Or(p.SuccessThreshold, 1) != 1 {
		errs.add(FieldInvalid, at+".successThreshold", p.SuccessThreshold, "must be 1")
	}
}

// validate is fine with a nil handler.
func (h *LifecycleHandler) validate(errs *fieldErrors, at string, gracePeriod int64) {
	if h != nil {
		handlers{Exec: h.Exec, HTTPGet: h.HTTPGet, Sleep: h.Sleep}.validate(errs, at, gracePeriod)
	}
}

// handlers are what a probe or a hook can do. It must be one thing.
type handlers struct {
	Exec      *ExecAction
	HTTPGet   *HTTPGetAction
	TCPSocket *TCPSocketAction
	GRPC      *GRPCAction
	Sleep     *SleepAction
}

func (h handlers) validate(errs *fieldErrors, at string, gracePeriod int64) {
	found := false
	// first says if a handler is the first that is set, and reports the others.
	first := func(set bool, name string) bool {
		if set && found {
			errs.add(FieldForbidden, at+"."+name, nil, "may not specify more than 1 handler type")
			return false
		}
		found = found || set
		return set
	}
	if first(h.Exec != nil, "exec") && len(h.Exec.Command) == 0 && h.Exec.Run == nil {
		errs.add(FieldRequired, at+".exec.command", nil, "")
	}
	if first(h.HTTPGet != nil, "httpGet") {
		h.HTTPGet.validate(errs, at+".httpGet")
	}
	if first(h.TCPSocket != nil, "tcpSocket") {
		h.TCPSocket.Port.validate(errs, at+".tcpSocket.port")
	}
	if first(h.GRPC != nil, "grpc") {
		Port(h.GRPC.Port).validate(errs, at+".grpc.port")
	}
	if first(h.Sleep != nil, "sleep") && (h.Sleep.Seconds < 0 || h.Sleep.Seconds > gracePeriod) {
		errs.add(FieldInvalid, at+".sleep", h.Sleep.Seconds,
			fmt.Sprintf("must be non-negative and less than terminationGracePeriodSeconds (%d)", gracePeriod))
	}
	if !found {
		errs.add(FieldRequired, at, nil, "must specify a handler type")
	}
}

func (a *HTTPGetAction) validate(errs *fieldErrors, at string) {
	a.Port.validate(errs, at+".port")
	oneOf(errs, at+".scheme", cmp.Or(a.Scheme, URISchemeHTTP), URISchemeHTTP, URISchemeHTTPS)
	for _, header := range a.HTTPHeaders {
		errs.invalid(at+".httpHeaders", header.Name, httpHeaderNameErrors(header.Name)...)
	}
}

func (p IntOrString) validate(errs *fieldErrors, at string) {
	if p.StrVal != "" {
		errs.invalid(at, p.StrVal, portNameErrors(p.StrVal)...)
	} else {
		errs.between(at, int64(p.IntVal), 1, 65535)
	}
}
