package podnet

// PodSecurityContext says as whom the containers of a Pod run. podnet's
// containers run as goroutines: the IDs are what their programs are told and
// what owns their sockets, and grant or deny nothing.
type PodSecurityContext struct {
	RunAsUser    *int64 // default 0
	RunAsGroup   *int64 // default 0
	RunAsNonRoot *bool  // a container that would run as user 0 is not started
}

// SecurityContext says as whom a container runs. What is set counts more than
// the Pod's.
type SecurityContext struct {
	RunAsUser    *int64
	RunAsGroup   *int64
	RunAsNonRoot *bool
}
