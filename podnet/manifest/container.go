package manifest

import (
	"math"

	corev1 "k8s.io/api/core/v1"

	"podnet.dev/podnet"
)

func (c *converter) container(at string, from *corev1.Container) podnet.ContainerSpec {
	return podnet.ContainerSpec{
		Name:       take(&from.Name),
		Image:      take(&from.Image),
		Command:    take(&from.Command),
		Args:       take(&from.Args),
		WorkingDir: take(&from.WorkingDir),
		EnvFrom:    convertList(c, at+".envFrom", take(&from.EnvFrom), c.envFrom),
		Env:        convertList(c, at+".env", take(&from.Env), c.env),
		Ports:      convertList(c, at+".ports", take(&from.Ports), c.port),
		Resources: podnet.ResourceRequirements{
			Requests: resourceList(take(&from.Resources.Requests)), Limits: resourceList(take(&from.Resources.Limits))},

		RestartPolicy:      restartPolicy(take(&from.RestartPolicy)),
		RestartPolicyRules: convertList(c, at+".restartPolicyRules", take(&from.RestartPolicyRules), c.restartRule),

		LivenessProbe:  convertPointer(c, at+".livenessProbe", take(&from.LivenessProbe), c.probe),
		ReadinessProbe: convertPointer(c, at+".readinessProbe", take(&from.ReadinessProbe), c.probe),
		StartupProbe:   convertPointer(c, at+".startupProbe", take(&from.StartupProbe), c.probe),
		Lifecycle:      convertPointer(c, at+".lifecycle", take(&from.Lifecycle), c.lifecycle),

		SecurityContext: convertPointer(c, at+".securityContext", take(&from.SecurityContext), securityContext),

		TerminationMessagePath:   take(&from.TerminationMessagePath),
		TerminationMessagePolicy: podnet.TerminationMessagePolicy(take(&from.TerminationMessagePolicy)),

		VolumeMounts:    convertList(c, at+".volumeMounts", take(&from.VolumeMounts), volumeMount),
		ImagePullPolicy: podnet.PullPolicy(take(&from.ImagePullPolicy)),
	}
}

func (c *converter) port(at string, from *corev1.ContainerPort) podnet.ContainerPort {
	number := take(&from.ContainerPort)
	if number < 0 || number > math.MaxUint16 {
		c.cannotHold(at+".containerPort", number, "must be between 1 and 65535, inclusive")
		number = 0
	}
	hostPort := take(&from.HostPort)
	if hostPort < 0 || hostPort > math.MaxUint16 {
		// It may be left out, so there is no other error to take the place of.
		c.wrong = append(c.wrong, &podnet.FieldError{Field: at + ".hostPort", Type: podnet.FieldInvalid, Value: hostPort, Detail: "must be between 1 and 65535, inclusive"})
		hostPort = 0
	}
	return podnet.ContainerPort{
		Name: take(&from.Name), ContainerPort: uint16(number), Protocol: podnet.Protocol(take(&from.Protocol)),
		HostPort: uint16(hostPort), HostIP: take(&from.HostIP)}
}

// restartPolicy of nil is "", which means the same.
func restartPolicy(from *corev1.ContainerRestartPolicy) podnet.RestartPolicy {
	if from == nil {
		return ""
	}
	return podnet.RestartPolicy(*from)
}

func (c *converter) restartRule(at string, from *corev1.ContainerRestartRule) podnet.ContainerRestartRule {
	return podnet.ContainerRestartRule{
		Action: podnet.ContainerRestartRuleAction(take(&from.Action)),
		ExitCodes: convertPointer(c, at+".exitCodes", take(&from.ExitCodes),
			func(_ string, codes *corev1.ContainerRestartRuleOnExitCodes) podnet.ContainerRestartRuleOnExitCodes {
				return podnet.ContainerRestartRuleOnExitCodes{
					Operator: podnet.ContainerRestartRuleOperator(take(&codes.Operator)), Values: take(&codes.Values)}
			}),
	}
}

// resourceList has the quantities in the form in which kubectl shows them.
func resourceList(from corev1.ResourceList) podnet.ResourceList {
	if len(from) == 0 {
		return nil
	}
	to := make(podnet.ResourceList, len(from))
	for name, amount := range from {
		to[string(name)] = podnet.Quantity(amount.String())
	}
	return to
}

func securityContext(_ string, from *corev1.SecurityContext) podnet.SecurityContext {
	clearSecurityDefaults(from)
	to := podnet.SecurityContext{
		RunAsUser: take(&from.RunAsUser), RunAsGroup: take(&from.RunAsGroup), RunAsNonRoot: take(&from.RunAsNonRoot),
		Privileged: take(&from.Privileged), AllowPrivilegeEscalation: take(&from.AllowPrivilegeEscalation)}
	if c := take(&from.Capabilities); c != nil {
		to.Capabilities = &podnet.Capabilities{Add: capabilities(c.Add), Drop: capabilities(c.Drop)}
	}
	return to
}

func capabilities(from []corev1.Capability) []podnet.Capability {
	if from == nil {
		return nil
	}
	to := make([]podnet.Capability, len(from)) // an empty list is shown otherwise than none
	for i, c := range from {
		to[i] = podnet.Capability(c)
	}
	return to
}

func volumeMount(_ string, from *corev1.VolumeMount) podnet.VolumeMount {
	clearMountDefaults(from)
	return podnet.VolumeMount{
		Name: take(&from.Name), MountPath: take(&from.MountPath), ReadOnly: take(&from.ReadOnly),
		SubPath: take(&from.SubPath), SubPathExpr: take(&from.SubPathExpr)}
}
