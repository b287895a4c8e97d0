package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// network is a network in memory. A listener answers at an address of its own;
// other addresses refuse, but for those where packets are lost.
type network struct {
	t    *testing.T
	lost map[string]bool

	mu        sync.Mutex // guards what follows
	listeners map[string]*listener
	open      int // dials in progress and connections that the client has not closed
	dialed    []time.Duration

	start time.Time
}

// newNetwork returns a network, for a bubble.
func newNetwork(t *testing.T) *network {
	return &network{t: t, lost: make(map[string]bool), listeners: make(map[string]*listener), start: time.Now()}
}

// dial is a Dial.
func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, time.Since(n.start))
	l := n.listeners[address]
	n.mu.Unlock()
	n.count(1)
	failed := func(err error) (net.Conn, error) {
		n.count(-1)
		addr, _ := netip.ParseAddrPort(address)
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	if l == nil && !n.lost[address] {
		return failed(os.NewSyscallError("connect", errors.New("connection refused")))
	}
	var accept chan net.Conn
	if l != nil {
		accept = l.conns
	}
	client, server := net.Pipe()
	select {
	case accept <- server:
		return &clientConn{Conn: client, closed: sync.OnceFunc(func() { n.count(-1) })}, nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return failed(timeout{})
		}
		return failed(errors.New("operation was canceled"))
	}
}

func (n *network) count(d int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open += d
}

// isQuiet checks that an attempt has left nothing open.
func (n *network) isQuiet() {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	assert.Zero(n.t, n.open, "something is still open")
}

// timeout is net's error.
type timeout struct{}

func (timeout) Error() string { return "i/o timeout" }

type clientConn struct {
	net.Conn
	closed func()
}

func (c *clientConn) Close() error {
	defer c.closed()
	return c.Conn.Close()
}

type listener struct {
	conns chan net.Conn
	done  chan struct{}
	close func()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.close(); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) listen(address string) net.Listener {
	l := &listener{conns: make(chan net.Conn), done: make(chan struct{})}
	l.close = sync.OnceFunc(func() {
		n.mu.Lock()
		delete(n.listeners, address)
		n.mu.Unlock()
		close(l.done)
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[address] = l
	return l
}

// serve answers each connection with a function, which must end when the
// connection does.
func (n *network) serve(address string, handle func(c net.Conn)) {
	l := n.listen(address)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { defer c.Close(); handle(c) })
		}
	})
	n.t.Cleanup(func() { l.Close(); running.Wait() })
}

// website serves HTTP.
func (n *network) website(address string, handler http.HandlerFunc) {
	n.web(address, &http.Server{Handler: handler})
}

// secure serves HTTP over TLS.
func (n *network) secure(address string, handler http.HandlerFunc) {
	n.web(address, &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate(n.t)}}})
}

// clear2 serves HTTP/2 without TLS.
func (n *network) clear2(address string, handler http.HandlerFunc) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	n.web(address, &http.Server{Handler: handler, Protocols: protocols})
}

func (n *network) web(address string, server *http.Server) {
	l := n.listen(address)
	server.ErrorLog = log.New(io.Discard, "", 0)
	var serving sync.WaitGroup
	serving.Go(func() {
		if server.TLSConfig != nil {
			server.ServeTLS(l, "", "")
		} else {
			server.Serve(l)
		}
	})
	n.t.Cleanup(func() { server.Close(); serving.Wait() })
}

// certificate is one that nobody trusts.
func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	cert := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
