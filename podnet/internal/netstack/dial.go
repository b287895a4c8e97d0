package netstack

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"podnet.dev/podnet/internal/errno"
)

// fallbackDelay is net.Dialer's: how long the first family of a name with
// addresses of both has before the other is tried beside it (RFC 6555).
const fallbackDelay = 300 * time.Millisecond

// Dial connects to a TCP or UDP address, understood as by net.Dialer. Errors
// are *net.OpError; of several addresses, the first one's.
func (o *Owner) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return o.DialWith(ctx, Dialer{}, network, address)
}

// DialWith is Dial with options.
func (o *Owner) DialWith(ctx context.Context, d Dialer, network, address string) (net.Conn, error) {
	ctx, cancel := d.withDeadline(ctx)
	defer cancel()
	if isUnix(network) {
		return o.dialUnix(ctx, d, network, address)
	}
	if d.LocalName != "" {
		return nil, mismatchedLocal(network, d.LocalName)
	}
	if isIP(network) {
		return o.dialIP(ctx, network, address)
	}
	n, err := parseNetwork(network)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if address == "" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errMissingAddress}
	}
	addrs, err := n.resolve(ctx, address, o.lookup)
	if err == nil {
		addrs, err = d.reachable(n, addrs)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if !n.stream || d.FallbackDelay < 0 {
		return o.dialSerial(ctx, d, n, addrs)
	}
	var first, rest []netip.AddrPort
	for _, a := range addrs {
		if a.Addr().Is4() == addrs[0].Addr().Is4() {
			first = append(first, a)
		} else {
			rest = append(rest, a)
		}
	}
	if len(rest) == 0 {
		return o.dialSerial(ctx, d, n, first)
	}
	return o.dialParallel(ctx, d, n, first, rest)
}

// dialParallel dials first, and rest as soon as first has failed or is slow.
// The first connection wins; the error is that of first.
func (o *Owner) dialParallel(ctx context.Context, d Dialer, n network, first, rest []netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn  net.Conn
		err   error
		first bool
	}
	results := make(chan result)
	dial := func(addrs []netip.AddrPort, isFirst bool) {
		conn, err := o.dialSerial(ctx, d, n, addrs)
		results <- result{conn, err, isFirst}
	}
	go dial(first, true)
	running := 1
	delay := d.FallbackDelay
	if delay == 0 {
		delay = fallbackDelay
	}
	fallback := time.NewTimer(delay)
	defer fallback.Stop()
	startRest := fallback.C

	var winner net.Conn
	var firstErr, restErr error
	for running > 0 {
		select {
		case <-startRest:
			startRest = nil
			running++
			go dial(rest, false)
		case r := <-results:
			running--
			switch {
			case r.err == nil && winner == nil:
				winner = r.conn
				startRest = nil
				cancel() // the other one gives up; its result is waited for
			case r.err == nil:
				r.conn.Close()
			case r.first:
				firstErr = r.err
				if startRest != nil && winner == nil {
					startRest = nil
					running++
					go dial(rest, false)
				}
			default:
				restErr = r.err
			}
		}
	}
	switch {
	case winner != nil:
		return winner, nil
	case firstErr != nil:
		return nil, firstErr
	}
	return nil, restErr
}

// dialSerial tries addrs in turn. The time that is left is shared out among
// them, as net does.
func (o *Owner) dialSerial(ctx context.Context, d Dialer, n network, addrs []netip.AddrPort) (net.Conn, error) {
	var firstErr error
	for i, a := range addrs {
		conn, err := o.dialOne(ctx, d, n, a, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if firstErr == nil {
			firstErr = &net.OpError{Op: "dial", Net: n.name, Source: d.local(n), Addr: n.addr(a), Err: err}
		}
	}
	return nil, firstErr
}

func (o *Owner) dialOne(ctx context.Context, d Dialer, n network, a netip.AddrPort, left int) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, ContextError(err)
	}
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share := max(time.Until(deadline)/time.Duration(left), min(2*time.Second, time.Until(deadline)))
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	target := netip.AddrPortFrom(n.toDial(a.Addr()), a.Port())
	if !n.stream {
		return conn(o.dialUDP(d, n, target))
	}
	return conn(o.dialTCP(ctx, d, n, target))
}

// conn keeps a nil pointer from becoming a net.Conn that is not nil.
func conn[C net.Conn](c C, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (o *Owner) dialTCP(ctx context.Context, d Dialer, n network, raddr netip.AddrPort) (*tcpConn, error) {
	if o.isDead() {
		return nil, net.ErrClosed
	}
	v6, v6only := n.family(raddr.Addr(), false)
	proto := ipv4.ProtocolNumber
	if v6 {
		proto = ipv6.ProtocolNumber
	}
	wq := new(waiter.Queue)
	ep, terr := o.ns.stack.NewEndpoint(tcp.ProtocolNumber, proto, wq)
	if terr != nil {
		return nil, sysError("socket", terr)
	}
	ep.SetOwner(o)
	ep.SocketOptions().SetV6Only(v6only)
	if err := d.setTTL(ep, raddr.Addr()); err != nil {
		ep.Close()
		return nil, err
	}
	if from := o.ns.source(d.LocalAddr, raddr.Addr()); from != (netip.AddrPort{}) {
		if err := o.bindToDial(ep, from, raddr); err != nil {
			ep.Close()
			return nil, err
		}
	}
	o.ns.endpoints.add(ep, o) // a socket that answers come to before it is one
	if err := o.connect(ctx, ep, wq, raddr); err != nil {
		o.ns.endpoints.remove(ep)
		ep.Close()
		o.ns.pump.kick()
		return nil, err
	}
	return newTCPConn(o, n, v6, ep, wq, shownBy(v6, raddr), keepAlive(d.KeepAlive, d.KeepAliveConfig))
}

// bindToDial binds ep to laddr, to be connected to raddr.
func (o *Owner) bindToDial(ep tcpip.Endpoint, laddr, raddr netip.AddrPort) error {
	from := laddr.Addr().Unmap()
	fa := fullAddress(netip.AddrPortFrom(from, laddr.Port()))
	if from.IsValid() && !from.IsUnspecified() {
		fa.NIC = o.ns.routeTo(from, raddr.Addr())
	}
	if terr := ep.Bind(fa); terr != nil {
		return sysError("bind", terr)
	}
	return nil
}

// connect connects ep and waits for the outcome.
func (o *Owner) connect(ctx context.Context, ep tcpip.Endpoint, wq *waiter.Queue, raddr netip.AddrPort) error {
	entry, ready := waiter.NewChannelEntry(writeEvents)
	wq.EventRegister(&entry)
	defer wq.EventUnregister(&entry)

	if e := o.ns.cannotConnect(raddr.Addr(), true); e != 0 {
		return os.NewSyscallError("connect", errno.Of(e))
	}
	hear(ep)
	defer forget(ep)
	terr := ep.Connect(fullAddress(raddr))
	o.ns.pump.kick()
	if _, started := terr.(*tcpip.ErrConnectStarted); !started && terr != nil {
		return sysError("connect", noRoute(terr))
	}
	for connecting(ep) {
		select {
		case <-ready:
		case <-ctx.Done():
			return ContextError(ctx.Err())
		case <-o.dead:
			return net.ErrClosed
		}
	}
	if terr := ep.LastError(); terr != nil {
		o.ns.stack.Stats().TCP.FailedConnectionAttempts.Increment() // it counts only those that do not even begin
		return endpointError("connect", ep, terr)
	}
	return nil
}

func connecting(ep tcpip.Endpoint) bool {
	switch tcp.EndpointState(ep.State()) {
	case tcp.StateConnecting, tcp.StateSynSent, tcp.StateSynRecv:
		return true
	}
	return false
}

// cannotConnect returns the error of connect(2) to an address that Linux rules
// out, or 0. stream says that it is TCP's.
func (ns *Namespace) cannotConnect(a netip.Addr, stream bool) syscall.Errno {
	switch {
	case stream && (a.IsMulticast() || ns.isBroadcast(a)):
		return syscall.ENETUNREACH
	case needsZone(a):
		return syscall.EINVAL
	}
	return ns.refused(a)
}

// needsZone reports whether a means something on a certain link only, which a
// does not name.
func needsZone(a netip.Addr) bool {
	return a.Is6() && a.Zone() == "" && (a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsInterfaceLocalMulticast())
}

// noRoute gives the lack of a route Linux's name; a host that is unreachable
// though there is a route, tells so later, by ICMP.
func noRoute(err tcpip.Error) tcpip.Error {
	if _, ok := err.(*tcpip.ErrHostUnreachable); ok {
		return &tcpip.ErrNetworkUnreachable{}
	}
	return err
}

// noRouteTo is noRoute for a socket that sends to an address, or to its peer if
// it is nil. The route to a peer is invalid once its link was removed.
func noRouteTo(to *tcpip.FullAddress, err tcpip.Error) tcpip.Error {
	if _, ok := err.(*tcpip.ErrInvalidEndpointState); ok && to == nil {
		return &tcpip.ErrNetworkUnreachable{}
	}
	return noRoute(err)
}
