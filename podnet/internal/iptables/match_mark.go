package iptables

import (
	"math"
	"strings"
)

// markMatch is the match of a packet's mark.
type markMatch struct {
	mark, mask uint32
	invert     bool
}

func (*markMatch) extension() string { return "mark" }

var markMatchOptions = []option{{name: "mark", args: 1, invert: true, mandatory: true}}

func (*markMatch) options() []option { return markMatchOptions }

func (m *markMatch) set(_ *Rule, o *option, invert bool, args []string) (err error) {
	m.invert = invert
	m.mark, m.mask, err = parseMark(m, o, args[0])
	return err
}

// parseMark reads MARK or MARK/MASK.
func parseMark(e extension, o *option, text string) (mark, mask uint32, err error) {
	first, second, masked := strings.Cut(text, "/")
	a, ok := parseNumber(first, math.MaxUint32)
	b := uint64(math.MaxUint32)
	if ok && masked {
		b, ok = parseNumber(second, math.MaxUint32)
	}
	if !ok {
		return 0, 0, bad("%s: bad integer value for option \"--%s\", or out of range.\n", e.extension(), o.name)
	}
	return uint32(a), uint32(b), nil
}

func (*markMatch) check(*Rule, uint32) error { return nil }

func (*markMatch) allowed(*Rule, hookSet) bool { return true }

func (m *markMatch) matches(p *Packet) bool { return (p.Mark&m.mask == m.mark) != m.invert }

func (m *markMatch) text() string {
	if m.mask == math.MaxUint32 {
		return hex(m.mark)
	}
	return hex(m.mark) + "/" + hex(m.mask)
}

func (m *markMatch) saved() string { return " " + not(m.invert) + "--mark " + m.text() }

func (m *markMatch) listed(bool) string { return "mark match " + not(m.invert) + m.text() }
