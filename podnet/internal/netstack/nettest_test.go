package netstack

import (
	"net"
	"testing"
	"testing/synctest"
	_ "unsafe" // for linkname

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"
)

var connNetworks = []connNetwork{
	{"tcp4 over loopback", "tcp4", "127.0.0.1:0", false},
	{"tcp4 over loopback by packets", "tcp4", "127.0.0.1:0", true},
	{"tcp6 over loopback", "tcp6", "[::1]:0", false},
	{"tcp6 over loopback by packets", "tcp6", "[::1]:0", true},
	{"tcp4 over the own address", "tcp4", "10.244.0.2:0", false},
	{"tcp6 over the own address", "tcp6", "[fd00:10:244::2]:0", false},
	{"tcp4 to a dual-stack listener", "tcp", ":0", false},
	{"unix", "unix", "@conformance", false},
}

type connNetwork struct {
	name, network, address string
	packets                bool
}

func makePipe(t *testing.T, n connNetwork) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		ns, o := newTestNamespaceWith(t, Config{Seed: 1, packets: n.packets})
		c1, c2 = connect(t, o, n.network, n.address)
		return c1, c2, ns.Close, nil
	}
}

func TestConnConforms(t *testing.T) {
	for _, tt := range connNetworks {
		t.Run(tt.name, func(t *testing.T) { nettest.TestConn(t, makePipe(t, tt)) })
	}
}

// nettest.TestConn runs subtests, which a bubble forbids, so here its parts are
// called one by one.
func TestConnConformsInBubble(t *testing.T) {
	parts := map[string]func(*testing.T, net.Conn, net.Conn){
		"BasicIO": testBasicIO, "PingPong": testPingPong, "RacyRead": testRacyRead, "RacyWrite": testRacyWrite,
		"ReadTimeout": testReadTimeout, "WriteTimeout": testWriteTimeout, "PastTimeout": testPastTimeout,
		"PresentTimeout": testPresentTimeout, "FutureTimeout": testFutureTimeout, "CloseTimeout": testCloseTimeout,
		"ConcurrentMethods": testConcurrentMethods,
	}
	for _, tt := range connNetworks {
		for name, part := range parts {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c1, c2, stop, err := makePipe(t, tt)()
					require.NoError(t, err)
					defer stop()
					part(t, c1, c2)
				})
			})
		}
	}
}

//go:linkname testBasicIO golang.org/x/net/nettest.testBasicIO
func testBasicIO(*testing.T, net.Conn, net.Conn)

//go:linkname testPingPong golang.org/x/net/nettest.testPingPong
func testPingPong(*testing.T, net.Conn, net.Conn)

//go:linkname testRacyRead golang.org/x/net/nettest.testRacyRead
func testRacyRead(*testing.T, net.Conn, net.Conn)

//go:linkname testRacyWrite golang.org/x/net/nettest.testRacyWrite
func testRacyWrite(*testing.T, net.Conn, net.Conn)

//go:linkname testReadTimeout golang.org/x/net/nettest.testReadTimeout
func testReadTimeout(*testing.T, net.Conn, net.Conn)

//go:linkname testWriteTimeout golang.org/x/net/nettest.testWriteTimeout
func testWriteTimeout(*testing.T, net.Conn, net.Conn)

//go:linkname testPastTimeout golang.org/x/net/nettest.testPastTimeout
func testPastTimeout(*testing.T, net.Conn, net.Conn)

//go:linkname testPresentTimeout golang.org/x/net/nettest.testPresentTimeout
func testPresentTimeout(*testing.T, net.Conn, net.Conn)

//go:linkname testFutureTimeout golang.org/x/net/nettest.testFutureTimeout
func testFutureTimeout(*testing.T, net.Conn, net.Conn)

//go:linkname testCloseTimeout golang.org/x/net/nettest.testCloseTimeout
func testCloseTimeout(*testing.T, net.Conn, net.Conn)

//go:linkname testConcurrentMethods golang.org/x/net/nettest.testConcurrentMethods
func testConcurrentMethods(*testing.T, net.Conn, net.Conn)
