package fabric_test

import (
	"net/netip"
	"testing"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"podnet.dev/podnet/internal/fabric"
)

// BenchmarkRouter is the cost of a packet from one veth to another through a
// router, without the stacks: of a connection that is translated and of one that
// is not.
func BenchmarkRouter(b *testing.B) {
	for name, size := range map[string]int{"ACK": 0, "1 KiB": 1 << 10, "60 KiB": 60 << 10} {
		for how, rules := range map[string]fabric.Rules{"forwarded": {}, "DNAT and masquerade": redirect(serverAt(0, 1), 8080, always)} {
			for _, proto := range []string{"TCP", "UDP"} {
				if proto == "UDP" && size > 1<<10 {
					continue
				}
				b.Run(proto+" "+name+" "+how, func(b *testing.B) {
					r := fabric.NewRouter(fabric.RouterConfig{Rules: rules})
					defer r.Close()
					var ends []*fabric.Veth
					for i := range 2 {
						v := r.NewVeth([]netip.Addr{serverAt(0, i).ipv4}, []netip.Addr{gateway(0, true)}, 1500)
						defer v.Close()
						v.Attach(stub{handle: func(*stack.PacketBuffer) {}})
						ends = append(ends, v)
					}
					dst := serverAt(0, 1).ipv4
					if how != "forwarded" {
						dst = service4.Addr()
					}
					pkt := segment(proto == "TCP", serverAt(0, 0).ipv4, dst, size)
					defer pkt.DecRef()
					var list stack.PacketBufferList
					list.PushBack(pkt)
					b.ReportAllocs()
					for b.Loop() {
						ends[0].WritePackets(list)
					}
				})
			}
		}
	}
}

// segment returns a packet as a stack sends it.
func segment(tcp bool, src, dst netip.Addr, size int) *stack.PacketBuffer {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{ReserveHeaderBytes: 100, Payload: buffer.MakeWithData(make([]byte, size))})
	f := &header.IPv4Fields{TTL: 64, Protocol: 17, SrcAddr: tcpip.AddrFrom4(src.As4()), DstAddr: tcpip.AddrFrom4(dst.As4())}
	if tcp {
		header.TCP(pkt.TransportHeader().Push(32)).Encode(&header.TCPFields{SrcPort: 1000, DstPort: 80, DataOffset: 32, Flags: header.TCPFlagAck})
		f.Protocol = 6
		pkt.GSOOptions = stack.GSO{Type: stack.GSOTCPv4, MSS: 1448}
	} else {
		header.UDP(pkt.TransportHeader().Push(8)).Encode(&header.UDPFields{SrcPort: 1000, DstPort: 80, Length: uint16(8 + size)})
	}
	f.TotalLength = uint16(pkt.Size() + 20)
	header.IPv4(pkt.NetworkHeader().Push(20)).Encode(f)
	header.IPv4(pkt.NetworkHeader().Slice()).SetChecksum(0)
	pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
	return pkt
}
