package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"sync"
	"time"
)

// netcat is nc's command line.
type netcat struct {
	*proc
	listen, again, udp, scan, verbose bool
	port                              string
	wait                              time.Duration
	program                           []string
}

// nc is nc [-uvzn] [-w seconds] host port [-e program args...], or
// nc -l[l] -p port [-e program args...]. Beside busybox's options it has -z and
// -v, with the messages of OpenBSD's nc.
func nc(ctx context.Context, p *proc) int {
	n := &netcat{proc: p}
	for i, a := range p.args { // what follows -e is another command's
		if a == "-e" && i+1 < len(p.args) {
			n.program, p.args = p.args[i+1:], p.args[:i]
			break
		}
	}
	opts, operands, ok := p.options("lp:w:uzvnNki:s:", nil)
	if !ok {
		return 1
	}
	for _, o := range opts {
		switch o.name {
		case "l":
			n.again = n.listen // -ll
			n.listen = true
		case "k":
			n.again = true
		case "p":
			n.port = o.value
		case "w":
			s, ok := p.number(o.value)
			if !ok {
				return 1
			}
			n.wait = time.Duration(s) * time.Second
		case "u":
			n.udp = true
		case "z":
			n.scan = true
		case "v":
			n.verbose = true
		}
	}
	if n.listen {
		if n.port == "" && len(operands) > 0 { // nc -l 80, as OpenBSD's
			n.port = operands[len(operands)-1]
		}
		if n.port == "" {
			return p.usageError()
		}
		return n.serve(ctx)
	}
	if len(operands) != 2 {
		return p.usageError()
	}
	return n.dial(ctx, operands[0], operands[1])
}

func (n *netcat) network() string {
	if n.udp {
		return "udp"
	}
	return "tcp"
}

func (n *netcat) dial(ctx context.Context, host, port string) int {
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		n.errorf("bad port '%s'", port)
		return 1
	}
	addrs, err := n.lookup(ctx, host, port)
	if err != nil || len(addrs) == 0 {
		if ctx.Err() == nil {
			n.errorf("bad address '%s'", host)
		}
		return 1
	}
	addr := preferIPv4(addrs)[0]
	dialCtx := ctx
	if n.wait > 0 {
		var cancel context.CancelFunc
		dialCtx, cancel = context.WithTimeout(ctx, n.wait)
		defer cancel()
	}
	conn, err := n.DialContext(dialCtx, n.network(), net.JoinHostPort(addr, port))
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return 1
	case timedOut(err) && n.wait > 0:
		n.errorf("timed out")
		return 1
	default:
		n.errorf("can't connect to remote host (%s): %s", addr, strerror(err))
		return 1
	}
	defer conn.Close()
	if n.verbose {
		fmt.Fprintf(n.err, "Connection to %s %s port [%s/*] succeeded!\n", host, port, n.network())
	}
	if n.scan {
		return 0
	}
	return n.run(ctx, conn)
}

func (n *netcat) serve(ctx context.Context) int {
	if n.udp {
		return n.serveUDP(ctx)
	}
	l, err := n.Listen("tcp", ":"+n.port)
	if err != nil {
		n.errorf("bind: %s", strerror(err))
		return 1
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	if n.verbose {
		fmt.Fprintf(n.err, "listening on %s ...\n", l.Addr())
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				n.errorf("accept: %s", strerror(err))
			}
			return 1
		}
		if n.verbose {
			fmt.Fprintf(n.err, "connect to %s from %s\n", conn.LocalAddr(), conn.RemoteAddr())
		}
		code := n.run(ctx, conn)
		conn.Close()
		if !n.again || ctx.Err() != nil {
			return code
		}
	}
}

// serveUDP takes the first datagram's sender as its peer, as nc -lu does.
func (n *netcat) serveUDP(ctx context.Context) int {
	pc, err := n.ListenPacket("udp", ":"+n.port)
	if err != nil {
		n.errorf("bind: %s", strerror(err))
		return 1
	}
	defer pc.Close()
	return n.run(ctx, &udpPeer{PacketConn: pc})
}

// udpPeer is an unconnected UDP socket that talks to who spoke to it first.
type udpPeer struct {
	net.PacketConn

	mu   sync.Mutex
	peer net.Addr // guarded by mu
}

func (u *udpPeer) Read(b []byte) (int, error) {
	for {
		k, from, err := u.ReadFrom(b)
		if err != nil {
			return k, err
		}
		u.mu.Lock()
		if u.peer == nil {
			u.peer = from
		}
		known := from.String() == u.peer.String()
		u.mu.Unlock()
		if known {
			return k, nil
		}
	}
}

func (u *udpPeer) Write(b []byte) (int, error) {
	peer := u.RemoteAddr()
	if peer == nil {
		return len(b), nil // nobody to talk to yet
	}
	return u.WriteTo(b, peer)
}

func (u *udpPeer) RemoteAddr() net.Addr {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.peer
}

// run copies between the connection and stdin and stdout until the peer closes,
// or ends once stdin does and -w seconds have passed without data.
func (n *netcat) run(ctx context.Context, conn net.Conn) int {
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if n.program != nil {
		st := n.startup()
		st.in, st.out = conn, conn
		status, _ := n.child(ctx, n.program, st)
		return status
	}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(n.out, conn)
		read <- err
	}()
	ctx, stop := context.WithCancel(ctx)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.Copy(conn, boundReader(ctx, n.in))
		if c, ok := conn.(interface{ CloseWrite() error }); ok {
			c.CloseWrite()
		}
	}()
	wait := time.Duration(math.MaxInt64)
	if n.wait > 0 {
		wait = n.wait
	}
	var err error
	select {
	case err = <-read:
	case <-n.idle(ctx, sent, wait):
		conn.Close()
		<-read
	}
	stop()
	conn.Close()
	<-sent
	if err != nil && !errors.Is(err, net.ErrClosed) {
		n.errorf("read: %s", strerror(err))
		return 1
	}
	return 0
}

// idle closes its channel when wait has passed after stdin's end.
func (n *netcat) idle(ctx context.Context, sent <-chan struct{}, wait time.Duration) <-chan struct{} {
	done := make(chan struct{})
	if wait == math.MaxInt64 {
		return done
	}
	go func() {
		select {
		case <-sent:
		case <-ctx.Done():
			return
		}
		pause(ctx, wait)
		if ctx.Err() == nil {
			close(done)
		}
	}()
	return done
}
