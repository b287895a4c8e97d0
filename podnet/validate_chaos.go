package podnet

import "time"

// pauseAnnotation pauses an experiment of Chaos Mesh's.
const pauseAnnotation = "experiment.chaos-mesh.org/pause"

// validateChaosMeta is validateMeta for a chaos.
func validateChaosMeta(errs *fieldErrors, name, namespace string, labels, annotations map[string]string) {
	validateMeta(errs, name, namespace, labels, annotations)
	if annotations[pauseAnnotation] == "true" {
		errs.add(FieldForbidden, "metadata.annotations", nil, pauseAnnotation+": podnet does not pause a chaos: delete it, and apply it again")
	}
}

// validateChaosDuration reports what is wrong with spec.duration.
func validateChaosDuration(errs *fieldErrors, duration string) {
	if duration == "" {
		return
	}
	switch d, err := time.ParseDuration(duration); {
	case err != nil:
		errs.add(FieldInvalid, "spec.duration", duration, "parse duration field error: "+err.Error())
	case d <= 0:
		errs.add(FieldInvalid, "spec.duration", duration, "must be greater than 0: without it the chaos lasts until it is deleted")
	}
}

// chaosDuration returns a valid duration, 0 if there is none.
func chaosDuration(duration string) time.Duration {
	d, _ := time.ParseDuration(duration)
	return d
}
