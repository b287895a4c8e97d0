package podnet

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Validate reports everything in s that Kubernetes' API server would refuse,
// in its words and in its order. The error is an *[InvalidError]; it is nil if
// there is nothing to report.
//
// It differs from the API server in what podnet does differently:
//   - a container needs an Image or Run;
//   - a negative TerminationGracePeriodSeconds is refused (the API server
//     turns it into 1);
//   - a MountPath must not be "/", contain ":" or have an element "..", and two
//     that mean the same directory are equal ("/data" and "/data/").
//
// Values that podnet gives no meaning to, such as the alpha annotations of
// seccomp and AppArmor, are not looked into.
func (s PodSpec) Validate() error {
	var errs fieldErrors
	s.validateMeta(&errs)
	volumes := s.validateVolumes(&errs)
	if len(s.Containers) == 0 {
		errs.add(FieldRequired, "spec.containers", nil, "")
	}
	names := make(map[string]bool, len(s.Containers))
	for i, c := range s.Containers {
		at := fmt.Sprintf("spec.containers[%d]", i)
		c.validate(&errs, at, volumes)
		if names[c.Name] {
			errs.add(FieldDuplicate, at+".name", c.Name, "")
		}
		names[c.Name] = true
	}
	switch s.RestartPolicy {
	case "", RestartPolicyAlways, RestartPolicyOnFailure, RestartPolicyNever:
	default:
		errs.add(FieldNotSupported, "spec.restartPolicy", s.RestartPolicy,
			supported(RestartPolicyAlways, RestartPolicyOnFailure, RestartPolicyNever))
	}
	if s.Hostname != "" {
		errs.invalid("spec.hostname", s.Hostname, dns1123LabelErrors(s.Hostname)...)
	}
	for i, alias := range s.HostAliases {
		at := fmt.Sprintf("spec.hostAliases[%d]", i)
		errs.invalid(at+".ip", alias.IP, ipErrors(alias.IP)...)
		for j, name := range alias.Hostnames {
			errs.invalid(fmt.Sprintf("%s.hostnames[%d]", at, j), name, dns1123SubdomainErrors(name)...)
		}
	}
	if grace := s.TerminationGracePeriodSeconds; grace != nil && *grace < 0 {
		errs.invalid("spec.terminationGracePeriodSeconds", *grace, "must be greater than or equal to 0")
	}
	for i, c := range s.Containers {
		if c.Image != strings.TrimSpace(c.Image) {
			errs.invalid(fmt.Sprintf("spec.containers[%d].image", i), c.Image, "must not have leading or trailing whitespace")
		}
	}
	return errs.err("Pod", s.Name)
}

// maxAnnotationBytes limits all keys and values of an object's annotations
// together (apimachinery, api/validation/objectmeta.go).
const maxAnnotationBytes = 256 << 10

func (s PodSpec) validateMeta(errs *fieldErrors) {
	if s.Name == "" {
		errs.add(FieldRequired, "metadata.name", nil, "name or generateName is required")
	} else {
		errs.invalid("metadata.name", s.Name, dns1123SubdomainErrors(s.Name)...)
	}
	if s.Namespace != "" {
		errs.invalid("metadata.namespace", s.Namespace, dns1123LabelErrors(s.Namespace)...)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Labels)) {
		errs.invalid("metadata.labels", key, qualifiedNameErrors(key)...)
		errs.invalid("metadata.labels", s.Labels[key], labelValueErrors(s.Labels[key])...)
	}
	size := 0
	for _, key := range slices.Sorted(maps.Keys(s.Annotations)) {
		errs.invalid("metadata.annotations", key, qualifiedNameErrors(strings.ToLower(key))...)
		size += len(key) + len(s.Annotations[key])
	}
	if size > maxAnnotationBytes {
		errs.add(FieldTooLong, "metadata.annotations", nil, fmt.Sprintf("may not be more than %d bytes", maxAnnotationBytes))
	}
}

// validateVolumes returns the names of the volumes that are all right: as in
// Kubernetes a mount of one that is not is "not found".
func (s PodSpec) validateVolumes(errs *fieldErrors) map[string]bool {
	names := make(map[string]bool, len(s.Volumes))
	for i, v := range s.Volumes {
		at := fmt.Sprintf("spec.volumes[%d]", i)
		before := len(*errs)
		switch {
		case v.EmptyDir == nil && v.ConfigMap == nil && v.Secret == nil && v.DownwardAPI == nil && v.Projected == nil:
			errs.add(FieldRequired, at, nil, "must specify a volume type")
		case v.EmptyDir != nil && v.EmptyDir.SizeLimit < 0:
			errs.add(FieldForbidden, at+".emptyDir.sizeLimit", nil, "SizeLimit field must be a valid resource quantity")
		}
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

func (c ContainerSpec) validate(errs *fieldErrors, at string, volumes map[string]bool) {
	if c.Name == "" {
		errs.add(FieldRequired, at+".name", nil, "")
	} else {
		errs.invalid(at+".name", c.Name, dns1123LabelErrors(c.Name)...)
	}
	if c.Image == "" && c.Run == nil {
		errs.add(FieldRequired, at+".image", nil, "")
	}
	validatePorts(errs, at+".ports", c.Ports)
	for i, env := range c.Env {
		name := fmt.Sprintf("%s.env[%d].name", at, i)
		if env.Name == "" {
			errs.add(FieldRequired, name, nil, "")
		} else {
			errs.invalid(name, env.Name, envNameErrors(env.Name)...)
		}
	}
	validateMounts(errs, at+".volumeMounts", c.VolumeMounts, volumes)
	switch c.ImagePullPolicy {
	case "", PullAlways, PullIfNotPresent, PullNever:
	default:
		errs.add(FieldNotSupported, at+".imagePullPolicy", c.ImagePullPolicy, supported(PullAlways, PullIfNotPresent, PullNever))
	}
}

func validatePorts(errs *fieldErrors, at string, ports []ContainerPort) {
	names := make(map[string]bool, len(ports))
	for i, port := range ports {
		at := fmt.Sprintf("%s[%d]", at, i)
		if port.Name != "" {
			msgs := portNameErrors(port.Name)
			errs.invalid(at+".name", port.Name, msgs...)
			if names[port.Name] {
				errs.add(FieldDuplicate, at+".name", port.Name, "")
			}
			names[port.Name] = len(msgs) == 0
		}
		if port.ContainerPort == 0 {
			errs.add(FieldRequired, at+".containerPort", nil, "")
		}
		switch port.Protocol {
		case "", ProtocolTCP, ProtocolUDP, ProtocolSCTP:
		default:
			errs.add(FieldNotSupported, at+".protocol", port.Protocol, supported(ProtocolSCTP, ProtocolTCP, ProtocolUDP))
		}
	}
}

func validateMounts(errs *fieldErrors, at string, mounts []VolumeMount, volumes map[string]bool) {
	paths := make(map[string]bool, len(mounts))
	for i, m := range mounts {
		at := fmt.Sprintf("%s[%d]", at, i)
		if m.Name == "" {
			errs.add(FieldRequired, at+".name", nil, "")
		}
		if !volumes[m.Name] {
			errs.add(FieldNotFound, at+".name", m.Name, "")
		}
		clean := ""
		if m.MountPath == "" {
			errs.add(FieldRequired, at+".mountPath", nil, "")
		} else {
			clean = path.Clean("/" + m.MountPath)
		}
		if paths[clean] {
			errs.invalid(at+".mountPath", m.MountPath, "must be unique")
		}
		paths[clean] = true
		if strings.Contains(m.MountPath, ":") {
			errs.invalid(at+".mountPath", m.MountPath, "must not contain ':'")
		}
		if slices.Contains(strings.Split(m.MountPath, "/"), "..") {
			errs.invalid(at+".mountPath", m.MountPath, "must not contain '..'")
		} else if clean == "/" {
			errs.invalid(at+".mountPath", m.MountPath, "must not be '/': podnet gives each container a root of its own")
		}
	}
}

func supported[T ~string](values ...T) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", string(v))
	}
	return "supported values: " + strings.Join(quoted, ", ")
}

var zeroPadded = regexp.MustCompile(`\b0+([0-9a-fA-F])`)

// ipErrors reports what is wrong with an IP address, as the API server has done
// since StrictIPCIDRValidation is on (Kubernetes 1.36).
func ipErrors(value string) []string {
	addr, err := netip.ParseAddr(value)
	switch {
	case err == nil && addr.Is4In6() && addr.Zone() == "":
		return []string{"must not be an IPv4-mapped IPv6 address"}
	case err == nil && addr.Zone() == "":
		return nil
	}
	if addr, err = netip.ParseAddr(zeroPadded.ReplaceAllString(value, "$1")); err == nil && addr.Zone() == "" {
		return []string{"must not have leading 0s"}
	}
	return []string{"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"}
}
