package manifest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	kjson "sigs.k8s.io/json"

	"podnet.dev/podnet"
)

const (
	unknownField   podnet.FieldErrorType = "unknown field"
	duplicateField podnet.FieldErrorType = "duplicate field"

	adviceUnknown = "check its name and its indentation, or remove it"

	// maxWrong is how many wrong fields of a document are reported, as by
	// the strict decoder of Kubernetes.
	maxWrong = 100
)

// decodeStrict decodes value into the struct that into points to. It returns
// the fields that are wrong, those of the wrong type first; the error is for
// what is wrong with no field.
func decodeStrict(value []byte, into any) ([]*podnet.FieldError, error) {
	if maybeEndless.Match(value) {
		var v any
		if strict, err := kjson.UnmarshalStrict(value, &v); err != nil || len(strict) > 0 {
			return nil, errors.Join(append(strict, err)...) // explain sees only one of two equal keys
		}
		if wrong := explain(value, reflect.TypeOf(into).Elem()); len(wrong) > 0 && wrong[0].Type == podnet.FieldInvalid {
			return wrong, nil
		}
	}
	strict, err := kjson.UnmarshalStrict(value, into)
	if err == nil && len(strict) == 0 {
		return nil, nil
	}
	wrong := explain(value, reflect.TypeOf(into).Elem())
	for _, e := range strict {
		var field kjson.FieldError
		// explain cannot see keys that are there twice.
		if errors.As(e, &field) && strings.HasPrefix(e.Error(), "duplicate field") {
			wrong = append(wrong, &podnet.FieldError{Field: field.FieldPath(), Type: duplicateField, Detail: "keep one of them"})
		}
	}
	if len(wrong) > 0 {
		return wrong, nil
	}
	return nil, errors.Join(append(strict, err)...)
}

// Kubernetes reads a quantity such as 1e-999999999 for hours, so it gets none with
// an exponent of three digits to read. endless matches one, and maybeEndless the
// JSON of what may have one.
var (
	endless      = regexp.MustCompile(`[eE][-+]?[0-9]{3,}$`)
	maybeEndless = regexp.MustCompile(`[eE][-+]?[0-9]{3}|\\u`)
)

// explain returns the fields of value, a JSON object, that type t does not have
// or has with another type. The JSON library itself names the first of them
// only and does not say in which container it is.
func explain(value []byte, t reflect.Type) []*podnet.FieldError {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber() // keeps numbers as they were written
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil
	}
	var e explainer
	e.check("", v, t)
	wrong := append(e.mistyped, e.unknown...)
	return wrong[:min(len(wrong), maxWrong)]
}

type explainer struct {
	mistyped, unknown []*podnet.FieldError
}

func (e *explainer) check(at string, value any, t reflect.Type) {
	if value == nil {
		return // null means not set, whatever the type
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		e.checkUnmarshaler(at, value, t)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		e.check(at, value, t.Elem())
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			e.wrongType(at, value, "must be a mapping, not "+kindOf(value))
			return
		}
		e.checkFields(at, object, t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			e.checkBytes(at, value)
			return
		}
		elems, ok := value.([]any)
		if !ok {
			e.wrongType(at, value, "must be a list, not "+kindOf(value))
			return
		}
		for i, elem := range elems {
			e.check(fmt.Sprintf("%s[%d]", at, i), elem, t.Elem())
		}
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			e.wrongType(at, value, "must be a mapping, not "+kindOf(value))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			e.check(join(at, key), object[key], t.Elem())
		}
	case reflect.String:
		if _, ok := value.(string); !ok {
			advice := ""
			switch value.(type) {
			case json.Number, bool:
				advice = ": put it in quotes"
			}
			e.wrongType(at, value, "must be a string, not "+kindOf(value)+advice)
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			e.wrongType(at, value, "must be true or false, without quotes")
		}
	case reflect.Int32, reflect.Int64:
		number, ok := value.(json.Number)
		if _, err := strconv.ParseInt(string(number), 10, t.Bits()); !ok || err != nil {
			e.wrongType(at, value, fmt.Sprintf("must be a whole number of %d bits, without quotes", t.Bits()))
		}
	}
}

// checkUnmarshaler is for types that read themselves.
func (e *explainer) checkUnmarshaler(at string, value any, t reflect.Type) {
	if t == reflect.TypeFor[resource.Quantity]() && endless.MatchString(strings.TrimSpace(fmt.Sprint(value))) {
		e.wrongType(at, value, "must not have an exponent of more than two digits")
		return
	}
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, reflect.New(t).Interface())
	}
	switch {
	case err == nil:
	case t == reflect.TypeFor[intstr.IntOrString]():
		e.wrongType(at, value, "must be the number of a port, or the name of one")
	default:
		e.wrongType(at, value, shorten(err.Error()))
	}
}

// checkBytes is for data that JSON has as text in base64.
func (e *explainer) checkBytes(at string, value any) {
	switch v := value.(type) {
	case string:
		if _, err := base64.StdEncoding.DecodeString(v); err != nil {
			e.wrongType(at, value, fmt.Sprintf("must be in base64: %v", err))
		}
	case []any: // of numbers: nobody writes it, but it can be read
	default:
		e.wrongType(at, value, "must be a string in base64, not "+kindOf(value))
	}
}

func (e *explainer) checkFields(at string, object map[string]any, t reflect.Type) {
	fields := make(map[string]reflect.Type)
	addFields(fields, t)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if field, ok := fields[key]; ok {
			e.check(join(at, key), object[key], field)
			continue
		}
		advice := adviceUnknown
		if near := nearest(key, slices.Sorted(maps.Keys(fields))); near != "" {
			advice = fmt.Sprintf("did you mean %q?", near)
		}
		e.unknown = append(e.unknown, &podnet.FieldError{Field: join(at, key), Type: unknownField, Detail: advice})
	}
}

func (e *explainer) wrongType(at string, value any, detail string) {
	switch v := value.(type) {
	case string:
		value = shorten(v)
	case json.Number:
		value = json.Number(shorten(string(v)))
	case bool:
	default:
		value = nil // too long to print
	}
	e.mistyped = append(e.mistyped, &podnet.FieldError{Field: at, Type: podnet.FieldInvalid, Value: value, Detail: detail})
}

// addFields adds the JSON names of t's fields, those of inlined structs
// included, with their types.
func addFields(fields map[string]reflect.Type, t reflect.Type) {
	for f := range fieldsOf(t) {
		if f.name == "" {
			addFields(fields, f.Type)
		} else {
			fields[f.name] = f.Type
		}
	}
}

// nearest returns the one of names that is key in other letters' case or up to
// two edits away, or "".
func nearest(key string, names []string) string {
	if len(key) > 64 {
		return ""
	}
	best, bestDistance := "", 3
	for _, name := range names {
		if d := editDistance(strings.ToLower(key), strings.ToLower(name)); d < bestDistance && d*2 < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0]++
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d++
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
