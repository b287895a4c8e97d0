package netstack

import (
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// Where valid packets come from and go to.
var (
	strangerIPv4 = netip.MustParseAddr("10.244.0.77")
	strangerIPv6 = netip.MustParseAddr("fd00:10:244::77")
)

const (
	udpPort      = 53
	tcpPort      = 80
	strangerPort = 40000
)

// packet returns a valid packet from the stranger to the Pod.
func packet(v6 bool, protocol tcpip.TransportProtocolNumber, payload []byte) []byte {
	src, dst := address(strangerIPv4), address(podIPv4)
	if v6 {
		src, dst = address(strangerIPv6), address(podIPv6)
	}
	var transport []byte
	xsum := func(size int) uint16 { return header.PseudoHeaderChecksum(protocol, src, dst, uint16(size)) }
	switch protocol {
	case header.UDPProtocolNumber:
		transport = append(make([]byte, header.UDPMinimumSize), payload...)
		udp := header.UDP(transport)
		udp.Encode(&header.UDPFields{SrcPort: strangerPort, DstPort: udpPort, Length: uint16(len(transport))})
		udp.SetChecksum(^checksum.Checksum(transport, xsum(len(transport))))
	case header.TCPProtocolNumber:
		transport = append(make([]byte, header.TCPMinimumSize), payload...)
		tcp := header.TCP(transport)
		tcp.Encode(&header.TCPFields{SrcPort: strangerPort, DstPort: tcpPort, SeqNum: 1, DataOffset: header.TCPMinimumSize, Flags: header.TCPFlagSyn, WindowSize: 1000})
		tcp.SetChecksum(^checksum.Checksum(transport, xsum(len(transport))))
	case header.ICMPv4ProtocolNumber:
		transport = append([]byte{byte(header.ICMPv4Echo), 0, 0, 0, 0, 1, 0, 1}, payload...)
		header.ICMPv4(transport).SetChecksum(^checksum.Checksum(transport, 0))
	case header.ICMPv6ProtocolNumber:
		transport = append([]byte{byte(header.ICMPv6EchoRequest), 0, 0, 0, 0, 1, 0, 1}, payload...)
		header.ICMPv6(transport).SetChecksum(^checksum.Checksum(transport, xsum(len(transport))))
	}
	if v6 {
		ip := header.IPv6(make([]byte, header.IPv6MinimumSize))
		ip.Encode(&header.IPv6Fields{PayloadLength: uint16(len(transport)), TransportProtocol: protocol, HopLimit: 64, SrcAddr: src, DstAddr: dst})
		return append(ip, transport...)
	}
	ip := header.IPv4(make([]byte, header.IPv4MinimumSize))
	ip.Encode(&header.IPv4Fields{TotalLength: uint16(len(ip) + len(transport)), TTL: 64, Protocol: uint8(protocol), SrcAddr: src, DstAddr: dst})
	ip.SetChecksum(^ip.CalculateChecksum())
	return append(ip, transport...)
}

// Whatever arrives at a Pod's link: nothing panics, every listener goes on, and
// only a datagram to the socket's own address and port, with an intact
// checksum, reaches a socket.
func FuzzInject(f *testing.F) {
	protocols := []tcpip.TransportProtocolNumber{header.UDPProtocolNumber, header.TCPProtocolNumber, header.ICMPv4ProtocolNumber, header.ICMPv6ProtocolNumber}
	for kind := range byte(16) {
		f.Add(kind, []byte("payload"), []byte{})
		f.Add(kind, []byte("payload"), []byte{0, 0x11, 6, 0x20, 9, 0xff}) // version, fragment bits, protocol
		f.Add(kind, []byte{}, []byte{20, 0xff, 33, 0x3f})
	}
	for _, about := range protocols[:2] { // ICMP errors
		f.Add(byte(4), packet(false, about, nil), []byte{20, 8 ^ 3, 21, 13})
		f.Add(byte(7), packet(true, about, nil), []byte{40, 128 ^ 1, 41, 1})
	}
	f.Fuzz(func(t *testing.T, kind byte, payload, mutations []byte) {
		if len(payload) > 1200 {
			return
		}
		v6 := kind&1 != 0
		raw := packet(v6, protocols[kind>>1&3], payload)
		if kind&8 != 0 { // not a packet at all
			raw = append([]byte(nil), payload...)
		}
		for i := 0; i+1 < len(mutations) && len(raw) > 0; i += 2 {
			raw[int(mutations[i])%len(raw)] ^= mutations[i+1]
		}
		synctest.Test(t, func(t *testing.T) { inject(t, raw, v6) })
	})
}

func inject(t *testing.T, raw []byte, v6 bool) {
	ns, err := New(Config{})
	require.NoError(t, err)
	defer ns.Close()
	inside, outside := pipe.New("", "", DefaultMTU)
	require.NoError(t, ns.AddLink(Link{Name: "eth0", Endpoint: inside,
		Addrs: []netip.Prefix{netip.PrefixFrom(podIPv4, 24), netip.PrefixFrom(podIPv6, 64)}}))
	o := ns.NewOwner("app", 1, nil)
	l, err := o.Listen(t.Context(), "tcp", ":80")
	require.NoError(t, err)
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	open, err := o.ListenPacket(t.Context(), "udp", ":53")
	require.NoError(t, err)
	elsewhere, err := o.ListenPacket(t.Context(), "udp", "127.0.0.1:54")
	require.NoError(t, err)
	local, err := o.Dial(t.Context(), "tcp", "127.0.0.1:80")
	require.NoError(t, err)

	proto := header.IPv4ProtocolNumber
	if v6 {
		proto = header.IPv6ProtocolNumber
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(raw)})
	pkt.NetworkProtocolNumber = proto
	var list stack.PacketBufferList
	list.PushBack(pkt)
	_, terr := outside.WritePackets(list)
	require.Nil(t, terr)
	pkt.DecRef()
	time.Sleep(time.Minute) // fragments are forgotten, handshakes given up

	open.SetReadDeadline(time.Now())
	if n, from, err := open.ReadFrom(make([]byte, 2000)); err == nil && !belongs(raw, v6) {
		t.Errorf("%d bytes from %v reached a socket by the packet %x", n, from, raw)
	}
	elsewhere.SetReadDeadline(time.Now())
	if _, from, err := elsewhere.ReadFrom(make([]byte, 2000)); err == nil {
		t.Errorf("a datagram from %v reached a socket on 127.0.0.1 by the packet %x", from, raw)
	}
	_, err = local.Write([]byte("still here"))
	require.NoError(t, err)
	echo := make([]byte, 10)
	_, err = io.ReadFull(local, echo)
	require.NoError(t, err)
	require.Equal(t, "still here", string(echo))
	l.Close()
	<-accepted
}

// belongs reports whether raw is an intact datagram to the Pod's port 53.
func belongs(raw []byte, v6 bool) bool {
	var udp header.UDP
	var src, dst tcpip.Address
	if v6 {
		ip := header.IPv6(raw)
		if !ip.IsValid(len(raw)) || ip.NextHeader() != uint8(header.UDPProtocolNumber) {
			// Extension headers may hide a datagram; judging them would
			// be to parse them as the stack does.
			return ip.IsValid(len(raw)) && ip.DestinationAddress() == address(podIPv6)
		}
		udp, src, dst = header.UDP(ip.Payload()), ip.SourceAddress(), ip.DestinationAddress()
		if dst != address(podIPv6) && !header.IsV6MulticastAddress(dst) {
			return false
		}
	} else {
		ip := header.IPv4(raw)
		if !ip.IsValid(len(raw)) || ip.TransportProtocol() != header.UDPProtocolNumber || ip.More() || ip.FragmentOffset() != 0 {
			return false
		}
		udp, src, dst = header.UDP(ip.Payload()), ip.SourceAddress(), ip.DestinationAddress()
		toAll := dst == header.IPv4Broadcast || dst == header.IPv4AllSystems || dst == address(netip.MustParseAddr("10.244.0.255"))
		if !ip.IsChecksumValid() || dst != address(podIPv4) && !toAll {
			return false
		}
	}
	if len(udp) < header.UDPMinimumSize || udp.DestinationPort() != udpPort || int(udp.Length()) > len(udp) || udp.Length() < header.UDPMinimumSize {
		return false
	}
	if udp.Checksum() == 0 && !v6 {
		return true
	}
	body := udp[:udp.Length()]
	return checksum.Checksum(body, header.PseudoHeaderChecksum(header.UDPProtocolNumber, src, dst, udp.Length())) == 0xffff
}
