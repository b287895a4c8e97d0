package manifest

import (
	"encoding/json"
	"iter"
	"reflect"
	"strings"

	"podnet.dev/podnet"
)

// unsupported is for fields that Kubernetes knows and podnet does not have.
const unsupported podnet.FieldErrorType = "not supported by podnet yet"

// advice says what to do about an unsupported field, by its last name. What is
// not here can only be removed.
var advice = map[string]string{
	"configMap":             "use emptyDir, and write the files from a container",
	"envFrom":               "name each variable under env",
	"generateName":          "podnet makes up no names: set metadata.name",
	"hostIP":                "remove it: a port is reached at the Pod's IP",
	"hostNetwork":           "remove it: podnet's node has no programs to share a network with",
	"hostPath":              "use emptyDir",
	"hostPort":              "remove it: a port is reached at the Pod's IP",
	"initContainers":        "remove them, or do their work at the start of a container's command",
	"limits":                "remove it: podnet limits neither CPU nor memory",
	"persistentVolumeClaim": "use emptyDir",
	"projected":             "use emptyDir, and write the files from a container",
	"requests":              "remove it: podnet shares out neither CPU nor memory",
	"secret":                "use emptyDir, and write the files from a container",
	"subPath":               "mount the whole volume",
	"subPathExpr":           "mount the whole volume",
	"valueFrom":             "give the value itself",

	// What kubectl get -o yaml prints and nobody writes.
	"creationTimestamp": "remove it: a cluster sets it",
	"generation":        "remove it: a cluster sets it",
	"managedFields":     "remove it: a cluster sets it",
	"resourceVersion":   "remove it: a cluster sets it",
	"selfLink":          "remove it: a cluster sets it",
	"status":            "remove it: a cluster sets it",
	"uid":               "remove it: a cluster sets it",
}

func adviceFor(path string) string {
	if text := advice[path[strings.LastIndexByte(path, '.')+1:]]; text != "" {
		return text
	}
	return "remove it"
}

// structField is a field of a Kubernetes type; name is empty if the struct's
// fields are inlined.
type structField struct {
	reflect.StructField
	name string
}

// fieldsOf yields the fields of a Kubernetes type by their JSON names. All have
// a tag with a name, or are embedded structs tagged "inline".
func fieldsOf(t reflect.Type) iter.Seq[structField] {
	return func(yield func(structField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "-" && !yield(structField{f, name}) {
				return
			}
		}
	}
}

// refuseRest reports the fields of v, a struct at path at, that are still set
// after those that podnet has were taken out. A list, a mapping or a pointer is
// reported as a whole.
func (c *converter) refuseRest(at string, v reflect.Value) {
	for f := range fieldsOf(v.Type()) {
		field := v.FieldByIndex(f.Index)
		path := at
		if f.name != "" {
			path = join(at, f.name)
		}
		switch kind := field.Kind(); {
		case field.IsZero():
		case (kind == reflect.Slice || kind == reflect.Map) && field.Len() == 0:
		case kind == reflect.Struct && !isUnmarshaler(field.Type()):
			c.refuseRest(path, field)
		default:
			c.refuse(path)
		}
	}
}

// isUnmarshaler says if t reads itself: a time, not a struct of fields.
func isUnmarshaler(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

func (c *converter) refuse(path string) {
	c.wrong = append(c.wrong, &podnet.FieldError{Field: path, Type: unsupported, Detail: adviceFor(path)})
}
