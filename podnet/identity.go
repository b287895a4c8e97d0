package podnet

import (
	"cmp"
	"fmt"
)

// user returns the IDs of the user and the group as which the container runs:
// its own or, where it sets none, the Pod's. An image has no say in it: podnet's
// are root's.
func (c *container) user() (uid, gid int) {
	pod, own := c.securityContexts()
	return orRoot(own.RunAsUser, pod.RunAsUser), orRoot(own.RunAsGroup, pod.RunAsGroup)
}

// orRoot returns the first ID that is set, and else that of root.
func orRoot(ids ...*int64) int {
	if p := cmp.Or(ids...); p != nil {
		return int(*p) // at most 1<<31 - 1
	}
	return 0
}

func (c *container) securityContexts() (pod PodSecurityContext, own SecurityContext) {
	if p := c.pod.spec.SecurityContext; p != nil {
		pod = *p
	}
	if p := c.spec.SecurityContext; p != nil {
		own = *p
	}
	return pod, own
}

// verifyNonRoot reports that the container would run as root and must not, as
// the kubelet does (verifyRunAsNonRoot in security_context_others.go).
func (c *container) verifyNonRoot() error {
	pod, own := c.securityContexts()
	nonRoot := cmp.Or(own.RunAsNonRoot, pod.RunAsNonRoot)
	if uid, _ := c.user(); nonRoot == nil || !*nonRoot || uid != 0 {
		return nil
	}
	where := fmt.Sprintf("(pod: %q, container: %s)", c.pod.kubeletName(), c.spec.Name)
	if cmp.Or(own.RunAsUser, pod.RunAsUser) != nil {
		return fmt.Errorf("container's runAsUser breaks non-root policy %s", where)
	}
	return fmt.Errorf("container has runAsNonRoot and image will run as root %s", where)
}

// kubeletName is the Pod's name in the kubelet's messages.
func (p *Pod) kubeletName() string {
	return fmt.Sprintf("%s_%s(%s)", p.spec.Name, p.spec.Namespace, p.uid)
}

// UID returns the ID of the user as which the container's processes run: what
// RunAsUser says, or 0.
func (c *Container) UID() int {
	uid, _ := c.container.user()
	return uid
}

// GID returns the ID of the group as which the container's processes run: what
// RunAsGroup says, or 0.
func (c *Container) GID() int {
	_, gid := c.container.user()
	return gid
}
