package iptables

import "sync/atomic"

// Counters count what a rule or a policy has matched. They are shared by all
// rulesets that have the rule, so they go on when other rules change.
type Counters struct {
	packets, bytes atomic.Uint64
}

// Packets returns the number of packets.
func (c *Counters) Packets() uint64 { return c.packets.Load() }

// Bytes returns the number of bytes in them, with their IP headers.
func (c *Counters) Bytes() uint64 { return c.bytes.Load() }

func (c *Counters) add(bytes int) {
	c.packets.Add(1)
	c.bytes.Add(uint64(bytes))
}

func newCounters(packets, bytes uint64) *Counters {
	c := new(Counters)
	c.packets.Store(packets)
	c.bytes.Store(bytes)
	return c
}
