package podnet

import (
	"fmt"
	"regexp"
	"strings"
)

// The formats of names that Kubernetes knows, with its texts (apimachinery,
// api/validate/content and util/validation/validation.go). Each function returns
// what is wrong with a value, nothing if it is all right.

const (
	labelNameFormat     = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
	subdomainFormat     = labelNameFormat + `(\.` + labelNameFormat + ")*"
	searchLabelFormat   = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
	searchDomainFormat  = searchLabelFormat + `(\.` + searchLabelFormat + ")*"
	qualifiedNameFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
	labelValueFormat    = "(" + qualifiedNameFormat + ")?"
	dataKeyFormat       = "[-._a-zA-Z0-9]+"
	headerNameFormat    = "[-A-Za-z0-9]+"
)

var (
	labelNameRegexp     = regexp.MustCompile("^" + labelNameFormat + "$")
	subdomainRegexp     = regexp.MustCompile("^" + subdomainFormat + "$")
	searchDomainRegexp  = regexp.MustCompile("^" + searchDomainFormat + "$")
	qualifiedNameRegexp = regexp.MustCompile("^" + qualifiedNameFormat + "$")
	labelValueRegexp    = regexp.MustCompile("^" + labelValueFormat + "$")
	dataKeyRegexp       = regexp.MustCompile("^" + dataKeyFormat + "$")
	headerNameRegexp    = regexp.MustCompile("^" + headerNameFormat + "$")
	portNameRegexp      = regexp.MustCompile("^[-a-z0-9]+$")
)

// formatError is Kubernetes' text for a value that is not of a format.
func formatError(rule, format string, examples ...string) string {
	return fmt.Sprintf("%s (e.g. '%s', regex used for validation is '%s')", rule, strings.Join(examples, "',  or '"), format)
}

// Kubernetes counts in bytes everywhere, but says so only of labels.
func maxChars(limit int) string { return fmt.Sprintf("must be no more than %d characters", limit) }
func maxBytes(limit int) string { return fmt.Sprintf("must be no more than %d bytes", limit) }

// dns1123LabelErrors is for names that must fit in one DNS label: containers,
// volumes, namespaces, hostnames.
func dns1123LabelErrors(value string) []string {
	var msgs []string
	if len(value) > 63 {
		msgs = append(msgs, maxChars(63))
	}
	if labelNameRegexp.MatchString(value) {
		return msgs
	}
	if subdomainRegexp.MatchString(value) {
		return append(msgs, "must not contain dots")
	}
	return append(msgs, formatError("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character", labelNameFormat, "my-name", "123-abc"))
}

// dns1123SubdomainErrors is for names that may have several DNS labels: Pods.
func dns1123SubdomainErrors(value string) []string {
	var msgs []string
	if len(value) > 253 {
		msgs = append(msgs, maxChars(253))
	}
	if !subdomainRegexp.MatchString(value) {
		msgs = append(msgs, formatError("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character", subdomainFormat, "example.com"))
	}
	return msgs
}

// searchDomainErrors is for the domains of resolv.conf, which may have
// underscores: the names of SRV records do.
func searchDomainErrors(value string) []string {
	var msgs []string
	if len(value) > 253 {
		msgs = append(msgs, maxChars(253))
	}
	if !searchDomainRegexp.MatchString(value) {
		msgs = append(msgs, formatError("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character", searchDomainFormat, "example.com"))
	}
	return msgs
}

// dataKeyErrors is for the keys of ConfigMaps and Secrets, which become names of
// files.
func dataKeyErrors(value string) []string {
	var msgs []string
	if len(value) > 253 {
		msgs = append(msgs, maxChars(253))
	}
	if !dataKeyRegexp.MatchString(value) {
		msgs = append(msgs, formatError("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", dataKeyFormat, "key.name", "KEY_NAME", "key-name"))
	}
	switch {
	case value == "." || value == "..":
		msgs = append(msgs, "must not be '"+value+"'")
	case strings.HasPrefix(value, ".."):
		msgs = append(msgs, "must not start with '..'")
	}
	return msgs
}

func httpHeaderNameErrors(value string) []string {
	if headerNameRegexp.MatchString(value) {
		return nil
	}
	return []string{formatError("a valid HTTP header must consist of alphanumeric characters or '-'", headerNameFormat, "X-Header-Name")}
}

// qualifiedNameErrors is for the keys of labels and annotations: "app",
// "example.com/app".
func qualifiedNameErrors(value string) []string {
	rule := func() string {
		return formatError("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", qualifiedNameFormat, "MyName", "my.name", "123-abc")
	}
	var msgs []string
	name := value
	if prefix, rest, ok := strings.Cut(value, "/"); ok {
		name = rest
		if strings.Contains(rest, "/") {
			return []string{"a valid label key " + rule() + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"}
		}
		if prefix == "" {
			msgs = append(msgs, "prefix part must be non-empty")
		} else {
			for _, msg := range dns1123SubdomainErrors(prefix) {
				if msg == maxChars(253) {
					msg = maxBytes(253)
				}
				msgs = append(msgs, "prefix part "+msg)
			}
		}
	}
	if name == "" {
		msgs = append(msgs, "name part must be non-empty")
	} else if len(name) > 63 {
		msgs = append(msgs, "name part "+maxBytes(63))
	}
	if !qualifiedNameRegexp.MatchString(name) {
		msgs = append(msgs, "name part "+rule())
	}
	return msgs
}

func labelValueErrors(value string) []string {
	var msgs []string
	if len(value) > 63 {
		msgs = append(msgs, maxBytes(63))
	}
	if !labelValueRegexp.MatchString(value) {
		msgs = append(msgs, formatError("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", labelValueFormat, "MyValue", "my_value", "12345"))
	}
	return msgs
}

// portNameErrors is for IANA service names (RFC 6335), in lower case only.
func portNameErrors(value string) []string {
	var msgs []string
	if len(value) > 15 {
		msgs = append(msgs, maxChars(15))
	}
	if !portNameRegexp.MatchString(value) {
		msgs = append(msgs, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
	}
	if !strings.ContainsAny(value, "abcdefghijklmnopqrstuvwxyz") {
		msgs = append(msgs, "must contain at least one letter (a-z)")
	}
	if strings.Contains(value, "--") {
		msgs = append(msgs, "must not contain consecutive hyphens")
	}
	if strings.HasPrefix(value, "-") || strings.HasSuffix(value, "-") {
		msgs = append(msgs, "must not begin or end with a hyphen")
	}
	return msgs
}

// envNameErrors is for names of environment variables. Since 1.34 Kubernetes
// takes nearly everything.
func envNameErrors(value string) []string {
	for _, r := range value {
		if r < ' ' || r > '~' || r == '=' {
			return []string{"a valid environment variable name must consist only of printable ASCII characters other than '='"}
		}
	}
	return nil
}
