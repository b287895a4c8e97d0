package netstack

import (
	"encoding/binary"
	"math"
	"math/rand"
	randv2 "math/rand/v2"
	"sync"
)

// seededRand is what the stack draws ports and initial sequence numbers from:
// the same seed gives the same draws in the same order. It is both an io.Reader
// and a rand.Source and may be used by many goroutines.
type seededRand struct {
	mu   sync.Mutex // guards what follows
	src  *randv2.ChaCha8
	port uint32 // the latest draw of four bytes, modulo ephemeralPorts
	any  bool   // there was one
	id   uint16 // the latest draw of two bytes
}

const (
	ephemeralPorts = lastEphemeralPort - firstEphemeralPort + 1

	// portStride has no factor in common with ephemeralPorts, and is as good as
	// a lot: they are in the golden ratio.
	portStride = 17449
)

var _ rand.Source64 = (*seededRand)(nil)

func newSeededRand(seed uint64) *seededRand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return &seededRand{src: randv2.NewChaCha8(key), id: uint16(seed)}
}

// Read draws bytes. Four of them are what an ephemeral port is chosen by, and no
// port comes again before all others. With Linux, too, it does not come again
// soon: its peer may still be in TIME_WAIT, and where no time passes, as in a
// bubble, would take the next connection for the last one.
//
// Two bytes are an IPv4 packet's ID, by which a receiver puts fragments together.
// They are counted, nearly as on Linux: drawn by lot, one of a few thousand datagrams
// got another's fragments, where fragments were lost.
func (r *seededRand) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.src.Read(b)
	switch len(b) {
	default:
		return n, err
	case 2:
		r.id++
		binary.NativeEndian.PutUint16(b, r.id)
		return n, err
	case 4:
	}
	v := binary.NativeEndian.Uint32(b)
	if r.any {
		r.port = (r.port + portStride) % ephemeralPorts
	} else {
		r.port, r.any = v%ephemeralPorts, true
	}
	binary.NativeEndian.PutUint32(b, v%(math.MaxUint32/ephemeralPorts)*ephemeralPorts+r.port)
	return n, err
}

func (r *seededRand) Uint64() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.src.Uint64()
}

func (r *seededRand) Int63() int64 { return int64(r.Uint64() >> 1) }

// Seed is part of rand.Source; the seed is fixed when the namespace is made.
func (r *seededRand) Seed(int64) {}
