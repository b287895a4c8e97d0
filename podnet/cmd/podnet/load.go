package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
)

// stdinName is what messages call the manifest that "-" stands for.
const stdinName = "standard input"

// source is a Pod of a manifest, or the Pods that a workload of it makes.
type source struct {
	file string
	spec podnet.PodSpec // of a workload: the template, with the workload's name

	workload podnet.Object // what makes the Pods; nil for a Pod
	replicas int           // of the workload
}

// sourceOf returns the Pod or the Pods that an object is or makes, and false for
// one that has nothing to do with Pods.
func sourceOf(file string, o podnet.Object) (source, bool) {
	switch o := o.(type) {
	case podnet.PodSpec:
		return source{file: file, spec: o, replicas: 1}, true
	case podnet.DeploymentSpec:
		return workloadSource(file, o, o.Name, o.Namespace, o.Replicas, o.Template), true
	case podnet.StatefulSetSpec:
		return workloadSource(file, o, o.Name, o.Namespace, o.Replicas, o.Template), true
	}
	return source{}, false
}

func workloadSource(file string, o podnet.Object, name, namespace string, replicas *int32, template podnet.PodTemplateSpec) source {
	s := source{file: file, spec: template.Spec, workload: o, replicas: 1}
	s.spec.Name, s.spec.Namespace, s.spec.Labels, s.spec.Annotations = name, namespace, template.Labels, template.Annotations
	if replicas != nil {
		s.replicas = int(*replicas)
	}
	return s
}

// podName is the name of the Pod, or one as long as those of the workload's.
func (s source) podName() string {
	switch s.workload.(type) {
	case podnet.DeploymentSpec:
		return s.spec.Name + "-xxxxxxxxxx-xxxxx"
	case podnet.StatefulSetSpec:
		return s.spec.Name + "-0"
	}
	return s.spec.Name
}

// hostname is the Pod's, "" for those of a workload, which are all different.
func (s source) hostname() string {
	if s.spec.Hostname == "" && s.workload != nil {
		return ""
	}
	name := cmp.Or(s.spec.Hostname, s.spec.Name)
	return strings.TrimRight(name[:min(len(name), 63)], "-.")
}

// given is the object as it was in the manifest.
func (s source) given() podnet.Object {
	if s.workload != nil {
		return s.workload
	}
	return s.spec
}

// field is the path in the object of a field of the Pod, such as
// "spec.containers[0]".
func (s source) field(path string) string {
	if s.workload != nil && path != "" {
		return "spec.template." + path
	}
	return path
}

// warnings are those of the API server.
func (s source) warnings() []string { return warningsOf(s.given()) }

// warningsOf are those of the API server about an object.
func warningsOf(o podnet.Object) []string {
	if o, ok := o.(interface{ Warnings() []string }); ok {
		return o.Warnings()
	}
	return nil
}

func (s source) namespace() string { return cmp.Or(s.spec.Namespace, "default") }

// object names the Pod or workload in messages.
func (s source) object() string { return identify(s.given()).String() }

// other is an object of a manifest that makes no Pods.
type other struct {
	file   string
	object podnet.Object
}

// identity says which object of a manifest one is.
type identity struct{ kind, namespace, name string }

// identify returns the identity of an object, the zero value if its kind is not
// known.
func identify(o podnet.Object) identity {
	switch o := o.(type) {
	case podnet.PodSpec:
		return identity{"Pod", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.DeploymentSpec:
		return identity{"Deployment", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.StatefulSetSpec:
		return identity{"StatefulSet", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.ConfigMapSpec:
		return identity{"ConfigMap", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.SecretSpec:
		return identity{"Secret", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.ServiceSpec:
		return identity{"Service", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.EndpointSliceSpec:
		return identity{"EndpointSlice", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.NetworkPolicySpec:
		return identity{"NetworkPolicy", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.NamespaceSpec:
		return identity{"Namespace", "", o.Name}
	case podnet.NetworkChaosSpec:
		return identity{"NetworkChaos", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.PodChaosSpec:
		return identity{"PodChaos", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.DNSChaosSpec:
		return identity{"DNSChaos", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.ScheduleSpec:
		return identity{"Schedule", cmp.Or(o.Namespace, "default"), o.Name}
	}
	return identity{}
}

// String names the object in messages.
func (i identity) String() string {
	if i.namespace == "" || i.namespace == "default" {
		return i.kind + " " + i.name
	}
	return i.kind + " " + i.namespace + "/" + i.name
}

// load reads manifests; "-" is stdin. It returns all Pods and other objects that
// can be read and all that is wrong: a *manifest.Error, a *duplicateError or
// what reading gave.
func load(stdin io.Reader, files []string) (pods []source, others []other, errs []error) {
	seen := make(map[identity]string) // the file
	for _, file := range files {
		objects, name, err := loadFile(stdin, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, o := range objects {
			id := identify(o)
			if id.kind == "" {
				errs = append(errs, fmt.Errorf("%s: has a %T, which this command does not know", name, o))
				continue
			}
			if first, ok := seen[id]; ok {
				errs = append(errs, &duplicateError{id, name, first})
				continue
			}
			seen[id] = name
			if s, ok := sourceOf(name, o); ok {
				pods = append(pods, s)
			} else {
				others = append(others, other{name, o})
			}
		}
	}
	return pods, others, errs
}

func loadFile(stdin io.Reader, file string) (objects []podnet.Object, name string, err error) {
	var text []byte
	if file == "-" {
		name = stdinName
		if text, err = io.ReadAll(stdin); err != nil {
			return nil, name, fmt.Errorf("%s: %w", name, err)
		}
	} else {
		name = file
		if text, err = os.ReadFile(file); err != nil {
			return nil, name, err
		}
	}
	objects, err = manifest.Parse(text)
	var bad *manifest.Error
	if errors.As(err, &bad) {
		bad.File = name
	}
	return objects, name, err
}

// duplicateError is the error of an object that is described twice.
type duplicateError struct {
	again identity
	file  string // where it is again
	first string // where it was before
}

func (e *duplicateError) Error() string {
	return fmt.Sprintf("%s: %s is already in %s", e.file, e.again, e.first)
}
