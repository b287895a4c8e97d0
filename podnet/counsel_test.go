package podnet_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// A container that reaches its own Pod through a Service is told so, once.
func TestACounselAboutHairpins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		idle := podnet.ContainerSpec{Name: "idle", Run: untilStopped}
		labels := map[string]string{"app": "web"}
		web := podnettest.StartPod(t, c, podnet.PodSpec{
			Name: "web", Labels: labels, NodeName: "node-1",
			InitContainers: []podnet.ContainerSpec{{Name: "proxy", Run: untilStopped, RestartPolicy: podnet.RestartPolicyAlways}},
			Containers:     []podnet.ContainerSpec{{Name: "app", Run: tellsPeer(8080)}, idle},
		})
		other := podnettest.StartPod(t, c, podnet.PodSpec{Name: "other", NodeName: "node-1", Containers: []podnet.ContainerSpec{idle}})
		require.NoError(t, web.WaitListening(t.Context(), 8080))
		port := []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080), NodePort: 30080}}
		for _, name := range []string{"web", "web-too"} {
			require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{Name: name, Type: podnet.ServiceTypeNodePort, Selector: labels, Ports: port}))
			port[0].NodePort++
		}
		counsel := func(p *podnet.Pod) (list []string) {
			synctest.Wait()
			for _, e := range p.Events() {
				if e.Reason == podnet.ReasonServiceHairpin {
					assert.Equal(t, "podnet", e.Source)
					assert.Equal(t, "Warning", e.Type)
					assert.Equal(t, 1, e.Count)
					list = append(list, e.FieldPath+" "+e.Message)
				}
			}
			return list
		}
		dial := func(dial func(ctx context.Context, network, address string) error, address string) {
			require.NoError(t, dial(t.Context(), "tcp", address))
		}
		from := func(p *podnet.Pod, container string) func(ctx context.Context, network, address string) error {
			return func(ctx context.Context, network, address string) error {
				conn, err := p.Container(container).DialContext(ctx, network, address)
				if err == nil {
					err = conn.Close()
				}
				return err
			}
		}
		dial(from(web, "idle"), "localhost:8080")
		dial(from(web, "idle"), "10.244.0.2:8080")
		dial(from(other, "idle"), "web:80")
		assert.Empty(t, counsel(web), "nobody took the detour")

		ip := c.Service("", "web").ClusterIP().String()
		want := []string{"spec.containers{idle} reached its own Pod through the Service default/web (" + ip + ":80): out to the node, through its rules, and back to 10.244.0.2:8080; use localhost:8080"}
		for range 3 {
			dial(from(web, "idle"), "web.default.svc:80")
		}
		assert.Equal(t, want, counsel(web))
		dial(from(web, "proxy"), "web.default:80")
		want = append(want, "spec.initContainers{proxy}"+want[0][len("spec.containers{idle}"):])
		assert.Equal(t, want, counsel(web))
		dial(from(web, "proxy"), "172.18.0.2:30081")
		want = append(want, "spec.initContainers{proxy} reached its own Pod through the Service default/web-too (172.18.0.2:30081): out to the node, through its rules, and back to 10.244.0.2:8080; use localhost:8080")
		assert.Equal(t, want, counsel(web))
		assert.Empty(t, counsel(other))

		web.KillSandbox()
		time.Sleep(time.Second)
		require.NoError(t, web.WaitListening(t.Context(), 8080))
		require.NoError(t, web.WaitReady(t.Context()))
		dial(from(web, "idle"), "web.default:80")
		assert.Equal(t, want, counsel(web), "it has been told")
	})
}
