package netstack

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/iproute"
	"podnet.dev/podnet/internal/netfilter"
)

// A Link is a network interface of a namespace beside lo.
type Link struct {
	Name           string             // eth0
	Addrs          []netip.Prefix     // each with the length of its subnet; several links may have the same
	Gateways       []netip.Addr       // default routes, at most one for each family
	Routes         []iproute.Route    // further routes
	NoPrefixRoutes bool               // none to the subnets of Addrs
	Endpoint       stack.LinkEndpoint // nil for a link that is up and leads nowhere; closed with the link
	MAC            net.HardwareAddr   // shown by Interfaces; links carry no Ethernet header
	Hidden         bool               // what crosses it is not shown to a Watch: another link shows it
}

// link is a link as the namespace keeps it.
type link struct {
	Link
	id tcpip.NICID
}

// AddLink adds a link and brings it up. Traffic to the link's own addresses
// crosses lo, not the link, as on Linux. If it fails, nothing is added and the
// endpoint is closed. Removing the link or closing the namespace ends it.
func (ns *Namespace) AddLink(l Link) error {
	if l.Endpoint == nil {
		l.Endpoint, _ = pipe.New("", "", DefaultMTU) // its other end stays unattached
	}
	added := &link{Link: l}
	if err := ns.addLink(added); err != nil {
		ns.stack.RemoveNIC(added.id) // if it came so far
		l.Endpoint.Close()
		return fmt.Errorf("netstack: add link %s: %w", l.Name, err)
	}
	return nil
}

func (ns *Namespace) addLink(l *link) error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return net.ErrClosed
	}
	if ns.links[l.Name] != nil {
		return errors.New("a link of this name exists")
	}
	ns.lastLink++
	l.id = ns.lastLink
	hooked := ns.hook(l.Endpoint, l.Name, l.Addrs)
	hooked.id, hooked.hidden = l.id, l.Hidden
	if err := ns.stack.CreateNICWithOptions(l.id, hooked, stack.NICOptions{Name: l.Name}); err != nil {
		return errors.New(err.String())
	}
	if e, ok := l.Endpoint.(interface {
		SetReceiver(func(netfilter.Tuple) string)
	}); ok {
		e.SetReceiver(hooked.ownerFor)
	}
	ns.links[l.Name] = l
	ns.addrMu.Lock()
	ns.hooked[l.id] = hooked
	ns.addrMu.Unlock()
	for i, p := range l.Addrs {
		err := ns.addAddress(l.id, p)
		if err == nil {
			err = ns.addLocal(p)
		}
		if err != nil {
			l.Addrs = l.Addrs[:i] // those that are to be undone
			ns.forgetLink(l)
			return err
		}
	}
	ns.addRoutes(l)
	return nil
}

// RemoveLink takes a link down: it closes its endpoint and removes its addresses
// and routes. Connections over it live on as on Linux, until they time out. The
// name is free when RemoveLink returns. It does nothing if there is no such link.
func (ns *Namespace) RemoveLink(name string) {
	ns.mu.Lock()
	l := ns.links[name]
	if l == nil || l.id == loopbackID {
		ns.mu.Unlock()
		return
	}
	ns.forgetLink(l)
	ns.mu.Unlock()
	ns.stack.RemoveNIC(l.id) // with its addresses and routes
	ns.pump.kick()
}

// forgetLink undoes what addLink did beside the NIC. mu must be held.
func (ns *Namespace) forgetLink(l *link) {
	delete(ns.links, l.Name)
	ns.addrMu.Lock()
	delete(ns.hooked, l.id)
	ns.addrMu.Unlock()
	for _, p := range l.Addrs {
		ns.removeLocal(p)
	}
	ns.setRoutes(slices.DeleteFunc(ns.Routes(), func(r iproute.Route) bool { return r.Dev == l.Name }))
}

// addLocal brings packets to an own address to lo: the address is on lo as well,
// and gets a host route to it with the next applyRoutes.
// mu must be held.
func (ns *Namespace) addLocal(p netip.Prefix) error {
	a := p.Addr()
	if !ns.isLocal(a) {
		if err := ns.addAddress(loopbackID, hostPrefix(a)); err != nil {
			return err
		}
	}
	ns.addrMu.Lock()
	defer ns.addrMu.Unlock()
	ns.locals[a]++
	if hasBroadcast(p) {
		ns.bcasts[broadcast(p)]++
	}
	return nil
}

// isLocal reports whether a link other than lo has the address.
func (ns *Namespace) isLocal(a netip.Addr) bool {
	ns.addrMu.RLock()
	defer ns.addrMu.RUnlock()
	return ns.locals[a] > 0
}

// removeLocal undoes addLocal, for one of the links with the address. mu must be
// held.
func (ns *Namespace) removeLocal(p netip.Prefix) {
	a := p.Addr()
	if ns.forgetLocal(p) {
		ns.stack.RemoveAddress(loopbackID, address(a))
	}
}

// forgetLocal counts one link less that has the address, and reports whether it
// was the last.
func (ns *Namespace) forgetLocal(p netip.Prefix) bool {
	ns.addrMu.Lock()
	defer ns.addrMu.Unlock()
	if hasBroadcast(p) {
		b := broadcast(p)
		if ns.bcasts[b]--; ns.bcasts[b] == 0 {
			delete(ns.bcasts, b)
		}
	}
	a := p.Addr()
	if ns.locals[a]--; ns.locals[a] > 0 {
		return false
	}
	delete(ns.locals, a)
	return true
}

func (ns *Namespace) addAddress(id tcpip.NICID, p netip.Prefix) error {
	proto := ipv4.ProtocolNumber
	if p.Addr().Is6() {
		proto = ipv6.ProtocolNumber
	}
	err := ns.stack.AddProtocolAddress(id, tcpip.ProtocolAddress{
		Protocol:          proto,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: address(p.Addr()), PrefixLen: p.Bits()},
	}, stack.AddressProperties{})
	if err != nil {
		return fmt.Errorf("add address %s: %s", p, err)
	}
	return nil
}

// isBroadcast reports whether a is a broadcast address, of a link or of all.
func (ns *Namespace) isBroadcast(a netip.Addr) bool {
	ns.addrMu.RLock()
	defer ns.addrMu.RUnlock()
	return a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || ns.bcasts[a] > 0
}

func hasBroadcast(p netip.Prefix) bool { return p.Addr().Is4() && p.Bits() < 31 }

// broadcast returns the last address of an IPv4 subnet.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	bits := binary.BigEndian.Uint32(a[:]) | 1<<(32-p.Bits()) - 1
	binary.BigEndian.PutUint32(a[:], bits)
	return netip.AddrFrom4(a)
}

// An Interface is what `ip addr` shows of a link.
type Interface struct {
	Index int
	Name  string
	MTU   int
	Flags net.Flags
	MAC   string // empty on lo
	Addrs []netip.Prefix

	// What has come and gone since the link is there. A long segment that crosses
	// in one piece is one packet.
	RxPackets, RxBytes, TxPackets, TxBytes uint64
}

// Interfaces returns the namespace's links by index.
func (ns *Namespace) Interfaces() []Interface {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	infos := ns.stack.NICInfo()
	list := make([]Interface, 0, len(ns.links))
	for _, l := range ns.links {
		info, ok := infos[l.id]
		if !ok { // the namespace is closed
			continue
		}
		itf := Interface{Index: int(l.id), Name: l.Name, MTU: int(info.MTU), MAC: l.MAC.String(), Flags: net.FlagUp | net.FlagRunning | net.FlagBroadcast | net.FlagMulticast}
		itf.RxPackets, itf.RxBytes = info.Stats.Rx.Packets.Value(), info.Stats.Rx.Bytes.Value()
		itf.TxPackets, itf.TxBytes = info.Stats.Tx.Packets.Value(), info.Stats.Tx.Bytes.Value()
		if l.id == loopbackID {
			itf.Flags = net.FlagUp | net.FlagRunning | net.FlagLoopback
		}
		for _, pa := range info.ProtocolAddresses {
			p := prefix(pa.AddressWithPrefix)
			if l.id == loopbackID && !p.Addr().IsLoopback() {
				continue // there only to bring own-address traffic to lo
			}
			itf.Addrs = append(itf.Addrs, p)
		}
		list = append(list, itf)
	}
	slices.SortFunc(list, func(a, b Interface) int { return cmp.Compare(a.Index, b.Index) })
	return list
}
