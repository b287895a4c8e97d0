package netfilter

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

const (
	syn    = header.TCPFlagSyn
	ack    = header.TCPFlagAck
	fin    = header.TCPFlagFin
	rst    = header.TCPFlagRst
	synAck = syn | ack
	finAck = fin | ack
)

// step is a packet of a connection, and what conntrack says of it then.
type step struct {
	dir     Direction
	flags   header.TCPFlags
	state   string
	timeout time.Duration
}

// The states and times are those of `conntrack -L` on Linux with kube-proxy's
// settings.
func TestStatesOfTCP(t *testing.T) {
	const client, server = Original, Reply
	up := []step{
		{client, syn, "SYN_SENT", 120 * time.Second}, {server, synAck, "SYN_RECV", 60 * time.Second},
		{client, ack, "ESTABLISHED", 24 * time.Hour},
	}
	after := func(steps ...step) []step { return append(append([]step{}, up...), steps...) }
	for name, steps := range map[string][]step{
		"the client closes first": after(step{client, ack, "ESTABLISHED", 24 * time.Hour}, step{client, finAck, "FIN_WAIT", 120 * time.Second},
			step{server, ack, "CLOSE_WAIT", time.Hour}, step{server, ack, "CLOSE_WAIT", time.Hour}, step{server, finAck, "LAST_ACK", 30 * time.Second},
			step{client, ack, "TIME_WAIT", 120 * time.Second}),
		"the server closes first": after(step{server, finAck, "FIN_WAIT", 120 * time.Second}, step{client, finAck, "LAST_ACK", 30 * time.Second},
			step{server, ack, "TIME_WAIT", 120 * time.Second}, step{client, finAck, "TIME_WAIT", 120 * time.Second}),
		"reset":                      after(step{server, rst, "CLOSE", 10 * time.Second}),
		"refused":                    {up[0], {server, rst | ack, "CLOSE", 10 * time.Second}},
		"a SYN again":                {up[0], up[0], up[1], up[1], {client, syn, "SYN_RECV", 60 * time.Second}},
		"a SYN in the middle":        after(step{client, syn, "ESTABLISHED", 24 * time.Hour}),
		"a server that goes on":      {up[0], up[1], {server, ack, "SYN_RECV", 60 * time.Second}},
		"taken up in its middle":     {{client, ack, "ESTABLISHED", 24 * time.Hour}, {server, ack, "ESTABLISHED", 24 * time.Hour}},
		"an ACK before the SYN+ACK":  {up[0], {client, ack, "SYN_SENT", 120 * time.Second}},
		"a SYN after it was reset":   after(step{server, rst, "CLOSE", 10 * time.Second}, up[0], up[1]),
		"a SYN after it was closed":  after(step{server, finAck, "FIN_WAIT", 120 * time.Second}, step{client, finAck, "LAST_ACK", 30 * time.Second}, step{server, ack, "TIME_WAIT", 120 * time.Second}, up[0]),
		"a SYN while it is closed":   after(step{client, finAck, "FIN_WAIT", 120 * time.Second}, step{client, syn, "FIN_WAIT", 120 * time.Second}),
		"a SYN+ACK that comes again": after(step{server, synAck, "ESTABLISHED", 24 * time.Hour}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := NewConntrack(1)
				forward := wire{proto: TCP, src: "10.0.0.1:40000", dst: "10.96.0.1:80"}
				back := wire{proto: TCP, src: "10.0.1.1:8080", dst: "10.0.0.1:40000"}
				for i, s := range steps {
					w := forward
					if s.dir == Reply {
						w = back
					}
					w.flags = s.flags
					p := w.packet(t)
					c, d := table.Track(p)
					if c == nil {
						require.True(t, p.Begins(), i)
						var err error
						_, err = table.Open(p, NAT{Dst: ap("10.0.1.1:8080")})
						require.NoError(t, err)
					}
					assert.Equal(t, s.dir, d)
					p.Release()
					list := table.Entries()
					require.Len(t, list, 1)
					assert.Equal(t, s.state, list[0].State, "after packet %d", i)
					assert.Equal(t, s.timeout, list[0].Timeout)
				}
				left := steps[len(steps)-1].timeout
				time.Sleep(left - time.Nanosecond)
				assert.Len(t, table.Entries(), 1)
				time.Sleep(time.Nanosecond)
				assert.Empty(t, table.Entries())
				p := back.packet(t)
				defer p.Release()
				c, _ := table.Track(p)
				assert.Nil(t, c, "it is forgotten")
				assert.Empty(t, table.conns)
			})
		})
	}
}

// A server's port that is used to connect with, once the connection is over.
func TestAServerThatDialsItsClient(t *testing.T) {
	table := NewConntrack(1)
	see := func(src, dst string, flags header.TCPFlags) (*Conn, Direction) {
		p := wire{proto: TCP, src: src, dst: dst, flags: flags}.packet(t)
		defer p.Release()
		c, d := table.Track(p)
		if c == nil {
			c, _ = table.Open(p, NAT{})
		}
		return c, d
	}
	const a, b = "10.0.0.1:1000", "10.0.1.1:2000"
	see(a, b, syn)
	_, d := see(b, a, syn)
	assert.Equal(t, Reply, d, "simultaneous open")
	see(b, a, rst)
	c, d := see(b, a, syn)
	assert.Equal(t, Original, d)
	assert.Equal(t, b, c.Orig().Src().String())
	assert.Len(t, table.Entries(), 1)
}

func TestTimeoutsOfDatagrams(t *testing.T) {
	for proto, w := range map[uint8]wire{
		UDP: {proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2"}, ICMP: {proto: ICMP, src: "10.0.0.1:1", dst: "10.0.0.2", icmp: [2]uint8{8}}, 132: {proto: 132, src: "10.0.0.1", dst: "10.0.0.2"},
	} {
		synctest.Test(t, func(t *testing.T) {
			table := NewConntrack(1)
			p := w.packet(t)
			defer p.Release()
			_, err := table.Open(p, NAT{})
			require.NoError(t, err)
			w.src, w.dst = w.dst, w.src
			if proto == ICMP {
				w.icmp, w.src, w.dst = [2]uint8{}, "10.0.0.2:1", "10.0.0.1"
			}
			answer := w.packet(t)
			defer answer.Release()
			expect := func(p *Packet, d Direction, timeout time.Duration, assured bool) {
				t.Helper()
				c, got := table.Track(p)
				require.NotNil(t, c)
				assert.Equal(t, d, got)
				e := table.Entries()[0]
				assert.Equal(t, timeout, e.Timeout)
				assert.Equal(t, assured, e.Assured)
				assert.Equal(t, d == Reply, e.Replied)
			}
			first, later := 30*time.Second, 30*time.Second
			switch proto {
			case UDP:
				later = 120 * time.Second
			case 132:
				first, later = 600*time.Second, 600*time.Second
			}
			time.Sleep(3 * time.Second)
			expect(p, Original, first, false)
			expect(answer, Reply, later, proto == UDP)
			time.Sleep(later)
			c, _ := table.Track(p)
			assert.Nil(t, c)
		})
	}
}

// Both ping each other with the same identifier.
func TestRequestsAndRepliesOfEcho(t *testing.T) {
	for _, v4 := range []bool{true, false} {
		table := NewConntrack(1)
		w := wire{proto: ICMP, icmp: [2]uint8{8}}
		ends, reply := [2]string{"10.0.0.1:7", "10.0.0.2:7"}, uint8(0)
		if !v4 {
			w, ends, reply = wire{proto: ICMPv6, icmp: [2]uint8{128}}, [2]string{"[fd00::1]:7", "[fd00::2]:7"}, 129
		}
		track := func(from int, typ uint8) (*Conn, Direction) {
			w.src, w.dst, w.icmp[0] = ends[from], ends[1-from], typ
			p := w.packet(t)
			defer p.Release()
			c, d := table.Track(p)
			if c == nil && p.Begins() {
				c, _ = table.Open(p, NAT{})
			}
			return c, d
		}
		request := w.icmp[0]
		c, _ := track(1, reply)
		assert.Nil(t, c, "nobody asked")
		c, d := track(0, request)
		assert.Equal(t, Original, d)
		other, d := track(1, request)
		assert.NotSame(t, c, other)
		assert.Equal(t, Original, d)
		got, d := track(1, reply)
		assert.Same(t, c, got)
		assert.Equal(t, Reply, d)
		got, _ = track(0, reply)
		assert.Same(t, other, got)
	}
}

func TestPortsAreUnique(t *testing.T) {
	gateway := netip.MustParseAddr("10.0.0.254")
	for name, tt := range map[string]struct {
		proto       uint8
		nat         NAT
		first, last int
		n           int
		own         bool // the first connection keeps its port
	}{
		"from a range":         {TCP, NAT{Src: gateway, SrcPorts: [2]uint16{2000, 2099}}, 2000, 2099, 100, false},
		"of one":               {UDP, NAT{Src: gateway, SrcPorts: [2]uint16{2000, 2000}}, 2000, 2000, 1, false},
		"the last ones":        {TCP, NAT{Src: gateway, SrcPorts: [2]uint16{65500, 65535}}, 65500, 65535, 36, false},
		"its own, if free":     {TCP, NAT{Src: gateway}, 1024, 65535, 1000, true},
		"any":                  {UDP, NAT{Src: gateway, Random: true}, 1024, 65535, 10000, false},
		"identifiers of echo":  {ICMP, NAT{Src: gateway, Random: true}, 0, 65535, 10000, false},
		"of a small one":       {UDP, NAT{Src: gateway}, 1, 511, 200, true},
		"of a privileged one ": {UDP, NAT{Src: gateway}, 600, 1023, 200, true},
	} {
		t.Run(name, func(t *testing.T) {
			table := NewConntrack(7)
			port := 40000
			if name == "of a small one" {
				port = 100
			}
			if name == "of a privileged one " {
				port = 800
			}
			taken := make(map[Tuple]int)
			for i := range tt.n {
				w := wire{proto: tt.proto, src: fmt.Sprintf("10.1.%d.%d:%d", i/250, 1+i%250, port), dst: "10.0.0.9:80", flags: syn, icmp: [2]uint8{8}}
				p := w.packet(t)
				c, err := table.Open(p, tt.nat)
				p.Release()
				require.NoError(t, err, i)
				there := c.Leaving(Original)
				other, ok := taken[there]
				require.False(t, ok, "%s is connection %d's", there, other)
				taken[there] = i
				assert.Equal(t, gateway, there.Src().Addr())
				got := int(there.Src().Port())
				require.GreaterOrEqual(t, got, tt.first)
				require.LessOrEqual(t, got, tt.last)
				if i == 0 && tt.own {
					require.Equal(t, port, got)
				}
			}
			assert.Len(t, table.Entries(), tt.n)
			if tt.last-tt.first+1 > tt.n {
				return
			}
			p := wire{proto: tt.proto, src: "10.2.0.1:40000", dst: "10.0.0.9:80", flags: syn}.packet(t)
			defer p.Release()
			_, err := table.Open(p, tt.nat)
			assert.ErrorIs(t, err, ErrNoPort)
			assert.Len(t, table.Entries(), tt.n, "nothing half done")
			// To another server, they are free.
			q := wire{proto: tt.proto, src: "10.2.0.1:40000", dst: "10.0.0.8:80", flags: syn}.packet(t)
			defer q.Release()
			_, err = table.Open(q, tt.nat)
			assert.NoError(t, err)
			// And once one is gone, its port is.
			table.Purge(func(c *Conn) bool { return c.Orig().Src().Addr() == netip.MustParseAddr("10.1.0.1") })
			_, err = table.Open(p, tt.nat)
			assert.NoError(t, err)
		})
	}
}

func TestProtocolsWithoutPortsAreNotMixedUp(t *testing.T) {
	table := NewConntrack(1)
	for i, want := range []error{nil, ErrNoPort} {
		p := wire{proto: 132, src: fmt.Sprint("10.0.0.", 1+i), dst: "10.0.0.9"}.packet(t)
		_, err := table.Open(p, NAT{Src: netip.MustParseAddr("10.0.0.254")})
		assert.ErrorIs(t, err, want)
		p.Release()
	}
	back := table.Find(NewTuple(132, ap("10.0.0.9"), ap("10.0.0.254")))
	assert.Equal(t, "10.0.0.1", back.Orig().Src().Addr().String())
}

// Two packets begin the same connection at once.
func TestAConnectionIsOpenedOnce(t *testing.T) {
	table := NewConntrack(1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	opened := 0
	for i := range 8 {
		wg.Go(func() {
			for port := range 500 {
				w := wire{proto: UDP, src: fmt.Sprint("10.0.0.1:", 1000+port), dst: "10.0.0.2:2"}
				if i%2 == 1 { // from the other side
					w.src, w.dst = w.dst, w.src
				}
				p := w.packet(t)
				if c, _ := table.Track(p); c == nil {
					if _, err := table.Open(p, NAT{}); err == nil {
						mu.Lock()
						opened++
						mu.Unlock()
					} else {
						assert.ErrorIs(t, err, ErrExists)
						c, _ := table.Track(p)
						assert.NotNil(t, c)
					}
				}
				p.Release()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 500, opened)
	assert.Len(t, table.Entries(), 500)
	assert.Len(t, table.conns, 1000)
}

func TestPurgeAddrs(t *testing.T) {
	table := NewConntrack(1)
	for _, w := range []wire{
		{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2"}, {proto: UDP, src: "10.0.0.3:1", dst: "10.96.0.1:2"}, {proto: UDP, src: "10.0.0.3:1", dst: "10.0.0.4:2"},
	} {
		p := w.packet(t)
		nat := NAT{}
		if w.dst == "10.96.0.1:2" {
			nat.Dst = ap("10.0.0.1:53")
		}
		_, err := table.Open(p, nat)
		require.NoError(t, err)
		p.Release()
	}
	table.PurgeAddrs([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	list := table.Entries()
	require.Len(t, list, 1)
	assert.Equal(t, "10.0.0.4:2", list[0].Orig.Dst().String())
	assert.Len(t, table.conns, 2)
}

// A million connections that come and go leave no more than a few behind.
func TestShortConnectionsDoNotStay(t *testing.T) {
	n := 1_000_000
	if testing.Short() || runtime.GOOS == "js" {
		n = 50_000
	}
	synctest.Test(t, func(t *testing.T) {
		table := NewConntrack(1)
		most := 0
		w := wire{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80", flags: syn}
		p, q := w.packet(t), w.packet(t)
		defer p.Release()
		defer q.Release()
		q.hdr[q.l4+13] = byte(rst)
		for i := range n {
			p.tuple.srcPort, p.tuple.src[12] = uint16(i), byte(i>>16)
			q.tuple = p.tuple
			_, err := table.Open(p, NAT{})
			require.NoError(t, err)
			table.Track(q)
			if i%100 == 0 {
				time.Sleep(time.Second) // they go after 10 s
			}
			most = max(most, len(table.conns))
		}
		assert.LessOrEqual(t, most, 2*2*1000+minSweep)
	})
}

func TestAFullTable(t *testing.T) {
	table := NewConntrack(1)
	p := wire{proto: TCP, src: "10.0.0.1:1", dst: "10.0.0.2:80", flags: syn}.packet(t)
	defer p.Release()
	open := func(i int) (*Conn, error) {
		p.tuple.srcPort, p.tuple.src[12] = uint16(i), byte(i>>16)
		return table.Open(p, NAT{})
	}
	for i := range maxConns {
		c, err := open(i)
		require.NoError(t, err)
		c.state, c.assured, c.expires = established, true, time.Now().Add(24*time.Hour)
	}
	assert.Len(t, table.conns, 2*maxConns)
	_, err := open(maxConns)
	assert.ErrorIs(t, err, ErrFull)
	// One of those that are being closed makes room.
	for _, c := range table.conns {
		if rand.N(10) == 0 {
			c.state = timeWait
		}
	}
	_, err = open(maxConns)
	assert.NoError(t, err)
	assert.Len(t, table.conns, 2*maxConns)
}
