package podnettest_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// hoarder serves HTTP on port 80, and never closes what it dials.
func hoarder(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	if _, err := c.Dial("tcp", "localhost:80"); err != nil {
		return err
	}
	return http.Serve(l, http.NotFoundHandler())
}

func TestWhatATestLeavesOpenIsNamed(t *testing.T) {
	for _, test := range []struct {
		name string
		open func(*podnet.Cluster, *podnet.Pod) (io.Closer, error)
		want string
	}{
		{"nothing but what programs open", func(*podnet.Cluster, *podnet.Pod) (io.Closer, error) { return nil, nil }, ""},
		{"a connection of a Pod", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			return p.Dial("tcp", "127.0.0.1:80")
		}, "left open: default/web tcp ESTAB 127.0.0.1:PORT -> 127.0.0.1:80 (pause, PID 1)\n"},
		{"one that the peer has ended", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			c, err := p.Dial("tcp", "127.0.0.1:80")
			if err == nil {
				err = p.Container("app").Kill()
			}
			return c, err
		}, "left open: default/web tcp CLOSE-WAIT 127.0.0.1:PORT -> 127.0.0.1:80 (pause, PID 1)\n"},
		{"a listener of a Pod, but not what it accepts", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			l, err := p.Listen("tcp4", ":81")
			if err != nil {
				return nil, err
			}
			c, err := p.Dial("tcp", "127.0.0.1:81")
			if err != nil {
				return nil, err
			}
			defer c.Close()
			return l.Accept()
		}, "left open: default/web tcp LISTEN 0.0.0.0:81 (pause, PID 1)\n"},
		{"a socket of a container", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			return p.Container("app").ListenPacket("udp4", ":53")
		}, "left open: default/web udp UNCONN 0.0.0.0:53 (app, PID 1)\n"},
		{"not one that has ended with its container", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			c, err := p.Container("app").Dial("tcp", "localhost:80")
			if err == nil {
				err = p.Container("app").Kill()
			}
			return c, err
		}, ""},
		{"a Unix socket", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			return p.Listen("unix", "@control")
		}, "left open: default/web u_str LISTEN @control (pause, PID 1)\n"},
		{"a listener of a node", func(c *podnet.Cluster, _ *podnet.Pod) (io.Closer, error) {
			return c.Node("node-1").Listen("tcp4", ":9")
		}, "left open: node-1 tcp LISTEN 0.0.0.0:9 (kubelet, PID 1)\n"},
		{"nothing that is closed", func(c *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			conn, err := c.Node("node-1").Dial("tcp", p.IP().String()+":80")
			if err == nil {
				err = conn.Close()
			}
			return conn, err
		}, ""},
		{"nothing that an HTTP client keeps", func(_ *podnet.Cluster, p *podnet.Pod) (io.Closer, error) {
			resp, err := p.HTTPClient().Get("http://localhost/")
			if err == nil {
				err = resp.Body.Close()
			}
			return nil, err
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{TB: t}
				c := podnettest.NewCluster(r, podnet.Config{})
				p := podnettest.StartPod(r, c, podnet.PodSpec{Name: "web", RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{
					{Name: "app", Run: hoarder}, {Name: "other", Run: untilStopped},
				}})
				require.NoError(t, p.WaitListening(t.Context(), 80))
				_, err := test.open(c, p)
				require.NoError(t, err)
				synctest.Wait()
				got := regexp.MustCompile(`127\.0\.0\.1:\d{5}`).ReplaceAllString(r.end(), "127.0.0.1:PORT")
				assert.Equal(t, test.want, got)
				assert.False(t, r.failed)
			})
		})
	}
}

func TestWhatIsLeftOpenFailsTheTestByAFlag(t *testing.T) {
	require.NoError(t, flag.Set("podnet.leftopen", "true"))
	defer flag.Set("podnet.leftopen", "false")
	r := &recorder{TB: t}
	c := podnettest.NewCluster(r, podnet.Config{})
	_, err := c.Node("node-1").ListenPacket("udp4", ":9")
	require.NoError(t, err)
	assert.Contains(t, r.end(), "left open: node-1 udp UNCONN 0.0.0.0:9 (kubelet, PID 1)\n")
	assert.True(t, r.failed)
}
