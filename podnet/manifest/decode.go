package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"podnet.dev/podnet"
)

// objects returns the objects of a document: none if it is null.
func (d document) objects() ([]podnet.Object, error) {
	value, err := d.toJSON()
	if err != nil {
		return nil, err
	}
	if string(value) == "null" {
		return nil, nil
	}
	return decode(value, false)
}

// list is kind List as kubectl prints it.
type list struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []json.RawMessage `json:"items"`
}

// kinds are those that podnet has, each with its one version and what decodes it.
var kinds = map[string]struct {
	apiVersion string
	decode     func(kind string, value []byte) (podnet.Object, error) // nil for a List
}{
	"ConfigMap":     {"v1", decodeTo(convertConfigMap)},
	"DNSChaos":      {chaosMesh, decodeTo(convertDNSChaos)},
	"Deployment":    {"apps/v1", decodeTo(convertDeployment)},
	"EndpointSlice": {"discovery.k8s.io/v1", decodeTo(convertEndpointSlice)},
	"List":          {"v1", nil},
	"Namespace":     {"v1", decodeTo(convertNamespace)},
	"NetworkChaos":  {chaosMesh, decodeTo(convertNetworkChaos)},
	"NetworkPolicy": {"networking.k8s.io/v1", decodeTo(convertNetworkPolicy)},
	"Pod":           {"v1", decodeTo(convertPod)},
	"PodChaos":      {chaosMesh, decodeTo(convertPodChaos)},
	"Schedule":      {chaosMesh, decodeTo(convertSchedule)},
	"Secret":        {"v1", decodeTo(convertSecret)},
	"Service":       {"v1", decodeTo(convertService)},
	"StatefulSet":   {"apps/v1", decodeTo(convertStatefulSet)},
}

// decode returns the object in value, or the objects if it is a List; a List
// inside a List (nested) is refused.
func decode(value []byte, nested bool) ([]podnet.Object, error) {
	if value[0] != '{' {
		return nil, fmt.Errorf("%s instead of a Kubernetes object: want apiVersion, kind, metadata and spec", describe(value))
	}
	var head metav1.TypeMeta
	// An error here is found again, with more to say, below.
	if err := kjson.UnmarshalCaseSensitivePreserveInts(value, &head); err != nil {
		head = metav1.TypeMeta{}
	}
	kind, known := kinds[head.Kind]
	switch {
	case head.Kind == "" || head.APIVersion == "":
		return nil, &podnet.InvalidError{Kind: "object", Name: nameOf(value), Fields: checkHead(value, head)}
	case head.Kind == "List" && nested:
		return nil, errors.New("a List in a List: move its items to the outer one")
	case !known:
		return nil, fmt.Errorf("kind %s of apiVersion %s: %s: %s", quote(head.Kind), quote(head.APIVersion), unsupported, adviceForKind(head.Kind))
	case head.APIVersion != kind.apiVersion:
		return nil, &podnet.InvalidError{Kind: head.Kind, Name: nameOf(value), Fields: []*podnet.FieldError{{
			Field: "apiVersion", Type: podnet.FieldNotSupported, Value: shorten(head.APIVersion), Detail: fmt.Sprintf("supported values: %q", kind.apiVersion)}}}
	case head.Kind == "List":
		return decodeList(value)
	}
	object, err := kind.decode(head.Kind, value)
	if err != nil {
		return nil, err
	}
	return []podnet.Object{object}, nil
}

// decodeTo returns what decodes an object into a T and converts that.
func decodeTo[T any](convert func(*T, []*podnet.FieldError) (podnet.Object, error)) func(kind string, value []byte) (podnet.Object, error) {
	return func(kind string, value []byte) (podnet.Object, error) {
		var from T
		wrong, err := decodeStrict(value, &from)
		if err != nil {
			return nil, fmt.Errorf("kind %s %q: %w", kind, nameOf(value), err)
		}
		if len(wrong) > 0 && wrong[0].Type == podnet.FieldInvalid {
			// Fields of the wrong type were left empty. That they are
			// required as well would be no news.
			return nil, &podnet.InvalidError{Kind: kind, Name: nameOf(value), Fields: wrong}
		}
		return convert(&from, wrong)
	}
}

func decodeList(value []byte) ([]podnet.Object, error) {
	var l list
	wrong, err := decodeStrict(value, &l)
	if err != nil {
		return nil, fmt.Errorf("kind List: %w", err)
	}
	c := converter{wrong: wrong}
	c.refuseRest("metadata", reflect.ValueOf(l.ListMeta))
	if len(c.wrong) > 0 {
		return nil, &podnet.InvalidError{Kind: "List", Fields: c.wrong}
	}
	var objects []podnet.Object
	for i, item := range l.Items {
		more, err := decode(item, true)
		if err != nil {
			return nil, fmt.Errorf("items[%d]: %w", i, err)
		}
		objects = append(objects, more...)
	}
	return objects, nil
}

// checkHead says what is wrong with apiVersion and kind, of which head lacks
// one.
func checkHead(value []byte, head metav1.TypeMeta) []*podnet.FieldError {
	// Unknown fields matter only where they are apiVersion or kind misspelt.
	var wrong []*podnet.FieldError
	for _, e := range explain(value, reflect.TypeFor[metav1.TypeMeta]()) {
		if e.Type != unknownField || e.Detail != adviceUnknown {
			wrong = append(wrong, e)
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	if head.APIVersion == "" {
		wrong = append(wrong, &podnet.FieldError{Field: "apiVersion", Type: podnet.FieldRequired, Detail: versionsText()})
	}
	if head.Kind == "" {
		wrong = append(wrong, &podnet.FieldError{Field: "kind", Type: podnet.FieldRequired, Detail: sentence(slices.Sorted(maps.Keys(kinds)), "or")})
	}
	return wrong
}

func adviceForKind(kind string) string {
	switch kind {
	case "ReplicaSet", "ReplicationController":
		return kindsText() + ": make a Deployment of it"
	case "DaemonSet", "Job":
		return kindsText() + ": make a Pod of its spec.template"
	}
	return kindsText()
}

// kindsText and versionsText tell which kinds there are.
func kindsText() string {
	kinds := slices.DeleteFunc(slices.Sorted(maps.Keys(kinds)), func(kind string) bool { return kind == "List" })
	return "it has kinds " + sentence(kinds, "and") + ", alone or in a List"
}

func versionsText() string {
	byVersion := make(map[string][]string)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		version := kinds[kind].apiVersion
		byVersion[version] = append(byVersion[version], kind)
	}
	var texts []string
	for _, version := range slices.Backward(slices.Sorted(maps.Keys(byVersion))) { // v1 first
		texts = append(texts, version+" for "+sentence(byVersion[version], "and"))
	}
	return strings.Join(texts, "; ")
}

// sentence joins words as in a sentence.
func sentence(words []string, conjunction string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " " + conjunction + " " + words[n]
	}
	return strings.Join(words, "")
}

// nameOf returns metadata.name of an object that may be wrong otherwise.
func nameOf(value []byte) string {
	var object struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	// What cannot be read has no name.
	_ = kjson.UnmarshalCaseSensitivePreserveInts(value, &object)
	return shorten(object.Metadata.Name)
}

// toJSON returns the document as JSON. Its errors have the manifest's lines.
func (d document) toJSON() ([]byte, error) {
	if len(d.text) > maxDocument {
		return nil, fmt.Errorf("%d bytes: a document may have %d (3 MiB), as a request to the API server", len(d.text), maxDocument)
	}
	if d.json {
		return d.text, nil
	}
	if err := checkYAML(d.text); err != nil {
		return nil, d.explainYAML(err)
	}
	value, err := yaml.YAMLToJSONStrict(d.text)
	if err != nil {
		return nil, d.explainYAML(err)
	}
	return value, nil
}

// checkYAML refuses what is dangerous to convert: more than the one document
// that would be read, and aliases that make much out of little. The YAML
// library limits how many nodes come from aliases, not how long they are.
func checkYAML(text []byte) error {
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	decoder.SetStrict(true)
	var value, next any
	if err := decoder.Decode(&value); err != nil && err != io.EOF {
		return err
	}
	if expandedSize(value) > maxDocument {
		return fmt.Errorf("aliases (*name) make it longer than %d bytes (3 MiB): write out less, or split it", maxDocument)
	}
	if err := decoder.Decode(&next); err != io.EOF {
		if err == nil {
			err = errors.New(`a second document begins in this one: put a line "---" before it`)
		}
		return err
	}
	return nil
}

// expandedSize returns about how long value is as JSON, or something greater
// than maxDocument.
func expandedSize(value any) int {
	size := 1
	switch v := value.(type) {
	case string:
		size += len(v)
	case []any:
		for i := 0; i < len(v) && size <= maxDocument; i++ {
			size += expandedSize(v[i])
		}
	case map[any]any:
		for key, elem := range v {
			if size += expandedSize(key) + expandedSize(elem); size > maxDocument {
				break
			}
		}
	}
	return size
}
