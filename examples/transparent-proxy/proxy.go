package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"podnet.dev/podnet"
)

// The ports of the proxy, which the rules know.
const (
	outboundPort = 15001 // gets what the Pod's containers send to others
	inboundPort  = 15006 // gets what others send to the Pod
	healthPort   = 15021 // is left alone by the rules, so that the kubelet's probe asks the proxy
)

// proxy is the program of the sidecar. It knows of no app: each connection that
// the rules send to it says where it was going.
func proxy(ctx context.Context, c *podnet.Container) error {
	if len(c.Command()) > 0 { // curl, by exec
		return shell(ctx, c)
	}
	p := &forwarder{c: c}
	var servers sync.WaitGroup
	defer servers.Wait()
	for port, serve := range map[int]func(context.Context, net.Listener){
		outboundPort: func(ctx context.Context, l net.Listener) { p.serve(ctx, l, "outbound") },
		inboundPort:  func(ctx context.Context, l net.Listener) { p.serve(ctx, l, "inbound") },
		healthPort:   serveHealth,
	} {
		l, err := c.Listen("tcp", fmt.Sprint(":", port))
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		servers.Go(func() { serve(ctx, l) })
	}
	<-ctx.Done()
	return nil
}

func serveHealth(_ context.Context, l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "the proxy is ready") })
	http.Serve(l, mux) // until it is closed
}

// forwarder sends connections on to where they were going.
type forwarder struct {
	c *podnet.Container
}

// serve takes what the rules redirect to a listener, until that is closed.
func (p *forwarder) serve(ctx context.Context, l net.Listener, direction string) {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conns.Go(func() {
			defer conn.Close()
			p.handle(ctx, conn, direction)
		})
	}
}

func (p *forwarder) handle(ctx context.Context, conn net.Conn, direction string) {
	to, err := podnet.OriginalDst(conn)
	if err != nil {
		p.log(direction, "%s: %s", conn.RemoteAddr(), err)
		return
	}
	p.log(direction, "%s -> %s", conn.RemoteAddr(), to)
	if to.Port() == inboundPort || to.Port() == outboundPort {
		p.log(direction, "refused: it would come back to the proxy, again and again")
		return
	}
	p.forward(ctx, conn, to, direction)
}

// forward connects to where a connection was going and carries what both sides
// send.
func (p *forwarder) forward(ctx context.Context, client net.Conn, to netip.AddrPort, direction string) {
	var d podnet.Dialer
	if direction == "inbound" {
		d.LocalAddr = netip.AddrPortFrom(passthrough, 0)
	}
	server, err := p.c.DialWith(ctx, d, "tcp", to.String())
	if err != nil {
		p.log(direction, "%s", err)
		return
	}
	defer server.Close()
	stop := context.AfterFunc(ctx, func() { client.Close(); server.Close() })
	defer stop()
	var there sync.WaitGroup
	there.Go(func() { carry(server, client) })
	carry(client, server)
	there.Wait()
}

// passthrough is the source of what the proxy hands to the app, since Istio 1.10.
// By it the rules know that these packets have been with the proxy.
var passthrough = netip.AddrFrom4([4]byte{127, 0, 0, 6})

// carry copies what one side sends, and tells the other when that is all.
func carry(to, from net.Conn) {
	io.Copy(to, from)
	if w, ok := to.(interface{ CloseWrite() error }); ok {
		w.CloseWrite()
	}
}

func (p *forwarder) log(direction, format string, args ...any) {
	fmt.Fprintf(p.c.Stdout(), "%-8s  %s\n", direction, fmt.Sprintf(format, args...))
}
