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
func (s source) object() string {
	if s.namespace() == "default" {
		return "Pod " + s.spec.Name
	}
	return "Pod " + s.namespace() + "/" + s.spec.Name
}

// load reads manifests; "-" is stdin. It returns all Pods that can be read and
// all that is wrong: a *manifest.Error, a *duplicateError or what reading gave.
func load(stdin io.Reader, files []string) (pods []source, errs []error) {
	type key struct{ namespace, name string }
	seen := make(map[key]source)
	for _, file := range files {
		objects, name, err := loadFile(stdin, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, o := range objects {
			spec, ok := o.(podnet.PodSpec)
			if !ok {
				errs = append(errs, fmt.Errorf("%s: has a %T, which this command does not know", name, o))
				continue
			}
			s := source{name, spec}
			k := key{s.namespace(), spec.Name}
			if first, ok := seen[k]; ok {
				errs = append(errs, &duplicateError{s, first.file})
				continue
			}
			seen[k] = s
			pods = append(pods, s)
		}
	}
	return pods, errs
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

// duplicateError is the error of a Pod that is described twice.
type duplicateError struct {
	again source
	first string // file
}

func (e *duplicateError) Error() string {
	return fmt.Sprintf("%s: %s is already in %s", e.again.file, e.again.object(), e.first)
}
