package podnet

import (
	"fmt"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/quantity"
)

func validateEnv(errs *fieldErrors, at string, vars []EnvVar) {
	for i, v := range vars {
		at := fmt.Sprintf("%s[%d]", at, i)
		if v.Name == "" {
			errs.add(FieldRequired, at+".name", nil, "")
		} else {
			errs.invalid(at+".name", v.Name, envNameErrors(v.Name)...)
		}
		if v.ValueFrom != nil {
			v.ValueFrom.validate(errs, at+".valueFrom", v.Value)
		}
	}
}

// validate also checks that the variable has no value beside.
func (s *EnvVarSource) validate(errs *fieldErrors, at, value string) {
	n := 0
	if s.FieldRef != nil {
		n++
		s.FieldRef.validate(errs, at+".fieldRef", envFieldPaths)
	}
	if s.ResourceFieldRef != nil {
		n++
		s.ResourceFieldRef.validateResource(errs, at+".resourceFieldRef")
		s.ResourceFieldRef.validateDivisor(errs, at+".resourceFieldRef")
	}
	if ref := s.ConfigMapKeyRef; ref != nil {
		n++
		validateKeyRef(errs, at+".configMapKeyRef", ref.Name, ref.Key)
	}
	if ref := s.SecretKeyRef; ref != nil {
		n++
		validateKeyRef(errs, at+".secretKeyRef", ref.Name, ref.Key)
	}
	switch {
	case n == 0:
		errs.invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
	case value != "":
		errs.invalid(at, "", "may not be specified when `value` is not empty")
	case n > 1:
		errs.invalid(at, "", "may not have more than one field specified at a time")
	}
}

func validateKeyRef(errs *fieldErrors, at, name, key string) {
	errs.invalid(at+".name", name, dns1123SubdomainErrors(name)...)
	if key == "" {
		errs.add(FieldRequired, at+".key", nil, "")
	} else {
		errs.invalid(at+".key", key, dataKeyErrors(key)...)
	}
}

func validateEnvFrom(errs *fieldErrors, at string, sources []EnvFromSource) {
	list := at
	for i, source := range sources {
		at := fmt.Sprintf("%s[%d]", list, i)
		errs.invalid(at+".prefix", source.Prefix, envNameErrors(source.Prefix)...)
		n := 0
		if source.ConfigMapRef != nil {
			n++
			validateEnvRef(errs, at+".configMapRef.name", source.ConfigMapRef.Name)
		}
		if source.SecretRef != nil {
			n++
			validateEnvRef(errs, at+".secretRef.name", source.SecretRef.Name)
		}
		switch {
		case n == 0:
			errs.invalid(list, "", "must specify one of: `configMapRef` or `secretRef`")
		case n > 1:
			errs.invalid(list, "", "may not have more than one field specified at a time")
		}
	}
}

// validateEnvRef is for the name of a ConfigMap or Secret. The API server takes
// it for one that could still be added to: it may end with a hyphen.
func validateEnvRef(errs *fieldErrors, at, name string) {
	if name == "" {
		errs.add(FieldRequired, at, nil, "")
		return
	}
	whole := name
	if len(name) > 1 && strings.HasSuffix(name, "-") {
		whole = name[:len(name)-2] + "a"
	}
	errs.invalid(at, name, dns1123SubdomainErrors(whole)...)
}

// The fields of a Pod that the downward API has, in the order in which the API
// server names them. Labels and annotations can be named one by one besides.
var (
	envFieldPaths = []string{"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
		"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"}
	volumeFieldPaths = []string{"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"}
	// otherFieldPaths are known to the API server, but not for these uses.
	otherFieldPaths = []string{"spec.restartPolicy", "spec.schedulerName", "status.phase"}
)

// validate checks the path against those that are allowed.
func (s *ObjectFieldSelector) validate(errs *fieldErrors, at string, allowed []string) {
	path := s.FieldPath
	if path == "" {
		errs.add(FieldRequired, at+".fieldPath", nil, "")
		return
	}
	if object, key, ok := splitSubscript(path); ok {
		switch object {
		case "metadata.annotations":
			errs.invalid(at, strings.ToLower(key), qualifiedNameErrors(strings.ToLower(key))...)
		case "metadata.labels":
			errs.invalid(at, key, qualifiedNameErrors(key)...)
		default:
			errs.invalid(at+".fieldPath", path, "error converting fieldPath: field label does not support subscript: "+path)
		}
		return
	}
	if !slices.Contains(slices.Concat(envFieldPaths, volumeFieldPaths, otherFieldPaths), path) {
		errs.invalid(at+".fieldPath", path, "error converting fieldPath: field label not supported: "+path)
		return
	}
	oneOf(errs, at+".fieldPath", path, allowed...)
}

// splitSubscript splits "metadata.labels['app']" into "metadata.labels" and
// "app".
func splitSubscript(path string) (object, key string, ok bool) {
	path, ok = strings.CutSuffix(path, "']")
	if !ok {
		return "", "", false
	}
	object, key, ok = strings.Cut(path, "['")
	return object, key, ok && object != ""
}

var containerResources = []string{"limits.cpu", "limits.ephemeral-storage", "limits.memory",
	"requests.cpu", "requests.ephemeral-storage", "requests.memory"}

func isHugePagesField(resource string) bool {
	return strings.HasPrefix(resource, "limits."+hugePagesPrefix) || strings.HasPrefix(resource, "requests."+hugePagesPrefix)
}

func (s *ResourceFieldSelector) validateResource(errs *fieldErrors, at string) {
	if s.Resource == "" {
		errs.add(FieldRequired, at+".resource", nil, "")
	} else if !isHugePagesField(s.Resource) {
		oneOf(errs, at+".resource", s.Resource, containerResources...)
	}
}

var (
	cpuDivisors  = []string{"1m", "1"}
	byteDivisors = []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
)

func (s *ResourceFieldSelector) validateDivisor(errs *fieldErrors, at string) {
	at += ".divisor"
	if s.Divisor == "" {
		return
	}
	divisor, err := quantity.Parse(string(s.Divisor))
	if err != nil {
		errs.invalid(at, string(s.Divisor), err.Error())
		return
	}
	if divisor.Sign() == 0 {
		return // as if there were none
	}
	allowed, of := byteDivisors, ""
	switch s.Resource {
	case "limits.cpu", "requests.cpu":
		allowed, of = cpuDivisors, "cpu"
	case "limits.memory", "requests.memory":
		of = "memory"
	case "limits.ephemeral-storage", "requests.ephemeral-storage":
		of = "local ephemeral storage"
	default:
		if !isHugePagesField(s.Resource) {
			return
		}
		of = "hugepages"
	}
	if slices.Contains(allowed, divisor.String()) {
		return
	}
	text := strings.Join(allowed, ", ")
	if of == "cpu" {
		text = "1m and 1"
	}
	// The API server takes the resource for the value that is wrong.
	errs.invalid(at, s.Resource, fmt.Sprintf("only divisor's values %s are supported with the %s resource", text, of))
}
