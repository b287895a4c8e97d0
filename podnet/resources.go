package podnet

// ResourceRequirements are the resources that a container asks for and is
// limited to. podnet shows them and enforces nothing.
type ResourceRequirements struct {
	Requests ResourceList // default: Limits
	Limits   ResourceList
}

// ResourceList has amounts of resources by name: cpu, memory,
// ephemeral-storage, or an extended resource such as example.com/gpu.
type ResourceList map[string]Quantity

// Quantity is an amount as Kubernetes writes it: "1", "500m", "64Mi", "1e3".
type Quantity string
