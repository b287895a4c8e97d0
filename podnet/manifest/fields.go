package manifest

import (
	"cmp"
	"encoding/json"
	"iter"
	"reflect"
	"strconv"
	"strings"

	"podnet.dev/podnet"
)

// unsupported is for fields that Kubernetes knows and podnet does not have.
const unsupported podnet.FieldErrorType = "not supported by podnet yet"

// advice says what to do about an unsupported field, by its last name or by its
// last two. What is not here can only be removed.
var advice = map[string]string{
	"generateName":          "podnet makes up no names: set metadata.name",
	"shareProcessNamespace": "remove it: a container sees its own processes only",
	"spec.finalizers":       "remove it: a cluster sets it",
	"spec.resources":        "set them for each container: podnet shows them, and limits nothing",

	"ephemeralContainers":  "remove them: exec runs a command in any container",
	"fileKeyRef":           "give the value itself, or take it from a ConfigMap",
	"httpGet.protocol":     "remove it: podnet asks with HTTP/1.1",
	"grpc.mode":            "remove it: podnet asks without TLS",
	"lifecycle.stopSignal": "remove it: a container is stopped by SIGTERM",
	"postStart.tcpSocket":  "use exec or httpGet: with it the hook fails in Kubernetes too",
	"preStop.tcpSocket":    "use exec or httpGet: with it the hook fails in Kubernetes too",
	"stdin":                "remove it: nothing is typed into a container",
	"stdinOnce":            "remove it: nothing is typed into a container",
	"tty":                  "remove it: a container has no terminal",

	"awsElasticBlockStore":  "use emptyDir",
	"csi":                   "use emptyDir",
	"ephemeral":             "use emptyDir",
	"gcePersistentDisk":     "use emptyDir",
	"hostPath":              "use emptyDir",
	"nfs":                   "use emptyDir",
	"persistentVolumeClaim": "use emptyDir",
	"clusterTrustBundle":    "use a configMap",
	"podCertificate":        "use a secret",
	"serviceAccountToken":   "remove it: there is no API server that would know the token",
	"volumeClaimTemplates":  "remove them, and mount an emptyDir of spec.template.spec.volumes: it lives as long as the Pod",
	"volumeDevices":         "mount the volume: podnet has no block devices",

	"appArmorProfile":        notConfined,
	"procMount":              notConfined,
	"readOnlyRootFilesystem": notConfined,
	"seLinuxOptions":         notConfined,
	"seccompProfile":         notConfined,
	"fsGroup":                "remove it: every user may read and write a volume",
	"fsGroupChangePolicy":    "remove it: every user may read and write a volume",
	"supplementalGroups":     "remove it: groups grant nothing",

	"spec.paused":             "remove it: there are no changes of a template to put off",
	"progressDeadlineSeconds": "make it greater than minReadySeconds, or remove it: podnet exchanges no Pods for others",
	"revisionHistoryLimit":    "make it 0 or greater, or remove it: podnet keeps no revisions",
	"strategy.type":           "use RollingUpdate or Recreate, or remove it: podnet exchanges no Pods for others",
	"strategy.rollingUpdate":  "use type RollingUpdate with limits that are not both 0, or remove it: podnet exchanges no Pods for others",
	"updateStrategy.type":     "use RollingUpdate or OnDelete, or remove it: podnet exchanges no Pods for others",
	"spec.loadBalancerIP":     "set status.loadBalancer.ingress: there is no cloud to ask",
	"hints":                   "remove it: set spec.trafficDistribution of the Service",
	"targetRef":               "remove it: the endpoints of Pods are found by the Service's selector",
	"deprecatedTopology":      "set nodeName and zone",

	"bandwidth.minburst":           noBursts,
	"bandwidth.peakrate":           noBursts,
	"selector.annotationSelectors": selectOtherwise,
	"selector.fieldSelectors":      selectOtherwise,
	"selector.nodeSelectors":       selectOtherwise,
	"selector.nodes":               selectOtherwise,
	"selector.podPhaseSelectors":   selectOtherwise,
	"device":                       "remove it: a Pod has one interface beside lo",
	"externalTargets":              "select Pods with target: there is nothing outside of the cluster",
	"networkChaos.rate":            useBandwidth,
	"spec.rate":                    useBandwidth,
	"remoteCluster":                "remove it: there is one cluster",
	"targetDevice":                 "remove it: a Pod has one interface beside lo",
	"startingDeadlineSeconds":      "remove it: a chaos is made in time",

	// What kubectl get -o yaml prints and nobody writes.
	"creationTimestamp": "remove it: a cluster sets it",
	"generation":        "remove it: a cluster sets it",
	"managedFields":     "remove it: a cluster sets it",
	"resourceVersion":   "remove it: a cluster sets it",
	"selfLink":          "remove it: a cluster sets it",
	"status":            "remove it: a cluster sets it",
	"uid":               "remove it: a cluster sets it",
}

const notConfined = "remove it: a container is a goroutine, which the kernel cannot confine"

const (
	useBandwidth    = "use the action bandwidth"
	noBursts        = "remove it: a line has no bursts that it would limit"
	selectOtherwise = "select Pods by namespaces, labelSelectors, expressionSelectors or pods"
)

func adviceFor(path string) string {
	parent, name := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		parent, name = path[:i], path[i+1:]
		parent = parent[strings.LastIndexByte(parent, '.')+1:]
	}
	return cmp.Or(advice[parent+"."+name], advice[name], "remove it")
}

// index returns the path of element i of the list at path at.
func index(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

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
