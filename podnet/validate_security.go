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
	if c != nil {
		validateIDs(errs, at, c.RunAsUser, c.RunAsGroup)
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
