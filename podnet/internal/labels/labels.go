// Package labels matches label sets, as Kubernetes' label selectors do.
package labels

import "slices"

// Operator says how a Requirement relates a key to its values.
type Operator string

// The operators of Kubernetes.
const (
	In           Operator = "In"           // the key is there, with one of the values
	NotIn        Operator = "NotIn"        // the key is not there, or with another value
	Exists       Operator = "Exists"       // the key is there
	DoesNotExist Operator = "DoesNotExist" // the key is not there
)

// Requirement is a condition on one key.
type Requirement struct {
	Key      string
	Operator Operator
	Values   []string // of In and NotIn
}

// Matches reports whether set meets the requirement.
func (r Requirement) Matches(set map[string]string) bool {
	value, ok := set[r.Key]
	switch r.Operator {
	case In:
		return ok && slices.Contains(r.Values, value)
	case NotIn:
		return !ok || !slices.Contains(r.Values, value)
	case Exists:
		return ok
	case DoesNotExist:
		return !ok
	}
	return false
}

// Selector is requirements that must all be met. An empty one selects
// everything.
type Selector []Requirement

// FromMap returns the selector that wants each of the labels.
func FromMap(want map[string]string) Selector {
	keys := make([]string, 0, len(want))
	for k := range want {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	s := make(Selector, 0, len(want))
	for _, k := range keys {
		s = append(s, Requirement{k, In, []string{want[k]}})
	}
	return s
}

// Matches reports whether set meets all requirements.
func (s Selector) Matches(set map[string]string) bool {
	for _, r := range s {
		if !r.Matches(set) {
			return false
		}
	}
	return true
}
