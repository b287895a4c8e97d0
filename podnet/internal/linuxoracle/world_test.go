package linuxoracle_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"
)

// The world that every case begins with: two nodes and three Pods.
//
//	a 10.244.0.2 ┐
//	             ├ node-1 172.18.0.2 ── node-2 172.18.0.3 ─ c 10.244.1.2
//	b 10.244.0.3 ┘
//
// Each node has a default route to 172.18.0.1, which is there and forwards
// nothing: what is sent to the world gets no answer.
//
// All have IPv6 addresses too.
var (
	clusterCIDRs = [2]string{"10.244.0.0/16", "fd00:10:244::/56"}
	routerIPs    = [2]string{"172.18.0.1", "fc00:f853:ccd:e793::1"}
)

// family is an index of arrays.
type family int

const v4, v6 family = 0, 1

var nodes = []struct {
	name                 string
	ips, cidrs, gateways [2]string
}{
	{"node-1", [2]string{"172.18.0.2", "fc00:f853:ccd:e793::2"}, [2]string{"10.244.0.0/24", "fd00:10:244::/64"}, [2]string{"10.244.0.1", "fd00:10:244::1"}},
	{"node-2", [2]string{"172.18.0.3", "fc00:f853:ccd:e793::3"}, [2]string{"10.244.1.0/24", "fd00:10:244:1::/64"}, [2]string{"10.244.1.1", "fd00:10:244:1::1"}},
}

var pods = []struct {
	name string
	ips  [2]string
	node int // index of nodes
}{
	{"a", [2]string{"10.244.0.2", "fd00:10:244::2"}, 0},
	{"b", [2]string{"10.244.0.3", "fd00:10:244::3"}, 0},
	{"c", [2]string{"10.244.1.2", "fd00:10:244:1::2"}, 1},
}

// A service is one port of a Service, in namespace default.
type service struct {
	name      string // of the Service
	port      string // its name, "" if it has none
	udp       bool
	clusterIP string
	number    int // of the port
	target    int // the endpoints' port
	nodePort  int // 0 for none

	internalLocal, externalLocal bool // the traffic policies
	affinity                     bool // ClientIP, 10800 s

	endpoints []string // names of Pods
}

// family is that of the cluster IP.
func (s service) family() family {
	if strings.Contains(s.clusterIP, ":") {
		return v6
	}
	return v4
}

// A network is the world made real, by Linux or by podnet.
type network interface {
	// host returns the namespace of a Pod, a node or the router, or nil if there
	// is none.
	host(name string) host

	// serve makes these the Services of the cluster, and all nodes know of
	// them when it returns. UDP flows to endpoints that are gone are ended, as
	// kube-proxy does it.
	serve(services ...service) error

	// stop kills all programs of a Pod and takes its network away.
	stop(pod string) error
}

// A host is one network namespace.
type host interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error)
	Dial(ctx context.Context, network, address string, as dialer) (net.Conn, error)

	// originalDst returns what SO_ORIGINAL_DST says of a connection.
	originalDst(c net.Conn) (netip.AddrPort, error)

	// restore is iptables-restore --noflush, or ip6tables-restore.
	restore(f family, rules string) error

	// ip runs an ip command and returns its output. Its error is what ip says.
	ip(args ...string) (string, error)

	// sysctl sets net.<name>.
	sysctl(name, value string) error

	// probe sends a UDP datagram of size bytes, not to be fragmented, and
	// returns the ICMP error that comes back and who sent it, or "no answer".
	probe(to string, ttl, size int) (string, error)
}

// dialer says how to dial.
type dialer struct {
	user    int // 0 is root
	from    netip.AddrPort
	timeout time.Duration
	ttl     int // 0 is the default one
}

// needs says what of the world is otherwise, or what a case cannot do without.
type needs int

const (
	// noLocalhostNodePorts is kube-proxy's --iptables-localhost-nodeports=false.
	// The default is true, which localhostNodePorts says where it matters.
	noLocalhostNodePorts needs = 1 << iota
	localhostNodePorts
	// keepFlows leaves UDP flows to endpoints that are gone alone, as a
	// kube-proxy that has died does.
	keepFlows
	// silentRouter is the router of the picture, and said by those who depend
	// on it. answeringRouter forwards, knows the way back to Pods and no other,
	// and says net unreachable.
	silentRouter
	answeringRouter
	// smallNodeMTU makes the links between nodes take 1400 bytes.
	smallNodeMTU
	// hostPort makes port 8000 of node-1 lead to port 8080 of b.
	hostPort
)
