package kubeproxy

import (
	"net/netip"
	"time"
)

const seed = 7

var (
	addr     = netip.MustParseAddr
	addrPort = netip.MustParseAddrPort
	start    = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// nodeIP is the address of node-1.
const nodeIP = "192.168.0.1"

func newTable(services ...Service) *Table {
	t := New(seed, []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16"), netip.MustParsePrefix("fd00:10:244::/56")})
	for _, s := range services {
		t.Set(s)
	}
	return t
}

// web is a Service default/web:http at 10.96.0.50:80 with endpoints at port
// 8080.
func web(endpoints ...Endpoint) Service {
	return Service{
		Namespace: "default", Name: "web", ClusterIPs: []netip.Addr{addr("10.96.0.50")},
		Ports: []Port{{Name: "http", Protocol: TCP, Port: 80}}, Endpoints: endpoints,
	}
}

// ready is an endpoint of web that takes connections.
func ready(ip, node string) Endpoint {
	return Endpoint{Addr: addr(ip), Node: node, Ready: true, Serving: true, Ports: []EndpointPort{{"http", TCP, 8080}}}
}

// ending is one that still serves and is to end.
func ending(ip, node string) Endpoint {
	e := ready(ip, node)
	e.Ready, e.Terminating = false, true
	return e
}

// unready is one that does not serve.
func unready(ip, node string) Endpoint {
	e := ready(ip, node)
	e.Ready, e.Serving = false, false
	return e
}

// from is a TCP connection at node-1 from src to dst.
func from(src, dst string) Query {
	return Query{
		Node: "node-1", NodeIPs: func(a netip.Addr) bool { return a == addr(nodeIP) || a.IsLoopback() },
		Protocol: TCP, Src: addr(src), Dst: addrPort(dst), Now: start,
	}
}
