package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
)

// stdinName is what messages call the manifest that "-" stands for.
const stdinName = "standard input"

// source is a Pod of a manifest.
type source struct {
	file string
	spec podnet.PodSpec
}

func (s source) namespace() string { return cmp.Or(s.spec.Namespace, "default") }

// object names the Pod in messages.
func (s source) object() string { return identify(s.spec).String() }

// identity says which object of a manifest one is.
type identity struct{ kind, namespace, name string }

// identify returns the identity of an object, the zero value if its kind is not
// known.
func identify(o podnet.Object) identity {
	switch o := o.(type) {
	case podnet.PodSpec:
		return identity{"Pod", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.ConfigMapSpec:
		return identity{"ConfigMap", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.SecretSpec:
		return identity{"Secret", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.NetworkPolicySpec:
		return identity{"NetworkPolicy", cmp.Or(o.Namespace, "default"), o.Name}
	case podnet.NamespaceSpec:
		return identity{"Namespace", "", o.Name}
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
func load(stdin io.Reader, files []string) (pods []source, others []podnet.Object, errs []error) {
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
			if spec, ok := o.(podnet.PodSpec); ok {
				pods = append(pods, source{name, spec})
			} else {
				others = append(others, o)
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
