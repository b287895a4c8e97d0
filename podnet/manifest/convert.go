package manifest

import (
	"cmp"
	"errors"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podnet.dev/podnet"
)

// converter takes the fields that podnet has out of a Kubernetes object. What
// is left in the object afterwards is refused, so no field can be forgotten
// here: not those that Kubernetes adds later either.
type converter struct {
	wrong []*podnet.FieldError

	// instead are errors about values that podnet's types cannot hold, by the
	// field's path. Such a field is left empty, and its error takes the place
	// of "Required value". Where several fields have one path, they come in
	// the order in which they are validated, and nil keeps what is there.
	instead map[string][]*podnet.FieldError
}

// cannotHold reports a value that podnet's type of the field cannot hold.
func (c *converter) cannotHold(at string, value any, detail string) {
	c.require(at, &podnet.FieldError{Field: at, Type: podnet.FieldInvalid, Value: value, Detail: detail})
}

// require says what is to be reported of a field that is left empty.
func (c *converter) require(at string, e *podnet.FieldError) {
	if c.instead == nil {
		c.instead = make(map[string][]*podnet.FieldError)
	}
	c.instead[at] = append(c.instead[at], e)
}

// finish returns all that is wrong with the object as one error, nil if nothing
// is. invalid is what its Validate says.
func (c *converter) finish(kind, name string, invalid error) error {
	var e *podnet.InvalidError
	if errors.As(invalid, &e) {
		for _, field := range e.Fields {
			if others := c.instead[field.Field]; len(others) > 0 && field.Type == podnet.FieldRequired {
				field, c.instead[field.Field] = cmp.Or(others[0], field), others[1:]
			}
			c.wrong = append(c.wrong, field)
		}
	} else if invalid != nil {
		return invalid
	}
	if n := len(c.wrong); n > 0 {
		return &podnet.InvalidError{Kind: kind, Name: name, Fields: c.wrong[:min(n, maxWrong)]}
	}
	return nil
}

// meta takes out of an object's metadata what podnet has.
func meta(from *metav1.ObjectMeta) (name, namespace string, labels, annotations map[string]string) {
	name = take(&from.Name)
	if name == "" && from.GenerateName != "" {
		// Refused later. That there is no name as well would be no news.
		name = strings.TrimRight(from.GenerateName, "-")
	}
	return name, take(&from.Namespace), take(&from.Labels), take(&from.Annotations)
}

// convertList converts each element of a list, and refuses what is left of it.
// at is the list's path.
func convertList[From, To any](c *converter, at string, list []From, convert func(at string, from *From) To) []To {
	var converted []To
	for i := range list {
		at := index(at, i)
		converted = append(converted, convert(at, &list[i]))
		c.refuseRest(at, reflect.ValueOf(list[i]))
	}
	return converted
}

// convertPointer converts what from points to and refuses what is left of it. Of
// nil it makes nil.
func convertPointer[From, To any](c *converter, at string, from *From, convert func(at string, from *From) To) *To {
	if from == nil {
		return nil
	}
	converted := convert(at, from)
	c.refuseRest(at, reflect.ValueOf(*from))
	return &converted
}

// take returns what p points to and leaves the zero value there.
func take[T any](p *T) T {
	value := *p
	*p = *new(T)
	return value
}

// takeTrue takes a pointer for which nil means false.
func takeTrue(p **bool) bool {
	value := take(p)
	return value != nil && *value
}
