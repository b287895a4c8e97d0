package faults

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What is drawn is spread evenly, and one packet's lot tells nothing of the next.
func TestLotsAreFair(t *testing.T) {
	const n = 100_000
	for _, seed := range []uint64{0, 1, seedOf(1, "a"), math.MaxUint64} {
		var sum, square, next, normal, normal2 float64
		var bits [8]int
		last := draw(seed, n)
		for i := range uint64(n) {
			l := draw(seed, i)
			sum += l.burst
			square += l.burst * l.burst
			next += (l.burst - 0.5) * (last.burst - 0.5)
			next += (l.loss - 0.5) * (l.burst - 0.5)
			normal += l.normal
			normal2 += l.normal * l.normal
			bits[l.bit%8]++
			last = l
		}
		assert.InDelta(t, 0.5, sum/n, 0.005)
		assert.InDelta(t, 1.0/3, square/n, 0.005)
		assert.InDelta(t, 0, next/n, 0.002)
		assert.InDelta(t, 0, normal/n, 0.02)
		assert.InDelta(t, 1, normal2/n, 0.02)
		for _, count := range bits {
			assert.InDelta(t, n/8, count, n/100)
		}
	}
}

func TestBurstsAreAsLongAsTheyShould(t *testing.T) {
	const n = 1_000_000
	l := line{seed: 7}
	c := Conditions{Burst: Burst{Begin: 0.01, End: 0.1, Loss: 1}}
	lost, bursts, before := 0, 0, false
	for i := range uint64(n) {
		now := l.lost(draw(l.seed, i), &c)
		if now {
			lost++
			if !before {
				bursts++
			}
		}
		before = now
	}
	assert.InDelta(t, n/11.0, lost, n/200.0)
	assert.InDelta(t, 10, float64(lost)/float64(bursts), 0.5)
}
