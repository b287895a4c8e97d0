package main

import (
	"fmt"
	"slices"
	"strings"
)

// names prints the names of Pods and containers no longer than the Pods of a
// run need it.
type names struct {
	severalPods, severalNamespaces bool
	nodes                          bool // the nodes of Pods, too
}

func newNames(pods []source) names {
	n := names{severalPods: len(pods) > 1}
	for _, p := range pods {
		n.severalPods = n.severalPods || p.workload != nil // whose Pods may be many
		n.severalNamespaces = n.severalNamespaces || p.namespace() != pods[0].namespace()
	}
	return n
}

func (n names) pod(namespace, pod string) string {
	if n.severalNamespaces {
		return namespace + "/" + pod
	}
	return pod
}

func (n names) container(namespace, pod, container string) string {
	if n.severalPods {
		return n.pod(namespace, pod) + "/" + container
	}
	return container
}

// target is a container of a Pod, or a Pod, that a flag names. Of a workload it
// is one of the Pods.
type target struct {
	pod       source
	container string   // empty for a Pod
	service   *service // by which the Pod is named; nil for none
}

// findContainer finds the container that [[NAMESPACE/]POD/]CONTAINER names.
func findContainer(pods []source, services []service, ref string) (target, error) {
	var all []target
	for _, t := range targets(pods, services) {
		for _, c := range members(t.pod.spec) {
			t.container = c.Name
			all = append(all, t)
		}
	}
	return find("container", all, ref)
}

// findPod finds the Pod that [NAMESPACE/]POD names, or the only one if ref is
// empty.
func findPod(pods []source, services []service, ref string) (target, error) {
	all := targets(pods, services)
	if ref == "" && len(pods) == 1 {
		return all[0], nil
	}
	return find("Pod", all, ref)
}

// targets returns the Pods and, for each Service, the first that it selects.
func targets(pods []source, services []service) (all []target) {
	for _, p := range pods {
		all = append(all, target{pod: p})
	}
	for _, s := range services {
		if i := slices.IndexFunc(pods, s.selects); i >= 0 {
			all = append(all, target{pod: pods[i], service: &s})
		}
	}
	return all
}

// serviceWord comes before a Service's name.
const serviceWord = "service/"

// aliases are the words for a kind that kubectl takes before a name.
var aliases = map[string]string{
	"pod": "", "pods": "", "po": "",
	"deployment": "deployment/", "deployments": "deployment/", "deploy": "deployment/",
	"statefulset": "statefulset/", "statefulsets": "statefulset/", "sts": "statefulset/",
	"service": serviceWord, "services": serviceWord, "svc": serviceWord,
}

// find returns the one target whose full name ends in ref, by whole elements.
func find(kind string, all []target, ref string) (target, error) {
	if word, rest, ok := strings.Cut(ref, "/"); ok {
		if full, ok := aliases[word]; ok {
			ref = full + rest
			if full == "" {
				all = slices.DeleteFunc(all, func(t target) bool { return t.pod.workload != nil })
			}
		}
	}
	// A Service is only meant if that is said: it has the name of a Pod often.
	byService := strings.Contains("/"+ref, "/"+serviceWord)
	all = slices.DeleteFunc(all, func(t target) bool { return (t.service != nil) != byService })
	if byService && len(all) == 0 {
		return target{}, fmt.Errorf("there is no %s %q: no Service of the manifests selects a Pod", kind, ref)
	}
	var found []target
	var known []string
	for _, t := range all {
		full := t.String()
		if ref == "" || full == ref || strings.HasSuffix(full, "/"+ref) {
			found = append(found, t)
			known = append(known, full)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && ref == "":
		return target{}, fmt.Errorf("name one of several Pods: %s", strings.Join(known, ", "))
	case len(found) > 1:
		return target{}, fmt.Errorf("%s %q may be any of %s", kind, ref, strings.Join(known, ", "))
	}
	for _, t := range all {
		known = append(known, t.String())
	}
	return target{}, fmt.Errorf("there is no %s %q, only %s", kind, ref, strings.Join(known, ", "))
}

// String returns the full name, NAMESPACE/POD/CONTAINER or NAMESPACE/POD, where
// POD may be deployment/NAME, statefulset/NAME or service/NAME.
func (t target) String() string {
	name := t.pod.namespace() + "/"
	switch {
	case t.service != nil:
		name += serviceWord + t.service.name
	case t.pod.workload != nil:
		name += strings.ToLower(identify(t.pod.workload).kind) + "/" + t.pod.spec.Name
	default:
		name += t.pod.spec.Name
	}
	if t.container != "" {
		name += "/" + t.container
	}
	return name
}
