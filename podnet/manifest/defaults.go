package manifest

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
)

// clearDefaults clears the fields of a PodSpec whose value is what podnet does
// anyway. A field that is set to anything else is left, to be refused.
func clearDefaults(s *corev1.PodSpec) {
	// One scheduler and one service account is what every namespace has.
	clearIf(&s.SchedulerName, corev1.DefaultSchedulerName)
	clearIf(&s.ServiceAccountName, "default")
	clearIf(&s.DeprecatedServiceAccount, "default")
	// No container gets a token.
	clearPointerIf(&s.AutomountServiceAccountToken, false)
	// Containers share the network only.
	clearPointerIf(&s.ShareProcessNamespace, false)
	// true is Kubernetes' default: no user namespace of the Pod's own.
	clearPointerIf(&s.HostUsers, true)
	clearPointerIf(&s.OS, corev1.PodOS{Name: corev1.Linux})
}

func clearSecurityDefaults(c *corev1.SecurityContext) {
	// Each container has a root of its own, which it can write to.
	clearPointerIf(&c.ReadOnlyRootFilesystem, false)
	clearPointerIf(&c.ProcMount, corev1.DefaultProcMount)
}

func clearMountDefaults(m *corev1.VolumeMount) {
	// Nothing can be mounted below a mount, so nothing propagates and
	// there is nothing for recursive read-only mounts to do.
	clearPointerIf(&m.RecursiveReadOnly, corev1.RecursiveReadOnlyDisabled)
	clearPointerIf(&m.MountPropagation, corev1.MountPropagationNone)
}

func clearIf[T comparable](field *T, value T) {
	if *field == value {
		*field = *new(T)
	}
}

func clearPointerIf[T any](field **T, value T) {
	if *field != nil && reflect.DeepEqual(**field, value) {
		*field = nil
	}
}
