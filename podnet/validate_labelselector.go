package podnet

import "fmt"

// validate reports what is wrong with the selector at a path, in the API
// server's words (apimachinery, apis/meta/v1/validation).
func (s LabelSelector) validate(errs *fieldErrors, at string) {
	validateLabels(errs, at+".matchLabels", s.MatchLabels)
	for i, r := range s.MatchExpressions {
		r.validate(errs, fmt.Sprintf("%s.matchExpressions[%d]", at, i))
	}
}

func (r LabelSelectorRequirement) validate(errs *fieldErrors, at string) {
	switch r.Operator {
	case LabelSelectorOpIn, LabelSelectorOpNotIn:
		if len(r.Values) == 0 {
			errs.add(FieldRequired, at+".values", nil, "must be specified when `operator` is 'In' or 'NotIn'")
		}
	case LabelSelectorOpExists, LabelSelectorOpDoesNotExist:
		if len(r.Values) > 0 {
			errs.add(FieldForbidden, at+".values", nil, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
		}
	default:
		errs.add(FieldInvalid, at+".operator", string(r.Operator), "not a valid selector operator")
	}
	errs.invalid(at+".key", r.Key, qualifiedNameErrors(r.Key)...)
	for i, value := range r.Values {
		errs.invalid(fmt.Sprintf("%s.values[%d]", at, i), value, labelValueErrors(value)...)
	}
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
