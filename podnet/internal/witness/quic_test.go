package witness

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

const quicProtocol = "witness"

// serveQUIC is the Program of a QUIC server on UDP port 4433 that echoes every
// stream and every datagram. What it was told at the end of a connection it
// writes to its log.
func serveQUIC(ca *authority, t *testing.T, conf *quic.Config) podnet.Program {
	conf = conf.Clone()
	conf.EnableDatagrams = true
	return func(ctx context.Context, c *podnet.Container) error {
		socket, err := c.ListenPacket("udp", ":4433")
		if err != nil {
			return err
		}
		transport := &quic.Transport{Conn: socket}
		defer socket.Close()
		defer transport.Close()
		l, err := transport.Listen(ca.server(t, quicProtocol), conf)
		if err != nil {
			return err
		}
		sayReady(c)
		for {
			conn, err := l.Accept(ctx)
			if err != nil {
				return nil // ctx has ended
			}
			go func() {
				for {
					m, err := conn.ReceiveDatagram(ctx)
					if err != nil {
						return
					}
					conn.SendDatagram(m)
				}
			}()
			go func() {
				for {
					stream, err := conn.AcceptStream(ctx)
					if err != nil {
						io.WriteString(c.Stdout(), err.Error()+"\n")
						return
					}
					go func() {
						io.Copy(stream, stream)
						stream.Close()
					}()
				}
			}()
		}
	}
}

// dialQUIC connects to address over a UDP socket of c.
func dialQUIC(t *testing.T, c *podnet.Container, ca *authority, address string, conf *quic.Config) (*quic.Conn, error) {
	t.Helper()
	conf = conf.Clone()
	conf.EnableDatagrams = true
	socket, err := c.ListenPacket("udp", ":0")
	require.NoError(t, err)
	transport := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		transport.Close()
		socket.Close()
	})
	addr, err := net.ResolveUDPAddr("udp", address)
	require.NoError(t, err)
	return transport.Dial(t.Context(), addr, ca.client(quicProtocol), conf)
}

func TestQUICStreamsAndDatagramsOverAPacketSocket(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		ca := newAuthority(t)
		c := startPair(t, serveQUIC(ca, t, &quic.Config{}))
		for _, address := range []string{"127.0.0.1:4433", "[::1]:4433", net.JoinHostPort(c.Pod().IP().String(), "4433")} {
			conn, err := dialQUIC(t, c, ca, address, &quic.Config{})
			require.NoError(t, err, address)
			assert.Equal(t, address, conn.RemoteAddr().String())

			const size = 1 << 20
			stream, err := conn.OpenStreamSync(t.Context())
			require.NoError(t, err)
			sent := make(chan error)
			go func() {
				_, err := io.Copy(stream, noise(1, size))
				stream.Close()
				sent <- err
			}()
			assert.Equal(t, digest(t, noise(1, size)), digest(t, stream), address)
			assert.NoError(t, <-sent)

			require.NoError(t, conn.SendDatagram([]byte("datagram")))
			m, err := conn.ReceiveDatagram(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "datagram", string(m))
			require.NoError(t, conn.CloseWithError(7, "bye "+address))
			require.NoError(t, c.Pod().Container("server").WaitLog(t.Context(), "Application error 0x7 (remote): bye "+address))
		}
	})
}

func TestQUICIdleTimeoutAndKeepAlive(t *testing.T) {
	const idle = 30 * time.Second // too long for plain time
	inBubble(t, func(t *testing.T) {
		ca := newAuthority(t)
		c := startPair(t, serveQUIC(ca, t, &quic.Config{MaxIdleTimeout: idle}))
		conn, err := dialQUIC(t, c, ca, "127.0.0.1:4433", &quic.Config{MaxIdleTimeout: idle, KeepAlivePeriod: idle / 3})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		assert.NoError(t, conn.Context().Err(), "kept alive")

		silent, err := dialQUIC(t, c, ca, "127.0.0.1:4433", &quic.Config{MaxIdleTimeout: idle})
		require.NoError(t, err)
		start := time.Now()
		<-silent.Context().Done()
		var timeout *quic.IdleTimeoutError
		assert.ErrorAs(t, context.Cause(silent.Context()), &timeout)
		assert.InDelta(t, idle, time.Since(start), float64(time.Second)) // counted from the last packet
	})
}

// A port where nobody is: the ICMP error reaches a connected socket only, so
// QUIC, which has a socket for all peers, sends again until it gives up.
func TestQUICNobodyListens(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		c := startPod(t, nil).Container("client")
		start := time.Now()
		_, err := dialQUIC(t, c, newAuthority(t), "127.0.0.1:4433", &quic.Config{HandshakeIdleTimeout: 5 * time.Second})
		var netErr net.Error
		require.True(t, errors.As(err, &netErr), "%v", err)
		assert.True(t, netErr.Timeout())
		assert.Equal(t, 5*time.Second, time.Since(start))
	})
}
