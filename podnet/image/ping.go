package image

import (
	"context"
	be "encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// pinger is ping's command line, and its count of what came back.
type pinger struct {
	*proc
	host     string
	addr     netip.Addr
	count    int // 0: without end
	size     int
	interval time.Duration
	timeout  time.Duration // for the last answer
	deadline time.Duration // 0: none
	quiet    bool

	conn           net.Conn
	sent, received int
	times          []time.Duration
}

// ICMP's types for ping, of IPv4 and IPv6.
const (
	echoRequest4, echoReply4 = 8, 0
	echoRequest6, echoReply6 = 128, 129
)

// ping is ping [-46q] [-c N] [-i SECS] [-s SIZE] [-W SECS] [-w SECS] HOST.
func ping(ctx context.Context, p *proc) int {
	g := &pinger{proc: p, size: 56, interval: time.Second, timeout: 10 * time.Second}
	opts, operands, ok := p.options("46qc:i:s:W:w:", nil)
	if !ok {
		return 1
	}
	want4, want6 := false, false
	for _, o := range opts {
		switch o.name {
		case "4":
			want4 = true
		case "6":
			want6 = true
		case "q":
			g.quiet = true
		default:
			n, err := strconv.ParseFloat(o.value, 64)
			if err != nil || n < 0 || n > 65507 {
				p.errorf("invalid number '%s'", o.value)
				return 1
			}
			seconds := time.Duration(n * float64(time.Second))
			switch o.name {
			case "c":
				g.count = int(n)
			case "s":
				g.size = int(n)
			case "i":
				g.interval = max(seconds, time.Millisecond)
			case "W":
				g.timeout = seconds
			case "w":
				g.deadline = seconds
			}
		}
	}
	if len(operands) != 1 {
		return p.usageError()
	}
	g.host = operands[0]
	if !g.resolve(ctx, want4, want6) {
		p.errorf("bad address '%s'", g.host)
		return 1
	}
	return g.run(ctx)
}

func (g *pinger) resolve(ctx context.Context, want4, want6 bool) bool {
	addrs, err := g.LookupHost(ctx, g.host)
	if err != nil {
		return false
	}
	for _, a := range addrs {
		addr, err := netip.ParseAddr(a)
		if err == nil && (addr.Is4() || !want4) && (addr.Is6() || !want6) {
			g.addr = addr
			return true
		}
	}
	return false
}

func (g *pinger) run(ctx context.Context) int {
	network := "ip4:icmp"
	if g.addr.Is6() {
		network = "ip6:ipv6-icmp"
	}
	conn, err := g.DialContext(ctx, network, g.addr.String())
	if err != nil {
		g.errorf("sendto: %s", strerror(err))
		return 1
	}
	g.conn = conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	fmt.Fprintf(g.out, "PING %s (%s): %d data bytes\n", g.host, g.addr, g.size)
	end := time.Time{}
	if g.deadline > 0 {
		end = time.Now().Add(g.deadline)
	}
	for last := false; !last; {
		now := time.Now()
		last = g.sent+1 == g.count
		wait := g.interval
		if last {
			wait = g.timeout
		}
		if !end.IsZero() && !now.Add(wait).Before(end) {
			last, wait = true, end.Sub(now)
		}
		if err := g.send(now); err != nil {
			if ctx.Err() == nil {
				g.errorf("sendto: %s", strerror(err))
			}
			break
		}
		if !g.receive(now.Add(wait), last) {
			break
		}
	}
	g.summary()
	return bit(g.received == 0)
}

// message makes an echo request with the time in it, as ping does, so that an
// answer tells how long it took.
func (g *pinger) message(now time.Time) []byte {
	b := make([]byte, 8+max(g.size, 8))
	b[0] = echoRequest4
	if g.addr.Is6() {
		b[0] = echoRequest6 // whose checksum the kernel fills in
	}
	be.BigEndian.PutUint16(b[4:], uint16(g.PID()))
	be.BigEndian.PutUint16(b[6:], uint16(g.sent))
	be.BigEndian.PutUint64(b[8:], uint64(now.UnixNano()))
	b = b[:8+g.size]
	if g.addr.Is4() {
		be.BigEndian.PutUint16(b[2:], internetChecksum(b))
	}
	return b
}

// internetChecksum is RFC 1071's.
func internetChecksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(be.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func (g *pinger) send(now time.Time) error {
	_, err := g.conn.Write(g.message(now))
	if err == nil {
		g.sent++
	}
	return err
}

// receive shows the answers that come until a time, or until all are there if
// no further request follows. It reports false when there is nothing more to
// wait for.
func (g *pinger) receive(until time.Time, last bool) bool {
	buf := make([]byte, 65536)
	for !last || g.received < g.sent {
		g.conn.SetReadDeadline(until)
		n, err := g.conn.Read(buf)
		if err != nil {
			return isTimeout(err) && !last
		}
		g.answer(buf[:n])
	}
	return false
}

func isTimeout(err error) bool {
	t, ok := err.(net.Error)
	return ok && t.Timeout()
}

// answer takes in a packet: of IPv4 with its header, of IPv6 without, so that
// its hop limit is not known.
func (g *pinger) answer(b []byte) {
	now, reply, ttl := time.Now(), byte(echoReply6), ""
	if g.addr.Is4() {
		if len(b) < 20 || len(b) < int(b[0]&15)*4 {
			return
		}
		reply, ttl = echoReply4, fmt.Sprintf(" ttl=%d", b[8])
		b = b[int(b[0]&15)*4:]
	}
	if len(b) < 8 || b[0] != reply || be.BigEndian.Uint16(b[4:]) != uint16(g.PID()) {
		return
	}
	g.received++
	took := ""
	if len(b) >= 16 {
		d := now.Sub(time.Unix(0, int64(be.BigEndian.Uint64(b[8:]))))
		g.times = append(g.times, d)
		took = " time=" + milliseconds(d) + " ms"
	}
	if !g.quiet {
		fmt.Fprintf(g.out, "%d bytes from %s: seq=%d%s%s\n", len(b), g.addr, be.BigEndian.Uint16(b[6:]), ttl, took)
	}
}

func (g *pinger) summary() {
	lost := 0
	if g.sent > 0 {
		lost = (g.sent - g.received) * 100 / g.sent
	}
	fmt.Fprintf(g.out, "\n--- %s ping statistics ---\n%d packets transmitted, %d packets received, %d%% packet loss\n", g.host, g.sent, g.received, lost)
	if len(g.times) == 0 {
		return
	}
	least, most, sum := g.times[0], g.times[0], time.Duration(0)
	for _, d := range g.times {
		least, most, sum = min(least, d), max(most, d), sum+d
	}
	fmt.Fprintf(g.out, "round-trip min/avg/max = %s/%s/%s ms\n", milliseconds(least), milliseconds(sum/time.Duration(len(g.times))), milliseconds(most))
}

func milliseconds(d time.Duration) string {
	us := d.Microseconds()
	return fmt.Sprintf("%d.%03d", us/1000, us%1000)
}
