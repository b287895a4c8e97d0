package podnet_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// tellsPeer serves HTTP on a port and answers with the client's address.
func tellsPeer(port int) podnet.Program {
	return answer(port, func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		io.WriteString(w, host)
	})
}

// fetch returns what a GET from a Pod gives.
func fetch(ctx context.Context, p *podnet.Pod, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := p.HTTPClient().Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// Whom a server sees through a Service, of either family.
func TestThePeerBehindAService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
		pods := make(map[string]*podnet.Pod)
		for i, name := range []string{"web", "same", "other"} {
			pods[name] = podnettest.StartPod(t, c, podnet.PodSpec{
				Name: name, Labels: map[string]string{"app": name}, NodeName: fmt.Sprintf("node-%d", 1+i/2),
				Containers: []podnet.ContainerSpec{{Name: "main", Run: tellsPeer(8080)}},
			})
			require.NoError(t, pods[name].WaitListening(t.Context(), 8080))
		}
		dual := podnet.IPFamilyPolicyPreferDualStack
		require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{
			Name: "web", Selector: map[string]string{"app": "web"}, IPFamilyPolicy: dual,
			Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}},
		}))
		ips := c.Service("", "web").ClusterIPs()
		require.Len(t, ips, 2)
		for i, ip := range ips {
			url := "http://" + netip.AddrPortFrom(ip, 80).String()
			for from, want := range map[string]string{
				"web":   []string{"10.244.0.1", "fd00:10:244::1"}[i], // a hairpin
				"same":  pods["same"].IPs()[i].String(),
				"other": pods["other"].IPs()[i].String(),
			} {
				got, err := fetch(t.Context(), pods[from], url)
				require.NoError(t, err, from)
				assert.Equal(t, want, got, from)
			}
		}
	})
}
