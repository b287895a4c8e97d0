package podnet

import (
	"net/netip"
	"slices"
	"sync"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/netfilter"
)

// hostPorts are the host ports of a node, which lead to Pods: what the CNI plugin
// portmap does. The zero value has none.
type hostPorts struct {
	mu      sync.RWMutex // guards entries; taken under locks of a stack
	entries map[hostPort][]hostPortEntry
}

// hostPortService stands for the Service of connections to a host port.
const hostPortService = "host port"

type hostPort struct {
	protocol uint8
	port     uint16
}

// hostPortEntry leads to a Pod, in one family.
type hostPortEntry struct {
	sandbox *sandbox
	ip      netip.Addr // of the node; not valid for all of them
	to      netip.AddrPort
}

// mapHostPorts makes the host ports of a Pod lead to its sandbox: those of its
// containers, not of its sidecars, which the kubelet does not tell a runtime of
// (kuberuntime_sandbox.go).
func (p *Pod) mapHostPorts(s *sandbox) {
	for _, c := range p.containers {
		if c.init {
			continue
		}
		for _, port := range c.spec.Ports {
			if port.HostPort == 0 {
				continue
			}
			for _, a := range s.of(c).addrs {
				p.node.mapHostPort(hostPort{port.Protocol.number(), port.HostPort}, port.HostIP, hostPortEntry{
					sandbox: s, to: netip.AddrPortFrom(a, port.ContainerPort),
				})
			}
		}
	}
}

func (n *node) mapHostPort(port hostPort, hostIP string, e hostPortEntry) {
	if ip, err := netip.ParseAddr(hostIP); err == nil && !ip.IsUnspecified() {
		e.ip = ip.Unmap()
	}
	h := &n.hostPorts
	h.mu.Lock()
	if h.entries == nil {
		h.entries = make(map[hostPort][]hostPortEntry)
	}
	h.entries[port] = append(h.entries[port], e)
	h.mu.Unlock()
	if port.protocol == netfilter.UDP { // what came before has its entry, and would go on past the port
		n.purge(func(c *netfilter.Conn) bool {
			return c.Orig().Protocol() == netfilter.UDP && c.Orig().Dst().Port() == port.port
		})
	}
}

// unmap forgets the ports that lead to a sandbox.
func (h *hostPorts) unmap(s *sandbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for port, list := range h.entries {
		if list = slices.DeleteFunc(list, func(e hostPortEntry) bool { return e.sandbox == s }); len(list) == 0 {
			delete(h.entries, port)
		} else {
			h.entries[port] = list
		}
	}
}

// lookup returns where a host port of an address leads.
func (h *hostPorts) lookup(protocol uint8, dst netip.AddrPort) (netip.AddrPort, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, e := range h.entries[hostPort{protocol, dst.Port()}] {
		if e.to.Addr().Is4() == dst.Addr().Is4() && (!e.ip.IsValid() || e.ip == dst.Addr()) {
			return e.to, true
		}
	}
	return netip.AddrPort{}, false
}

// translateHostPort is translate for the node's host ports. As from portmap, the
// node's own Pods and its localhost (not ::1) are masqueraded.
func (n *node) translateHostPort(c fabric.Connection) fabric.Translation {
	src, dst := c.Src().Addr(), c.Dst()
	if !n.isLocal(dst.Addr()) || dst.Addr() == netip.IPv6Loopback() {
		return fabric.Translation{}
	}
	to, ok := n.hostPorts.lookup(c.Protocol(), dst)
	if !ok {
		return fabric.Translation{}
	}
	return fabric.Translation{Dst: to, Masquerade: n.has(src) || src.IsLoopback(), Service: hostPortService}
}
