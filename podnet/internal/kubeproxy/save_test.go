package kubeproxy

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata")

// TestChainNames has names that kube-proxy's own tests have, too
// (pkg/proxy/iptables/proxier_test.go).
func TestChainNames(t *testing.T) {
	port := func(namespace, service string) *servicePort {
		return &servicePort{name: name{namespace, service}.port("p80"), Port: Port{Name: "p80", Protocol: TCP}}
	}
	svc1 := port("ns1", "svc1")
	assert.Equal(t, "KUBE-SVC-XPGD46QRK7WJZT7O", chainName(clusterChain, svc1))
	assert.Equal(t, "KUBE-SEP-SXIVWICOYRO3J4NJ", endpointChainName(svc1, backend{text: "10.180.0.1:80"}))
	assert.Equal(t, "KUBE-EXT-GNZBNJ2PO5MGZ6GT", chainName(externalChain, port("ns2", "svc2")))
	assert.Equal(t, "KUBE-FW-NUKIZ6OKUXPJNT4C", chainName(firewallChain, port("ns5", "svc5")))
	assert.Equal(t, "KUBE-SVC-NPX46M4PTMTKRN6Y", chainName(clusterChain, &servicePort{name: "default/kubernetes:https", Port: Port{Protocol: TCP}}))
}

func TestSave(t *testing.T) {
	port := []EndpointPort{{"p80", TCP, 80}}
	service := func(n int, endpoints ...Endpoint) Service {
		digit := string(rune('0' + n))
		return Service{
			Namespace: "ns" + digit, Name: "svc" + digit, ClusterIPs: []netip.Addr{addr("172.30.0.4" + digit), addr("fd00:10:96::4" + digit)},
			Ports: []Port{{Name: "p80", Protocol: TCP, Port: 80}}, Endpoints: endpoints,
		}
	}
	at := func(ip, node string) Endpoint {
		return Endpoint{Addr: addr(ip), Node: node, Ready: true, Serving: true, Ports: port}
	}
	balanced := with(service(2, at("10.180.0.2", "")), func(s *Service) {
		s.Ports[0].NodePort, s.HealthCheckNodePort, s.ExternalLocal = 3001, 30000, true
		s.LoadBalancerIPs, s.ExternalIPs = []netip.Addr{addr("1.2.3.4")}, []netip.Addr{addr("192.168.99.22")}
	})
	sticky := with(service(5, at("10.180.0.3", ""), at("10.180.0.30", ""), at("10.180.0.4", "")), func(s *Service) {
		s.Ports[0].NodePort, s.Affinity = 3002, 3*time.Hour
		s.LoadBalancerIPs, s.SourceRanges = []netip.Addr{addr("5.6.7.8")}, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/25")}
	})
	local := with(service(7, at("10.180.0.7", "node-1"), at("10.180.1.7", "node-2")), internalLocal)
	table := newTable(sticky, local, balanced, service(1, at("10.180.0.1", ""), at("fd00:10:244::1", "")), service(6))
	for _, file := range []struct {
		name, node string
		v6         bool
	}{{"testdata/node-1.rules", "node-1", false}, {"testdata/node-3.rules", "node-3", false}, {"testdata/node-1.rules6", "node-1", true}} {
		got := table.Save(file.node, file.v6)
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(file.name, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file.name)
		require.NoError(t, err)
		assert.Equal(t, string(want), got, file.name)
	}
}

func TestSaveOfNothing(t *testing.T) {
	text := newTable().Save("node-1", false)
	assert.Contains(t, text, "\n-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n")
	assert.NotContains(t, text, "KUBE-SVC-")
	assert.Equal(t, 2, strings.Count(text, "COMMIT\n"))
}

func TestProbabilities(t *testing.T) {
	text := newTable(web(endpoints(3)...)).Save("node-1", false)
	assert.Contains(t, text, "--probability 0.3333333333 ")
	assert.Contains(t, text, "--probability 0.5000000000 ")
	assert.Equal(t, 2, strings.Count(text, "--probability"), "the last rule is for the rest")
}
