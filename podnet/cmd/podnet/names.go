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
	container string // empty for a Pod
}

// findContainer finds the container that [[NAMESPACE/]POD/]CONTAINER names.
func findContainer(pods []source, ref string) (target, error) {
	var all []target
	for _, p := range pods {
		for _, c := range members(p.spec) {
			all = append(all, target{p, c.Name})
		}
	}
	return find("container", all, ref)
}

// findPod finds the Pod that [NAMESPACE/]POD names, or the only one if ref is
// empty.
func findPod(pods []source, ref string) (target, error) {
	var all []target
	for _, p := range pods {
		all = append(all, target{pod: p})
	}
	if ref == "" && len(all) == 1 {
		return all[0], nil
	}
	return find("Pod", all, ref)
}

// aliases are the words for a kind that kubectl takes before a name.
var aliases = map[string]string{
	"pod": "", "pods": "", "po": "",
	"deployment": "deployment/", "deployments": "deployment/", "deploy": "deployment/",
	"statefulset": "statefulset/", "statefulsets": "statefulset/", "sts": "statefulset/",
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
// POD may be deployment/NAME or statefulset/NAME.
func (t target) String() string {
	name := t.pod.namespace() + "/"
	if t.pod.workload != nil {
		name += strings.ToLower(identify(t.pod.workload).kind) + "/"
	}
	name += t.pod.spec.Name
	if t.container != "" {
		name += "/" + t.container
	}
	return name
}
