package podnet

import (
	"fmt"
	"time"

	"podnet.dev/podnet/internal/faults"
)

// Conditions are those of a link, of one direction at a time: what is asked for
// both has both, and does not share a bandwidth. The zero value is a link that takes
// no time and loses nothing.
//
// Packets arrive in the order in which they were sent, whatever the jitter, unless
// Reorder says otherwise. They are IP packets without a link header; a long TCP
// segment counts as those that it is cut into.
type Conditions struct {
	// Latency is how long a packet takes, one way.
	Latency time.Duration

	// Jitter is by how much Latency varies from packet to packet: Distribution
	// says how. No packet takes less than no time.
	Jitter       time.Duration
	Distribution Distribution

	// Bandwidth is how much the line sends, in bits per second. The default, 0, is
	// no limit.
	Bandwidth int64

	// Queue is how many packets may wait for the line, beside the one that it
	// sends; what finds the queue full, is dropped. It counts only with Bandwidth.
	// The default is 1000, as Linux's txqueuelen.
	Queue int

	// Loss is the probability that a packet is lost, each by itself.
	Loss float64

	// BurstLoss loses packets in bursts, beside Loss.
	BurstLoss BurstLoss

	// Duplicate is the probability that a packet arrives twice.
	Duplicate float64

	// Corrupt is the probability that a bit of a packet is flipped. Its receiver
	// finds that the checksum is wrong, and drops it; but none covers IPv6's hop
	// limit, traffic class and flow label.
	Corrupt float64

	// Reorder is the probability that a packet arrives late, by ReorderDelay, so
	// that those after it overtake it. The default of ReorderDelay is a
	// millisecond.
	Reorder      float64
	ReorderDelay time.Duration

	// MTU is the longest IP packet in bytes, 1280 or more. The sender of a longer
	// one is told so by ICMP, or it is cut into fragments if it may be. The
	// default, 0, leaves the link's own.
	MTU int
}

// Distribution is how Jitter is spread.
type Distribution string

// The distributions.
const (
	Uniform Distribution = "Uniform" // evenly, between Latency-Jitter and Latency+Jitter; the default
	Normal  Distribution = "Normal"  // about Latency, with Jitter for a standard deviation; four of them at most
)

// BurstLoss is the model of Gilbert and Elliott: from time to time the link becomes
// bad, and packets are lost until it is good again. A burst is 1/End packets long on
// average, and of all packets Begin/(Begin+End) fall into one.
type BurstLoss struct {
	Begin float64 // the probability at each packet that a burst begins
	End   float64 // the probability at each packet that it ends
	Loss  float64 // the probability that a packet is lost in a burst; the default is 1
}

// defaultQueue is Linux's txqueuelen, in packets.
const defaultQueue = 1000

const defaultReorderDelay = time.Millisecond

// check reports everything that is wrong, each with the field's name.
func (c Conditions) check(errs *fieldErrors) {
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"Latency", c.Latency}, {"Jitter", c.Jitter}, {"ReorderDelay", c.ReorderDelay}} {
		if d.value < 0 {
			errs.add(FieldInvalid, d.field, d.value.String(), "must not be negative")
		}
	}
	for _, p := range []struct {
		field string
		value float64
	}{
		{"Loss", c.Loss}, {"BurstLoss.Begin", c.BurstLoss.Begin}, {"BurstLoss.End", c.BurstLoss.End}, {"BurstLoss.Loss", c.BurstLoss.Loss},
		{"Duplicate", c.Duplicate}, {"Corrupt", c.Corrupt}, {"Reorder", c.Reorder},
	} {
		if !(p.value >= 0 && p.value <= 1) { // nor NaN
			errs.add(FieldInvalid, p.field, fmt.Sprint(p.value), "must be a probability between 0 and 1: write 30 % as 0.3")
		}
	}
	switch c.Distribution {
	case "", Uniform, Normal:
	default:
		oneOf(errs, "Distribution", c.Distribution, Uniform, Normal)
	}
	if c.Bandwidth < 0 {
		errs.add(FieldInvalid, "Bandwidth", c.Bandwidth, "must not be negative")
	}
	if c.Queue < 0 {
		errs.add(FieldInvalid, "Queue", c.Queue, "must not be negative")
	}
	if c.Queue > 0 && c.Bandwidth == 0 {
		errs.add(FieldInvalid, "Queue", c.Queue, "without a Bandwidth nothing waits: set Bandwidth")
	}
	if c.BurstLoss.Begin > 0 && c.BurstLoss.End == 0 {
		errs.add(FieldRequired, "BurstLoss.End", nil, "a burst that never ends loses everything: for that set Loss to 1")
	}
	if c.MTU != 0 && (c.MTU < 1280 || c.MTU > 65535) {
		errs.add(FieldInvalid, "MTU", c.MTU, "must be between 1280 and 65535")
	}
}

// engine returns the conditions with their defaults, as the engine has them.
func (c Conditions) engine() faults.Conditions {
	e := faults.Conditions{
		Latency: c.Latency, Jitter: c.Jitter, Normal: c.Distribution == Normal, Bandwidth: c.Bandwidth, Queue: c.Queue, Loss: c.Loss,
		Burst:     faults.Burst{Begin: c.BurstLoss.Begin, End: c.BurstLoss.End, Loss: c.BurstLoss.Loss},
		Duplicate: c.Duplicate, Corrupt: c.Corrupt, Reorder: c.Reorder, ReorderDelay: c.ReorderDelay, MTU: c.MTU,
	}
	if e.Queue == 0 {
		e.Queue = defaultQueue
	}
	if e.Burst.Loss == 0 {
		e.Burst.Loss = 1
	}
	if e.ReorderDelay == 0 {
		e.ReorderDelay = defaultReorderDelay
	}
	return e
}
