package faults

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// lot is all that is drawn for one packet. Everything is drawn for every packet,
// so that a change of one probability does not move the others' draws.
type lot struct {
	burst, loss, duplicate, corrupt, reorder, jitter float64 // in [0,1)
	normal                                           float64
	bit                                              uint64
}

// draw returns the lot of the n'th packet of a line with a seed.
func draw(seed, n uint64) lot {
	src := rand.NewPCG(seed, n)
	f := func() float64 { return float64(src.Uint64()<<11>>11) / (1 << 53) }
	src.Uint64() // neighbours are alike in the first
	l := lot{burst: f(), loss: f(), duplicate: f(), corrupt: f(), reorder: f(), jitter: f(), bit: src.Uint64()}
	// Box and Muller's way takes a fixed number of draws.
	l.normal = math.Sqrt(-2*math.Log(1-f())) * math.Cos(2*math.Pi*f())
	return l
}

// delay returns how long a packet is under way.
func (c *Conditions) delay(l lot) time.Duration {
	d := c.Latency
	switch {
	case c.Jitter == 0:
		return d
	case c.Normal:
		d += time.Duration(float64(c.Jitter) * min(max(l.normal, -maxDeviations), maxDeviations))
	default:
		d += time.Duration(float64(c.Jitter) * (2*l.jitter - 1))
	}
	return max(0, d)
}

// seedOf returns the seed of a line.
func seedOf(seed uint64, parts ...string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for i := range b {
		b[i] = byte(seed >> (8 * i))
	}
	h.Write(b[:])
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum64()
}
