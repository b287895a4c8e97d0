package manifest

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"podnet.dev/podnet"
)

func (c *converter) volume(at string, from *corev1.Volume) podnet.VolumeSpec {
	to := podnet.VolumeSpec{
		Name:     take(&from.Name),
		EmptyDir: convertPointer(c, at+".emptyDir", take(&from.EmptyDir), c.emptyDir),
		ConfigMap: convertPointer(c, at+".configMap", take(&from.ConfigMap),
			func(at string, from *corev1.ConfigMapVolumeSource) podnet.ConfigMapVolumeSource {
				return podnet.ConfigMapVolumeSource{
					Name: take(&from.Name), Items: c.items(at, take(&from.Items)), DefaultMode: take(&from.DefaultMode), Optional: takeTrue(&from.Optional)}
			}),
		Secret: convertPointer(c, at+".secret", take(&from.Secret),
			func(at string, from *corev1.SecretVolumeSource) podnet.SecretVolumeSource {
				return podnet.SecretVolumeSource{
					SecretName: take(&from.SecretName), Items: c.items(at, take(&from.Items)), DefaultMode: take(&from.DefaultMode), Optional: takeTrue(&from.Optional)}
			}),
		DownwardAPI: convertPointer(c, at+".downwardAPI", take(&from.DownwardAPI),
			func(at string, from *corev1.DownwardAPIVolumeSource) podnet.DownwardAPIVolumeSource {
				return podnet.DownwardAPIVolumeSource{Items: c.files(at, take(&from.Items)), DefaultMode: take(&from.DefaultMode)}
			}),
		Projected: convertPointer(c, at+".projected", take(&from.Projected),
			func(at string, from *corev1.ProjectedVolumeSource) podnet.ProjectedVolumeSource {
				return podnet.ProjectedVolumeSource{
					Sources: convertList(c, at+".sources", take(&from.Sources), c.projection), DefaultMode: take(&from.DefaultMode)}
			}),
	}
	if to.EmptyDir == nil && to.ConfigMap == nil && to.Secret == nil && to.DownwardAPI == nil && to.Projected == nil {
		// The API server makes an emptyDir of a volume without a source. One
		// with a source that is none of podnet's is refused as that alone.
		to.EmptyDir = &podnet.EmptyDirVolumeSource{}
	}
	return to
}

func (c *converter) emptyDir(at string, from *corev1.EmptyDirVolumeSource) podnet.EmptyDirVolumeSource {
	switch medium := take(&from.Medium); medium {
	case corev1.StorageMediumDefault, corev1.StorageMediumMemory:
		// podnet has memory only, so both are the same.
	default:
		c.wrong = append(c.wrong, &podnet.FieldError{Field: at + ".medium", Type: podnet.FieldNotSupported,
			Value: string(medium), Detail: `supported values: "", "Memory"`})
	}
	return podnet.EmptyDirVolumeSource{SizeLimit: bytesOf(take(&from.SizeLimit))}
}

func (c *converter) projection(at string, from *corev1.VolumeProjection) podnet.VolumeProjection {
	return podnet.VolumeProjection{
		ConfigMap: convertPointer(c, at+".configMap", take(&from.ConfigMap),
			func(at string, from *corev1.ConfigMapProjection) podnet.ConfigMapVolumeSource {
				return podnet.ConfigMapVolumeSource{Name: take(&from.Name), Items: c.items(at, take(&from.Items)), Optional: takeTrue(&from.Optional)}
			}),
		Secret: convertPointer(c, at+".secret", take(&from.Secret),
			func(at string, from *corev1.SecretProjection) podnet.SecretVolumeSource {
				return podnet.SecretVolumeSource{SecretName: take(&from.Name), Items: c.items(at, take(&from.Items)), Optional: takeTrue(&from.Optional)}
			}),
		DownwardAPI: convertPointer(c, at+".downwardAPI", take(&from.DownwardAPI),
			func(at string, from *corev1.DownwardAPIProjection) podnet.DownwardAPIVolumeSource {
				return podnet.DownwardAPIVolumeSource{Items: c.files(at, take(&from.Items))}
			}),
	}
}

// items converts those of the source at path at.
func (c *converter) items(at string, from []corev1.KeyToPath) []podnet.KeyToPath {
	return convertList(c, at+".items", from, func(_ string, item *corev1.KeyToPath) podnet.KeyToPath {
		return podnet.KeyToPath{Key: take(&item.Key), Path: take(&item.Path), Mode: take(&item.Mode)}
	})
}

// files converts those of the source at path at. The path of a fieldRef has no
// items and no index, as in the API server's errors.
func (c *converter) files(at string, from []corev1.DownwardAPIVolumeFile) []podnet.DownwardAPIVolumeFile {
	source := at
	return convertList(c, at+".items", from, func(at string, file *corev1.DownwardAPIVolumeFile) podnet.DownwardAPIVolumeFile {
		return podnet.DownwardAPIVolumeFile{
			Path:             take(&file.Path),
			FieldRef:         convertPointer(c, source+".fieldRef", take(&file.FieldRef), c.fieldRef),
			ResourceFieldRef: convertPointer(c, at+".resourceFieldRef", take(&file.ResourceFieldRef), resourceFieldRef),
			Mode:             take(&file.Mode),
		}
	})
}

// bytesOf returns a quantity in bytes, rounded up. What an int64 cannot hold is
// as good as its greatest value.
func bytesOf(q *resource.Quantity) int64 {
	switch {
	case q == nil:
		return 0
	case q.CmpInt64(math.MaxInt64) > 0:
		return math.MaxInt64
	case q.Sign() < 0:
		return -1 // refused, whatever it is
	}
	return q.Value()
}
