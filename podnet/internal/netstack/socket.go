package netstack

import (
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/waiter"
)

// socket is what TCP and UDP sockets share: a descriptor of gVisor's endpoint.
type socket struct {
	*descriptor
	ep    tcpip.Endpoint
	v6    bool   // an AF_INET6 socket
	freed func() // called once, after the endpoint is closed; may be nil
}

// newSocket makes ep a socket of o. If o is dead it closes ep and fails with
// net.ErrClosed; freed is then not called.
func newSocket(o *Owner, netName string, v6 bool, ep tcpip.Endpoint, wq *waiter.Queue, local, peer net.Addr, freed func()) (*socket, error) {
	s := &socket{ep: ep, v6: v6, freed: freed}
	s.descriptor = newDescriptor(o, netName, wq, local, peer, s)
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// open makes the owner adopt the socket. If that is dead it closes the endpoint
// and fails with net.ErrClosed.
func (s *socket) open() error {
	o := s.owner
	if err := o.adopt(s.descriptor); err != nil {
		o.ns.endpoints.remove(s.ep)
		s.ep.Close()
		forget(s.ep)
		o.ns.pump.kick()
		return err
	}
	o.ns.endpoints.add(s.ep, o)
	return nil
}

// readNothing is a Read into an empty buffer: net takes neither a datagram nor a
// deadline notice of it.
func (s *socket) readNothing() error {
	if err := s.enter(); err != nil {
		return err
	}
	s.leave()
	return nil
}

// release closes the endpoint. A closed connection sends no keep-alive probes, but
// gVisor would, as long as it is in TIME_WAIT.
func (s *socket) release() {
	if o := s.ep.SocketOptions(); o.GetKeepAlive() {
		o.SetKeepAlive(false)
	}
	s.owner.ns.endpoints.remove(s.ep)
	s.ep.Close()
	forget(s.ep)
	s.owner.ns.pump.kick()
	if s.freed != nil {
		s.freed()
	}
}

// SetReadBuffer sets the size of the receive buffer in bytes.
func (s *socket) SetReadBuffer(bytes int) error {
	return s.setError(s.control("setsockopt", func() tcpip.Error {
		s.ep.SocketOptions().SetReceiveBufferSize(int64(bytes), true)
		return nil
	}))
}

// SetWriteBuffer sets the size of the send buffer in bytes.
func (s *socket) SetWriteBuffer(bytes int) error {
	return s.setError(s.control("setsockopt", func() tcpip.Error {
		s.ep.SocketOptions().SetSendBufferSize(int64(bytes), true)
		return nil
	}))
}

// endpointAddrs returns the addresses of an endpoint as its socket shows them.
func endpointAddrs(ep tcpip.Endpoint, v6 bool) (local, remote netip.AddrPort) {
	if fa, err := ep.GetLocalAddress(); err == nil {
		local = addrPort(fa, v6)
	}
	if fa, err := ep.GetRemoteAddress(); err == nil {
		remote = addrPort(fa, v6)
	}
	return local, remote
}
