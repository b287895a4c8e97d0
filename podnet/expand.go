package podnet

import "strings"

// expand replaces $(NAME) in a value, a command or an argument as the kubelet
// does: "$$" stands for "$", and a name that is not known stays as it is
// written (API documentation of EnvVar.value and Container.command).
func expand(text string, lookup func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		text = after
		switch {
		case strings.HasPrefix(text, "$"):
			b.WriteByte('$')
			text = text[1:]
		case strings.HasPrefix(text, "("):
			name, rest, closed := strings.Cut(text[1:], ")")
			if !closed {
				b.WriteByte('$')
				continue
			}
			text = rest
			if value, ok := lookup(name); ok {
				b.WriteString(value)
			} else {
				b.WriteString("$(" + name + ")")
			}
		default:
			b.WriteByte('$')
		}
	}
}

// expandStatic expands the command of an exec probe. The kubelet knows nothing
// there but the values that are written in the spec, and does not expand those
// (ExpandContainerCommandOnlyStatic in pkg/kubelet/container/helpers.go). In the
// commands of hooks it expands nothing.
func (c *container) expandStatic(command []string) []string {
	var static variables
	for _, e := range c.spec.Env {
		static = static.set(e.Name, e.Value)
	}
	return expandAll(command, static.lookup)
}

func expandAll(words []string, lookup func(name string) (string, bool)) []string {
	var expanded []string
	for _, word := range words {
		expanded = append(expanded, expand(word, lookup))
	}
	return expanded
}
