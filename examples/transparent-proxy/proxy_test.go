package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
	"podnet.dev/podnet/podnettest"
)

// mesh runs the manifest with other programs in the containers called app, by Pod,
// and with changes to the Pod shop.
func mesh(t *testing.T, apps map[string]podnet.Program, changes ...func(*podnet.PodSpec)) *podnet.Cluster {
	t.Helper()
	objects, err := manifest.Load(manifests, "pod.yaml")
	require.NoError(t, err)
	c := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{
		"alpine": shell, "example.com/proxy": proxy, "example.com/web": web,
	}})
	for i, o := range objects {
		if p, ok := o.(podnet.PodSpec); ok {
			p.Containers = slices.Clone(p.Containers)
			p.Containers[0].Run = apps[p.Name]
			for _, change := range changes {
				if p.Name == "shop" {
					change(&p)
				}
			}
			objects[i] = p
		}
	}
	require.NoError(t, c.Apply(t.Context(), objects...))
	for _, p := range c.Pods() {
		require.NoError(t, p.WaitReady(t.Context()))
	}
	synctest.Wait() // the programs have begun
	return c
}

// echo sends back what it gets, when it has got all of it.
func echo(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		conns.Go(func() {
			defer conn.Close()
			if all, err := io.ReadAll(conn); err == nil {
				conn.Write(all)
			}
		})
	}
}

// ask sends a message, says that it was all, and returns the answer.
func ask(c *podnet.Container, address, message string) (string, error) {
	conn, err := c.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, message); err != nil {
		return "", err
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	all, err := io.ReadAll(conn)
	return string(all), err
}

func app(c *podnet.Cluster, pod string) *podnet.Container {
	return c.Pod("", pod).Container("app")
}

func proxyLog(c *podnet.Cluster) []string {
	synctest.Wait()
	return strings.Split(strings.TrimSpace(c.Pod("", "shop").Container("istio-proxy").Logs()), "\n")
}

func TestTheProxyCarriesBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mesh(t, map[string]podnet.Program{"shop": echo, "bank": echo})
		for from, to := range map[string]string{"shop": "bank:80", "visitor": "shop:80"} {
			var calls sync.WaitGroup
			for i := range 20 {
				calls.Go(func() {
					message := string(bytes.Repeat([]byte{byte(i)}, 10_000*i))
					got, err := ask(app(c, from), to, message)
					assert.NoError(t, err)
					assert.True(t, got == message, "%d of %d bytes", len(got), len(message))
				})
			}
			calls.Wait()
		}
		assert.Len(t, proxyLog(c), 40)
	})
}

// Whoever calls the proxy's ports himself does not make it call itself.
func TestTheProxyDoesNotFeedItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mesh(t, map[string]podnet.Program{"shop": echo})
		shop := c.Pod("", "shop").IP()
		var want []string
		for _, call := range []struct{ from, host, direction string }{
			{"visitor", shop.String(), "inbound "},
			{"shop", "127.0.0.1", ""},
			{"shop", shop.String(), ""},
		} {
			for port, direction := range map[int]string{outboundPort: "outbound", inboundPort: "inbound "} {
				address := net.JoinHostPort(call.host, fmt.Sprint(port))
				conn, err := app(c, call.from).Dial("tcp", address)
				require.NoError(t, err)
				_, err = conn.Read(make([]byte, 1))
				assert.ErrorIs(t, err, io.EOF)
				if call.direction != "" {
					direction = call.direction
				}
				want = append(want, fmt.Sprintf("%s  %s -> %s", direction, conn.LocalAddr(), address),
					direction+"  refused: it would come back to the proxy, again and again")
				conn.Close()
			}
		}
		assert.Equal(t, want, proxyLog(c))
	})
}

// The rules know the proxy by its user. Whoever runs as that user, or of its group,
// gets round the proxy.
func TestWhoIsTakenForTheProxy(t *testing.T) {
	for name, tt := range map[string]struct {
		user, group int64
		captured    bool
	}{
		"root":                {0, 0, true},
		"a user":              {1000, 1000, true},
		"the proxy's user":    {1337, 1000, false},
		"the proxy's group":   {1000, 1337, false},
		"the proxy's own IDs": {1337, 1337, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := mesh(t, map[string]podnet.Program{"shop": echo, "bank": echo}, func(p *podnet.PodSpec) {
					p.Containers[0].SecurityContext = &podnet.SecurityContext{RunAsUser: &tt.user, RunAsGroup: &tt.group}
				})
				got, err := ask(app(c, "shop"), "bank:80", "hello")
				require.NoError(t, err)
				assert.Equal(t, "hello", got)
				assert.Equal(t, tt.captured, proxyLog(c)[0] != "")
			})
		})
	}
}

// While the proxy is down its Pod is cut off.
func TestTheProxyCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := mesh(t, map[string]podnet.Program{"shop": echo, "bank": echo})
		shop := c.Pod("", "shop")
		open, err := app(c, "shop").Dial("tcp", "bank:80")
		require.NoError(t, err)
		synctest.Wait() // the proxy has it
		// It is restarted at once, and the second time after 10 seconds.
		for range 2 {
			require.NoError(t, shop.Container("istio-proxy").Kill())
			synctest.Wait()
		}
		_, err = open.Read(make([]byte, 1))
		assert.ErrorIs(t, err, io.EOF, "the kernel closes what a dead process had")
		open.Close()
		time.Sleep(9 * time.Second)
		_, err = ask(app(c, "shop"), "bank:80", "out")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		_, err = ask(app(c, "visitor"), shop.IP().String()+":80", "in")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		got, err := ask(app(c, "shop"), "localhost:80", "within")
		assert.NoError(t, err)
		assert.Equal(t, "within", got)
		time.Sleep(5 * time.Second)
		got, err = ask(app(c, "shop"), "bank:80", "out again")
		assert.NoError(t, err)
		assert.Equal(t, "out again", got)
	})
}

// The proxy is a sidecar: it is there for the app's last call.
func TestTheLastCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := make(chan error, 1)
		c := mesh(t, map[string]podnet.Program{"bank": echo, "shop": func(ctx context.Context, c *podnet.Container) error {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			got, err := ask(c, "bank:80", "bye")
			if got != "bye" {
				err = errors.Join(err, errors.New("there was no answer"))
			}
			last <- err
			return nil
		}})
		require.NoError(t, c.Pod("", "shop").Delete(t.Context()))
		assert.NoError(t, <-last)
	})
}
