package image

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// An exchange is one HTTP request of wget or curl. It keeps what the two show:
// the response's head as it came, and the connection's ends.
type exchange struct {
	p *proc

	// resolve gives the addresses of a host, and connected learns of a dial.
	resolve   func(ctx context.Context, host, port string) ([]string, error)
	trying    func(address string)
	connected func(conn net.Conn)
	timeout   time.Duration // for resolving and connecting; 0 for none
	insecure  bool          // TLS certificates are not checked

	transport *http.Transport
	mu        sync.Mutex
	head      []byte // guarded by mu; up to and with the empty line
	received  int64  // guarded by mu
	whole     bool   // guarded by mu; head is complete
}

// A connectError is the failure to connect to an address.
type connectError struct {
	addr netip.AddrPort
	took time.Duration
	err  error
}

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// A resolveError is the failure to find a host's address.
type resolveError struct {
	host string
	err  error
}

func (e *resolveError) Error() string { return e.err.Error() }
func (e *resolveError) Unwrap() error { return e.err }

// do connects and sends the request. The caller closes the exchange after the
// body, if there is no error.
func (x *exchange) do(req *http.Request) (*http.Response, error) {
	port := req.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[req.URL.Scheme]
	}
	// Not in the transport, which would give up a dial without waiting for it.
	conn, err := x.dial(req.Context(), net.JoinHostPort(req.URL.Hostname(), port))
	if err != nil {
		return nil, err
	}
	once := make(chan net.Conn, 1)
	once <- conn
	x.transport = &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    x.p.tlsConfig(x.insecure),
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			select {
			case c := <-once:
				return c, nil
			default:
				return nil, io.ErrUnexpectedEOF
			}
		},
	}
	resp, err := x.transport.RoundTrip(req)
	if err != nil {
		conn.Close()
		x.transport.CloseIdleConnections()
	}
	return resp, err
}

func (x *exchange) close() { x.transport.CloseIdleConnections() }

func (x *exchange) dial(ctx context.Context, address string) (net.Conn, error) {
	if x.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, x.timeout)
		defer cancel()
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	addrs, err := x.resolve(ctx, host, port)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if err != nil {
		return nil, &resolveError{host, err}
	}
	for _, addr := range addrs {
		full := net.JoinHostPort(addr, port)
		if x.trying != nil {
			x.trying(full)
		}
		var conn net.Conn
		if conn, err = x.p.DialContext(ctx, "tcp", full); err == nil {
			if x.connected != nil {
				x.connected(conn)
			}
			return &headConn{conn, x}, nil
		}
		ap, _ := netip.ParseAddrPort(full)
		err = &connectError{ap, time.Since(start), err}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// lookup is the resolve of both: a literal address, or what the name means.
func (p *proc) lookup(ctx context.Context, host, _ string) ([]string, error) {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return []string{ip.String()}, nil
	}
	return p.LookupHost(ctx, host)
}

// tlsConfig trusts the certificates of the container, not the host's.
func (p *proc) tlsConfig(insecure bool) *tls.Config {
	roots := x509.NewCertPool()
	if data, err := p.FS().ReadFile("/etc/ssl/certs/ca-certificates.crt"); err == nil {
		roots.AppendCertsFromPEM(data)
	}
	return &tls.Config{RootCAs: roots, InsecureSkipVerify: insecure, NextProtos: []string{"http/1.1"}}
}

// headConn notes the head of the response.
type headConn struct {
	net.Conn
	x *exchange
}

func (c *headConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.x.note(b[:n])
	return n, err
}

func (x *exchange) note(b []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.received += int64(len(b))
	if x.whole {
		return
	}
	x.head = append(x.head, b...)
	for {
		i := bytes.Index(x.head, []byte("\r\n\r\n"))
		if i < 0 {
			return
		}
		if bytes.HasPrefix(x.head, []byte("HTTP/1.1 1")) { // 100 Continue: the response follows
			x.head = x.head[i+4:]
			continue
		}
		x.head, x.whole = x.head[:i+4], true
		return
	}
}

// lines are the head's lines, the empty one at its end included. With TLS the
// bytes of the connection are not the response: it is then put together again.
func (x *exchange) lines(resp *http.Response) []string {
	x.mu.Lock()
	head := string(x.head)
	x.mu.Unlock()
	if !strings.HasPrefix(head, "HTTP/") {
		var b strings.Builder
		b.WriteString(resp.Proto + " " + resp.Status + "\r\n")
		resp.Header.Write(&b)
		head = b.String() + "\r\n"
	}
	return strings.Split(strings.TrimSuffix(head, "\r\n"), "\r\n")
}

func (x *exchange) silent() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.received == 0
}

// timedOut reports whether err is a deadline's.
func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
