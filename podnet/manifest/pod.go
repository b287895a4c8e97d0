package manifest

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"podnet.dev/podnet"
)

// converter takes the fields that podnet has out of a Kubernetes object. What
// is left in the object afterwards is refused, so no field can be forgotten
// here: not those that Kubernetes adds later either.
type converter struct {
	wrong []*podnet.FieldError
}

// convertPod empties pod into a PodSpec and validates that. wrong is what is
// known to be wrong already; the error has it too.
func convertPod(pod *corev1.Pod, wrong []*podnet.FieldError) (podnet.PodSpec, error) {
	c := converter{wrong: wrong}
	clearDefaults(&pod.Spec)
	spec := podnet.PodSpec{
		Name:        take(&pod.Name),
		Namespace:   take(&pod.Namespace),
		Labels:      take(&pod.Labels),
		Annotations: take(&pod.Annotations),

		RestartPolicy:                 podnet.RestartPolicy(take(&pod.Spec.RestartPolicy)),
		TerminationGracePeriodSeconds: take(&pod.Spec.TerminationGracePeriodSeconds),
		Hostname:                      take(&pod.Spec.Hostname),
	}
	if spec.Name == "" && pod.GenerateName != "" {
		// Refused below. That there is no name as well would be no news.
		spec.Name = strings.TrimRight(pod.GenerateName, "-")
	}
	pod.Kind, pod.APIVersion = "", "" // decode has seen to them
	for _, alias := range take(&pod.Spec.HostAliases) {
		spec.HostAliases = append(spec.HostAliases, podnet.HostAlias{IP: take(&alias.IP), Hostnames: take(&alias.Hostnames)})
		c.refuseRest(fmt.Sprintf("spec.hostAliases[%d]", len(spec.HostAliases)-1), reflect.ValueOf(alias))
	}
	for i, volume := range take(&pod.Spec.Volumes) {
		spec.Volumes = append(spec.Volumes, c.volume(fmt.Sprintf("spec.volumes[%d]", i), &volume))
	}
	for i, container := range take(&pod.Spec.Containers) {
		spec.Containers = append(spec.Containers, c.container(fmt.Sprintf("spec.containers[%d]", i), &container))
	}
	var status converter
	if status.refuseRest("status", reflect.ValueOf(pod.Status)); len(status.wrong) > 0 {
		c.refuse("status") // as a whole: nobody wrote it by hand
	}
	pod.Status = corev1.PodStatus{}
	c.refuseRest("", reflect.ValueOf(*pod))

	if err := spec.Validate(); err != nil {
		var invalid *podnet.InvalidError
		if !errors.As(err, &invalid) {
			return podnet.PodSpec{}, err
		}
		c.wrong = append(c.wrong, invalid.Fields...)
	}
	if n := len(c.wrong); n > 0 {
		return podnet.PodSpec{}, &podnet.InvalidError{Kind: "Pod", Name: spec.Name, Fields: c.wrong[:min(n, maxWrong)]}
	}
	return spec, nil
}

func (c *converter) container(at string, from *corev1.Container) podnet.ContainerSpec {
	to := podnet.ContainerSpec{
		Name:            take(&from.Name),
		Image:           take(&from.Image),
		Command:         take(&from.Command),
		Args:            take(&from.Args),
		WorkingDir:      take(&from.WorkingDir),
		ImagePullPolicy: podnet.PullPolicy(take(&from.ImagePullPolicy)),
	}
	for i, port := range take(&from.Ports) {
		to.Ports = append(to.Ports, c.port(fmt.Sprintf("%s.ports[%d]", at, i), &port))
	}
	for i, env := range take(&from.Env) {
		to.Env = append(to.Env, podnet.EnvVar{Name: take(&env.Name), Value: take(&env.Value)})
		c.refuseRest(fmt.Sprintf("%s.env[%d]", at, i), reflect.ValueOf(env))
	}
	for i, mount := range take(&from.VolumeMounts) {
		clearMountDefaults(&mount)
		to.VolumeMounts = append(to.VolumeMounts, podnet.VolumeMount{
			Name: take(&mount.Name), MountPath: take(&mount.MountPath), ReadOnly: take(&mount.ReadOnly)})
		c.refuseRest(fmt.Sprintf("%s.volumeMounts[%d]", at, i), reflect.ValueOf(mount))
	}
	clearContainerDefaults(from)
	c.refuseRest(at, reflect.ValueOf(*from))
	return to
}

func (c *converter) port(at string, from *corev1.ContainerPort) podnet.ContainerPort {
	number := take(&from.ContainerPort)
	if number < 0 || number > math.MaxUint16 {
		c.wrong = append(c.wrong, &podnet.FieldError{Field: at + ".containerPort", Type: podnet.FieldInvalid,
			Value: number, Detail: "must be between 1 and 65535, inclusive"})
		number = 1 // any port will do now, except 0: it would be refused again
	}
	to := podnet.ContainerPort{
		Name: take(&from.Name), ContainerPort: uint16(number), Protocol: podnet.Protocol(take(&from.Protocol))}
	c.refuseRest(at, reflect.ValueOf(*from))
	return to
}

func (c *converter) volume(at string, from *corev1.Volume) podnet.VolumeSpec {
	to := podnet.VolumeSpec{Name: take(&from.Name)}
	if dir := take(&from.EmptyDir); dir != nil {
		to.EmptyDir = &podnet.EmptyDirVolumeSource{SizeLimit: bytesOf(take(&dir.SizeLimit))}
		switch medium := take(&dir.Medium); medium {
		case corev1.StorageMediumDefault, corev1.StorageMediumMemory:
			// podnet has memory only, so both are the same.
		default:
			c.wrong = append(c.wrong, &podnet.FieldError{Field: at + ".emptyDir.medium", Type: podnet.FieldNotSupported,
				Value: string(medium), Detail: `supported values: "", "Memory"`})
		}
		c.refuseRest(at+".emptyDir", reflect.ValueOf(*dir))
	}
	before := len(c.wrong)
	c.refuseRest(at, reflect.ValueOf(*from))
	if to.EmptyDir == nil && len(c.wrong) > before {
		// It has a source, only none of podnet's.
		to.EmptyDir = &podnet.EmptyDirVolumeSource{}
	}
	return to
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

// take returns what p points to and leaves the zero value there.
func take[T any](p *T) T {
	value := *p
	*p = *new(T)
	return value
}
