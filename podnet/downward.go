package podnet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// What the downward API says of a Pod and its containers.

// field returns a field of the Pod that a variable may show: all of
// [ObjectFieldSelector] (podFieldSelectorRuntimeValue in kubelet_pods.go).
func (p *Pod) field(path string, addrs []netip.Addr) (string, error) {
	switch path {
	case "spec.nodeName":
		return p.node.name, nil
	case "spec.serviceAccountName":
		return "default", nil // what the API server fills in
	case "status.hostIP":
		return p.node.addrs[0].String(), nil
	case "status.hostIPs":
		return joinAddrs(p.node.addrs), nil
	case "status.podIP":
		return joinAddrs(addrs[:min(1, len(addrs))]), nil
	case "status.podIPs":
		return joinAddrs(addrs), nil
	}
	return p.metadata(path)
}

func joinAddrs(addrs []netip.Addr) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ",")
}

// metadata returns a field of the Pod that a volume may show, too
// (pkg/fieldpath).
func (p *Pod) metadata(path string) (string, error) {
	if name, key, ok := cutSubscript(path); ok {
		switch name {
		case "metadata.annotations":
			return p.currentMeta().annotations[key], nil
		case "metadata.labels":
			return p.labels()[key], nil
		}
		return "", fmt.Errorf("fieldPath %q does not support subscript", path)
	}
	switch path {
	case "metadata.annotations":
		return formatMap(p.currentMeta().annotations), nil
	case "metadata.labels":
		return formatMap(p.labels()), nil
	case "metadata.name":
		return p.spec.Name, nil
	case "metadata.namespace":
		return p.spec.Namespace, nil
	case "metadata.uid":
		return p.uid, nil
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

// cutSubscript takes "metadata.labels['key']" apart.
func cutSubscript(path string) (name, key string, ok bool) {
	inner, ok := strings.CutSuffix(path, "']")
	if !ok {
		return "", "", false
	}
	name, key, ok = strings.Cut(inner, "['")
	return name, key, ok && name != ""
}

// formatMap prints a map as lines of key="value", without a newline at the end.
func formatMap(m map[string]string) string {
	lines := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		lines = append(lines, key+"="+strconv.Quote(m[key]))
	}
	return strings.Join(lines, "\n")
}

// allocatable is what a node has for its Pods, and so the limit of a container
// that has none.
var allocatable = ResourceList{"cpu": "4", "memory": "8Gi"}

// resource returns a resource of a container in units of the divisor, rounded up
// (pkg/api/v1/resource/helpers.go). own is whose it is if no other is named; it
// may be nil.
func (p *Pod) resource(r *ResourceFieldSelector, own *ContainerSpec) (string, error) {
	if r.ContainerName != "" || own == nil {
		if own = p.spec.container(r.ContainerName); own == nil {
			return "", fmt.Errorf("container %s not found", r.ContainerName)
		}
	}
	kind, name, _ := strings.Cut(r.Resource, ".")
	var amount Quantity
	switch kind {
	case "limits":
		if amount = own.Resources.Limits[name]; amount.isZero() {
			amount = allocatable[name]
		}
	case "requests":
		amount = own.Resources.Requests[name]
	default:
		name = ""
	}
	milli := name == "cpu"
	switch {
	case milli:
	case name == "memory", name == "ephemeral-storage", strings.HasPrefix(name, "hugepages-"):
	default:
		return "", fmt.Errorf("unsupported container resource : %s", r.Resource)
	}
	divisor := r.Divisor
	if divisor.isZero() {
		divisor = "1"
	}
	return divideUp(amount.units(milli), divisor.units(milli)).String(), nil
}

// container returns the spec of the container of a name, or nil.
func (s *PodSpec) container(name string) *ContainerSpec {
	for _, list := range [][]ContainerSpec{s.Containers, s.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
