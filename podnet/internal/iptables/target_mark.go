package iptables

import "math"

// The options of MARK, all of which say one and the same: clear the bits of mask,
// then flip those of mark.
var markOptions = []option{
	{name: "set-xmark", id: 0, args: 1, excludes: 1<<1 | 1<<2 | 1<<3 | 1<<4},
	{name: "set-mark", id: 1, args: 1, excludes: 1<<0 | 1<<2 | 1<<3 | 1<<4},
	{name: "and-mark", id: 2, args: 1, excludes: 1<<0 | 1<<1 | 1<<3 | 1<<4},
	{name: "or-mark", id: 3, args: 1, excludes: 1<<0 | 1<<1 | 1<<2 | 1<<4},
	{name: "xor-mark", id: 4, args: 1, excludes: 1<<0 | 1<<1 | 1<<2 | 1<<3},
}

func (t *reading) setMark(o *option, text string) error {
	if o.id >= 2 {
		if _, ok := parseNumber(text, math.MaxUint32); !ok {
			return bad("MARK: bad value for option \"--%s\", or out of range (0-%d).\n", o.name, uint32(math.MaxUint32))
		}
	}
	mark, mask, err := parseMark(t, o, text)
	if err != nil {
		return err
	}
	switch o.id {
	case 0:
		t.mark, t.mask = mark, mask
	case 1:
		t.mark, t.mask = mark, mark|mask
	case 2:
		t.mark, t.mask = 0, ^mark
	case 3:
		t.mark, t.mask = mark, mark
	case 4:
		t.mark, t.mask = mark, 0
	}
	return nil
}

func (t *target) listedMark() string {
	switch {
	case t.mark == 0:
		return "MARK and " + hex(^t.mask)
	case t.mark == t.mask:
		return "MARK or " + hex(t.mark)
	case t.mask == 0:
		return "MARK xor " + hex(t.mark)
	case t.mask == math.MaxUint32:
		return "MARK set " + hex(t.mark)
	}
	return "MARK xset " + hex(t.mark) + "/" + hex(t.mask)
}
