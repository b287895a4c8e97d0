package podnet

import (
	"maps"
	"slices"
)

// maxDataBytes limits all values of a ConfigMap or Secret together (Kubernetes,
// MaxSecretSize).
const maxDataBytes = 1 << 20

// Validate reports everything in s that Kubernetes' API server would refuse, in
// its words. The error is an *[InvalidError]; it is nil if there is nothing to
// report.
func (s ConfigMapSpec) Validate() error {
	var errs fieldErrors
	validateMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	size := 0
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		errs.invalid("data["+key+"]", key, dataKeyErrors(key)...)
		if _, twice := s.BinaryData[key]; twice {
			errs.invalid("data["+key+"]", key, "duplicate of key present in binaryData")
		}
		size += len(s.Data[key])
	}
	for _, key := range slices.Sorted(maps.Keys(s.BinaryData)) {
		errs.invalid("binaryData["+key+"]", key, dataKeyErrors(key)...)
		size += len(s.BinaryData[key])
	}
	errs.maxBytes("[]", size, maxDataBytes) // what the API server calls the whole object
	return errs.err("ConfigMap", s.Name)
}
