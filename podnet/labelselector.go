package podnet

import "podnet.dev/podnet/internal/labels"

// LabelSelector selects objects by their labels. All that it says must hold; an
// empty one selects everything.
type LabelSelector struct {
	MatchLabels      map[string]string
	MatchExpressions []LabelSelectorRequirement
}

// LabelSelectorRequirement is a condition on one label.
type LabelSelectorRequirement struct {
	Key      string
	Operator LabelSelectorOperator
	Values   []string // of In and NotIn, at least one
}

// LabelSelectorOperator says how a label relates to values.
type LabelSelectorOperator string

// The operators of Kubernetes.
const (
	LabelSelectorOpIn           LabelSelectorOperator = "In"           // the label has one of the values
	LabelSelectorOpNotIn        LabelSelectorOperator = "NotIn"        // it has another value, or is not there
	LabelSelectorOpExists       LabelSelectorOperator = "Exists"       // it is there
	LabelSelectorOpDoesNotExist LabelSelectorOperator = "DoesNotExist" // it is not there
)

// selector returns what logic packages match with.
func (s LabelSelector) selector() labels.Selector {
	all := labels.FromMap(s.MatchLabels)
	for _, r := range s.MatchExpressions {
		all = append(all, labels.Requirement{Key: r.Key, Operator: labels.Operator(r.Operator), Values: r.Values})
	}
	return all
}

// isEmpty reports whether the selector selects everything.
func (s LabelSelector) isEmpty() bool { return len(s.MatchLabels)+len(s.MatchExpressions) == 0 }

// forMessage is the selector as error messages show it: as JSON has it.
func (s LabelSelector) forMessage() any {
	type requirement struct {
		Key      string                `json:"key"`
		Operator LabelSelectorOperator `json:"operator"`
		Values   []string              `json:"values,omitempty"`
	}
	var m struct {
		MatchLabels      map[string]string `json:"matchLabels,omitempty"`
		MatchExpressions []requirement     `json:"matchExpressions,omitempty"`
	}
	m.MatchLabels = s.MatchLabels
	for _, r := range s.MatchExpressions {
		m.MatchExpressions = append(m.MatchExpressions, requirement(r))
	}
	return m
}

// Matches reports whether the selector selects what has these labels.
func (s LabelSelector) Matches(labels map[string]string) bool { return s.selector().Matches(labels) }
