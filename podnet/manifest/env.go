package manifest

import (
	corev1 "k8s.io/api/core/v1"

	"podnet.dev/podnet"
)

func (c *converter) env(at string, from *corev1.EnvVar) podnet.EnvVar {
	to := podnet.EnvVar{Name: take(&from.Name), Value: take(&from.Value)}
	if source := take(&from.ValueFrom); source != nil {
		before := len(c.wrong)
		to.ValueFrom = convertPointer(c, at+".valueFrom", source, c.envSource)
		if len(c.wrong) > before && *to.ValueFrom == (podnet.EnvVarSource{}) {
			to.ValueFrom = nil // it has a source, only none of podnet's
		}
	}
	return to
}

func (c *converter) envSource(at string, from *corev1.EnvVarSource) podnet.EnvVarSource {
	return podnet.EnvVarSource{
		FieldRef:         convertPointer(c, at+".fieldRef", take(&from.FieldRef), c.fieldRef),
		ResourceFieldRef: convertPointer(c, at+".resourceFieldRef", take(&from.ResourceFieldRef), resourceFieldRef),
		ConfigMapKeyRef: convertPointer(c, at+".configMapKeyRef", take(&from.ConfigMapKeyRef),
			func(_ string, ref *corev1.ConfigMapKeySelector) podnet.ConfigMapKeySelector {
				return podnet.ConfigMapKeySelector{Name: take(&ref.Name), Key: take(&ref.Key), Optional: takeTrue(&ref.Optional)}
			}),
		SecretKeyRef: convertPointer(c, at+".secretKeyRef", take(&from.SecretKeyRef),
			func(_ string, ref *corev1.SecretKeySelector) podnet.SecretKeySelector {
				return podnet.SecretKeySelector{Name: take(&ref.Name), Key: take(&ref.Key), Optional: takeTrue(&ref.Optional)}
			}),
	}
}

func (c *converter) envFrom(at string, from *corev1.EnvFromSource) podnet.EnvFromSource {
	return podnet.EnvFromSource{
		Prefix: take(&from.Prefix),
		ConfigMapRef: convertPointer(c, at+".configMapRef", take(&from.ConfigMapRef),
			func(_ string, ref *corev1.ConfigMapEnvSource) podnet.ConfigMapEnvSource {
				return podnet.ConfigMapEnvSource{Name: take(&ref.Name), Optional: takeTrue(&ref.Optional)}
			}),
		SecretRef: convertPointer(c, at+".secretRef", take(&from.SecretRef),
			func(_ string, ref *corev1.SecretEnvSource) podnet.SecretEnvSource {
				return podnet.SecretEnvSource{Name: take(&ref.Name), Optional: takeTrue(&ref.Optional)}
			}),
	}
}

func (c *converter) fieldRef(at string, from *corev1.ObjectFieldSelector) podnet.ObjectFieldSelector {
	path, version := take(&from.FieldPath), take(&from.APIVersion)
	switch {
	case path == "":
		c.require(at+".fieldPath", nil)
	case version != "" && version != "v1":
		c.cannotHold(at+".fieldPath", path, "error converting fieldPath: unsupported pod version: "+version)
		path = ""
	case path == "spec.host":
		path = "spec.nodeName" // its old name
	}
	return podnet.ObjectFieldSelector{FieldPath: path}
}

func resourceFieldRef(_ string, from *corev1.ResourceFieldSelector) podnet.ResourceFieldSelector {
	to := podnet.ResourceFieldSelector{ContainerName: take(&from.ContainerName), Resource: take(&from.Resource)}
	if divisor := take(&from.Divisor); !divisor.IsZero() {
		to.Divisor = podnet.Quantity(divisor.String())
	}
	return to
}
