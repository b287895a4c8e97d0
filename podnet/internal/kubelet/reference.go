package kubelet

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// defaultPullPolicy returns the policy that the API server fills in.
func defaultPullPolicy(image string) PullPolicy {
	if tag, _, _ := parseImage(image); tag == "latest" {
		return PullAlways
	}
	return PullIfNotPresent
}

// The grammar of image references (distribution/reference, reference.go).
const (
	domainLabel   = `(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`
	domainPattern = `(?:` + domainLabel + `(?:\.` + domainLabel + `)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`
	pathElement   = `[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
	pathPattern   = pathElement + `(?:/` + pathElement + `)*`
	tagPattern    = `\w[\w.-]{0,127}`
	digestPattern = `[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[[:xdigit:]]{32,}`

	maxImagePath = 255
)

var (
	imagePattern = regexp.MustCompile(`^(?:` + domainPattern + `/)?(` + pathPattern + `)(?::(` + tagPattern + `))?(?:@(` + digestPattern + `))?$`)
	imageID      = regexp.MustCompile(`^[a-f0-9]{64}$`)
)

// parseImage takes an image's name apart as the kubelet does. The tag is
// "latest" if neither tag nor digest is given.
func parseImage(image string) (tag, digest string, err error) {
	defer func() {
		if err != nil {
			tag, digest = "", ""
			err = fmt.Errorf("couldn't parse image name %q: %w", image, err)
		}
	}()
	if imageID.MatchString(image) {
		return "", "", fmt.Errorf("invalid repository name (%s), cannot specify 64-byte hexadecimal strings", image)
	}
	domain, rest := splitDomain(image)
	if path, _, _ := strings.Cut(rest, ":"); strings.ToLower(path) != path {
		return "", "", fmt.Errorf("invalid reference format: repository name (%s) must be lowercase", path)
	}
	name := domain + "/" + rest
	m := imagePattern.FindStringSubmatch(name)
	switch {
	case m != nil:
	case imagePattern.MatchString(strings.ToLower(name)):
		return "", "", errors.New("repository name must be lowercase")
	default:
		return "", "", errors.New("invalid reference format")
	}
	if len(m[1]) > maxImagePath {
		return "", "", fmt.Errorf("repository name must not be more than %d characters", maxImagePath)
	}
	tag, digest = m[2], m[3]
	if tag == "" && digest == "" {
		tag = "latest"
	}
	return tag, digest, checkDigest(digest)
}

// splitDomain separates a registry's name from the rest, adding Docker Hub's
// where there is none. What looks like no registry is a part of the path.
func splitDomain(image string) (domain, rest string) {
	const hub = "docker.io"
	domain, rest, found := strings.Cut(image, "/")
	switch {
	case !found:
		domain, rest = hub, image
	case domain == "index.docker.io":
		domain = hub
	case domain == "localhost", strings.ContainsAny(domain, ".:"), strings.ToLower(domain) != domain:
	default:
		domain, rest = hub, image
	}
	if domain == hub && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	return domain, rest
}

// checkDigest checks what the grammar leaves open. An empty digest is right.
func checkDigest(digest string) error {
	algorithm, sum, found := strings.Cut(digest, ":")
	if !found {
		return nil
	}
	size, ok := map[string]int{"sha256": 64, "sha384": 96, "sha512": 128}[algorithm]
	switch {
	case strings.ToLower(algorithm) != algorithm:
		return errors.New("invalid checksum digest format")
	case !ok:
		return errors.New("unsupported digest algorithm")
	case len(sum) != size:
		return errors.New("invalid checksum digest length")
	case strings.ToLower(sum) != sum:
		return errors.New("invalid checksum digest format")
	}
	return nil
}
