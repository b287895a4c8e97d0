// Package ipam gives out addresses: each node a range of the cluster's, each
// Pod an address of its node's.
package ipam

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"sync"
)

// Sizes of a node's range, from kube-controller-manager's
// --node-cidr-mask-size-ipv4 and -ipv6.
const (
	nodeBitsIPv4 = 24
	nodeBitsIPv6 = 64
)

// NodeRanges cuts the first n ranges for nodes out of a cluster range: /24 for
// IPv4 and /64 for IPv6, or smaller ones if the cluster range has no room for
// so many. It fails if they would have no address left for a Pod.
func NodeRanges(cluster netip.Prefix, n int) ([]netip.Prefix, error) {
	size, whole := nodeBitsIPv4, 32
	if cluster.Addr().Is6() {
		size, whole = nodeBitsIPv6, 128
	}
	need := cluster.Bits() + bits.Len(uint(n-1)) // bits that tell n ranges apart
	size = max(size, need)
	if size > whole-2 { // the range's own address, the gateway, and at least one Pod
		return nil, fmt.Errorf("ipam: range %s is too small for %d nodes", cluster, n)
	}
	ranges := make([]netip.Prefix, n)
	addr := cluster.Masked().Addr()
	for i := range ranges {
		ranges[i] = netip.PrefixFrom(addr, size)
		addr = next(addr, whole-size)
	}
	return ranges, nil
}

// NodeAddrs returns the addresses of n nodes in their own range: those after its
// gateway. It fails if they would not fit.
func NodeAddrs(subnet netip.Prefix, n int) ([]netip.Addr, error) {
	addrs := make([]netip.Addr, n)
	a := subnet.Masked().Addr().Next()
	for i := range addrs {
		a = a.Next()
		last := a.Is4() && !subnet.Contains(a.Next()) // the broadcast address
		if !subnet.Contains(a) || last {
			return nil, fmt.Errorf("ipam: range %s is too small for %d nodes", subnet, n)
		}
		addrs[i] = a
	}
	return addrs, nil
}

// next returns a plus 2^shift.
func next(a netip.Addr, shift int) netip.Addr {
	b := a.AsSlice()
	i := len(b) - 1 - shift/8
	for carry := uint(1) << (shift % 8); carry > 0 && i >= 0; i-- {
		sum := uint(b[i]) + carry
		b[i], carry = byte(sum), sum>>8
	}
	n, _ := netip.AddrFromSlice(b)
	return n
}

// ErrExhausted is wrapped by the error of an Allocator that has nothing left.
var ErrExhausted = errors.New("no IP addresses available")

// An Allocator gives out the addresses of a range as the CNI plugin host-local
// does: in turn, an address that was released not again before the others. The
// range's own address, the gateway (the first one) and an IPv4 range's last
// address are never given out. It may be used by many goroutines.
type Allocator struct {
	prefix  netip.Prefix
	gateway netip.Addr
	last    netip.Addr // of those that may be given out; zero for IPv6: no end in sight

	mu    sync.Mutex // guards what follows
	used  map[netip.Addr]bool
	given netip.Addr // the latest one
}

// NewAllocator returns an allocator for the addresses of prefix.
func NewAllocator(prefix netip.Prefix) *Allocator {
	prefix = prefix.Masked()
	gateway := prefix.Addr().Next()
	a := &Allocator{prefix: prefix, gateway: gateway, used: make(map[netip.Addr]bool), given: gateway}
	if prefix.Addr().Is4() {
		// One below the broadcast address, which is one below the next range.
		a.last = next(prefix.Addr(), 32-prefix.Bits()).Prev().Prev()
		if !a.last.IsValid() { // the range that ends with 255.255.255.255
			a.last = netip.AddrFrom4([4]byte{255, 255, 255, 254})
		}
	}
	return a
}

// Gateway returns the range's first address, which is the node's.
func (a *Allocator) Gateway() netip.Addr { return a.gateway }

// Prefix returns the range.
func (a *Allocator) Prefix() netip.Prefix { return a.prefix }

// Allocate returns an address that is not in use. Its error wraps ErrExhausted.
func (a *Allocator) Allocate() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for addr, start := a.following(a.given), a.given; ; addr = a.following(addr) {
		if !a.used[addr] && addr != a.gateway {
			a.used[addr] = true
			a.given = addr
			return addr, nil
		}
		if addr == start {
			return netip.Addr{}, fmt.Errorf("%w in range set: %s-%s", ErrExhausted, a.gateway, a.last)
		}
	}
}

// following returns the address after addr, the range's first one after its
// last.
func (a *Allocator) following(addr netip.Addr) netip.Addr {
	if addr == a.last || !a.prefix.Contains(addr.Next()) {
		return a.gateway
	}
	return addr.Next()
}

// Free reports whether there are count addresses to give out.
func (a *Allocator) Free(count int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.last.IsValid() {
		return true
	}
	first, last := a.gateway.Next().As4(), a.last.As4()
	return len(a.used)+count <= int(binary.BigEndian.Uint32(last[:])-binary.BigEndian.Uint32(first[:]))+1
}

// Release gives an address back.
func (a *Allocator) Release(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, addr)
}
