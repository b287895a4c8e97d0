package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(withReasons{m}, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

// withReasons runs tests and fails if a packet was dropped for no known reason.
type withReasons struct{ *testing.M }

func (m withReasons) Run() int {
	var unknown atomic.Int64
	newCluster = func(cfg podnet.Config) (*podnet.Cluster, error) {
		c, err := podnet.NewCluster(cfg)
		if err == nil {
			c.TraceHeaders(func(e podnet.TraceEvent) { // ends with the cluster
				if e.Kind == podnet.TraceDropped && e.Reason == "" {
					unknown.Add(1)
				}
			})
		}
		return c, err
	}
	code := m.M.Run()
	if n := unknown.Load(); n > 0 {
		fmt.Fprintf(os.Stderr, "%d packets were dropped for no known reason\n", n)
		return max(code, 1)
	}
	return code
}

// testImages has a web server that behaves as nginx's image does, and a shell
// that knows a few words.
func testImages() imageSet {
	infos := map[string]image.Info{
		"nginx": {
			Ports:   []image.Port{{Number: 80, Protocol: podnet.ProtocolTCP}},
			LogDirs: []string{"/var/log/nginx"},
		},
		"alpine": {},
		"curl":   {},
	}
	return imageSet{
		programs: map[string]podnet.Program{"nginx": testServer, "alpine": testShell, "curl": testShell},
		describe: func(name string) (image.Info, bool) {
			info, ok := infos[baseName(name)]
			return info, ok
		},
	}
}

// testServer serves its name on port 80, or runs testShell if given a command.
func testServer(ctx context.Context, c *podnet.Container) error {
	if len(c.Command()) > 0 {
		return testShell(ctx, c)
	}
	l, err := c.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout(), "ready")
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "I am "+c.Name()) })}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// testShell runs the last word of its command.
func testShell(ctx context.Context, c *podnet.Container) error {
	words := append(append([]string{""}, c.Command()...), c.Args()...)
	verb, rest, _ := strings.Cut(words[len(words)-1], " ")
	switch verb {
	case "echo":
		fmt.Fprint(c.Stdout(), rest) // without a newline
	case "fail":
		fmt.Fprintln(c.Stderr(), rest)
		return podnet.ExitError{Code: 3}
	case "get":
		resp, err := c.HTTPClient().Get(rest)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		io.Copy(c.Stdout(), resp.Body)
	case "wait":
		<-ctx.Done()
	case "":
	default:
		return fmt.Errorf("%s: not found", verb)
	}
	return nil
}

// lockedBuffer is a buffer to write to from many goroutines.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// result is what came of a command line.
type result struct {
	code           int
	stdout, stderr string
}

// podnetWith runs a command line with testImages.
func podnetWith(ctx context.Context, stdin string, args ...string) result {
	var stdout, stderr lockedBuffer
	a := &app{stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr, images: testImages()}
	code := a.main(ctx, args)
	return result{code, stdout.String(), stderr.String()}
}

// writeFile writes a manifest and returns its name.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

// pod is a manifest of a Pod with the given spec.
func pod(name, spec string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec:\n" + spec
}
