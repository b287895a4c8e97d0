package podnet

import (
	"fmt"
	"maps"
	"slices"
)

// validateLabelSelector reports what the API server would refuse in a selector
// at path at, in its words (apimachinery, apis/meta/v1/validation).
func validateLabelSelector(errs *fieldErrors, at string, s LabelSelector) {
	validateLabels(errs, at+".matchLabels", s.MatchLabels)
	validateLabelRequirements(errs, at+".matchExpressions", s.MatchExpressions)
}

func validateLabelRequirements(errs *fieldErrors, at string, list []LabelSelectorRequirement) {
	for i, r := range list {
		at := fmt.Sprintf("%s[%d]", at, i)
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
			errs.invalid(at+".operator", r.Operator, "not a valid selector operator")
		}
		errs.invalid(at+".key", r.Key, qualifiedNameErrors(r.Key)...)
		for j, value := range r.Values {
			errs.invalid(fmt.Sprintf("%s.values[%d]", at, j), value, labelValueErrors(value)...)
		}
	}
}

// validateLabels reports what is wrong with labels at path at.
func validateLabels(errs *fieldErrors, at string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		errs.invalid(at, key, qualifiedNameErrors(key)...)
		errs.invalid(at, labels[key], labelValueErrors(labels[key])...)
	}
}
