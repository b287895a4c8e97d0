package podnet

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// validateVolumes returns the names of the volumes that are all right: as in
// Kubernetes a mount of one that is not is "not found".
func (s PodSpec) validateVolumes(errs *fieldErrors) map[string]bool {
	names := make(map[string]bool, len(s.Volumes))
	for i := range s.Volumes {
		v, at := &s.Volumes[i], fmt.Sprintf("spec.volumes[%d]", i)
		before := len(*errs)
		v.validateSource(errs, at)
		if v.Name == "" {
			errs.add(FieldRequired, at+".name", nil, "")
		} else {
			errs.invalid(at+".name", v.Name, dns1123LabelErrors(v.Name)...)
		}
		if names[v.Name] {
			errs.add(FieldDuplicate, at+".name", v.Name, "")
		}
		if len(*errs) == before {
			names[v.Name] = true
		}
	}
	return names
}

func (v *VolumeSpec) validateSource(errs *fieldErrors, at string) {
	found := false
	// first says if a source is the first that is set, and reports the others.
	first := func(set bool, name string) bool {
		if set && found {
			errs.add(FieldForbidden, at+"."+name, nil, "may not specify more than 1 volume type")
			return false
		}
		found = found || set
		return set
	}
	if first(v.EmptyDir != nil, "emptyDir") && v.EmptyDir.SizeLimit < 0 {
		errs.add(FieldForbidden, at+".emptyDir.sizeLimit", nil, "SizeLimit field must be a valid resource quantity")
	}
	if first(v.Secret != nil, "secret") {
		at := at + ".secret"
		if v.Secret.SecretName == "" {
			errs.add(FieldRequired, at+".secretName", nil, "")
		}
		validateMode(errs, at+".defaultMode", v.Secret.DefaultMode)
		validateItems(errs, at, v.Secret.Items, nil)
	}
	if first(v.DownwardAPI != nil, "downwardAPI") {
		at := at + ".downwardAPI"
		validateMode(errs, at+".defaultMode", v.DownwardAPI.DefaultMode)
		validateFiles(errs, at, v.DownwardAPI.Items, nil)
	}
	if first(v.ConfigMap != nil, "configMap") {
		at := at + ".configMap"
		if v.ConfigMap.Name == "" {
			errs.add(FieldRequired, at+".name", nil, "")
		}
		validateMode(errs, at+".defaultMode", v.ConfigMap.DefaultMode)
		validateItems(errs, at, v.ConfigMap.Items, nil)
	}
	if first(v.Projected != nil, "projected") {
		v.Projected.validate(errs, at+".projected")
	}
	if !found {
		errs.add(FieldRequired, at, nil, "must specify a volume type")
	}
}

func (p *ProjectedVolumeSource) validate(errs *fieldErrors, at string) {
	validateMode(errs, at+".defaultMode", p.DefaultMode)
	paths := make(map[string]bool)
	// clash reports a path that a file before has too. value is what the API
	// server takes for the one that is wrong.
	clash := func(path, value string) {
		if path != "" && paths[path] {
			errs.invalid(at, value, "conflicting duplicate paths")
		}
		paths[path] = true
	}
	for i, source := range p.Sources {
		at := fmt.Sprintf("%s.sources[%d]", at, i)
		n := 0
		if s := source.Secret; s != nil {
			n++
			if s.SecretName == "" {
				errs.add(FieldRequired, at+".secret.name", nil, "")
			}
			validateItems(errs, at+".secret", s.Items, func(path string) { clash(path, s.SecretName) })
		}
		if m := source.ConfigMap; m != nil {
			n++
			if m.Name == "" {
				errs.add(FieldRequired, at+".configMap.name", nil, "")
			}
			validateItems(errs, at+".configMap", m.Items, func(path string) { clash(path, m.Name) })
		}
		if d := source.DownwardAPI; d != nil {
			n++
			validateFiles(errs, at+".downwardAPI", d.Items, func(path string) { clash(path, path) })
		}
		if n > 1 {
			errs.add(FieldForbidden, at, nil, "may not specify more than 1 volume type per source")
		}
	}
}

// validateItems calls after, if it is not nil, with the path of each item that
// was checked.
func validateItems(errs *fieldErrors, at string, items []KeyToPath, after func(path string)) {
	for i, item := range items {
		at := fmt.Sprintf("%s.items[%d]", at, i)
		if item.Key == "" {
			errs.add(FieldRequired, at+".key", nil, "")
		}
		validateFilePath(errs, at+".path", item.Path)
		validateMode(errs, at+".mode", item.Mode)
		if after != nil {
			after(item.Path)
		}
	}
}

// validateFiles is validateItems for the downward API. The API server names the
// files' fields without "items" and an index.
func validateFiles(errs *fieldErrors, at string, files []DownwardAPIVolumeFile, after func(path string)) {
	for _, file := range files {
		validateFilePath(errs, at+".path", file.Path)
		switch {
		case file.FieldRef != nil:
			file.FieldRef.validate(errs, at+".fieldRef", volumeFieldPaths)
			if file.ResourceFieldRef != nil {
				errs.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
			}
		case file.ResourceFieldRef != nil:
			if file.ResourceFieldRef.ContainerName == "" {
				errs.add(FieldRequired, at+".resourceFieldRef.containerName", nil, "")
			} else {
				file.ResourceFieldRef.validateResource(errs, at+".resourceFieldRef")
			}
			file.ResourceFieldRef.validateDivisor(errs, at+".resourceFieldRef")
		default:
			errs.add(FieldRequired, at, nil, "one of fieldRef and resourceFieldRef is required")
		}
		validateMode(errs, at+".mode", file.Mode)
		if after != nil {
			after(file.Path)
		}
	}
}

func validateMode(errs *fieldErrors, at string, mode *int32) {
	if mode != nil && (*mode < 0 || *mode > 0o777) {
		errs.add(FieldInvalid, at, *mode, "must be a number between 0 and 0777 (octal), both inclusive")
	}
}

// validateFilePath is for the path of a file in a volume.
func validateFilePath(errs *fieldErrors, at, value string) {
	if value == "" {
		errs.add(FieldRequired, at, nil, "")
	}
	validateDescendingPath(errs, at, value)
	// The kubelet keeps files of its own under such names.
	if strings.HasPrefix(value, "..") && !strings.HasPrefix(value, "../") {
		errs.invalid(at, value, "must not start with '..'")
	}
}

// validateDescendingPath is for a path that must not lead out of a directory.
func validateDescendingPath(errs *fieldErrors, at, value string) {
	if path.IsAbs(value) {
		errs.invalid(at, value, "must be a relative path")
	}
	if slices.Contains(strings.Split(value, "/"), "..") {
		errs.invalid(at, value, "must not contain '..'")
	}
}
