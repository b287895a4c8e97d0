package netstack

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/iptables"
)

// What ICMP errors are to sockets; as observed on Linux in package linuxoracle.
func TestICMPErrorsAreErrnos(t *testing.T) {
	for _, tt := range []struct {
		family   iptables.Family
		with     string
		tcp, udp error // a nil one: the socket hears nothing
	}{
		{iptables.IPv4, "icmp-port-unreachable", syscall.ECONNREFUSED, syscall.ECONNREFUSED},
		{iptables.IPv4, "icmp-net-unreachable", syscall.ENETUNREACH, nil},
		{iptables.IPv4, "icmp-host-unreachable", syscall.EHOSTUNREACH, nil},
		{iptables.IPv4, "icmp-proto-unreachable", syscall.ENOPROTOOPT, syscall.ENOPROTOOPT},
		{iptables.IPv4, "icmp-net-prohibited", syscall.ENETUNREACH, syscall.ENETUNREACH},
		{iptables.IPv4, "icmp-host-prohibited", syscall.EHOSTUNREACH, syscall.EHOSTUNREACH},
		{iptables.IPv4, "icmp-admin-prohibited", syscall.EHOSTUNREACH, syscall.EHOSTUNREACH},
		{iptables.IPv6, "icmp6-port-unreachable", syscall.ECONNREFUSED, syscall.ECONNREFUSED},
		{iptables.IPv6, "icmp6-no-route", syscall.ENETUNREACH, nil},
		{iptables.IPv6, "icmp6-addr-unreachable", syscall.EHOSTUNREACH, nil},
		{iptables.IPv6, "icmp6-adm-prohibited", syscall.EACCES, syscall.EACCES},
		{iptables.IPv6, "icmp6-policy-fail", syscall.EACCES, syscall.EACCES},
		{iptables.IPv6, "icmp6-reject-route", syscall.EACCES, syscall.EACCES},
	} {
		t.Run(tt.with, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, server, from, _ := newPair(t)
				restore(t, server, tt.family, "*filter\n-A INPUT -j REJECT --reject-with "+tt.with+"\nCOMMIT\n")
				address := []string{"10.244.0.2:80", "[fd00:10:244::2]:80"}[tt.family]
				_, err := from.DialWith(t.Context(), Dialer{Timeout: time.Second}, "tcp", address)
				assert.ErrorIs(t, err, tt.tcp)
				c, err := from.Dial(t.Context(), "udp", address)
				require.NoError(t, err)
				for range 2 { // it hears of each datagram
					_, err = c.Write([]byte("x"))
					require.NoError(t, err)
					c.SetReadDeadline(time.Now().Add(time.Second))
					_, err = c.Read(make([]byte, 1))
					if tt.udp == nil {
						assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					} else {
						assert.ErrorIs(t, err, tt.udp)
					}
				}
				_, err = c.Write([]byte("x"))
				require.NoError(t, err)
				synctest.Wait()
				if _, err = c.Write([]byte("x")); tt.udp != nil {
					assert.ErrorIs(t, err, tt.udp, "a write hears of it as well")
				} else {
					assert.NoError(t, err)
				}
			})
		})
	}
}

// The error of what is too long is kept for those who ask for its cause.
func TestErrorsOfASocketDoNotPileUp(t *testing.T) {
	_, o := newTestNamespace(t)
	c, err := o.Dial(t.Context(), "udp", "[::1]:9")
	require.NoError(t, err)
	for range 3 {
		_, err = c.Write(make([]byte, 1<<16))
		require.ErrorIs(t, err, syscall.EMSGSIZE)
	}
	assert.Nil(t, lastCause(c.(*udpConn).ep))
}

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, from, to := newPair(t)
		l, err := to.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		for _, address := range []string{"10.244.0.2:80", "[fd00:10:244::2]:80"} {
			for _, ttl := range []int{0, 2, 255} {
				c, err := from.DialWith(t.Context(), Dialer{TTL: ttl}, "tcp", address)
				require.NoError(t, err)
				require.NoError(t, c.Close())
				s, err := l.Accept()
				require.NoError(t, err)
				require.NoError(t, s.Close())
			}
			for _, network := range []string{"tcp", "udp"} {
				_, err = from.DialWith(t.Context(), Dialer{TTL: 1}, network, address)
				if network == "tcp" {
					assert.ErrorIs(t, err, syscall.EHOSTUNREACH, "it ends at the router")
				} else {
					assert.NoError(t, err)
				}
				for _, ttl := range []int{-1, 256} {
					_, err = from.DialWith(t.Context(), Dialer{TTL: ttl}, network, address)
					assert.ErrorIs(t, err, syscall.EINVAL)
					assert.True(t, strings.HasSuffix(err.Error(), ": setsockopt: invalid argument"), err)
				}
			}
		}
	})
}

func TestOriginalDstOfAnUntrackedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server, from, to := newPair(t)
		restore(t, server, iptables.IPv4, "*nat\n-A PREROUTING -p tcp --dport 81 -j ACCEPT\nCOMMIT\n")
		l, err := to.Listen(t.Context(), "tcp", ":80")
		require.NoError(t, err)
		accepted := func(port string) *tcpConn {
			_, err := from.Dial(t.Context(), "tcp", net.JoinHostPort("10.244.0.2", port))
			require.NoError(t, err)
			c, err := l.Accept()
			require.NoError(t, err)
			return c.(*tcpConn)
		}
		_, err = accepted("80").OriginalDst()
		assert.ErrorIs(t, err, syscall.ENOENT, "no rule needs to know connections")
		restore(t, server, iptables.IPv4, "*nat\n-A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 80\nCOMMIT\n")
		for _, port := range []string{"80", "81"} {
			dst, err := accepted(port).OriginalDst()
			require.NoError(t, err)
			assert.Equal(t, netip.MustParseAddrPort("10.244.0.2:"+port), dst)
		}
	})
}
