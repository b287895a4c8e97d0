package iptables

import (
	"strconv"
	"strings"
)

// ownerMatch is the match of the process that sent a packet.
type ownerMatch struct {
	uid, gid idRange
	exists   condition // --socket-exists
}

// idRange is user or group ids, both ends included.
type idRange struct {
	condition
	min, max uint32
}

// condition is an option that may be there or not, and inverted.
type condition struct{ given, invert bool }

func (*ownerMatch) extension() string { return "owner" }

var ownerOptions = []option{
	{name: "uid-owner", id: 0, args: 1, invert: true},
	{name: "gid-owner", id: 1, args: 1, invert: true},
	{name: "socket-exists", id: 2, invert: true},
	{name: "suppl-groups", id: 3},
}

func (*ownerMatch) options() []option { return ownerOptions }

func (m *ownerMatch) set(_ *Rule, o *option, invert bool, args []string) error {
	c := condition{true, invert}
	switch o.id {
	case 0, 1:
		r, ok := parseIDs(args[0])
		if !ok {
			return bad("owner: Bad value for \"--%s\" option: \"%s\"", o.name, args[0])
		}
		r.condition = c
		if o.id == 0 {
			m.uid = r
		} else {
			m.gid = r
		}
	case 2:
		m.exists = c
	case 3:
		return unsupported(m, o)
	}
	return nil
}

// parseIDs reads one id or two with a hyphen. Of names it knows root.
func parseIDs(text string) (idRange, bool) {
	if text == "root" {
		return idRange{}, true
	}
	low, high, isRange := strings.Cut(text, "-")
	min, ok := parseNumber(low, 1<<32-2)
	max := min
	if ok && isRange {
		max, ok = parseNumber(high, 1<<32-2)
	}
	return idRange{min: uint32(min), max: uint32(max)}, ok
}

func (m *ownerMatch) check(_ *Rule, given uint32) error {
	if given == 0 {
		return bad("owner: At least one of --uid-owner, --gid-owner or --socket-exists is required")
	}
	return nil
}

func (m *ownerMatch) allowed(_ *Rule, from hookSet) bool {
	return from&^setOf(Input, Output, Postrouting) == 0 && m.uid.min <= m.uid.max && m.gid.min <= m.gid.max
}

// matches follows the kernel: without a socket, only what is inverted matches.
func (m *ownerMatch) matches(p *Packet) bool {
	if m.exists.given && p.HasOwner == m.exists.invert {
		return false
	}
	return m.uid.matches(p.HasOwner, p.UID) && m.gid.matches(p.HasOwner, p.GID)
}

func (r *idRange) matches(owned bool, id uint32) bool {
	return !r.given || (owned && id >= r.min && id <= r.max) != r.invert
}

func (r *idRange) String() string {
	s := strconv.FormatUint(uint64(r.min), 10)
	if r.min != r.max {
		s += "-" + strconv.FormatUint(uint64(r.max), 10)
	}
	return s
}

func (m *ownerMatch) saved() string {
	s := ""
	if m.exists.given {
		s += " " + not(m.exists.invert) + "--socket-exists"
	}
	if m.uid.given {
		s += " " + not(m.uid.invert) + "--uid-owner " + m.uid.String()
	}
	if m.gid.given {
		s += " " + not(m.gid.invert) + "--gid-owner " + m.gid.String()
	}
	return s
}

func (m *ownerMatch) listed(numeric bool) string {
	var parts []string
	name := func(r *idRange) string {
		if s := r.String(); s != "0" || numeric {
			return s
		}
		return "root"
	}
	if m.exists.given {
		parts = append(parts, not(m.exists.invert)+"owner socket exists")
	}
	if m.uid.given {
		parts = append(parts, not(m.uid.invert)+"owner UID match "+name(&m.uid))
	}
	if m.gid.given {
		parts = append(parts, not(m.gid.invert)+"owner GID match "+name(&m.gid))
	}
	return strings.Join(parts, " ")
}
