//go:build linux

package oracle

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "google.golang.org/grpc/encoding/gzip" // as in the kubelet, which gets it with its tracing
)

// second is the timeout of attempts that must not run into it, and soon that of
// those that must.
const (
	second = 10 * time.Second
	soon   = 300 * time.Millisecond
)

// saw is a server's notebook: the requests that it got.
type saw struct {
	mu    sync.Mutex
	lines []string
}

func (s *saw) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

// request notes what a probe may be judged by.
func (s *saw) request(r *http.Request) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s Host: %s Length: %d %v TLS: %v", r.Method, r.RequestURI, r.Proto, r.Host, r.ContentLength, r.TransferEncoding, r.TLS != nil)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		value := r.Header[name]
		if name == "Grpc-Timeout" {
			value = []string{"some time"}
		}
		fmt.Fprintf(&b, " %s: %q", name, value)
	}
	s.note(b.String())
}

// take returns what was noted, and forgets it.
func (s *saw) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines
	s.lines = nil
	return lines
}

// told is what an attempt says.
type told struct {
	Result, Output, Err string
	Saw                 []string
}

var (
	clientPort = regexp.MustCompile(`127\.0\.0\.1:\d+->`)
	// Kubernetes was not linked by its own build, and protobuf writes a space
	// of one kind or another.
	likeReleased = strings.NewReplacer("kube-probe/.", "kube-probe/1.37", "kube-lifecycle/.", "kube-lifecycle/1.37", "\u00a0", " ")
)

// anyTimeout is what the kubelet says of https that times out. Its client cancels
// such a request in two ways at once, and either may be first.
var anyTimeout = regexp.MustCompile(`(net/http: request canceled( while waiting for connection)?|context deadline exceeded)( \(Client\.Timeout .*\))?`)

func tell[R ~string](result R, output string, err error, s *saw) told {
	t := told{Result: string(result), Output: output}
	if err != nil {
		t.Err = err.Error()
	}
	for _, line := range s.take() {
		t.Saw = append(t.Saw, likeReleased.Replace(line))
	}
	t.Output = likeReleased.Replace(clientPort.ReplaceAllString(t.Output, "127.0.0.1:client->"))
	t.Err = clientPort.ReplaceAllString(t.Err, "127.0.0.1:client->")
	return t
}

func portOf(t *testing.T, address string) int32 {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return int32(n)
}

// listen returns a listener on 127.0.0.1, closed with the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// serve answers each connection with a function, and returns the port.
func serve(t *testing.T, handle func(c net.Conn)) int32 {
	t.Helper()
	l := listen(t)
	var running sync.WaitGroup
	done := make(chan struct{})
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				ended := make(chan struct{})
				defer close(ended)
				go func() {
					select {
					case <-done:
						c.Close()
					case <-ended:
					}
				}()
				handle(c)
			})
		}
	})
	t.Cleanup(func() { close(done); l.Close(); running.Wait() })
	return portOf(t, l.Addr().String())
}

// nobody returns a port on which nobody listens.
func nobody(t *testing.T) int32 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return portOf(t, l.Addr().String())
}

// full returns a port whose listener takes no more connections.
func full(t *testing.T) int32 {
	t.Helper()
	l := listen(t)
	raw, err := l.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { assert.NoError(t, syscall.Listen(int(fd), 0)) }))
	for {
		c, err := net.DialTimeout("tcp", l.Addr().String(), soon)
		if err != nil {
			return portOf(t, l.Addr().String())
		}
		t.Cleanup(func() { c.Close() })
	}
}

// silent reads all and says nothing.
func silent(c net.Conn) { io.Copy(io.Discard, c) }

// closing ends a connection at once.
func closing(net.Conn) {}

// say answers a request with these bytes.
func say(answer string) func(c net.Conn) {
	return func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			io.WriteString(c, answer)
		}
	}
}

// quiet is the log of a server.
var quiet = log.New(io.Discard, "", 0)
