package podnet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/quantity"
)

// resourceName prints in errors as the API server's type does.
type resourceName string

// resourceAmounts is a [ResourceList] that was read.
type resourceAmounts map[string]quantity.Quantity

func (r ResourceRequirements) validate(errs *fieldErrors, at string) {
	limits, requests := r.amounts(errs, at)
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		key := fmt.Sprintf("%s.limits[%s]", at, name)
		validateResource(errs, key, name, limits[name])
		validateHugePages(errs, key, name, limits[name])
	}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		request := requests[name]
		validateResource(errs, fmt.Sprintf("%s.requests[%s]", at, name), name, request)
		limit, limited := limits[name]
		switch {
		case !limited && !isOvercommitAllowed(name):
			errs.add(FieldRequired, at+".limits", nil, "Limit must be set for non overcommitable resources")
		case limited && request.Cmp(limit) != 0 && !isOvercommitAllowed(name):
			errs.invalid(at+".requests", request.String(), fmt.Sprintf("must be equal to %s limit of %s", name, limit))
		case limited && request.Cmp(limit) > 0:
			errs.invalid(at+".requests", request.String(), fmt.Sprintf("must be less than or equal to %s limit of %s", name, limit))
		}
		validateHugePages(errs, fmt.Sprintf("%s.requests[%s]", at, name), name, request)
	}
	all := slices.Concat(slices.Collect(maps.Keys(limits)), slices.Collect(maps.Keys(requests)))
	if slices.ContainsFunc(all, isHugePages) && !slices.Contains(all, "cpu") && !slices.Contains(all, "memory") {
		errs.add(FieldForbidden, at, nil, "HugePages require cpu or memory")
	}
}

// asInPod returns a copy of s in which limits are the defaults of requests and, on
// the host network, ports those of host ports. The API server does that to Pods
// before it validates them, and not to templates.
func (s PodSpec) asInPod() PodSpec {
	s.InitContainers, s.Containers = slices.Clone(s.InitContainers), slices.Clone(s.Containers)
	for _, containers := range [][]ContainerSpec{s.InitContainers, s.Containers} {
		for i := range containers {
			c := &containers[i]
			c.Ports = slices.Clone(c.Ports)
			for j, port := range c.Ports {
				c.Ports[j] = port.withHostPort(s.HostNetwork)
			}
			r := &c.Resources
			if len(r.Limits) == 0 {
				continue
			}
			requests := maps.Clone(r.Limits)
			// What is no quantity is reported once.
			maps.DeleteFunc(requests, func(_ string, q Quantity) bool { _, err := quantity.Parse(string(q)); return err != nil })
			maps.Copy(requests, r.Requests)
			r.Requests = requests
		}
	}
	return s
}

// amounts reads the limits and requests.
func (r ResourceRequirements) amounts(errs *fieldErrors, at string) (limits, requests resourceAmounts) {
	if len(r.Limits)+len(r.Requests) == 0 {
		return nil, nil
	}
	limits = r.Limits.parse(errs, at+".limits")
	return limits, r.Requests.parse(errs, at+".requests")
}

// parse reports what is no quantity and leaves it out.
func (l ResourceList) parse(errs *fieldErrors, at string) resourceAmounts {
	amounts := make(resourceAmounts, len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		q, err := quantity.Parse(string(l[name]))
		if err != nil {
			errs.invalid(fmt.Sprintf("%s[%s]", at, name), string(l[name]), err.Error())
			continue
		}
		amounts[name] = q.RoundUpToMilli()
	}
	return amounts
}

// validateResource checks a resource's name and amount.
func validateResource(errs *fieldErrors, at, name string, amount quantity.Quantity) {
	for _, msg := range resourceNameErrors(name) {
		errs.add(FieldInvalid, at, resourceName(name), msg)
	}
	if amount.Sign() < 0 {
		errs.invalid(at, amount.String(), "must be greater than or equal to 0")
	}
	if (isExtendedResource(name) || slices.Contains(countedResources, name)) && !amount.IsWhole() {
		errs.invalid(at, amount.String(), "must be an integer")
	}
}

func validateHugePages(errs *fieldErrors, at, name string, amount quantity.Quantity) {
	size, ok := strings.CutPrefix(name, hugePagesPrefix)
	if !ok {
		return
	}
	if page, err := quantity.Parse(size); err != nil || !amount.IsMultipleOf(page) {
		errs.invalid(at, amount.String(), fmt.Sprintf("%s is not positive integer multiple of %s", amount, name))
	}
}

const hugePagesPrefix = "hugepages-"

func isHugePages(name string) bool { return strings.HasPrefix(name, hugePagesPrefix) }

// The resources that can be named in a ResourceQuota, but not in a container: it
// makes a difference to the text only.
var (
	countedResources = []string{"configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets",
		"services", "services.loadbalancers", "services.nodeports"}
	measuredResources = []string{"limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
		"requests.memory", "requests.storage", "storage"}
)

func isQuotaResource(name string) bool {
	return slices.Contains(countedResources, name) || slices.Contains(measuredResources, name) || strings.HasPrefix(name, "requests."+hugePagesPrefix)
}

func resourceNameErrors(name string) []string {
	msgs := qualifiedNameErrors(name)
	if strings.Contains(name, "/") {
		if !isNativeResource(name) && !isExtendedResource(name) {
			msgs = append(msgs, "doesn't follow extended resource name standard")
		}
		return msgs
	}
	switch {
	case name == "cpu", name == "memory", name == "ephemeral-storage", isHugePages(name):
		return msgs
	case len(msgs) == 0 && !isQuotaResource(name):
		msgs = append(msgs, "must be a standard resource type or fully qualified")
	}
	return append(msgs, "must be a standard resource for containers")
}

// isNativeResource reports whether a resource belongs to Kubernetes: it has no
// domain, or one of kubernetes.io.
func isNativeResource(name string) bool {
	return !strings.Contains(name, "/") || strings.Contains(name, "kubernetes.io/")
}

// isExtendedResource reports whether a resource is of somebody's own, such as
// example.com/gpu. There is no half of one. (It must also be a name with the
// prefix that a ResourceQuota gives it.)
func isExtendedResource(name string) bool {
	return !isNativeResource(name) && !strings.HasPrefix(name, "requests.") && len(qualifiedNameErrors("requests."+name)) == 0
}

// isOvercommitAllowed reports whether a request may be less than the limit.
func isOvercommitAllowed(name string) bool { return isNativeResource(name) && !isHugePages(name) }
