package behaviour

import (
	"io"
	"net"
	"strconv"
)

// Linux's net.ipv4.ip_local_port_range in a fresh network namespace.
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// portCases show which ports the system picks.
var portCases = []Case{
	{Name: "port: picked from the ephemeral range", Run: func(n *Notebook, v Verbs) {
		check := func(what string, a net.Addr) {
			p, err := strconv.Atoi(port(a))
			n.Note(what+" is in the range", err == nil && p >= firstEphemeral && p <= lastEphemeral)
		}
		check("listener", n.listen(v, "tcp", loopback).Addr())
		check("packet", n.listenPacket(v, "udp", loopback).LocalAddr())
		c, _ := n.pair(v)
		check("dialed", c.LocalAddr())
		check("dialed udp", n.dial(v, "udp", "127.0.0.1:9").LocalAddr())
	}},
	{Name: "port: two listeners get two", Run: func(n *Notebook, v Verbs) {
		seen := map[string]bool{}
		for range 50 {
			seen[port(n.listen(v, "tcp", loopback).Addr())] = true
		}
		n.Note("different", len(seen))
	}},
	{Name: "port: all UDP ports taken", Needs: FewPorts | Long, Run: func(n *Notebook, v Verbs) {
		count, err := exhaust(n, func() (io.Closer, error) { return v.ListenPacket(n.ctx, "udp4", ":0") })
		n.Note("all of them", count == v.EphemeralPorts())
		n.Note("one more", err)
		_, err = v.Dial(n.ctx, "udp4", "127.0.0.1:9")
		n.Note("dial", err)
		n.Note("tcp", n.listen(v, "tcp", loopback).Addr())
	}},
	{Name: "port: all TCP ports taken by listeners", Needs: FewPorts | Long, Run: func(n *Notebook, v Verbs) {
		target := n.listen(v, "tcp4", "127.0.0.1:21100")
		count, err := exhaust(n, func() (io.Closer, error) { return v.Listen(n.ctx, "tcp4", "127.0.0.1:0") })
		n.Note("all of them", count == v.EphemeralPorts())
		n.Note("one more", err)
		_, err = v.Dial(n.ctx, "tcp4", target.Addr().String())
		n.Note("dial", err)
	}},
}

// exhaust opens sockets until that fails. It closes one of them at the end and
// notes that it can be had again.
func exhaust(n *Notebook, open func() (io.Closer, error)) (count int, err error) {
	var last io.Closer
	for count <= 1<<16 {
		c, err2 := open()
		if err2 != nil {
			err = err2
			break
		}
		last = c
		count++
	}
	last.Close()
	_, err2 := open()
	n.Note("again after a Close", err2)
	return count, err
}
