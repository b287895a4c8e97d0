package netstack

import (
	"encoding/binary"
	"math/rand"
	randv2 "math/rand/v2"
	"sync"
)

// seededRand is what the stack draws ports and initial sequence numbers from:
// the same seed gives the same draws in the same order. It is both an io.Reader
// and a rand.Source and may be used by many goroutines.
type seededRand struct {
	mu  sync.Mutex // guards src
	src *randv2.ChaCha8
}

var _ rand.Source64 = (*seededRand)(nil)

func newSeededRand(seed uint64) *seededRand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return &seededRand{src: randv2.NewChaCha8(key)}
}

func (r *seededRand) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.src.Read(b)
}

func (r *seededRand) Uint64() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.src.Uint64()
}

func (r *seededRand) Int63() int64 { return int64(r.Uint64() >> 1) }

// Seed is part of rand.Source; the seed is fixed when the namespace is made.
func (r *seededRand) Seed(int64) {}
