package podnet

import (
	"cmp"
	"maps"
)

// withDefaults returns a copy of s with Kubernetes' defaults filled in
// (pkg/apis/core/v1/defaults.go). It shares nothing with s that could be changed
// later.
func (s PodSpec) withDefaults() PodSpec {
	s = deepCopy(s)
	s.Namespace = cmp.Or(s.Namespace, "default")
	s.RestartPolicy = cmp.Or(s.RestartPolicy, RestartPolicyAlways)
	s.DNSPolicy = cmp.Or(s.DNSPolicy, DNSClusterFirst)
	if s.EnableServiceLinks == nil {
		s.EnableServiceLinks = new(true)
	}
	if s.TerminationGracePeriodSeconds == nil {
		s.TerminationGracePeriodSeconds = new(int64(30))
	}
	for i := range s.Volumes {
		s.Volumes[i].setDefaults()
	}
	for i := range s.InitContainers {
		s.InitContainers[i].setDefaults()
	}
	for i := range s.Containers {
		s.Containers[i].setDefaults()
	}
	for _, c := range s.allContainers() {
		for i, port := range c.Ports {
			c.Ports[i] = port.withHostPort(s.HostNetwork)
		}
	}
	return s
}

// defaultFileMode is that of the files of ConfigMaps, Secrets and the like.
const defaultFileMode = 0o644

func (v *VolumeSpec) setDefaults() {
	set := func(mode **int32) {
		if *mode == nil {
			*mode = new(int32(defaultFileMode))
		}
	}
	switch {
	case v.ConfigMap != nil:
		set(&v.ConfigMap.DefaultMode)
	case v.Secret != nil:
		set(&v.Secret.DefaultMode)
	case v.DownwardAPI != nil:
		set(&v.DownwardAPI.DefaultMode)
	case v.Projected != nil:
		set(&v.Projected.DefaultMode)
	}
}

func (c *ContainerSpec) setDefaults() {
	for i := range c.Ports {
		c.Ports[i].Protocol = cmp.Or(c.Ports[i].Protocol, ProtocolTCP)
	}
	c.TerminationMessagePath = cmp.Or(c.TerminationMessagePath, "/dev/termination-log")
	c.TerminationMessagePolicy = cmp.Or(c.TerminationMessagePolicy, TerminationMessageReadFile)
	c.Resources.setDefaults()
	for _, p := range []*Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			p.setDefaults()
		}
	}
	if c.Lifecycle != nil {
		for _, h := range []*LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil && h.HTTPGet != nil {
				h.HTTPGet.setDefaults()
			}
		}
	}
}

// setDefaults makes what is limited and not requested requested.
func (r *ResourceRequirements) setDefaults() {
	if len(r.Limits) == 0 {
		return
	}
	requests := maps.Clone(r.Limits)
	maps.Copy(requests, r.Requests)
	r.Requests = requests
}

func (p *Probe) setDefaults() {
	p.TimeoutSeconds = cmp.Or(p.TimeoutSeconds, 1)
	p.PeriodSeconds = cmp.Or(p.PeriodSeconds, 10)
	p.SuccessThreshold = cmp.Or(p.SuccessThreshold, 1)
	p.FailureThreshold = cmp.Or(p.FailureThreshold, 3)
	if p.HTTPGet != nil {
		p.HTTPGet.setDefaults()
	}
}

func (a *HTTPGetAction) setDefaults() {
	a.Path = cmp.Or(a.Path, "/")
	a.Scheme = cmp.Or(a.Scheme, URISchemeHTTP)
}
