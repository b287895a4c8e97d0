package podnet

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

func (s PodSpec) validateContainers(errs *fieldErrors, volumes map[string]bool) {
	if len(s.Containers) == 0 {
		errs.add(FieldRequired, "spec.containers", nil, "")
	}
	names := make(map[string]bool, len(s.Containers))
	for i := range s.Containers {
		c, at := &s.Containers[i], fmt.Sprintf("spec.containers[%d]", i)
		c.validate(errs, at, volumes)
		if names[c.Name] {
			errs.add(FieldDuplicate, at+".name", c.Name, "")
		}
		names[c.Name] = true
		c.validateHooksAndProbes(errs, at, s.gracePeriod())
		c.validateRestartPolicy(errs, at)
	}
	s.validateHostPorts(errs, "spec.containers", s.Containers)
}

func (s PodSpec) validateInitContainers(errs *fieldErrors, volumes map[string]bool) {
	names := make(map[string]bool, len(s.Containers)+len(s.InitContainers))
	for i := range s.Containers {
		names[s.Containers[i].Name] = true
	}
	for i := range s.InitContainers {
		c, at := &s.InitContainers[i], fmt.Sprintf("spec.initContainers[%d]", i)
		c.validate(errs, at, volumes)
		if c.RestartPolicy == "" && len(c.RestartPolicyRules) > 0 {
			errs.add(FieldRequired, at+".restartPolicy", nil, "must specify restartPolicy when restart rules are used")
		} else {
			c.validateRestartPolicy(errs, at)
		}
		if names[c.Name] {
			errs.add(FieldDuplicate, at+".name", c.Name, "")
		}
		names[c.Name] = names[c.Name] || c.Name != ""
		// Init containers run one by one, so each is looked at alone; and so
		// the API server takes each for the first.
		s.validateHostPorts(errs, "spec.initContainers", s.InitContainers[i:i+1])
		if c.RestartPolicy == RestartPolicyAlways {
			c.validateHooksAndProbes(errs, at, s.gracePeriod())
			continue
		}
		for _, field := range []struct {
			name string
			set  bool
		}{
			{"lifecycle", c.Lifecycle != nil},
			{"livenessProbe", c.LivenessProbe != nil},
			{"readinessProbe", c.ReadinessProbe != nil},
			{"startupProbe", c.StartupProbe != nil},
		} {
			if field.set {
				errs.add(FieldForbidden, at+"."+field.name, nil, "may not be set for init containers without restartPolicy=Always")
			}
		}
	}
}

// validate checks what is the same for all kinds of containers. volumes are the
// names of those that can be mounted.
func (c *ContainerSpec) validate(errs *fieldErrors, at string, volumes map[string]bool) {
	if c.Name == "" {
		errs.add(FieldRequired, at+".name", nil, "")
	} else {
		errs.invalid(at+".name", c.Name, dns1123LabelErrors(c.Name)...)
	}
	if c.Image == "" && c.Run == nil {
		errs.add(FieldRequired, at+".image", nil, "")
	}
	oneOf(errs, at+".terminationMessagePolicy", cmp.Or(c.TerminationMessagePolicy, TerminationMessageReadFile),
		TerminationMessageReadFile, TerminationMessageFallbackToLogsOnError)
	validatePorts(errs, at+".ports", c.Ports)
	validateEnv(errs, at+".env", c.Env)
	validateEnvFrom(errs, at+".envFrom", c.EnvFrom)
	validateMounts(errs, at+".volumeMounts", c.VolumeMounts, volumes)
	oneOf(errs, at+".imagePullPolicy", cmp.Or(c.ImagePullPolicy, PullAlways), PullAlways, PullIfNotPresent, PullNever)
	c.Resources.validate(errs, at+".resources")
	c.SecurityContext.validate(errs, at+".securityContext")
}

func validatePorts(errs *fieldErrors, at string, ports []ContainerPort) {
	names := make(map[string]bool, len(ports))
	for i, port := range ports {
		at := fmt.Sprintf("%s[%d]", at, i)
		if port.Name != "" {
			msgs := portNameErrors(port.Name)
			errs.invalid(at+".name", port.Name, msgs...)
			if names[port.Name] {
				errs.add(FieldDuplicate, at+".name", port.Name, "")
			}
			names[port.Name] = len(msgs) == 0
		}
		if port.ContainerPort == 0 {
			errs.add(FieldRequired, at+".containerPort", nil, "")
		}
		oneOf(errs, at+".protocol", cmp.Or(port.Protocol, ProtocolTCP), ProtocolSCTP, ProtocolTCP, ProtocolUDP)
	}
}

func validateMounts(errs *fieldErrors, at string, mounts []VolumeMount, volumes map[string]bool) {
	list := at
	paths := make(map[string]bool, len(mounts))
	for i, m := range mounts {
		at := fmt.Sprintf("%s[%d]", list, i)
		if m.Name == "" {
			errs.add(FieldRequired, at+".name", nil, "")
		}
		if !volumes[m.Name] {
			errs.add(FieldNotFound, at+".name", m.Name, "")
		}
		clean := ""
		if m.MountPath == "" {
			errs.add(FieldRequired, at+".mountPath", nil, "")
		} else {
			clean = path.Clean("/" + m.MountPath)
		}
		if paths[clean] {
			errs.invalid(at+".mountPath", m.MountPath, "must be unique")
		}
		paths[clean] = true
		if strings.Contains(m.MountPath, ":") {
			errs.invalid(at+".mountPath", m.MountPath, "must not contain ':'")
		}
		if slices.Contains(strings.Split(m.MountPath, "/"), "..") {
			errs.invalid(at+".mountPath", m.MountPath, "must not contain '..'")
		} else if clean == "/" {
			errs.invalid(at+".mountPath", m.MountPath, "must not be '/': podnet gives each container a root of its own")
		}
		// The API server names these two fields without the mount's index.
		validateDescendingPath(errs, list+".subPath", m.SubPath)
		if m.SubPath != "" && m.SubPathExpr != "" {
			errs.invalid(at+".subPathExpr", m.SubPathExpr, "subPathExpr and subPath are mutually exclusive")
		}
		validateDescendingPath(errs, list+".subPathExpr", m.SubPathExpr)
	}
}

// The limits of a container's restart rules (Kubernetes, core/validation).
const (
	maxRestartRules     = 20
	maxRestartExitCodes = 255
)

func (c *ContainerSpec) validateRestartPolicy(errs *fieldErrors, at string) {
	switch {
	case c.RestartPolicy != "":
		oneOf(errs, at+".restartPolicy", c.RestartPolicy, RestartPolicyAlways, RestartPolicyNever, RestartPolicyOnFailure)
	case len(c.RestartPolicyRules) > 0:
		errs.add(FieldRequired, at+".restartPolicy", nil, "must specify restartPolicy when restart rules are used")
	}
	errs.maxItems(at+".restartPolicyRules", len(c.RestartPolicyRules), maxRestartRules)
	for i, rule := range c.RestartPolicyRules {
		at := fmt.Sprintf("%s.restartPolicyRules[%d]", at, i)
		oneOf(errs, at+".action", rule.Action, RestartRuleActionRestart, RestartRuleActionRestartAllContainers)
		if rule.ExitCodes == nil {
			errs.add(FieldRequired, at+".exitCodes", nil, "must be specified")
			continue
		}
		oneOf(errs, at+".exitCodes.operator", rule.ExitCodes.Operator, RestartRuleOpIn, RestartRuleOpNotIn)
		errs.maxItems(at+".exitCodes.values", len(rule.ExitCodes.Values), maxRestartExitCodes)
	}
}
