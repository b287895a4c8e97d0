package podnet

// PodQOSClass is the quality of service that Kubernetes promises a Pod by its
// containers' resources. podnet only shows it.
type PodQOSClass string

// The classes of Kubernetes.
const (
	PodQOSGuaranteed PodQOSClass = "Guaranteed" // all containers' CPU and memory are limited to what they request
	PodQOSBurstable  PodQOSClass = "Burstable"  // neither of the others
	PodQOSBestEffort PodQOSClass = "BestEffort" // no container requests or limits CPU or memory
)

// QOSClass returns the Pod's class, which its init containers have a say in, too
// (pkg/apis/core/v1/helper/qos/qos.go).
func (s PodSpec) QOSClass() PodQOSClass {
	s = s.withDefaults()
	var class PodQOSClass
	for _, list := range [][]ContainerSpec{s.InitContainers, s.Containers} {
		for _, c := range list {
			for _, name := range []string{"cpu", "memory"} {
				one := qosClass(c.Resources.Requests[name], c.Resources.Limits[name])
				if class != "" && class != one {
					return PodQOSBurstable
				}
				class = one
			}
		}
	}
	if class == "" { // without containers
		return PodQOSBestEffort
	}
	return class
}

// qosClass is the class that one resource of one container alone would give.
func qosClass(request, limit Quantity) PodQOSClass {
	switch {
	case request.cmp(limit) != 0:
		return PodQOSBurstable
	case request.isZero():
		return PodQOSBestEffort
	}
	return PodQOSGuaranteed
}
