package netstack

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"gvisor.dev/gvisor/pkg/rand"
)

func TestIDsOfPacketsDoNotComeAgainSoon(t *testing.T) {
	rng := rand.RNG{Reader: newSeededRand(7)}
	seen := make(map[uint16]bool)
	for range 1 << 16 {
		rng.Uint32() // whatever else is drawn meanwhile
		seen[rng.Uint16()] = true
	}
	assert.Len(t, seen, 1<<16)
}
