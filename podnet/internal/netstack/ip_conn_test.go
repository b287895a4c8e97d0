package netstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// ping sends an echo request through c and returns the answer's payload.
func ping(t *testing.T, c net.PacketConn, to string, seq int) (string, net.Addr) {
	t.Helper()
	addr := netip.MustParseAddr(to)
	msg := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 77, Seq: seq, Data: []byte("are you there?")}}
	reply, protocol := icmp.Type(ipv4.ICMPTypeEchoReply), 1
	if addr.Is6() {
		msg.Type, reply, protocol = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, 58
	}
	b, err := msg.Marshal(nil)
	require.NoError(t, err)
	_, err = c.WriteTo(b, &net.IPAddr{IP: addr.AsSlice()})
	require.NoError(t, err)
	for {
		buf := make([]byte, 1500)
		n, from, err := c.ReadFrom(buf)
		require.NoError(t, err)
		got, err := icmp.ParseMessage(protocol, buf[:n])
		require.NoError(t, err)
		if got.Type != reply { // a raw socket sees the request as well
			continue
		}
		echo := got.Body.(*icmp.Echo)
		require.Equal(t, seq, echo.Seq)
		return string(echo.Data), from
	}
}

func TestPing(t *testing.T) {
	for _, tt := range []struct{ network, to string }{
		{"ip4:icmp", "127.0.0.1"}, {"ip4:icmp", "127.0.0.5"}, {"ip4:1", podIPv4.String()},
		{"ip6:ipv6-icmp", "::1"}, {"ip6:58", podIPv6.String()},
	} {
		t.Run(tt.network+" "+tt.to, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, o := newTestNamespace(t)
				c, err := o.ListenPacket(t.Context(), tt.network, "")
				require.NoError(t, err)
				for seq := range 3 {
					data, from := ping(t, c, tt.to, seq)
					assert.Equal(t, "are you there?", data)
					assert.Equal(t, tt.to, from.String())
				}
			})
		})
	}
}

func TestPingOfANeighbourThatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, o := newTestNamespace(t)
		c, err := o.Dial(t.Context(), "ip4:icmp", "10.244.0.99")
		require.NoError(t, err)
		assert.Equal(t, "10.244.0.99", c.RemoteAddr().String())
		assert.Equal(t, podIPv4.String(), c.LocalAddr().String())
		_, err = c.Write([]byte{8, 0, 0xf7, 0xff, 0, 0, 0, 0})
		require.NoError(t, err)
		start := time.Now()
		c.SetReadDeadline(start.Add(time.Second))
		_, err = c.Read(make([]byte, 100))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		require.NoError(t, c.Close())
		_, err = c.Read(make([]byte, 100))
		assert.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestKilledOwnerLosesItsRawSockets(t *testing.T) {
	ns, _ := newTestNamespace(t)
	o := ns.NewOwner("victim", 1, nil)
	c, err := o.ListenPacket(t.Context(), "ip4:icmp", "127.0.0.1")
	require.NoError(t, err)
	o.Kill()
	_, _, err = c.ReadFrom(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
}

// What both package net on Linux and a namespace say of raw sockets.
func TestRawSocketsBehaveAsTheHosts(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the oracle is Linux")
	}
	if c, err := net.ListenPacket("ip4:icmp", "127.0.0.1"); err != nil {
		require.True(t, errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES), "%v", err)
		t.Skip("the oracle may not open raw sockets here")
	} else {
		c.Close()
	}
	for _, tt := range []struct{ network, address string }{
		{"ip4:icmp", "127.0.0.1"}, {"ip4:icmp", "0.0.0.0"}, {"ip4:1", ""}, {"ip6:ipv6-icmp", "::1"}, {"ip4:icmp", "192.0.2.1"}, {"ip4:nosuch", "127.0.0.1"},
		{"ip4:icmp", "::1"}, {"ip6:58", "127.0.0.1"}, {"ip4:icmp", "localhost"},
	} {
		t.Run(tt.network+" "+tt.address, func(t *testing.T) {
			show := func(v verbs) (got string) {
				c, err := v.ListenPacket(context.Background(), tt.network, tt.address)
				if err != nil {
					return fmt.Sprint(err, identities(err))
				}
				defer c.Close()
				got = fmt.Sprintf("%T %s", c.LocalAddr(), c.LocalAddr())
				_, err = c.WriteTo([]byte("x"), &net.UDPAddr{})
				return fmt.Sprint(got, " ", err, identities(err))
			}
			ns, _ := newTestNamespace(t)
			assert.Equal(t, show(host{}), show(ns.NewOwner("app", 1, resolveAsTheHost)))
		})
	}
}

// A socket bound to the Pod's own address hears what comes over lo.
func TestPingFromASocketOnTheOwnAddress(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			_, o := newTestNamespace(t)
			for network, ip := range map[string]netip.Addr{"ip4:icmp": podIPv4, "ip6:ipv6-icmp": podIPv6} {
				c, err := o.ListenPacket(t.Context(), network, ip.String())
				require.NoError(t, err)
				c.SetDeadline(time.Now().Add(time.Second))
				data, _ := ping(t, c, ip.String(), 1)
				assert.Equal(t, "are you there?", data)
			}
		})
	}
}
