package ipam

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
)

// What the API server says when it cannot give out an address or a port
// (pkg/registry/core/service, ipallocator and portallocator).
var (
	ErrFull          = errors.New("range is full")
	ErrIPAllocated   = errors.New("provided IP is already allocated")
	ErrOtherRange    = errors.New("the provided network does not match the current range")
	ErrPortAllocated = errors.New("provided port is already allocated")
)

// A ServiceRange gives out the addresses of a range to Services as the API
// server does: of those that nobody asks for by name, one by lot from the upper
// part of the range, and from the lower part only when that is full. The range's
// own address is never given out, nor an IPv4 range's last one. It is for one
// goroutine at a time.
type ServiceRange struct {
	prefix netip.Prefix
	first  netip.Addr
	last   netip.Addr
	static uint64 // size of the lower part
	size   uint64
	used   map[netip.Addr]bool
	lots
}

// lots are what is drawn.
type lots struct {
	source *rand.PCG
	rand   *rand.Rand
}

func newLots(seed, n uint64) lots {
	source := rand.NewPCG(seed, n)
	return lots{source, rand.New(source)}
}

// Mark returns a function that makes the lots that follow be drawn again: for
// who tries what would be given out and releases it.
func (l lots) Mark() (rewind func()) {
	state := *l.source
	return func() { *l.source = state }
}

// NewServiceRange returns a range of which nothing is given out. seed decides
// the lots.
func NewServiceRange(prefix netip.Prefix, seed uint64) *ServiceRange {
	prefix = prefix.Masked()
	r := &ServiceRange{
		prefix: prefix, first: prefix.Addr().Next(), last: lastOf(prefix),
		used: make(map[netip.Addr]bool), lots: newLots(seed, 0),
	}
	host := prefix.Addr().BitLen() - prefix.Bits()
	whole := uint64(math.MaxInt64)
	r.size = math.MaxUint64
	if host < 63 {
		whole = 1 << host
	}
	if host < 64 {
		r.size = uint64(1)<<host - 1
	}
	if prefix.Addr().Is4() {
		r.last = r.last.Prev()
		r.size = max(r.size, 1) - 1
	}
	r.static = staticPart(whole, 16, 256)
	return r
}

// staticPart returns how many of the first places are kept for who asks by name:
// one in so many, but 16 at least, and none of a range as small as that.
func staticPart(whole, oneIn, most uint64) uint64 {
	if whole <= 16 {
		return 0
	}
	return min(max(whole/oneIn, 16), most)
}

// lastOf returns the last address of a range.
func lastOf(prefix netip.Prefix) netip.Addr {
	b := prefix.Addr().AsSlice()
	for i := prefix.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Take gives out an address by name.
func (r *ServiceRange) Take(a netip.Addr) error {
	switch {
	case !r.prefix.Contains(a):
		return ErrOtherRange
	case a.Less(r.first) || r.last.Less(a):
		return fmt.Errorf("the provided IP (%s) is not in the valid range. The range of valid IPs is %s", a, r.prefix)
	case r.used[a]:
		return ErrIPAllocated
	}
	r.used[a] = true
	return nil
}

// Next gives out an address that is free. Its error is ErrFull.
func (r *ServiceRange) Next() (netip.Addr, error) {
	if r.size <= r.static {
		return netip.Addr{}, ErrFull
	}
	middle := plus(r.first, r.static)
	if a, ok := r.scan(middle, r.last, r.rand.Uint64N(r.size-r.static)); ok {
		return a, nil
	}
	if r.static > 0 {
		if a, ok := r.scan(r.first, middle.Prev(), r.rand.Uint64N(r.static)); ok {
			return a, nil
		}
	}
	return netip.Addr{}, ErrFull
}

// scan gives out the first free address from first to last, beginning at an
// offset and going round.
func (r *ServiceRange) scan(first, last netip.Addr, offset uint64) (netip.Addr, bool) {
	start := plus(first, offset)
	for a := start; ; {
		if !r.used[a] {
			r.used[a] = true
			return a, true
		}
		if a == last {
			a = first
		} else {
			a = a.Next()
		}
		if a == start {
			return netip.Addr{}, false
		}
	}
}

// Release gives an address back.
func (r *ServiceRange) Release(a netip.Addr) { delete(r.used, a) }

// plus returns the address n after a.
func plus(a netip.Addr, n uint64) netip.Addr {
	b := a.AsSlice()
	for i := len(b) - 1; i >= 0 && n > 0; i-- {
		sum := uint64(b[i]) + n&0xff
		b[i] = byte(sum)
		n = n>>8 + sum>>8
	}
	a, _ = netip.AddrFromSlice(b)
	return a
}

// A PortRange gives out node ports, as a [ServiceRange] does addresses.
type PortRange struct {
	first, last uint16
	static      int
	used        map[uint16]bool
	lots
}

// NewPortRange returns the ports from first to last.
func NewPortRange(first, last uint16, seed uint64) *PortRange {
	size := uint64(last-first) + 1
	return &PortRange{
		first: first, last: last, static: int(staticPart(size, 32, 128)),
		used: make(map[uint16]bool), lots: newLots(seed, 1),
	}
}

// Take gives out a port by number.
func (r *PortRange) Take(port int32) error {
	if port < int32(r.first) || port > int32(r.last) {
		return fmt.Errorf("provided port is not in the valid range. The range of valid ports is %d-%d", r.first, r.last)
	}
	if r.used[uint16(port)] {
		return ErrPortAllocated
	}
	r.used[uint16(port)] = true
	return nil
}

// Next gives out a port that is free. Its error is ErrFull.
func (r *PortRange) Next() (int32, error) {
	size := int(r.last-r.first) + 1
	for _, part := range [][2]int{{r.static, size}, {0, r.static}} {
		n := part[1] - part[0]
		if n == 0 {
			continue
		}
		offset := r.rand.IntN(n)
		for i := range n {
			port := r.first + uint16(part[0]+(offset+i)%n)
			if !r.used[port] {
				r.used[port] = true
				return int32(port), nil
			}
		}
	}
	return 0, ErrFull
}

// Release gives a port back.
func (r *PortRange) Release(port int32) { delete(r.used, uint16(port)) }
