package kubelet

import "slices"

// RestartPolicy says when containers that ended are started again.
type RestartPolicy string

// The restart policies of Kubernetes.
const (
	RestartPolicyAlways    RestartPolicy = "Always"
	RestartPolicyOnFailure RestartPolicy = "OnFailure"
	RestartPolicyNever     RestartPolicy = "Never"
)

// restarts reports whether a container that ended with code is started again.
func (r RestartPolicy) restarts(code int) bool {
	switch r {
	case RestartPolicyNever:
		return false
	case RestartPolicyOnFailure:
		return code != 0
	default:
		return true
	}
}

// RestartRule says what happens when a container ends with certain exit codes.
type RestartRule struct {
	// All restarts every container of the Pod, else only this one.
	All bool

	// The rule is for Codes or, with NotIn, for all others.
	NotIn bool
	Codes []int
}

// rule returns the first rule for an exit code, nil if there is none.
func (c *Container) rule(code int) *RestartRule {
	for i, r := range c.RestartRules {
		if slices.Contains(r.Codes, code) != r.NotIn {
			return &c.RestartRules[i]
		}
	}
	return nil
}

// restarts reports whether a container of a Pod with policy is started again
// after it ended with code (api/v1/pod/util.go, ContainerShouldRestart).
func (c *Container) restarts(policy RestartPolicy, code int) bool {
	if c.RestartPolicy == "" {
		return policy.restarts(code)
	}
	return c.rule(code) != nil || c.RestartPolicy.restarts(code)
}

// restartsAll reports whether the end of the container with code restarts every
// container of the Pod.
func (c *Container) restartsAll(code int) bool {
	r := c.rule(code)
	return r != nil && r.All
}

// canRestartAll reports whether some container's end restarts all.
func (p *Pod) canRestartAll() bool {
	for _, list := range [][]Container{p.InitContainers, p.Containers} {
		for _, c := range list {
			if slices.ContainsFunc(c.RestartRules, func(r RestartRule) bool { return r.All }) {
				return true
			}
		}
	}
	return false
}
