package iptables

import (
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
)

// statisticMatch is the match of every so many packets.
type statisticMatch struct {
	nth         bool
	invert      bool
	probability uint32 // in 2^31 parts
	every       uint32
	packet      uint32
	count       *atomic.Uint32 // of packets seen, if nth
}

func (*statisticMatch) extension() string { return "statistic" }

var statisticOptions = []option{
	{name: "mode", id: 0, args: 1, mandatory: true},
	{name: "probability", id: 1, args: 1, invert: true, excludes: 1<<2 | 1<<3},
	{name: "every", id: 2, args: 1, invert: true, excludes: 1 << 1, needs: 1 << 3},
	{name: "packet", id: 3, args: 1, excludes: 1 << 1, needs: 1 << 2},
}

func (*statisticMatch) options() []option { return statisticOptions }

func (m *statisticMatch) set(_ *Rule, o *option, invert bool, args []string) error {
	switch o.id {
	case 0:
		switch args[0] {
		case "random", "nth":
			m.nth = args[0] == "nth"
		default:
			return bad("Bad mode \"%s\"", args[0])
		}
	case 1:
		f, err := strconv.ParseFloat(args[0], 64)
		if err != nil || !(f >= 0 && f <= 1) {
			return bad("statistic: bad value for option \"--%s\", or out of range (0-1).\n", o.name)
		}
		m.probability, m.invert = uint32(math.RoundToEven(f*(1<<31))), invert
	case 2:
		n, ok := parseNumber(args[0], math.MaxUint32)
		if !ok || n == 0 {
			return bad("statistic: bad value for option \"--%s\", or out of range (1-%d).\n", o.name, uint32(math.MaxUint32))
		}
		m.every, m.invert = uint32(n), invert
	case 3:
		n, ok := parseNumber(args[0], math.MaxUint32)
		if !ok {
			return bad("statistic: bad value for option \"--%s\", or out of range (0-%d).\n", o.name, uint32(math.MaxUint32))
		}
		m.packet = uint32(n)
	}
	return nil
}

func (m *statisticMatch) check(_ *Rule, given uint32) error {
	switch {
	case m.nth && given&(1<<2|1<<3) == 0:
		return bad("--every and --packet must be specified when using nth mode")
	case !m.nth && given&(1<<0) != 0 && given&(1<<1) == 0:
		return bad("--probability must be specified when using random mode")
	case given&(1<<2) != 0 && given&(1<<3) != 0 && m.packet >= m.every:
		return bad("the --packet p must be 0 <= p <= n-1")
	}
	m.count = new(atomic.Uint32)
	if m.every != 0 {
		m.count.Store(m.every - m.packet - 1)
	}
	return nil
}

func (*statisticMatch) allowed(*Rule, hookSet) bool { return true }

func (m *statisticMatch) matches(p *Packet) bool {
	if !m.nth {
		var drawn uint32
		if p.Random != nil {
			drawn = p.Random()
		}
		return drawn&math.MaxInt32 < m.probability != m.invert
	}
	for {
		old := m.count.Load()
		next := old + 1
		if old >= m.every-1 {
			next = 0
		}
		if m.count.CompareAndSwap(old, next) {
			return (next == 0) != m.invert
		}
	}
}

func (m *statisticMatch) chance() string {
	return fmt.Sprintf("probability %.11f", float64(m.probability)/(1<<31))
}

func (m *statisticMatch) saved() string {
	if !m.nth {
		return " --mode random " + not(m.invert) + "--" + m.chance()
	}
	return fmt.Sprintf(" --mode nth %s--every %d --packet %d", not(m.invert), m.every, m.packet)
}

func (m *statisticMatch) listed(bool) string {
	if !m.nth {
		return "statistic mode random " + not(m.invert) + m.chance()
	}
	s := fmt.Sprintf("statistic mode nth %severy %d", not(m.invert), m.every)
	if m.packet != 0 {
		s += fmt.Sprintf(" packet %d", m.packet)
	}
	return s
}
