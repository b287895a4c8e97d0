package iptables

import "strings"

// commentMatch matches everything and says something to the reader.
type commentMatch struct{ text string }

func (*commentMatch) extension() string { return "comment" }

var commentOptions = []option{{name: "comment", args: 1, mandatory: true}}

func (*commentMatch) options() []option { return commentOptions }

// maxComment is the number of bytes of the longest comment.
const maxComment = 255

func (m *commentMatch) set(_ *Rule, o *option, _ bool, args []string) error {
	if len(args[0]) > maxComment {
		return bad("comment: argument to \"--%s\" has unexpected length (max %d)", o.name, maxComment)
	}
	m.text = args[0]
	return nil
}

func (*commentMatch) check(*Rule, uint32) error { return nil }

func (*commentMatch) allowed(*Rule, hookSet) bool { return true }

func (m *commentMatch) saved() string { return " --comment " + quote(m.text) }

func (m *commentMatch) listed(bool) string { return "/* " + m.text + " */" }

// quote is text as iptables-save writes it.
func quote(text string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_'
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`).Replace(text) + `"`
}
