package manifest

import (
	"reflect"

	"podnet.dev/podnet"
)

// convertNetworkChaos empties from into a NetworkChaosSpec and validates that.
func convertNetworkChaos(from *chaosObject[networkChaos], wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := c.networkChaos("spec", &from.Spec)
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	return finishChaos(&c, from, spec.Name, spec)
}

// networkChaos empties the spec of a NetworkChaos, which is at path at.
func (c *converter) networkChaos(at string, s *networkChaos) podnet.NetworkChaosSpec {
	pods := c.chaosTarget(at, &s.podSelector)
	return podnet.NetworkChaosSpec{
		Selector: pods.Selector, Mode: pods.Mode, Value: pods.Value,
		Action: podnet.NetworkChaosAction(take(&s.Action)), Duration: take(&s.Duration), Direction: podnet.ChaosDirection(take(&s.Direction)),
		Target: convertPointer(c, at+".target", take(&s.Target), c.chaosTarget),
		Delay: convertPointer(c, at+".delay", take(&s.Delay), func(at string, d *chaosDelay) podnet.ChaosDelay {
			return podnet.ChaosDelay{
				Latency: take(&d.Latency), Jitter: take(&d.Jitter), Correlation: take(&d.Correlation),
				Reorder: convertPointer(c, at+".reorder", take(&d.Reorder), func(_ string, r *chaosReorder) podnet.ChaosReorder {
					return podnet.ChaosReorder{Reorder: take(&r.Reorder), Correlation: take(&r.Correlation), Gap: take(&r.Gap)}
				}),
			}
		}),
		Loss: convertPointer(c, at+".loss", take(&s.Loss), func(_ string, l *chaosLoss) podnet.ChaosLoss {
			return podnet.ChaosLoss{Loss: take(&l.Loss), Correlation: take(&l.Correlation)}
		}),
		Duplicate: convertPointer(c, at+".duplicate", take(&s.Duplicate), func(_ string, d *chaosDuplicate) podnet.ChaosDuplicate {
			return podnet.ChaosDuplicate{Duplicate: take(&d.Duplicate), Correlation: take(&d.Correlation)}
		}),
		Corrupt: convertPointer(c, at+".corrupt", take(&s.Corrupt), func(_ string, k *chaosCorrupt) podnet.ChaosCorrupt {
			return podnet.ChaosCorrupt{Corrupt: take(&k.Corrupt), Correlation: take(&k.Correlation)}
		}),
		Bandwidth: convertPointer(c, at+".bandwidth", take(&s.Bandwidth), func(_ string, b *chaosBandwidth) podnet.ChaosBandwidth {
			return podnet.ChaosBandwidth{Rate: take(&b.Rate), Limit: take(&b.Limit), Buffer: take(&b.Buffer)}
		}),
	}
}

// convertPodChaos does for a PodChaos what convertNetworkChaos does for a NetworkChaos.
func convertPodChaos(from *chaosObject[podChaos], wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := c.podChaos("spec", &from.Spec)
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	return finishChaos(&c, from, spec.Name, spec)
}

func (c *converter) podChaos(at string, s *podChaos) podnet.PodChaosSpec {
	pods := c.chaosTarget(at, &s.podSelector)
	return podnet.PodChaosSpec{
		Selector: pods.Selector, Mode: pods.Mode, Value: pods.Value,
		Action: podnet.PodChaosAction(take(&s.Action)), Duration: take(&s.Duration), ContainerNames: take(&s.ContainerNames), GracePeriod: take(&s.GracePeriod),
	}
}

// convertDNSChaos does for a DNSChaos what convertNetworkChaos does for a NetworkChaos.
func convertDNSChaos(from *chaosObject[dnsChaos], wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := c.dnsChaos("spec", &from.Spec)
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	return finishChaos(&c, from, spec.Name, spec)
}

func (c *converter) dnsChaos(at string, s *dnsChaos) podnet.DNSChaosSpec {
	pods := c.chaosTarget(at, &s.podSelector)
	return podnet.DNSChaosSpec{
		Selector: pods.Selector, Mode: pods.Mode, Value: pods.Value,
		Action: podnet.DNSChaosAction(take(&s.Action)), Duration: take(&s.Duration), ContainerNames: take(&s.ContainerNames), Patterns: take(&s.Patterns),
	}
}

// convertSchedule empties from into a ScheduleSpec and validates that.
func convertSchedule(from *chaosObject[schedule], wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	s := &from.Spec
	spec := podnet.ScheduleSpec{
		Schedule: take(&s.Schedule), ConcurrencyPolicy: podnet.ConcurrencyPolicy(take(&s.ConcurrencyPolicy)),
		HistoryLimit: take(&s.HistoryLimit), Type: podnet.ScheduleType(take(&s.Type)),
		NetworkChaos: convertPointer(&c, "spec.networkChaos", take(&s.NetworkChaos), c.networkChaos),
		PodChaos:     convertPointer(&c, "spec.podChaos", take(&s.PodChaos), c.podChaos),
		DNSChaos:     convertPointer(&c, "spec.dnsChaos", take(&s.DNSChaos), c.dnsChaos),
	}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	return finishChaos(&c, from, spec.Name, spec)
}

// finishChaos refuses what is left of from, and validates spec.
func finishChaos[S any, T interface {
	podnet.Object
	Validate() error
}](c *converter, from *chaosObject[S], name string, spec T) (podnet.Object, error) {
	kind := take(&from.Kind)
	from.APIVersion = ""
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish(kind, name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// chaosTarget empties the three fields that say which Pods are meant.
func (c *converter) chaosTarget(at string, from *podSelector) podnet.ChaosTarget {
	s := &from.Selector
	return podnet.ChaosTarget{
		Selector: podnet.ChaosSelector{
			Namespaces: take(&s.Namespaces), LabelSelectors: take(&s.LabelSelectors), Pods: take(&s.Pods),
			ExpressionSelectors: convertList(c, at+".selector.expressionSelectors", take(&s.ExpressionSelectors), labelRequirement),
		},
		Mode: podnet.ChaosMode(take(&from.Mode)), Value: take(&from.Value),
	}
}
