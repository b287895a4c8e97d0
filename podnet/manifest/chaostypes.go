package manifest

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// chaosMesh is the apiVersion of the kinds below.
const chaosMesh = "chaos-mesh.org/v1alpha1"

// These are the kinds of Chaos Mesh that podnet has, with all fields that Chaos Mesh
// knows: what podnet does not do is refused by name.

type chaosObject[S any] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              S              `json:"spec"`
	Status            map[string]any `json:"status"`
}

type podSelector struct {
	Selector podSelectorSpec `json:"selector"`
	Mode     string          `json:"mode"`
	Value    string          `json:"value"`
}

type podSelectorSpec struct {
	Namespaces          []string                          `json:"namespaces"`
	LabelSelectors      map[string]string                 `json:"labelSelectors"`
	ExpressionSelectors []metav1.LabelSelectorRequirement `json:"expressionSelectors"`
	Pods                map[string][]string               `json:"pods"`

	Nodes               []string          `json:"nodes"`
	NodeSelectors       map[string]string `json:"nodeSelectors"`
	FieldSelectors      map[string]string `json:"fieldSelectors"`
	AnnotationSelectors map[string]string `json:"annotationSelectors"`
	PodPhaseSelectors   []string          `json:"podPhaseSelectors"`
}

type schedule struct {
	Schedule          string        `json:"schedule"`
	ConcurrencyPolicy string        `json:"concurrencyPolicy"`
	HistoryLimit      int           `json:"historyLimit"`
	Type              string        `json:"type"`
	NetworkChaos      *networkChaos `json:"networkChaos"`
	PodChaos          *podChaos     `json:"podChaos"`
	DNSChaos          *dnsChaos     `json:"dnsChaos"`

	StartingDeadlineSeconds *int64 `json:"startingDeadlineSeconds"`
}

type networkChaos struct {
	podSelector `json:",inline"`
	Action      string          `json:"action"`
	Duration    string          `json:"duration"`
	Direction   string          `json:"direction"`
	Target      *podSelector    `json:"target"`
	Delay       *chaosDelay     `json:"delay"`
	Loss        *chaosLoss      `json:"loss"`
	Duplicate   *chaosDuplicate `json:"duplicate"`
	Corrupt     *chaosCorrupt   `json:"corrupt"`
	Bandwidth   *chaosBandwidth `json:"bandwidth"`

	ExternalTargets []string       `json:"externalTargets"`
	Rate            map[string]any `json:"rate"`
	Device          string         `json:"device"`
	TargetDevice    string         `json:"targetDevice"`
	RemoteCluster   string         `json:"remoteCluster"`
}

type chaosDelay struct {
	Latency     string        `json:"latency"`
	Jitter      string        `json:"jitter"`
	Correlation string        `json:"correlation"`
	Reorder     *chaosReorder `json:"reorder"`
}

type chaosReorder struct {
	Reorder     string `json:"reorder"`
	Correlation string `json:"correlation"`
	Gap         int    `json:"gap"`
}

type chaosLoss struct {
	Loss        string `json:"loss"`
	Correlation string `json:"correlation"`
}

type chaosDuplicate struct {
	Duplicate   string `json:"duplicate"`
	Correlation string `json:"correlation"`
}

type chaosCorrupt struct {
	Corrupt     string `json:"corrupt"`
	Correlation string `json:"correlation"`
}

type chaosBandwidth struct {
	Rate   string `json:"rate"`
	Limit  uint32 `json:"limit"`
	Buffer uint32 `json:"buffer"`

	Peakrate *uint64 `json:"peakrate"`
	Minburst *uint32 `json:"minburst"`
}

type podChaos struct {
	podSelector    `json:",inline"`
	Action         string   `json:"action"`
	Duration       string   `json:"duration"`
	ContainerNames []string `json:"containerNames"`
	GracePeriod    int64    `json:"gracePeriod"`

	RemoteCluster string `json:"remoteCluster"`
}

type dnsChaos struct {
	podSelector    `json:",inline"`
	Action         string   `json:"action"`
	Duration       string   `json:"duration"`
	ContainerNames []string `json:"containerNames"`
	Patterns       []string `json:"patterns"`

	RemoteCluster string `json:"remoteCluster"`
}
