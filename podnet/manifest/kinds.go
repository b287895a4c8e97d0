package manifest

import (
	"fmt"
	"strings"

	"podnet.dev/podnet"
)

// kind is a kind of object that a manifest may have.
type kind struct {
	apiVersion, name string
	decode           func(value []byte) (podnet.Object, error)
}

// kinds are all kinds but List, by apiVersion.
var kinds = []kind{
	newKind("v1", "Pod", convertPod),
	newKind("v1", "ConfigMap", convertConfigMap),
	newKind("v1", "Secret", convertSecret),
	newKind("apps/v1", "Deployment", convertDeployment),
	newKind("apps/v1", "StatefulSet", convertStatefulSet),
}

func newKind[T any](apiVersion, name string, convert func(*T, []*podnet.FieldError) (podnet.Object, error)) kind {
	return kind{apiVersion, name, func(value []byte) (podnet.Object, error) { return decodeOne(name, value, convert) }}
}

// kindNames lists the kinds of an apiVersion, or all of them if it is empty.
func kindNames(apiVersion string) []string {
	var names []string
	for _, k := range kinds {
		if apiVersion == "" || k.apiVersion == apiVersion {
			names = append(names, k.name)
		}
	}
	return names
}

// enumerate joins words as a sentence does: "A, B and C".
func enumerate(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

// apiVersions says which apiVersion each kind has.
func apiVersions() string {
	var texts []string
	last := ""
	for _, k := range kinds {
		if k.apiVersion != last {
			last = k.apiVersion
			names := kindNames(last)
			noun := "kinds"
			if len(names) == 1 {
				noun = "kind"
			}
			texts = append(texts, fmt.Sprintf("%s for %s %s", last, noun, enumerate(names, "and")))
		}
	}
	return strings.Join(texts, ", ")
}

// adviceForKind says what to do about an object of a kind that podnet does not
// have.
func adviceForKind(kind string) string {
	text := "it has kinds " + enumerate(kindNames(""), "and") + ", alone or in a List"
	switch kind {
	case "ReplicaSet", "ReplicationController":
		return text + ": make a Deployment of it"
	case "DaemonSet", "Job":
		return text + ": make a Pod of its spec.template"
	case "CronJob":
		return text + ": make a Pod of its spec.jobTemplate.spec.template"
	}
	return text
}
