package peers

import (
	"context"
	"net"
	"testing"

	"github.com/ooni/netem"
	"github.com/pion/logging"
	"github.com/pion/transport/v4/vnet"
	"google.golang.org/grpc/test/bufconn"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/loopback"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"

	"podnet.dev/bench"
)

// memoryPaths are peers that stay within the process.
var memoryPaths = []bench.Path{
	{Name: "bufconn", Open: overBufconn},
	{Name: "gonet", Open: overGonet},
	{Name: "netem", Open: overNetem},
	{Name: "vnet", Open: overVnet},
}

// overBufconn buffers as much as a socket of Linux does by default.
func overBufconn(testing.TB) bench.Ends {
	var l *bufconn.Listener
	return bench.Ends{
		Listen: func() (net.Listener, error) {
			l = bufconn.Listen(208 << 10)
			return l, nil
		},
		Dial: func(ctx context.Context) (net.Conn, error) { return l.DialContext(ctx) },
	}
}

// overGonet is one stack of gVisor with its loopback link and nothing of podnet's.
func overGonet(tb testing.TB) bench.Ends {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	tb.Cleanup(s.Destroy)
	ip := tcpip.AddrFrom4([4]byte{127, 0, 0, 1})
	for _, err := range []tcpip.Error{
		s.CreateNIC(1, loopback.New()),
		s.AddProtocolAddress(1, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: ip.WithPrefix()}, stack.AddressProperties{}),
	} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	server := tcpip.FullAddress{NIC: 1, Addr: ip, Port: 7000}
	return bench.Ends{
		Listen: func() (net.Listener, error) {
			server.Port++ // connections in TIME-WAIT hold the last one
			return gonet.ListenTCP(s, server, ipv4.ProtocolNumber)
		},
		Dial: func(ctx context.Context) (net.Conn, error) {
			return gonet.DialContextTCP(ctx, s, server, ipv4.ProtocolNumber)
		},
		ListenPacket: func() (net.PacketConn, error) { return gonet.DialUDP(s, &server, nil, ipv4.ProtocolNumber) },
		DialPacket: func(context.Context) (net.Conn, error) {
			return gonet.DialUDP(s, nil, &server, ipv4.ProtocolNumber)
		},
	}
}

// overNetem is two hosts and a link without delay, of an MTU of 1500.
func overNetem(tb testing.TB) bench.Ends {
	t := netem.MustNewPPPTopology("10.0.0.1", "10.0.0.2", &netem.NullLogger{}, &netem.LinkConfig{})
	tb.Cleanup(func() { t.Close() })
	server := net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 7000}
	return bench.Ends{
		Listen: func() (net.Listener, error) {
			server.Port++ // connections in TIME-WAIT hold the last one
			return t.Server.ListenTCP("tcp", &server)
		},
		Dial: func(ctx context.Context) (net.Conn, error) {
			return t.Client.DialContext(ctx, "tcp", server.String())
		},
		ListenPacket: func() (net.PacketConn, error) {
			return t.Server.ListenUDP("udp", &net.UDPAddr{IP: server.IP, Port: 7000})
		},
		DialPacket: func(ctx context.Context) (net.Conn, error) {
			return t.Client.DialContext(ctx, "udp", "10.0.0.2:7000")
		},
	}
}

// overVnet is two hosts at a router without delay; it has no TCP.
func overVnet(tb testing.TB) bench.Ends {
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", LoggerFactory: logging.NewDefaultLoggerFactory()})
	if err != nil {
		tb.Fatal(err)
	}
	add := func(ip string) *vnet.Net {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
		if err != nil {
			tb.Fatal(err)
		}
		if err := router.AddNet(n); err != nil {
			tb.Fatal(err)
		}
		return n
	}
	client, server := add("10.0.0.1"), add("10.0.0.2")
	if err := router.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { router.Stop() })
	return bench.Ends{
		ListenPacket: func() (net.PacketConn, error) { return server.ListenPacket("udp", "10.0.0.2:7000") },
		DialPacket:   func(context.Context) (net.Conn, error) { return client.Dial("udp", "10.0.0.2:7000") },
	}
}
