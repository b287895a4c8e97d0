package podnet

import "strings"

// images finds the program for an image reference.
type images map[string]Program

// find looks the reference up as it is written, then without what registries
// do not need, then without its tag and digest.
func (m images) find(ref string) Program {
	for _, name := range []string{ref, shortName(ref), untagged(shortName(ref))} {
		if p := m[name]; p != nil {
			return p
		}
	}
	return nil
}

// shortName drops the registry and the folder that Docker implies:
// "docker.io/library/nginx:1" is "nginx:1".
func shortName(ref string) string {
	ref = strings.TrimPrefix(ref, "index.docker.io/")
	ref = strings.TrimPrefix(ref, "docker.io/")
	return strings.TrimPrefix(ref, "library/")
}

// untagged drops a digest and a tag, but not the port of a registry.
func untagged(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	return ref
}

// fullName adds the registry, folder and tag that a runtime implies.
func fullName(ref string) string {
	host, _, path := strings.Cut(ref, "/")
	switch {
	case !path:
		ref = "docker.io/library/" + ref
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		ref = "docker.io/" + ref
	}
	if untagged(ref) == ref {
		ref += ":latest"
	}
	return ref
}
