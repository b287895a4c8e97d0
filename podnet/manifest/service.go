package manifest

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"podnet.dev/podnet"
)

// convertService does for Services what convertPod does for Pods.
func convertService(service *corev1.Service, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	from := &service.Spec
	spec := podnet.ServiceSpec{
		Type:           podnet.ServiceType(take(&from.Type)),
		Selector:       take(&from.Selector),
		Ports:          convertList(&c, "spec.ports", take(&from.Ports), servicePort),
		ClusterIP:      take(&from.ClusterIP),
		ClusterIPs:     take(&from.ClusterIPs),
		IPFamilies:     convertStrings[corev1.IPFamily, podnet.IPFamily](take(&from.IPFamilies)),
		IPFamilyPolicy: podnet.IPFamilyPolicy(takeOr(&from.IPFamilyPolicy)),
		ExternalName:   take(&from.ExternalName),
		ExternalIPs:    take(&from.ExternalIPs),

		SessionAffinity: podnet.ServiceAffinity(take(&from.SessionAffinity)),
		SessionAffinityConfig: convertPointer(&c, "spec.sessionAffinityConfig", take(&from.SessionAffinityConfig),
			func(_ string, config *corev1.SessionAffinityConfig) podnet.SessionAffinityConfig {
				return podnet.SessionAffinityConfig{ClientIP: convertPointer(&c, "spec.sessionAffinityConfig.clientIP", take(&config.ClientIP),
					func(_ string, ip *corev1.ClientIPConfig) podnet.ClientIPConfig {
						return podnet.ClientIPConfig{TimeoutSeconds: take(&ip.TimeoutSeconds)}
					})}
			}),
		InternalTrafficPolicy:    podnet.ServiceTrafficPolicy(takeOr(&from.InternalTrafficPolicy)),
		ExternalTrafficPolicy:    podnet.ServiceTrafficPolicy(take(&from.ExternalTrafficPolicy)),
		PublishNotReadyAddresses: take(&from.PublishNotReadyAddresses),
		TrafficDistribution:      takeOr(&from.TrafficDistribution),

		LoadBalancerSourceRanges:      take(&from.LoadBalancerSourceRanges),
		LoadBalancerClass:             takeOr(&from.LoadBalancerClass),
		AllocateLoadBalancerNodePorts: take(&from.AllocateLoadBalancerNodePorts),
		HealthCheckNodePort:           take(&from.HealthCheckNodePort),
		LoadBalancerIngress: convertList(&c, "status.loadBalancer.ingress", take(&service.Status.LoadBalancer.Ingress),
			func(_ string, ingress *corev1.LoadBalancerIngress) string {
				clearPointerIf(&ingress.IPMode, corev1.LoadBalancerIPModeVIP)
				ingress.Ports = nil // what the load balancer says of ports
				return take(&ingress.IP)
			}),
	}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&service.ObjectMeta)
	service.Kind, service.APIVersion = "", "" // decode has seen to them
	c.refuseRest("", reflect.ValueOf(*service))
	if err := c.finish("Service", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

func servicePort(_ string, from *corev1.ServicePort) podnet.ServicePort {
	return podnet.ServicePort{
		Name: take(&from.Name), Protocol: podnet.Protocol(take(&from.Protocol)), Port: take(&from.Port),
		TargetPort: intOrString(take(&from.TargetPort)), NodePort: take(&from.NodePort), AppProtocol: takeOr(&from.AppProtocol),
	}
}

// convertEndpointSlice does for EndpointSlices what convertPod does for Pods.
func convertEndpointSlice(slice *discoveryv1.EndpointSlice, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := podnet.EndpointSliceSpec{
		AddressType: podnet.AddressType(take(&slice.AddressType)),
		Endpoints: convertList(&c, "endpoints", take(&slice.Endpoints), func(_ string, from *discoveryv1.Endpoint) podnet.EndpointSpec {
			conditions := take(&from.Conditions)
			return podnet.EndpointSpec{
				Addresses:  take(&from.Addresses),
				Conditions: podnet.EndpointConditions{Ready: conditions.Ready, Serving: conditions.Serving, Terminating: conditions.Terminating},
				Hostname:   takeOr(&from.Hostname), NodeName: takeOr(&from.NodeName), Zone: takeOr(&from.Zone),
			}
		}),
		Ports: convertList(&c, "ports", take(&slice.Ports), func(_ string, from *discoveryv1.EndpointPort) podnet.EndpointPort {
			return podnet.EndpointPort{
				Name: takeOr(&from.Name), Protocol: podnet.Protocol(takeOr(&from.Protocol)), Port: takeOr(&from.Port), AppProtocol: takeOr(&from.AppProtocol),
			}
		}),
	}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&slice.ObjectMeta)
	slice.Kind, slice.APIVersion = "", ""
	c.refuseRest("", reflect.ValueOf(*slice))
	if err := c.finish("EndpointSlice", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// takeOr takes a pointer for which nil means the zero value.
func takeOr[T any](p **T) T {
	if value := take(p); value != nil {
		return *value
	}
	return *new(T)
}

// convertStrings converts a list of one kind of string to another.
func convertStrings[From, To ~string](list []From) []To {
	var converted []To
	for _, s := range list {
		converted = append(converted, To(s))
	}
	return converted
}
