package manifest

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podnet.dev/podnet"
)

// convertNamespace empties from into a NamespaceSpec and validates that. A
// namespace is in none: the API server clears metadata.namespace.
func convertNamespace(from *corev1.Namespace, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	var spec podnet.NamespaceSpec
	spec.Name, _, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	from.Kind, from.APIVersion = "", ""
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish("Namespace", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// convertNetworkPolicy empties from into a NetworkPolicySpec and validates that.
func convertNetworkPolicy(from *networkingv1.NetworkPolicy, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	var spec podnet.NetworkPolicySpec
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	rules := &from.Spec
	spec.PodSelector = labelSelector("", &rules.PodSelector)
	spec.Ingress = convertList(&c, "spec.ingress", take(&rules.Ingress), func(at string, r *networkingv1.NetworkPolicyIngressRule) podnet.NetworkPolicyIngressRule {
		return podnet.NetworkPolicyIngressRule{Ports: c.policyPorts(at, take(&r.Ports)), From: c.policyPeers(at+".from", take(&r.From))}
	})
	spec.Egress = convertList(&c, "spec.egress", take(&rules.Egress), func(at string, r *networkingv1.NetworkPolicyEgressRule) podnet.NetworkPolicyEgressRule {
		return podnet.NetworkPolicyEgressRule{Ports: c.policyPorts(at, take(&r.Ports)), To: c.policyPeers(at+".to", take(&r.To))}
	})
	for _, t := range take(&rules.PolicyTypes) {
		spec.PolicyTypes = append(spec.PolicyTypes, podnet.PolicyType(t))
	}
	from.Kind, from.APIVersion = "", ""
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish("NetworkPolicy", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

func (c *converter) policyPorts(at string, from []networkingv1.NetworkPolicyPort) []podnet.NetworkPolicyPort {
	return convertList(c, at+".ports", from, func(_ string, p *networkingv1.NetworkPolicyPort) podnet.NetworkPolicyPort {
		to := podnet.NetworkPolicyPort{EndPort: take(&p.EndPort)}
		if protocol := take(&p.Protocol); protocol != nil {
			to.Protocol = podnet.Protocol(*protocol)
		}
		if port := take(&p.Port); port != nil {
			number := intOrString(*port)
			to.Port = &number
		}
		return to
	})
}

func (c *converter) policyPeers(at string, from []networkingv1.NetworkPolicyPeer) []podnet.NetworkPolicyPeer {
	return convertList(c, at, from, func(at string, p *networkingv1.NetworkPolicyPeer) podnet.NetworkPolicyPeer {
		return podnet.NetworkPolicyPeer{
			PodSelector:       convertPointer(c, at+".podSelector", take(&p.PodSelector), labelSelector),
			NamespaceSelector: convertPointer(c, at+".namespaceSelector", take(&p.NamespaceSelector), labelSelector),
			IPBlock: convertPointer(c, at+".ipBlock", take(&p.IPBlock), func(_ string, b *networkingv1.IPBlock) podnet.IPBlock {
				return podnet.IPBlock{CIDR: take(&b.CIDR), Except: take(&b.Except)}
			}),
		}
	})
}

// labelSelector takes all that a selector has.
func labelSelector(_ string, from *metav1.LabelSelector) podnet.LabelSelector {
	to := podnet.LabelSelector{MatchLabels: take(&from.MatchLabels)}
	for _, r := range take(&from.MatchExpressions) {
		to.MatchExpressions = append(to.MatchExpressions, podnet.LabelSelectorRequirement{Key: r.Key, Operator: podnet.LabelSelectorOperator(r.Operator), Values: r.Values})
	}
	return to
}
