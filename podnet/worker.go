package podnet

import (
	"cmp"
	"time"

	"podnet.dev/podnet/internal/kubelet"
)

// newWorker makes the kubelet's worker for the Pod.
func (p *Pod) newWorker(placement kubelet.Placement) *kubelet.Worker {
	pod := kubelet.Pod{
		Name: p.spec.Name, Namespace: p.spec.Namespace, UID: p.uid,
		RestartPolicy: kubelet.RestartPolicy(p.spec.RestartPolicy), GracePeriod: p.gracePeriod(),
		HostNetwork: p.spec.HostNetwork, Refresh: p.spec.refreshes(),
	}
	if s := p.spec.ActiveDeadlineSeconds; s != nil {
		pod.ActiveDeadline = time.Duration(*s) * time.Second
	}
	for _, g := range p.spec.ReadinessGates {
		pod.ReadinessGates = append(pod.ReadinessGates, kubelet.ConditionType(g.ConditionType))
	}
	for _, c := range p.spec.InitContainers {
		pod.InitContainers = append(pod.InitContainers, c.forKubelet())
	}
	for _, c := range p.spec.Containers {
		pod.Containers = append(pod.Containers, c.forKubelet())
	}
	return kubelet.New(pod, placement, podRuntime{p}, p.emit, p.updated)
}

// refreshes reports whether the Pod has volumes whose content may change.
func (s PodSpec) refreshes() bool {
	for _, v := range s.Volumes {
		if v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil {
			return true
		}
	}
	return false
}

// forKubelet returns what the kubelet must know of a container.
func (c ContainerSpec) forKubelet() kubelet.Container {
	k := kubelet.Container{
		Name: c.Name, Image: c.Image, PullPolicy: kubelet.PullPolicy(c.ImagePullPolicy),
		RestartPolicy: kubelet.RestartPolicy(c.RestartPolicy),
		Liveness:      c.LivenessProbe.forKubelet(), Readiness: c.ReadinessProbe.forKubelet(), Startup: c.StartupProbe.forKubelet(),
	}
	if l := c.Lifecycle; l != nil {
		k.PostStart, k.PreStop = l.PostStart != nil, l.PreStop != nil
	}
	for _, r := range c.RestartPolicyRules {
		rule := kubelet.RestartRule{All: r.Action == RestartRuleActionRestartAllContainers}
		if e := r.ExitCodes; e != nil {
			rule.NotIn = e.Operator == RestartRuleOpNotIn
			for _, code := range e.Values {
				rule.Codes = append(rule.Codes, int(code))
			}
		}
		k.RestartRules = append(k.RestartRules, rule)
	}
	return k
}

// forKubelet returns the times and thresholds of a probe, which may be nil, with
// Kubernetes' defaults.
func (p *Probe) forKubelet() *kubelet.Probe {
	if p == nil {
		return nil
	}
	k := &kubelet.Probe{
		InitialDelay:     time.Duration(p.InitialDelaySeconds) * time.Second,
		Period:           time.Duration(cmp.Or(p.PeriodSeconds, 10)) * time.Second,
		SuccessThreshold: int(cmp.Or(p.SuccessThreshold, 1)),
		FailureThreshold: int(cmp.Or(p.FailureThreshold, 3)),
	}
	if s := p.TerminationGracePeriodSeconds; s != nil {
		grace := time.Duration(*s) * time.Second
		k.GracePeriod = &grace
	}
	return k
}
