package manifest

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podnet.dev/podnet"
)

func (c *converter) probe(at string, from *corev1.Probe) podnet.Probe {
	return podnet.Probe{
		Exec:      convertPointer(c, at+".exec", take(&from.Exec), execAction),
		HTTPGet:   convertPointer(c, at+".httpGet", take(&from.HTTPGet), c.httpGet),
		TCPSocket: convertPointer(c, at+".tcpSocket", take(&from.TCPSocket), tcpSocket),
		GRPC:      convertPointer(c, at+".grpc", take(&from.GRPC), grpcAction),

		InitialDelaySeconds:           take(&from.InitialDelaySeconds),
		TimeoutSeconds:                take(&from.TimeoutSeconds),
		PeriodSeconds:                 take(&from.PeriodSeconds),
		SuccessThreshold:              take(&from.SuccessThreshold),
		FailureThreshold:              take(&from.FailureThreshold),
		TerminationGracePeriodSeconds: take(&from.TerminationGracePeriodSeconds),
	}
}

func (c *converter) lifecycle(at string, from *corev1.Lifecycle) podnet.Lifecycle {
	return podnet.Lifecycle{
		PostStart: c.handler(at+".postStart", take(&from.PostStart)),
		PreStop:   c.handler(at+".preStop", take(&from.PreStop)),
	}
}

func (c *converter) handler(at string, from *corev1.LifecycleHandler) *podnet.LifecycleHandler {
	before := len(c.wrong)
	to := convertPointer(c, at, from, func(at string, from *corev1.LifecycleHandler) podnet.LifecycleHandler {
		return podnet.LifecycleHandler{
			Exec:    convertPointer(c, at+".exec", take(&from.Exec), execAction),
			HTTPGet: convertPointer(c, at+".httpGet", take(&from.HTTPGet), c.httpGet),
			Sleep: convertPointer(c, at+".sleep", take(&from.Sleep), func(_ string, sleep *corev1.SleepAction) podnet.SleepAction {
				return podnet.SleepAction{Seconds: take(&sleep.Seconds)}
			}),
		}
	})
	if len(c.wrong) > before && *to == (podnet.LifecycleHandler{}) {
		return nil // it has a handler, only none of podnet's
	}
	return to
}

func execAction(_ string, from *corev1.ExecAction) podnet.ExecAction {
	return podnet.ExecAction{Command: take(&from.Command)}
}

func (c *converter) httpGet(at string, from *corev1.HTTPGetAction) podnet.HTTPGetAction {
	clearPointerIf(&from.Protocol, corev1.HTTPProtocolHTTP1)
	return podnet.HTTPGetAction{
		Path: take(&from.Path), Port: intOrString(take(&from.Port)), Host: take(&from.Host), Scheme: podnet.URIScheme(take(&from.Scheme)),
		HTTPHeaders: convertList(c, at+".httpHeaders", take(&from.HTTPHeaders),
			func(_ string, header *corev1.HTTPHeader) podnet.HTTPHeader {
				return podnet.HTTPHeader{Name: take(&header.Name), Value: take(&header.Value)}
			}),
	}
}

func tcpSocket(_ string, from *corev1.TCPSocketAction) podnet.TCPSocketAction {
	return podnet.TCPSocketAction{Port: intOrString(take(&from.Port)), Host: take(&from.Host)}
}

func grpcAction(_ string, from *corev1.GRPCAction) podnet.GRPCAction {
	clearPointerIf(&from.Mode, corev1.GRPCProbeModePlaintext)
	to := podnet.GRPCAction{Port: take(&from.Port)}
	if service := take(&from.Service); service != nil {
		to.Service = *service
	}
	return to
}

// intOrString takes an empty name for no port.
func intOrString(from intstr.IntOrString) podnet.IntOrString {
	if from.Type == intstr.String {
		return podnet.PortName(from.StrVal)
	}
	return podnet.Port(from.IntVal)
}
