package fabric_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gvisor.dev/gvisor/pkg/tcpip/header"

	"podnet.dev/podnet/internal/fabric"
)

// setup is how connections to some addresses are translated.
type setup struct {
	target     [8]int // by the last byte of the service's address: the host that serves it
	masquerade [8]bool
}

func (s *setup) service(i int, v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{10, 96, 0, byte(i)})
	}
	return netip.MustParseAddr(fmt.Sprintf("fd96::%d", i))
}

// translate is the rule for all routers. Whoever reaches himself is masqueraded, or
// his answers would not come back.
func (s *setup) translate(c fabric.Connection) fabric.Translation {
	dst := c.Dst().Addr()
	for i := range s.target {
		if dst != s.service(i, dst.Is4()) {
			continue
		}
		to := serverAt(s.target[i]/2, s.target[i]%2).addr(dst.Is4())
		port := uint16(8080)
		if c.Protocol() == 1 || c.Protocol() == 58 {
			port = 0
		}
		return fabric.Translation{Dst: netip.AddrPortFrom(to, port), Masquerade: s.masquerade[i] || c.Src().Addr() == to}
	}
	return fabric.Translation{}
}

// peer is whom the server of a service sees, if a host connects to it.
func (s *setup) peer(i, client int, v4 bool) netip.Addr {
	to := s.target[i]
	switch {
	case !s.masquerade[i] && to != client:
		return serverAt(client/2, client%2).addr(v4)
	case to/2 == client/2:
		return gateway(to/2, v4)
	}
	return routerAddr(client/2, v4)
}

// Many connections at once, each of which must carry its own data both ways, to the
// right server, which must see the right peer.
func TestRandomTranslations(t *testing.T) {
	seeds, n := 12, 60
	if testing.Short() || runtime.GOOS == "js" {
		seeds, n = 3, 30
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { connectAtRandom(t, seed, n) })
		})
	}
	t.Run("outside a bubble", func(t *testing.T) { connectAtRandom(t, 99, n) })
}

func connectAtRandom(t *testing.T, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 1))
	var s setup
	for i := range s.target {
		s.target[i], s.masquerade[i] = r.IntN(4), r.IntN(2) == 0
	}
	w := newWorld(t, fabric.Rules{Translate: s.translate}, 2)
	w.network.SetMTU(uint32(1280 + r.IntN(3)*110))
	w.network.SetLatency(time.Duration(r.IntN(2)) * time.Millisecond)
	for i, h := range w.hosts {
		serveNamed(t, h, fmt.Sprint("host", i))
	}
	var wg sync.WaitGroup
	for range n {
		client, service, v4, size, local := r.IntN(4), r.IntN(8), r.IntN(2) == 0, 1+r.IntN(30000), r.Uint64()
		kind := r.IntN(3)
		wg.Go(func() {
			data := bytes.Repeat(binary.BigEndian.AppendUint64(nil, local), size/8+1)
			h, dst := w.hosts[client], s.service(service, v4)
			wantHost, wantPeer := fmt.Sprint("host", s.target[service]), s.peer(service, client, v4)
			about := fmt.Sprintf("host %d to service %d, IPv4 %t", client, service, v4)
			switch kind {
			case 0:
				viaTCP(t, h, dst, data, wantHost, wantPeer, about)
			case 1:
				if !v4 {
					data = data[:min(len(data), 1000)] // what fits into any MTU
				}
				viaUDP(t, h, dst, data, wantHost, wantPeer, about)
			case 2:
				viaICMP(t, h, dst, uint16(local), data[:min(len(data), 8+size%1200)], about)
			}
		})
	}
	wg.Wait()
	for _, h := range w.hosts {
		h.Kill()
	}
}

// serveNamed answers with the server's name, the peer and the data.
func serveNamed(t *testing.T, h host, name string) {
	t.Helper()
	l, err := h.Listen(t.Context(), "tcp", ":8080")
	require.NoError(t, err)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprintln(c, name, peerOf(c.RemoteAddr()))
				io.Copy(c, struct{ io.Reader }{c})
			}()
		}
	}()
	p, err := h.ListenPacket(t.Context(), "udp", ":8080")
	require.NoError(t, err)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			p.WriteTo(append(fmt.Appendln(nil, name, peerOf(from)), buf[:n]...), from)
		}
	}()
}

func peerOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func viaTCP(t *testing.T, h host, dst netip.Addr, data []byte, name string, peer netip.Addr, about string) {
	c, err := h.Dial(t.Context(), "tcp", netip.AddrPortFrom(dst, 80).String())
	if !assert.NoError(t, err, about) {
		return
	}
	defer c.Close()
	go c.Write(data)
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	assert.NoError(t, err, about)
	assert.Equal(t, fmt.Sprintln(name, peer), line, about)
	got := make([]byte, len(data))
	_, err = io.ReadFull(in, got)
	assert.NoError(t, err, about)
	assert.True(t, bytes.Equal(data, got), about)
}

// viaUDP asks again if a socket's buffer was full.
func viaUDP(t *testing.T, h host, dst netip.Addr, data []byte, name string, peer netip.Addr, about string) {
	c, err := h.Dial(t.Context(), "udp", netip.AddrPortFrom(dst, 53).String())
	if !assert.NoError(t, err, about) {
		return
	}
	defer c.Close()
	buf := make([]byte, 1<<16)
	for range 20 {
		_, err = c.Write(data)
		if !assert.NoError(t, err, about) {
			return
		}
		c.SetReadDeadline(time.Now().Add(time.Second))
		n, err := c.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		assert.NoError(t, err, about)
		line, rest, _ := strings.Cut(string(buf[:n]), "\n")
		assert.Equal(t, fmt.Sprint(name, " ", peer), line, about)
		assert.True(t, string(data) == rest, about)
		return
	}
	t.Error("no answer: ", about)
}

// viaICMP pings. A socket gets the answers to all pings of its host.
func viaICMP(t *testing.T, h host, dst netip.Addr, id uint16, data []byte, about string) {
	network, request, reply := "ip4:icmp", uint8(header.ICMPv4Echo), uint8(header.ICMPv4EchoReply)
	if dst.Is6() {
		network, request, reply = "ip6:ipv6-icmp", uint8(header.ICMPv6EchoRequest), uint8(header.ICMPv6EchoReply)
	}
	c, err := h.Dial(t.Context(), network, dst.String())
	if !assert.NoError(t, err, about) {
		return
	}
	defer c.Close()
	m := append([]byte{request, 0, 0, 0, byte(id >> 8), byte(id), 0, 1}, data...)
	if dst.Is4() {
		header.ICMPv4(m).SetChecksum(header.ICMPv4Checksum(m, 0))
	}
	buf := make([]byte, 1<<16)
	for range 20 {
		_, err = c.Write(m)
		assert.NoError(t, err, about)
		c.SetReadDeadline(time.Now().Add(time.Second))
		for {
			n, err := c.Read(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if !assert.NoError(t, err, about) {
				return
			}
			b := buf[:n]
			if dst.Is4() && len(b) > 0 && b[0]>>4 == 4 { // with its IP header
				b = b[header.IPv4(b).HeaderLength():]
			}
			if b[0] == reply && binary.BigEndian.Uint16(b[4:]) == id {
				assert.True(t, bytes.Equal(data, b[8:]), about)
				return
			}
		}
	}
	t.Error("no answer: ", about)
}

// One socket asks several services of which one server is behind: to conntrack, the
// answers must differ.
func TestOneSocketAsksServicesOfOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup{target: [8]int{2, 2, 2, 2, 2, 2, 2, 2}}
		w := newWorld(t, fabric.Rules{Translate: s.translate}, 2)
		serveNamed(t, w.hosts[2], "host2")
		for _, v4 := range []bool{true, false} {
			c, err := w.hosts[0].ListenPacket(t.Context(), "udp", net.JoinHostPort(w.hosts[0].addr(v4).String(), "5000"))
			require.NoError(t, err)
			for i := range s.target {
				_, err := c.WriteTo([]byte(fmt.Sprint("service", i)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.service(i, v4), 53)))
				require.NoError(t, err)
			}
			buf := make([]byte, 1000)
			for range s.target {
				n, from, err := c.ReadFrom(buf)
				require.NoError(t, err)
				_, data, _ := strings.Cut(string(buf[:n]), "\n")
				var i int
				fmt.Sscanf(data, "service%d", &i)
				assert.Equal(t, s.service(i, v4), peerOf(from), "who was asked, answers")
			}
		}
	})
}
