package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
)

// describe names the kind of a JSON value that is no object.
func describe(value []byte) string {
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		return "something"
	}
	if number, ok := v.(float64); ok {
		return kindOf(json.Number(fmt.Sprint(number)))
	}
	return kindOf(v)
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "a mapping"
}

var lineInError = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// explainYAML returns an error of the YAML library with the lines of the
// manifest instead of the document's.
func (d document) explainYAML(err error) error {
	texts := []string{err.Error()}
	var many *goyaml.TypeError
	if errors.As(err, &many) {
		texts = many.Errors[:min(len(many.Errors), maxWrong)]
	}
	for i, text := range texts {
		where := ""
		if m := lineInError.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits, by the expression
			where = fmt.Sprintf("line %d: ", d.line+n-1)
			text = text[len(m[0]):]
		}
		text = strings.TrimPrefix(text, "yaml: ")
		if strings.Contains(text, "cannot start any token") && bytes.Contains(d.text, []byte("\t")) {
			text += ": indent with spaces, not with tabs"
		}
		texts[i] = where + shorten(text)
	}
	if len(texts) > 1 {
		return fmt.Errorf("[%s]", strings.Join(texts, ", "))
	}
	return errors.New(texts[0])
}

var plainKey = regexp.MustCompile(`^[-A-Za-z0-9_./]+$`)

// join returns the path of field key of the object at path at.
func join(at, key string) string {
	if at == "" {
		return printable(key)
	}
	return at + "." + printable(key)
}

// printable returns key in quotes if it has anything in it that names in
// Kubernetes do not have.
func printable(key string) string {
	if plainKey.MatchString(key) {
		return shorten(key)
	}
	return quote(key)
}

// shorten keeps errors readable, whatever was in the file.
func shorten(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "..."
}

func quote(s string) string { return strconv.Quote(shorten(s)) }
