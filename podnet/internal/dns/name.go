package dns

import "strings"

// IsName reports whether a resolver would ask a server for a name, as package
// net decides it: by the syntax of RFC 1035 and 3696, with underscores, and with
// something else than digits in it. Other names do not exist.
func IsName(name string) bool {
	if name == "." {
		return true
	}
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > maxName {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	hasLetter := false
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '-':
			hasLetter = true
		case '0' <= c && c <= '9' || c == '.':
		default:
			return false
		}
	}
	return hasLetter
}
