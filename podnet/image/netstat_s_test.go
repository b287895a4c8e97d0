package image_test

import (
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestNetstatStatistics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		sixBefore := c.NetworkStats().IPv6
		sh(t, c, `ping -c 2 127.0.0.1; nc -l -p 8080 >/dev/null & sleep 1; echo hello | nc -w 1 127.0.0.1 8080; nc -w 1 127.0.0.1 8081; echo | nc -u -w 1 127.0.0.1 53`)
		s := c.NetworkStats()
		assert.Equal(t, sixBefore, s.IPv6)
		assert.Equal(t, s, c.Pod().NetworkStats())
		assert.InDelta(t, 9, s.TCP.InSegs, 2, "acknowledgments may be merged")
		assert.InDelta(t, 9, s.TCP.OutSegs, 2)
		assert.InDelta(t, 16, s.IP.InReceives, 2)
		assert.Equal(t, podnet.TCPStats{ActiveOpens: 2, PassiveOpens: 1, AttemptFails: 1, InSegs: s.TCP.InSegs, OutSegs: s.TCP.OutSegs, OutRsts: 1}, s.TCP)
		assert.Equal(t, fmt.Sprintf(`Ip:
    Forwarding: 2
    %d total packets received
    0 forwarded
    0 incoming packets discarded
    %d incoming packets delivered
    %d requests sent out
Icmp:
    5 ICMP messages received
    0 input ICMP message failed
    ICMP input histogram:
        destination unreachable: 1
        echo requests: 2
        echo replies: 2
    5 ICMP messages sent
    0 ICMP messages failed
    ICMP output histogram:
        destination unreachable: 1
        echo requests: 2
        echo replies: 2
Tcp:
    2 active connection openings
    1 passive connection openings
    1 failed connection attempts
    0 connection resets received
    0 connections established
    %d segments received
    %d segments sent out
    0 segments retransmitted
    0 bad segments received
    1 resets sent
Udp:
    0 packets received
    1 packets to unknown port received
    0 packet receive errors
    1 packets sent
    0 receive buffer errors
    0 send buffer errors
TcpExt:
`, s.IP.InReceives, s.IP.InDelivers, s.IP.OutRequests, s.TCP.InSegs, s.TCP.OutSegs), sh(t, c, "netstat -s").Stdout)
		assert.Equal(t, `Udp:
    0 packets received
    1 packets to unknown port received
    0 packet receive errors
    1 packets sent
    0 receive buffer errors
    0 send buffer errors
`, sh(t, c, "netstat -su").Stdout)
		assert.Equal(t, sh(t, c, "netstat -st").Stdout, sh(t, c, "netstat --tcp --statistics").Stdout)
		assert.Equal(t, "netstat: podnet does not support -sr here: netstat -s[tu]\n", sh(t, c, "netstat -sr").Stderr)
	})
}

func TestSSInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		l, err := c.Listen("tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		defer l.Close()
		conn, err := c.DialWith(t.Context(), podnet.Dialer{LocalAddr: netip.MustParseAddrPort("127.0.0.1:45000")}, "tcp", "127.0.0.1:8080")
		require.NoError(t, err)
		defer conn.Close()
		peer, err := l.Accept()
		require.NoError(t, err)
		defer peer.Close()
		_, err = conn.Write(make([]byte, 10000))
		require.NoError(t, err)
		_, err = io.ReadFull(peer, make([]byte, 4000))
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, `State  Recv-Q Send-Q Local Address:Port Peer Address:Port
LISTEN 0      0          127.0.0.1:8080         0.0.0.0:*
ESTAB  6000   0          127.0.0.1:8080   127.0.0.1:45000
	 cubic rto:1000 cwnd:10 bytes_received:10000 segs_out:N segs_in:N
ESTAB  0      0         127.0.0.1:45000    127.0.0.1:8080
	 cubic rto:200 rtt:1/0 cwnd:11 bytes_acked:10000 segs_out:N segs_in:N
`, regexp.MustCompile(`(segs_\w+):[1-4]\b`).ReplaceAllString(sh(t, c, "ss -tani").Stdout, "$1:N"))
	})
}
