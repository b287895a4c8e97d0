package manifest

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"podnet.dev/podnet"
)

// convertPod empties pod into a PodSpec and validates that. wrong is what is
// known to be wrong already; the error has it too.
func convertPod(pod *corev1.Pod, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := c.podSpec(&pod.Spec)
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&pod.ObjectMeta)
	pod.Kind, pod.APIVersion = "", "" // decode has seen to them
	c.refuseStatus(reflect.ValueOf(&pod.Status))
	c.refuseRest("", reflect.ValueOf(*pod))
	if err := c.finish("Pod", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// podSpec empties from, at path spec, into a PodSpec without metadata.
func (c *converter) podSpec(from *corev1.PodSpec) podnet.PodSpec {
	clearDefaults(from)
	return podnet.PodSpec{
		InitContainers: convertList(c, "spec.initContainers", take(&from.InitContainers), c.container),
		Containers:     convertList(c, "spec.containers", take(&from.Containers), c.container),

		RestartPolicy:                 podnet.RestartPolicy(take(&from.RestartPolicy)),
		TerminationGracePeriodSeconds: take(&from.TerminationGracePeriodSeconds),
		ActiveDeadlineSeconds:         take(&from.ActiveDeadlineSeconds),
		NodeName:                      take(&from.NodeName),
		NodeSelector:                  take(&from.NodeSelector),
		HostNetwork:                   take(&from.HostNetwork),
		ReadinessGates: convertList(c, "spec.readinessGates", take(&from.ReadinessGates),
			func(_ string, gate *corev1.PodReadinessGate) podnet.PodReadinessGate {
				return podnet.PodReadinessGate{ConditionType: string(take(&gate.ConditionType))}
			}),

		Hostname:           take(&from.Hostname),
		Subdomain:          take(&from.Subdomain),
		SetHostnameAsFQDN:  takeTrue(&from.SetHostnameAsFQDN),
		HostnameOverride:   take(&from.HostnameOverride),
		EnableServiceLinks: take(&from.EnableServiceLinks),
		HostAliases: convertList(c, "spec.hostAliases", take(&from.HostAliases),
			func(_ string, alias *corev1.HostAlias) podnet.HostAlias {
				return podnet.HostAlias{IP: take(&alias.IP), Hostnames: take(&alias.Hostnames)}
			}),
		DNSPolicy: podnet.DNSPolicy(take(&from.DNSPolicy)),
		DNSConfig: convertPointer(c, "spec.dnsConfig", take(&from.DNSConfig), c.dnsConfig),

		SecurityContext: convertPointer(c, "spec.securityContext", take(&from.SecurityContext), podSecurityContext),

		Volumes: convertList(c, "spec.volumes", take(&from.Volumes), c.volume),
	}
}

func (c *converter) dnsConfig(at string, from *corev1.PodDNSConfig) podnet.PodDNSConfig {
	return podnet.PodDNSConfig{
		Nameservers: take(&from.Nameservers),
		Searches:    take(&from.Searches),
		Options: convertList(c, at+".options", take(&from.Options),
			func(_ string, option *corev1.PodDNSConfigOption) podnet.PodDNSConfigOption {
				return podnet.PodDNSConfigOption{Name: take(&option.Name), Value: take(&option.Value)}
			}),
	}
}

func podSecurityContext(_ string, from *corev1.PodSecurityContext) podnet.PodSecurityContext {
	return podnet.PodSecurityContext{
		RunAsUser: take(&from.RunAsUser), RunAsGroup: take(&from.RunAsGroup), RunAsNonRoot: take(&from.RunAsNonRoot)}
}
