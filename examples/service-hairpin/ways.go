package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"

	"podnet.dev/podnet"
)

// showWays makes one request each way and shows how it went, hop by hop.
func (s *story) showWays(ctx context.Context) error {
	s.say(0, "The Pod shop, %s on %s, has two containers: app, and its sidecar on port 80.", s.shop.IP(), s.shop.Node())
	s.say(0, "The Service sidecar, %s:8080, selects this Pod.", s.cluster.Service("", "sidecar").ClusterIP())

	s.say(0, "\n1. app calls http://%s", overLocalhost)
	if err := s.showWay(ctx, overLocalhost); err != nil {
		return err
	}
	s.say(0, "\n2. app calls http://%s", throughService)
	if err := s.showWay(ctx, throughService); err != nil {
		return err
	}
	select {
	case e := <-s.hairpins:
		s.say(3, "podnet's event, which no cluster gives")
		s.say(5, "%s  %s  %s\n%s", e.Type, e.Reason, e.FieldPath, e.Message)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *story) showWay(ctx context.Context, address string) error {
	conn, err := get(ctx, s.app, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	remote, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return err
	}
	tracked, node := s.track(conn)
	s.say(3, "%-8s %-18s  %-18s", "hop", "from", "to")
	for _, socket := range s.shop.Sockets() {
		if socket.Container == "app" && socket.State == "ESTAB" {
			s.showHop("app", socket.Local, socket.Remote, "what app sees")
		}
	}
	if tracked != nil {
		s.showHop(node.Name(), tracked.ReplyDst, tracked.ReplySrc, "both addresses are translated")
	}
	for _, socket := range s.shop.Sockets() {
		if socket.Container == "sidecar" && socket.State == "ESTAB" {
			s.showHop("sidecar", socket.Remote, socket.Local, "what the sidecar sees")
		}
	}
	route, err := s.app.IPRoute("get", remote.Addr().String())
	if err != nil {
		return err
	}
	s.say(3, "app $ ip route get %s", remote.Addr())
	s.say(5, "%s", route)
	routers, err := s.countRouters(ctx, remote)
	if err != nil {
		return err
	}
	s.say(3, "routers on the way, by the least TTL that arrives: %d", routers)
	s.say(3, "the sidecar's access log")
	s.say(5, "%s", lastLine(s.shop.Container("sidecar").Logs()))
	if tracked == nil {
		s.say(3, "%s knows nothing of it: the packets do not leave the Pod", s.shop.Node())
		return nil
	}
	s.say(3, "%s $ conntrack -L", node.Name())
	s.say(5, "%s", tracked)
	s.say(3, "%s $ iptables-save    (the rules by which it goes)", node.Name())
	s.say(5, "%s", rulesOf(node, "default/sidecar:http", "-A KUBE-MARK-MASQ", "-A KUBE-POSTROUTING"))
	return nil
}

// countRouters finds out how many routers there are on the way to an address, as
// traceroute does: each takes one off a packet's TTL.
func (s *story) countRouters(ctx context.Context, to netip.AddrPort) (int, error) {
	for ttl := 1; ; ttl++ {
		conn, err := s.app.DialWith(ctx, podnet.Dialer{TTL: ttl}, "tcp4", to.String())
		switch {
		case err == nil:
			return ttl - 1, conn.Close()
		case !errors.Is(err, syscall.EHOSTUNREACH) || ttl == 255: // which says that the TTL was too little
			return 0, err
		}
	}
}

func (s *story) showHop(at string, from, to netip.AddrPort, what string) {
	s.say(3, "%-8s %-18s  %-18s  %s", at, from, to, what)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// get makes a request over a new connection, which it leaves open.
func get(ctx context.Context, c *podnet.Container, address string) (net.Conn, error) {
	conn, err := c.DialContext(ctx, "tcp4", address)
	if err != nil {
		return nil, err
	}
	if err := request(conn, bufio.NewReader(conn)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// request makes a request over a connection and reads the answer.
func request(conn net.Conn, r *bufio.Reader) error {
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: sidecar\r\nUser-Agent: app\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sidecar answers %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// track finds a connection among those that the nodes know of, or returns nil.
func (s *story) track(conn net.Conn) (*podnet.TrackedConnection, *podnet.Node) {
	for _, n := range s.cluster.Nodes() {
		for _, t := range n.Conntrack() {
			if t.Protocol == "tcp" && t.Src.String() == conn.LocalAddr().String() {
				return &t, n
			}
		}
	}
	return nil, nil
}

// rulesOf returns the node's rules that contain one of the words, those with the
// first word first.
func rulesOf(node *podnet.Node, words ...string) string {
	var b strings.Builder
	for _, word := range words {
		for line := range strings.Lines(node.IPTablesSave(false)) {
			if strings.Contains(line, word) {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}
