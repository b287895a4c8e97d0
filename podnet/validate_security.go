package podnet

import "math"

// validate is fine with nil.
func (c *PodSecurityContext) validate(errs *fieldErrors) {
	if c != nil {
		validateIDs(errs, "spec.securityContext", c.RunAsUser, c.RunAsGroup)
	}
}

// validate is fine with nil.
func (c *SecurityContext) validate(errs *fieldErrors, at string) {
	if c == nil {
		return
	}
	validateIDs(errs, at, c.RunAsUser, c.RunAsGroup)
	if c.AllowPrivilegeEscalation == nil || *c.AllowPrivilegeEscalation {
		return
	}
	if c.Privileged != nil && *c.Privileged {
		errs.invalid(at, c.printed(), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
	}
	if c.Capabilities == nil {
		return
	}
	for _, name := range c.Capabilities.Add {
		if name == "CAP_SYS_ADMIN" { // so spelled; SYS_ADMIN is what runtimes know
			errs.invalid(at, c.printed(), "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN")
		}
	}
}

// printed returns what an error shows of the context: all that Kubernetes has in
// it, in its order.
func (c *SecurityContext) printed() any {
	return struct {
		Capabilities                         *Capabilities
		Privileged                           *bool
		SELinuxOptions, WindowsOptions       *struct{}
		RunAsUser, RunAsGroup                *int64
		RunAsNonRoot, ReadOnlyRootFilesystem *bool
		AllowPrivilegeEscalation             *bool
		ProcMount                            *string
		SeccompProfile, AppArmorProfile      *struct{}
	}{
		Capabilities: c.Capabilities, Privileged: c.Privileged, RunAsUser: c.RunAsUser, RunAsGroup: c.RunAsGroup,
		RunAsNonRoot: c.RunAsNonRoot, AllowPrivilegeEscalation: c.AllowPrivilegeEscalation,
	}
}

func validateIDs(errs *fieldErrors, at string, user, group *int64) {
	if user != nil {
		errs.between(at+".runAsUser", *user, 0, math.MaxInt32)
	}
	if group != nil {
		errs.between(at+".runAsGroup", *group, 0, math.MaxInt32)
	}
}
