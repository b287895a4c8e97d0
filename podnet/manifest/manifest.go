// Package manifest reads Kubernetes YAML and JSON into the objects that
// [podnet.Cluster.Apply] takes.
//
// It reads as kubectl does with --validate=strict: documents separated by
// "---", YAML 1.1 (yes is true), JSON, and kind List; a field that Kubernetes
// does not know, a field of the wrong type or a key that is there twice is an
// error.
//
// It differs from kubectl in one thing: a field that Kubernetes knows and
// podnet does not have is an error too, with the field's name, unless its value
// is what podnet does anyway. So a Pod that runs here is the Pod that the
// manifest says, and nothing in it was dropped in silence. Resources are taken,
// though podnet only shows them.
package manifest

import (
	"fmt"
	"io/fs"

	"podnet.dev/podnet"
)

// maxDocument is the size of a document that is still read: the API server's
// limit for a request (apiserver, server/config.go, MaxRequestBodyBytes).
const maxDocument = 3 << 20

// Load reads the file name of fsys; use os.DirFS for files of the host. The
// error is what fsys says or an *[Error].
func Load(fsys fs.FS, name string) ([]podnet.Object, error) {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return parse(name, text)
}

// Parse reads a manifest of one or more documents. The objects come in the
// manifest's order; there is at least one. They are valid: each is a
// [podnet.PodSpec], [podnet.DeploymentSpec], [podnet.StatefulSetSpec],
// [podnet.ServiceSpec], [podnet.EndpointSliceSpec], [podnet.ConfigMapSpec],
// [podnet.SecretSpec], [podnet.NamespaceSpec], [podnet.NetworkPolicySpec],
// [podnet.NetworkChaosSpec], [podnet.PodChaosSpec], [podnet.DNSChaosSpec] or
// [podnet.ScheduleSpec] that Validate has nothing against.
//
// The error is an *[Error] about the first document that is wrong, with all
// that is wrong in it, up to a hundred fields.
func Parse(yaml []byte) ([]podnet.Object, error) { return parse("", yaml) }

func parse(file string, text []byte) ([]podnet.Object, error) {
	docs, err := split(text)
	if err != nil {
		return nil, &Error{File: file, Err: err}
	}
	var objects []podnet.Object
	for i, doc := range docs {
		more, err := doc.objects()
		if err != nil {
			e := &Error{File: file, Err: err}
			if len(docs) > 1 {
				e.Document, e.Line = i+1, doc.line
			}
			return nil, e
		}
		objects = append(objects, more...)
	}
	if len(objects) == 0 {
		return nil, &Error{File: file, Err: errEmpty}
	}
	return objects, nil
}

// Error says what is wrong with a manifest, and where.
//
//	pods.yaml: document 2 (line 14): Pod "web" is invalid: spec.containers: Required value
type Error struct {
	File     string // as given to Load; empty from Parse
	Document int    // counted from 1; 0 if the manifest has one document only
	Line     int    // the line of the manifest where Document starts; 0 if Document is
	Err      error  // a *podnet.InvalidError where fields are wrong
}

func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Document > 0 {
		text = fmt.Sprintf("document %d (line %d): %s", e.Document, e.Line, text)
	}
	if e.File != "" {
		text = e.File + ": " + text
	}
	return text
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }
