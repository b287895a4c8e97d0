package podnet_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestRangesThatAreRefused(t *testing.T) {
	for want, cfg := range map[string]podnet.Config{
		"podnet: Config.PodCIDRs 10.96.0.0/12 and Config.ServiceCIDRs 10.96.0.0/16 overlap":                                            {PodCIDRs: prefixes("10.96.0.0/12")},
		"podnet: Config.PodCIDRs 172.16.0.0/12 and Config.NodeCIDRs 172.18.0.0/16 overlap":                                             {PodCIDRs: prefixes("172.16.0.0/12")},
		"podnet: Config.ServiceCIDRs 172.18.4.0/24 and Config.NodeCIDRs 172.18.0.0/16 overlap":                                         {ServiceCIDRs: prefixes("172.18.4.0/24")},
		"podnet: Config.PodCIDRs fd00::/16 and Config.ServiceCIDRs fd00:10:96::/112 overlap":                                           {PodCIDRs: prefixes("10.244.0.0/16", "fd00::/16")},
		"podnet: Config.PodCIDRs: ipam: range 10.244.0.0/30 is too small for 5 nodes":                                                  {Nodes: 5, PodCIDRs: prefixes("10.244.0.0/30")},
		"podnet: Config.NodeCIDRs: ipam: range 172.18.0.0/30 is too small for 3 nodes":                                                 {Nodes: 3, PodCIDRs: prefixes("10.244.0.0/16"), NodeCIDRs: prefixes("172.18.0.0/30")},
		"podnet: Config.NodeCIDRs [172.18.0.0/16] has no range of the family of Config.PodCIDRs fd00:10:244::/56":                      {NodeCIDRs: prefixes("172.18.0.0/16")},
		"podnet: Config.PodCIDRs has 2 ranges: give at most one IPv4 and one IPv6 range":                                               {PodCIDRs: prefixes("10.0.0.0/16", "10.1.0.0/16")},
		"podnet: Config.ServiceCIDRs has 3 ranges: give at most one IPv4 and one IPv6 range":                                           {ServiceCIDRs: prefixes("10.0.0.0/16", "fd01::/112", "fd02::/112")},
		"podnet: Config.ServiceCIDRs [127.0.0.0/8]: Pods cannot have such addresses":                                                   {ServiceCIDRs: prefixes("127.0.0.0/8")},
		"podnet: Config.ServiceCIDRs: range 10.96.0.0/32 has no address for the Service kubernetes: " + kubernetesRefused("10.96.0.0"): {ServiceCIDRs: prefixes("10.96.0.0/32")},
	} {
		t.Run(want, func(t *testing.T) {
			c, err := podnet.NewCluster(cfg)
			assert.Nil(t, c)
			assert.EqualError(t, err, want)
		})
	}
}

// kubernetesRefused is why the first Service cannot be.
func kubernetesRefused(first string) string {
	next := netip.MustParseAddr(first).Next()
	return fmt.Sprintf(`Service "kubernetes" is invalid: spec.clusterIPs: Invalid value: ["%s"]: failed to allocate IP %s: the provided network does not match the current range`, next, next)
}

// everything tells all that Apply can change.
func everything(c *podnet.Cluster) (lines []string) {
	for _, s := range c.Services() {
		lines = append(lines, fmt.Sprintf("%s/%s %+v %+v %+v", s.Namespace(), s.Name(), s.Spec(), s.Endpoints(), s.EndpointSlices()))
	}
	for _, p := range c.Pods() {
		lines = append(lines, fmt.Sprintf("%s/%s %v %v %s", p.Namespace(), p.Name(), p.Spec().Labels, p.IPs(), p.Status().Columns.Status))
	}
	lines = append(lines, fmt.Sprintf("%+v", c.NetworkPolicies()))
	for _, name := range []string{"default", "kube-system", "other"} {
		lines = append(lines, fmt.Sprintf("%+v", c.Namespace(name)))
	}
	return lines
}

// TestWhatIsRefusedChangesNothing applies good things together with bad ones, to a
// cluster that has a Pod, a Service and a policy: all or nothing is applied, and
// the next Service is given what it would have been given.
func TestWhatIsRefusedChangesNothing(t *testing.T) {
	service := func(name string, change func(*podnet.ServiceSpec)) podnet.ServiceSpec {
		s := podnet.ServiceSpec{Name: name, Selector: map[string]string{"app": "web"}, Type: podnet.ServiceTypeNodePort, Ports: []podnet.ServicePort{{Name: "http", Port: 80}}}
		change(&s)
		return s
	}
	good := func(*podnet.ServiceSpec) {}
	clusterIP := func(ip string) func(*podnet.ServiceSpec) {
		return func(s *podnet.ServiceSpec) { s.ClusterIP = ip }
	}
	nodePort := func(n int32) func(*podnet.ServiceSpec) {
		return func(s *podnet.ServiceSpec) { s.Ports[0].NodePort = n }
	}
	policy := func(rule podnet.NetworkPolicyIngressRule) podnet.NetworkPolicySpec {
		return podnet.NetworkPolicySpec{Name: "bad", Ingress: []podnet.NetworkPolicyIngressRule{rule}}
	}
	var manyServices []podnet.Object // each of which would do alone
	for i := range 11 {
		manyServices = append(manyServices, service(fmt.Sprintf("bad%d", i), func(s *podnet.ServiceSpec) {
			for p := range 255 {
				s.Ports = append(s.Ports, podnet.ServicePort{Name: fmt.Sprintf("p%d", p), Port: int32(1000 + p)})
			}
		}))
	}
	tcp80 := podnet.Port(80)
	end := int32(79)
	for name, tt := range map[string]struct {
		bad  []podnet.Object
		want string
	}{
		"address outside the range":    {[]podnet.Object{service("bad", clusterIP("10.97.0.1"))}, `Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range`},
		"the range's own address":      {[]podnet.Object{service("bad", clusterIP("10.96.0.0"))}, `Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.0"]: failed to allocate IP 10.96.0.0: the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/16`},
		"address of another Service":   {[]podnet.Object{service("bad", clusterIP("10.96.0.100"))}, `Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.100"]: failed to allocate IP 10.96.0.100: provided IP is already allocated`},
		"address of the DNS server":    {[]podnet.Object{service("bad", clusterIP("10.96.0.10"))}, `Service "bad" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated`},
		"address twice in one Apply":   {[]podnet.Object{service("bad", clusterIP("10.96.0.101")), service("worse", clusterIP("10.96.0.101"))}, `Service "worse" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.101"]: failed to allocate IP 10.96.0.101: provided IP is already allocated`},
		"no address":                   {[]podnet.Object{service("bad", clusterIP("10.96.0"))}, `Service "bad" is invalid: spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`},
		"another address than it has":  {[]podnet.Object{service("web", clusterIP("10.96.0.102"))}, `Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.102"]: may not change once set`},
		"node port outside the range":  {[]podnet.Object{service("bad", nodePort(80))}, `Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767`},
		"node port of another Service": {[]podnet.Object{service("bad", nodePort(30080))}, `Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated`},
		"policy with a block and Pods": {[]podnet.Object{policy(podnet.NetworkPolicyIngressRule{From: []podnet.NetworkPolicyPeer{{PodSelector: &podnet.LabelSelector{}, IPBlock: &podnet.IPBlock{CIDR: "10.0.0.0/8"}}}})}, `NetworkPolicy "bad" is invalid: spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer`},
		"policy with an exception outside": {[]podnet.Object{policy(podnet.NetworkPolicyIngressRule{From: []podnet.NetworkPolicyPeer{{IPBlock: &podnet.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"11.0.0.0/16"}}}}})},
			`NetworkPolicy "bad" is invalid: spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of ` + "`cidr`"},
		"policy whose range ends early": {[]podnet.Object{policy(podnet.NetworkPolicyIngressRule{Ports: []podnet.NetworkPolicyPort{{Port: &tcp80, EndPort: &end}}})}, "NetworkPolicy \"bad\" is invalid: spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"},
		"more Services than addresses":  {manyServices, `failed to allocate a nodePort: range is full`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var given [2]podnet.ServiceSpec
				for i, bad := range []bool{false, true} {
					c, err := podnet.NewCluster(podnet.Config{Nodes: 2})
					require.NoError(t, err)
					defer func() { assert.NoError(t, c.Close()) }()
					require.NoError(t, c.Apply(t.Context(),
						withLabels(agnhost("web", netexec{http: []int{80}}.run), map[string]string{"app": "web"}), agnhost("client", pause),
						service("web", func(s *podnet.ServiceSpec) { s.ClusterIP, s.Ports[0].NodePort = "10.96.0.100", 30080 }),
						podnet.NetworkPolicySpec{Name: "open", Ingress: []podnet.NetworkPolicyIngressRule{{}}}))
					time.Sleep(time.Second)
					if bad {
						before := everything(c)
						objects := append([]podnet.Object{
							podnet.NamespaceSpec{Name: "other", Labels: map[string]string{"new": "yes"}}, agnhost("second", pause), service("good", good),
							podnet.NetworkPolicySpec{Name: "closed"},
						}, tt.bad...)
						assert.ErrorContains(t, c.Apply(t.Context(), objects...), tt.want)
						time.Sleep(time.Second)
						assert.Equal(t, before, everything(c))
						w := &world{T: t, cluster: c}
						w.says("web", "http", c.Pod("", "client"), "10.96.0.100:80", "hostname")
					}
					require.NoError(t, c.Apply(t.Context(), service("good", good)))
					given[i] = c.Service("", "good").Spec()
				}
				assert.Equal(t, given[0], given[1])
			})
		})
	}
}

// TestAddressesRunOut fills ranges: who comes too late waits or is refused, and
// whoever was there goes on.
func TestAddressesRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := podnet.NewCluster(podnet.Config{PodCIDRs: prefixes("10.244.0.0/30"), ServiceCIDRs: prefixes("10.96.0.0/28")})
		require.NoError(t, err)
		defer func() { assert.NoError(t, c.Close()) }()
		w := &world{T: t, cluster: c, begun: time.Now()}
		one := w.apply(withLabels(agnhost("one", netexec{http: []int{80}}.run), map[string]string{"app": "web"})) // the other address is the gateway's
		two := w.apply(agnhost("two", pause))
		w.at(time.Second)
		assert.Equal(t, "0/1 ContainerCreating 0", columns(two))
		assert.Contains(t, two.Events()[len(two.Events())-1].Message, "failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.2")

		service := func(i int) podnet.ServiceSpec {
			return podnet.ServiceSpec{Name: fmt.Sprintf("web%d", i), Selector: map[string]string{"app": "web"}, Ports: []podnet.ServicePort{{Port: 80}}}
		}
		for i := range 12 { // of 14, without the two that are there from the start
			require.NoError(t, c.Apply(t.Context(), service(i)))
		}
		before := everything(c)
		assert.EqualError(t, c.Apply(t.Context(), service(12)), `Internal error occurred: failed to allocate a serviceIP for Service "web12": range is full`)
		assert.Equal(t, before, everything(c))
		for i := range 12 {
			w.says("one", "http", one, at(c.Service("", service(i).Name).ClusterIP(), 80), "hostname")
		}
		require.NoError(t, c.Service("", "web3").Delete(t.Context()))
		assert.NoError(t, c.Apply(t.Context(), service(12)))

		require.NoError(t, one.Delete(t.Context()))
		require.NoError(t, two.WaitReady(t.Context()))
		assert.Equal(t, one.IP(), two.IP())
	})
}

func TestNodePortsRunOut(t *testing.T) {
	c, err := podnet.NewCluster(podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/16")})
	require.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	service := func(i int) podnet.ServiceSpec {
		s := podnet.ServiceSpec{Name: fmt.Sprintf("web%d", i), Type: podnet.ServiceTypeNodePort}
		for p := range 256 {
			s.Ports = append(s.Ports, podnet.ServicePort{Name: fmt.Sprintf("p%d", p), Port: int32(1 + p)})
		}
		return s
	}
	for i := range 10 { // 2560 of 2768
		require.NoError(t, c.Apply(t.Context(), service(i)))
	}
	before := everything(c)
	assert.EqualError(t, c.Apply(t.Context(), service(10)), `Internal error occurred: failed to allocate a nodePort: range is full`)
	assert.Equal(t, before, everything(c), "none of its ports is taken")
	last := service(10)
	last.Ports = last.Ports[:208]
	require.NoError(t, c.Apply(t.Context(), last))
	one := service(11)
	one.Ports = one.Ports[:1]
	assert.EqualError(t, c.Apply(t.Context(), one), `Internal error occurred: failed to allocate a nodePort: range is full`)
	require.NoError(t, c.Service("", "web0").Delete(t.Context()))
	assert.NoError(t, c.Apply(t.Context(), one))
}
