package manifest

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"podnet.dev/podnet"
)

// convertConfigMap empties from into a ConfigMapSpec and validates that. wrong
// is what is known to be wrong already; the error has it too.
func convertConfigMap(from *corev1.ConfigMap, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := podnet.ConfigMapSpec{
		Data: take(&from.Data), BinaryData: take(&from.BinaryData), Immutable: takeTrue(&from.Immutable)}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	from.Kind, from.APIVersion = "", "" // decode has seen to them
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish("ConfigMap", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}

// convertSecret does for Secrets what convertConfigMap does for ConfigMaps.
func convertSecret(from *corev1.Secret, wrong []*podnet.FieldError) (podnet.Object, error) {
	c := converter{wrong: wrong}
	spec := podnet.SecretSpec{
		Type: string(take(&from.Type)), Data: take(&from.Data), StringData: take(&from.StringData), Immutable: takeTrue(&from.Immutable)}
	spec.Name, spec.Namespace, spec.Labels, spec.Annotations = meta(&from.ObjectMeta)
	from.Kind, from.APIVersion = "", ""
	c.refuseRest("", reflect.ValueOf(*from))
	if err := c.finish("Secret", spec.Name, spec.Validate()); err != nil {
		return nil, err
	}
	return spec, nil
}
