package probe

// Result is how an attempt ended. Its text is part of the kubelet's events.
type Result string

// The results of Kubernetes.
const (
	Success Result = "success"
	Warning Result = "warning" // a success with something to say
	Failure Result = "failure"
	Unknown Result = "unknown" // there was no attempt: see the error
)
