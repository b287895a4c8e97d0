package podnet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FieldErrorType says what is wrong with a field. It is the text itself that
// Kubernetes prints for it.
type FieldErrorType string

// The types of field errors of Kubernetes (apimachinery,
// util/validation/field/errors.go) that podnet uses.
const (
	FieldRequired     FieldErrorType = "Required value"
	FieldInvalid      FieldErrorType = "Invalid value"
	FieldNotSupported FieldErrorType = "Unsupported value"
	FieldNotFound     FieldErrorType = "Not found"
	FieldDuplicate    FieldErrorType = "Duplicate value"
	FieldForbidden    FieldErrorType = "Forbidden"
	FieldTooLong      FieldErrorType = "Too long"
	FieldTooMany      FieldErrorType = "Too many"
)

// FieldError is one thing that is wrong with an object. It prints as the API
// server's does:
//
//	spec.containers[1].name: Duplicate value: "web"
type FieldError struct {
	Field  string         // path as in a manifest: "spec.containers[0].image"
	Type   FieldErrorType // what is wrong
	Value  any            // the value that is wrong; nil if none is to be printed
	Detail string         // what would be right; may be empty
}

func (e *FieldError) Error() string {
	var b strings.Builder
	b.WriteString(e.Field)
	b.WriteString(": ")
	b.WriteString(string(e.Type))
	switch e.Type {
	case FieldInvalid, FieldNotSupported, FieldNotFound, FieldDuplicate, FieldTooMany:
		if e.Value != nil {
			b.WriteString(": ")
			b.WriteString(formatValue(e.Value))
		}
	}
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	return b.String()
}

// formatValue prints strings as Go does and all else as JSON, which is what
// Kubernetes does.
func formatValue(value any) string {
	if s, ok := value.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	if b, err := json.Marshal(value); err == nil {
		return string(b)
	}
	return fmt.Sprintf("%#v", value)
}

// InvalidError is the error of an object that the API server would refuse. It
// holds everything that is wrong, not only the first thing, and prints as the
// API server's does:
//
//	Pod "web" is invalid: spec.containers: Required value
//	Pod "web" is invalid: [metadata.name: ..., spec.containers: ...]
//
// errors.As with a *[FieldError] finds the first of Fields.
type InvalidError struct {
	Kind   string // "Pod", "ConfigMap", "NetworkPolicy"…
	Name   string // the object's name as given, perhaps empty
	Fields []*FieldError
}

func (e *InvalidError) Error() string {
	// Equal texts are printed once: two bad labels may have the same value.
	seen := make(map[string]bool, len(e.Fields))
	texts := make([]string, 0, len(e.Fields))
	for _, f := range e.Fields {
		if text := f.Error(); !seen[text] {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	all := strings.Join(texts, ", ")
	if len(texts) > 1 {
		all = "[" + all + "]"
	}
	return fmt.Sprintf("%s %q is invalid: %s", e.Kind, e.Name, all)
}

// Unwrap returns Fields.
func (e *InvalidError) Unwrap() []error {
	errs := make([]error, len(e.Fields))
	for i, f := range e.Fields {
		errs[i] = f
	}
	return errs
}

// fieldErrors collects what is wrong with an object.
type fieldErrors []*FieldError

func (l *fieldErrors) add(typ FieldErrorType, field string, value any, detail string) {
	*l = append(*l, &FieldError{Field: field, Type: typ, Value: value, Detail: detail})
}

// invalid adds one error for each of msgs.
func (l *fieldErrors) invalid(field string, value any, msgs ...string) {
	for _, msg := range msgs {
		l.add(FieldInvalid, field, value, msg)
	}
}

func (l *fieldErrors) notNegative(field string, value int64) {
	if value < 0 {
		l.add(FieldInvalid, field, value, "must be greater than or equal to 0")
	}
}

func (l *fieldErrors) between(field string, value, lo, hi int64) {
	if value < lo || value > hi {
		l.add(FieldInvalid, field, value, fmt.Sprintf("must be between %d and %d, inclusive", lo, hi))
	}
}

func (l *fieldErrors) maxBytes(field string, size, limit int) {
	if size > limit {
		l.add(FieldTooLong, field, nil, fmt.Sprintf("may not be more than %d bytes", limit))
	}
}

func (l *fieldErrors) maxItems(field string, n, limit int) {
	if n > limit {
		l.add(FieldTooMany, field, n, fmt.Sprintf("must have at most %d items", limit))
	}
}

// oneOf adds an error if value is none of values, which are in the order in
// which the API server names them.
func oneOf[T ~string](l *fieldErrors, field string, value T, values ...T) {
	if slices.Contains(values, value) {
		return
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(string(v))
	}
	l.add(FieldNotSupported, field, value, "supported values: "+strings.Join(quoted, ", "))
}

// err returns the errors as an *InvalidError, nil if there are none.
func (l fieldErrors) err(kind, name string) error {
	if len(l) == 0 {
		return nil
	}
	return &InvalidError{Kind: kind, Name: name, Fields: l}
}
