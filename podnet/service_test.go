package podnet_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// web is a Service of the Pods with the label app=web.
func web() podnet.ServiceSpec {
	return podnet.ServiceSpec{Name: "web", Selector: map[string]string{"app": "web"}, Ports: []podnet.ServicePort{{Port: 80}}}
}

// changed returns web with changes.
func changed(change func(*podnet.ServiceSpec)) podnet.ServiceSpec {
	s := web()
	change(&s)
	return s
}

func TestServiceIsGivenWhatItLeavesOut(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	given := changed(func(s *podnet.ServiceSpec) { s.Type = podnet.ServiceTypeNodePort })
	require.NoError(t, c.Apply(t.Context(), &given))
	assert.Empty(t, given.ClusterIP, "what is given stays as it is")
	s := c.Service("", "web")
	require.NotNil(t, s)
	ip, nodePort := s.ClusterIP(), s.Spec().Ports[0].NodePort
	assert.True(t, netip.MustParsePrefix("10.96.0.0/16").Contains(ip))
	assert.True(t, netip.MustParseAddr("10.96.1.0").Less(ip), "%s: the lower part is for who asks", ip)
	assert.True(t, 30086 <= nodePort && nodePort <= 32767, "%d", nodePort)
	assert.Equal(t, podnet.ServiceSpec{
		Name: "web", Namespace: "default", Type: podnet.ServiceTypeNodePort, Selector: map[string]string{"app": "web"},
		Ports:     []podnet.ServicePort{{Protocol: podnet.ProtocolTCP, Port: 80, TargetPort: podnet.Port(80), NodePort: nodePort}},
		ClusterIP: ip.String(), ClusterIPs: []string{ip.String()}, IPFamilies: []podnet.IPFamily{podnet.IPv4Protocol}, IPFamilyPolicy: podnet.IPFamilyPolicySingleStack,
		SessionAffinity: podnet.ServiceAffinityNone, InternalTrafficPolicy: podnet.ServiceTrafficPolicyCluster, ExternalTrafficPolicy: podnet.ServiceTrafficPolicyCluster,
	}, s.Spec())

	spec := s.Spec()
	require.NoError(t, c.Apply(t.Context(), given))
	assert.Same(t, s, c.Service("default", "web"))
	assert.Equal(t, spec, s.Spec(), "the same spec again changes nothing")
	require.NoError(t, c.Apply(t.Context(), s.Spec()))
	assert.Equal(t, spec, s.Spec(), "nor does what was given")

	require.NoError(t, s.Delete(t.Context()))
	require.NoError(t, s.Delete(t.Context()), "twice is as good as once")
	assert.Nil(t, c.Service("", "web"))
	assert.Equal(t, ip, s.ClusterIP(), "what it was stays readable")
	again := changed(func(s *podnet.ServiceSpec) {
		s.ClusterIP, s.Type, s.Ports[0].NodePort = ip.String(), podnet.ServiceTypeNodePort, nodePort
	})
	require.NoError(t, c.Apply(t.Context(), again), "address and port are free again")
}

func TestServicesAreTheSameForASeed(t *testing.T) {
	ips := func(seed uint64) (list []string) {
		c := podnettest.NewCluster(t, podnet.Config{Seed: seed})
		for i := range 20 {
			require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) { s.Name = fmt.Sprintf("web%d", i) })))
			list = append(list, c.Service("", fmt.Sprintf("web%d", i)).Spec().ClusterIP)
		}
		return list
	}
	assert.Equal(t, ips(1), ips(1))
	assert.NotEqual(t, ips(1), ips(2))
}

func TestBuiltInServices(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	var names []string
	for _, s := range c.Services() {
		names = append(names, s.Namespace()+"/"+s.Name()+" "+s.ClusterIP().String())
		for _, p := range s.Spec().Ports {
			names = append(names, fmt.Sprintf("%s %d/%s", p.Name, p.Port, p.Protocol))
		}
		assert.Empty(t, s.Endpoints())
	}
	assert.Equal(t, []string{"default/kubernetes 10.96.0.1", "https 443/TCP", "kube-system/kube-dns 10.96.0.10", "dns 53/UDP", "dns-tcp 53/TCP", "metrics 9153/TCP"}, names)

	small, err := podnet.NewCluster(podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/30")})
	require.NoError(t, err)
	assert.Len(t, small.Services(), 1, "there is no tenth address")
	require.NoError(t, small.Close())
	_, err = podnet.NewCluster(podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/32")})
	assert.ErrorContains(t, err, "podnet: Config.ServiceCIDRs: range 10.96.0.0/32 has no address for the Service kubernetes: ")
}

func TestServiceFamilies(t *testing.T) {
	four, six := podnet.IPv4Protocol, podnet.IPv6Protocol
	for name, tt := range map[string]struct {
		change   func(*podnet.ServiceSpec)
		policy   podnet.IPFamilyPolicy
		families []podnet.IPFamily
		ips      int
	}{
		"default":        {func(*podnet.ServiceSpec) {}, podnet.IPFamilyPolicySingleStack, []podnet.IPFamily{four}, 1},
		"IPv6":           {func(s *podnet.ServiceSpec) { s.IPFamilies = []podnet.IPFamily{six} }, podnet.IPFamilyPolicySingleStack, []podnet.IPFamily{six}, 1},
		"by the address": {func(s *podnet.ServiceSpec) { s.ClusterIP = "fd00:10:96::99" }, podnet.IPFamilyPolicySingleStack, []podnet.IPFamily{six}, 1},
		"both":           {func(s *podnet.ServiceSpec) { s.IPFamilyPolicy = podnet.IPFamilyPolicyRequireDualStack }, podnet.IPFamilyPolicyRequireDualStack, []podnet.IPFamily{four, six}, 2},
		"both, IPv6 first": {func(s *podnet.ServiceSpec) {
			s.IPFamilyPolicy, s.IPFamilies = podnet.IPFamilyPolicyPreferDualStack, []podnet.IPFamily{six}
		}, podnet.IPFamilyPolicyPreferDualStack, []podnet.IPFamily{six, four}, 2},
		"headless":              {func(s *podnet.ServiceSpec) { s.ClusterIP = podnet.ClusterIPNone }, podnet.IPFamilyPolicySingleStack, []podnet.IPFamily{four}, 0},
		"headless, no selector": {func(s *podnet.ServiceSpec) { s.ClusterIP, s.Selector, s.Ports = podnet.ClusterIPNone, nil, nil }, podnet.IPFamilyPolicyRequireDualStack, []podnet.IPFamily{four, six}, 0},
		"ExternalName":          {func(s *podnet.ServiceSpec) { s.Type, s.ExternalName = podnet.ServiceTypeExternalName, "example.com." }, "", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{})
			require.NoError(t, c.Apply(t.Context(), changed(tt.change)))
			s := c.Service("", "web")
			assert.Equal(t, tt.policy, s.Spec().IPFamilyPolicy)
			assert.Equal(t, tt.families, s.Spec().IPFamilies)
			require.Len(t, s.ClusterIPs(), tt.ips)
			for i, ip := range s.ClusterIPs() {
				assert.Equal(t, tt.families[i] == four, ip.Is4())
			}
			assert.Equal(t, tt.ips > 0, s.ClusterIP().IsValid())
		})
	}
}

func TestServicesThatCannotBeGivenWhatTheyAsk(t *testing.T) {
	invalid := func(text string) string { return `Service "web" is invalid: ` + text }
	nodePort := func(port int32) func(*podnet.ServiceSpec) {
		return func(s *podnet.ServiceSpec) { s.Type, s.Ports[0].NodePort = podnet.ServiceTypeNodePort, port }
	}
	clusterIP := func(ip string) func(*podnet.ServiceSpec) {
		return func(s *podnet.ServiceSpec) { s.ClusterIP = ip }
	}
	local := func(port int32) func(*podnet.ServiceSpec) {
		return func(s *podnet.ServiceSpec) {
			s.Type, s.ExternalTrafficPolicy, s.HealthCheckNodePort = podnet.ServiceTypeLoadBalancer, podnet.ServiceTrafficPolicyLocal, port
		}
	}
	for name, tt := range map[string]struct {
		config podnet.Config
		change func(*podnet.ServiceSpec)
		want   string
	}{
		"address of kubernetes":    {podnet.Config{}, clusterIP("10.96.0.1"), invalid(`spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated`)},
		"address of kube-dns":      {podnet.Config{}, clusterIP("10.96.0.10"), invalid(`spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated`)},
		"address of the range":     {podnet.Config{}, clusterIP("10.96.0.0"), invalid(`spec.clusterIPs: Invalid value: ["10.96.0.0"]: failed to allocate IP 10.96.0.0: the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/16`)},
		"broadcast address":        {podnet.Config{}, clusterIP("10.96.255.255"), invalid(`spec.clusterIPs: Invalid value: ["10.96.255.255"]: failed to allocate IP 10.96.255.255: the provided IP (10.96.255.255) is not in the valid range. The range of valid IPs is 10.96.0.0/16`)},
		"address of another range": {podnet.Config{}, clusterIP("10.97.0.1"), invalid(`spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range`)},
		"IPv6 without a range":     {podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/16")}, clusterIP("fd00::1"), invalid(`spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster`)},
		"IPv6 family without one":  {podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/16")}, func(s *podnet.ServiceSpec) { s.IPFamilies = []podnet.IPFamily{podnet.IPv6Protocol} }, invalid(`spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster`)},
		"both without both":        {podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/16")}, func(s *podnet.ServiceSpec) { s.IPFamilyPolicy = podnet.IPFamilyPolicyRequireDualStack }, invalid(`spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services`)},
		"two addresses, one family": {podnet.Config{}, func(s *podnet.ServiceSpec) {
			s.ClusterIP, s.ClusterIPs = "10.96.0.2", []string{"10.96.0.2", "fd00:10:96::2"}
		}, invalid(`spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified`)},
		"node port out of range":     {podnet.Config{}, nodePort(80), invalid(`spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767`)},
		"node port below zero":       {podnet.Config{}, nodePort(-1), invalid(`spec.ports[0].nodePort: Invalid value: -1: provided port is not in the valid range. The range of valid ports is 30000-32767`)},
		"node port of another":       {podnet.Config{}, nodePort(30000), invalid(`spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated`)},
		"health check port of other": {podnet.Config{}, local(30000), `Internal error occurred: failed to allocate requested HealthCheck NodePort 30000: provided port is already allocated`},
		"full range":                 {podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/30")}, func(*podnet.ServiceSpec) {}, `Internal error occurred: failed to allocate a serviceIP for Service "web": range is full`},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, tt.config)
			other := changed(nodePort(30000))
			other.Name = "other"
			require.NoError(t, c.Apply(t.Context(), other))
			count := len(c.Services())
			assert.EqualError(t, c.Apply(t.Context(), changed(tt.change)), tt.want)
			assert.Len(t, c.Services(), count, "nothing half done")
		})
	}
}

func TestRangesRunOutAndRecover(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{ServiceCIDRs: prefixes("10.96.0.0/28")})
	named := func(i int) podnet.ServiceSpec {
		return changed(func(s *podnet.ServiceSpec) { s.Name = fmt.Sprintf("web%d", i) })
	}
	for i := range 12 { // 14 addresses, and two Services from the start
		require.NoError(t, c.Apply(t.Context(), named(i)))
	}
	assert.EqualError(t, c.Apply(t.Context(), named(12)), `Internal error occurred: failed to allocate a serviceIP for Service "web12": range is full`)
	require.NoError(t, c.Service("", "web3").Delete(t.Context()))
	require.NoError(t, c.Apply(t.Context(), named(12)))

	// An error on the way gives back what was taken before it.
	require.NoError(t, c.Service("", "web4").Delete(t.Context()))
	bad := changed(func(s *podnet.ServiceSpec) {
		s.Type, s.Ports[0].NodePort = podnet.ServiceTypeNodePort, 99
	})
	for range 5 {
		assert.Error(t, c.Apply(t.Context(), bad))
	}
	require.NoError(t, c.Apply(t.Context(), named(4)))
}

func TestNodePortsOfOnePortAreOne(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) {
		s.Type = podnet.ServiceTypeNodePort
		s.Ports = []podnet.ServicePort{{Name: "tcp", Port: 53}, {Name: "udp", Port: 53, Protocol: podnet.ProtocolUDP, NodePort: 30053}, {Name: "web", Port: 80}}
	})))
	ports := c.Service("", "web").Spec().Ports
	assert.EqualValues(t, 30053, ports[0].NodePort)
	assert.EqualValues(t, 30053, ports[1].NodePort)
	assert.NotContains(t, []int32{0, 30053}, ports[2].NodePort)
}

func TestServiceUpdates(t *testing.T) {
	type spec = podnet.ServiceSpec
	nodePort := func(s *spec) { s.Type = podnet.ServiceTypeNodePort }
	external := func(s *spec) { s.Type, s.ExternalName = podnet.ServiceTypeExternalName, "example.com" }
	headless := func(s *spec) { s.ClusterIP = podnet.ClusterIPNone }
	dual := func(s *spec) { s.IPFamilyPolicy = podnet.IPFamilyPolicyPreferDualStack }
	invalid := func(text string) string { return `Service "web" is invalid: ` + text }
	for name, tt := range map[string]struct {
		before, after func(*spec)
		want          string // error; empty for none
		check         func(t *testing.T, before, after spec)
	}{
		"another selector": {nil, func(s *spec) { s.Selector = map[string]string{"app": "other"} }, "", func(t *testing.T, before, after spec) {
			assert.Equal(t, before.ClusterIP, after.ClusterIP)
			assert.Equal(t, map[string]string{"app": "other"}, after.Selector)
		}},
		"ClusterIP to NodePort": {nil, nodePort, "", func(t *testing.T, before, after spec) {
			assert.Equal(t, before.ClusterIP, after.ClusterIP)
			assert.NotZero(t, after.Ports[0].NodePort)
		}},
		"NodePort to ClusterIP": {nodePort, func(*spec) {}, "", func(t *testing.T, before, after spec) {
			assert.Equal(t, before.ClusterIP, after.ClusterIP)
			assert.Zero(t, after.Ports[0].NodePort)
			assert.Empty(t, after.ExternalTrafficPolicy)
		}},
		"a node port stays with the port's name": {nodePort, func(s *spec) { nodePort(s); s.Ports[0].Port = 81 }, "", func(t *testing.T, before, after spec) {
			assert.Equal(t, before.Ports[0].NodePort, after.Ports[0].NodePort)
		}},
		"another node port": {nodePort, func(s *spec) { nodePort(s); s.Ports[0].NodePort = 30001 }, "", func(t *testing.T, before, after spec) {
			assert.EqualValues(t, 30001, after.Ports[0].NodePort)
		}},
		"a node port that is not free": {nodePort, func(s *spec) { nodePort(s); s.Ports[0].NodePort = 30000 }, invalid(`spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated`), nil},
		"another address":              {nil, func(s *spec) { s.ClusterIP = "10.96.0.99" }, invalid(`spec.clusterIPs[0]: Invalid value: ["10.96.0.99"]: may not change once set`), nil},
		"ClusterIP to headless":        {nil, headless, invalid(`spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set`), nil},
		"headless to ClusterIP":        {headless, func(s *spec) { s.ClusterIP = "10.96.0.99" }, invalid(`spec.clusterIPs[0]: Invalid value: ["10.96.0.99"]: may not change once set`), nil},
		"headless, not said again":     {headless, func(*spec) {}, "", func(t *testing.T, before, after spec) { assert.Equal(t, podnet.ClusterIPNone, after.ClusterIP) }},
		"headless to ExternalName":     {headless, external, "", func(t *testing.T, before, after spec) { assert.Empty(t, after.ClusterIP) }},
		"ClusterIP to ExternalName":    {nil, external, "", func(t *testing.T, before, after spec) { assert.Empty(t, after.ClusterIPs) }},
		"ExternalName to ClusterIP":    {external, func(*spec) {}, "", func(t *testing.T, before, after spec) { assert.NotEmpty(t, after.ClusterIP) }},
		"ExternalName to NodePort":     {external, nodePort, "", func(t *testing.T, before, after spec) { assert.NotZero(t, after.Ports[0].NodePort) }},
		"ExternalName with an address": {nil, func(s *spec) { external(s); s.ClusterIP, s.ClusterIPs = "10.96.0.99", []string{"10.96.0.99"} }, invalid(`spec.clusterIPs: Forbidden: may not be set for ExternalName services`), nil},
		"one family to both": {nil, dual, "", func(t *testing.T, before, after spec) {
			assert.Equal(t, before.ClusterIP, after.ClusterIP)
			assert.Len(t, after.ClusterIPs, 2)
		}},
		"both families to one": {dual, func(s *spec) { s.IPFamilyPolicy = podnet.IPFamilyPolicySingleStack }, "", func(t *testing.T, before, after spec) {
			assert.Equal(t, before.ClusterIPs[:1], after.ClusterIPs)
			assert.Len(t, after.IPFamilies, 1)
		}},
		"both families, not said again": {dual, func(*spec) {}, "", func(t *testing.T, before, after spec) { assert.Len(t, after.ClusterIPs, 2) }},
		"another first family":          {nil, func(s *spec) { s.IPFamilies = []podnet.IPFamily{podnet.IPv6Protocol} }, invalid(`spec.clusterIPs[0]: Invalid value: `), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{})
			other := changed(func(s *podnet.ServiceSpec) { nodePort(s); s.Name, s.Ports[0].NodePort = "other", 30000 })
			first := web()
			if tt.before != nil {
				tt.before(&first)
			}
			require.NoError(t, c.Apply(t.Context(), other, first))
			before := c.Service("", "web").Spec()
			err := c.Apply(t.Context(), changed(tt.after))
			after := c.Service("", "web").Spec()
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				assert.Equal(t, before, after, "nothing half done")
				return
			}
			require.NoError(t, err)
			tt.check(t, before, after)
		})
	}
}

func TestAChangedSpecOfTheServiceCanBeApplied(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	require.NoError(t, c.Apply(t.Context(), changed(func(s *podnet.ServiceSpec) {
		s.Type, s.ExternalTrafficPolicy = podnet.ServiceTypeLoadBalancer, podnet.ServiceTrafficPolicyLocal
	})))
	s := c.Service("", "web")
	assert.NotZero(t, s.Spec().HealthCheckNodePort)
	spec := s.Spec()
	spec.Type = podnet.ServiceTypeClusterIP
	require.NoError(t, c.Apply(t.Context(), spec))
	assert.Zero(t, s.Spec().HealthCheckNodePort)
	assert.Zero(t, s.Spec().Ports[0].NodePort)
	spec = s.Spec()
	spec.Type, spec.ExternalName = podnet.ServiceTypeExternalName, "example.com"
	require.NoError(t, c.Apply(t.Context(), spec))
	assert.Empty(t, s.Spec().ClusterIP)
}

func TestApplyOfServicesChecksFirst(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	bad := changed(func(s *podnet.ServiceSpec) { s.Name, s.Ports = "bad", nil })
	assert.EqualError(t, c.Apply(t.Context(), web(), bad), `Service "bad" is invalid: spec.ports: Required value`)
	assert.Nil(t, c.Service("", "web"))
	require.NoError(t, c.Apply(t.Context(), web()))
	ip := c.Service("", "web").ClusterIP()

	// A check that draws does not move the lots.
	d := podnettest.NewCluster(t, podnet.Config{})
	require.NoError(t, d.Apply(t.Context(), web()))
	assert.Equal(t, ip, d.Service("", "web").ClusterIP())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, c.Service("", "web").Delete(ctx), context.Canceled)
}

func TestClosedClusterTakesNoServices(t *testing.T) {
	c, err := podnet.NewCluster(podnet.Config{})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	assert.EqualError(t, c.Apply(t.Context(), web()), "podnet: apply Service default/web: cluster is closed")
	assert.ErrorIs(t, c.Apply(t.Context(), podnet.EndpointSliceSpec{Name: "a", AddressType: podnet.AddressTypeIPv4}), podnet.ErrClosed)
}

func TestServiceVariables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := podnet.NewCluster(podnet.Config{})
		require.NoError(t, err)
		require.NoError(t, c.Apply(t.Context(),
			changed(func(s *podnet.ServiceSpec) {
				s.Name, s.ClusterIP = "web-front", "10.96.0.20"
				s.Ports = []podnet.ServicePort{{Name: "http", Port: 80}, {Name: "dns-udp", Port: 53, Protocol: podnet.ProtocolUDP}}
			}),
			changed(func(s *podnet.ServiceSpec) { s.Name, s.ClusterIP = "six", "fd00:10:96::20" }),
			changed(func(s *podnet.ServiceSpec) { s.Name, s.ClusterIP = "headless", podnet.ClusterIPNone }),
			changed(func(s *podnet.ServiceSpec) {
				s.Name, s.Type, s.ExternalName = "ext", podnet.ServiceTypeExternalName, "example.com"
			}),
			changed(func(s *podnet.ServiceSpec) { s.Name, s.Namespace = "elsewhere", "shop" }),
		))
		run := func(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return nil }
		pod := podnet.PodSpec{Name: "a", Containers: []podnet.ContainerSpec{{Name: "c", Run: run, Env: []podnet.EnvVar{{Name: "URL", Value: "http://$(WEB_FRONT_SERVICE_HOST)"}, {Name: "SIX_PORT", Value: "mine"}}}}}
		p, err := c.StartPod(t.Context(), pod)
		require.NoError(t, err)
		assert.Equal(t, "SIX_SERVICE_HOST=fd00:10:96::20 SIX_SERVICE_PORT=80 SIX_PORT=mine "+
			"SIX_PORT_80_TCP=tcp://[fd00:10:96::20]:80 SIX_PORT_80_TCP_PROTO=tcp SIX_PORT_80_TCP_PORT=80 SIX_PORT_80_TCP_ADDR=fd00:10:96::20 "+
			"WEB_FRONT_SERVICE_HOST=10.96.0.20 WEB_FRONT_SERVICE_PORT=80 WEB_FRONT_SERVICE_PORT_HTTP=80 WEB_FRONT_SERVICE_PORT_DNS_UDP=53 WEB_FRONT_PORT=tcp://10.96.0.20:80 "+
			"WEB_FRONT_PORT_80_TCP=tcp://10.96.0.20:80 WEB_FRONT_PORT_80_TCP_PROTO=tcp WEB_FRONT_PORT_80_TCP_PORT=80 WEB_FRONT_PORT_80_TCP_ADDR=10.96.0.20 "+
			"WEB_FRONT_PORT_53_UDP=udp://10.96.0.20:53 WEB_FRONT_PORT_53_UDP_PROTO=udp WEB_FRONT_PORT_53_UDP_PORT=53 WEB_FRONT_PORT_53_UDP_ADDR=10.96.0.20 "+
			"URL=http://10.96.0.20", own(p.Container("c")))
		assert.Equal(t, "10.96.0.1", p.Container("c").Getenv("KUBERNETES_SERVICE_HOST"))

		pod.Name, pod.EnableServiceLinks = "b", new(false)
		q, err := c.StartPod(t.Context(), pod)
		require.NoError(t, err)
		assert.Equal(t, "URL=http://$(WEB_FRONT_SERVICE_HOST) SIX_PORT=mine", own(q.Container("c")))
		assert.Equal(t, "tcp://10.96.0.1:443", q.Container("c").Getenv("KUBERNETES_PORT"))

		require.NoError(t, c.Service("", "six").Delete(t.Context()))
		pod.Name, pod.EnableServiceLinks = "c", nil
		r, err := c.StartPod(t.Context(), pod)
		require.NoError(t, err)
		assert.NotContains(t, own(r.Container("c")), "SIX_SERVICE_HOST", "Services that exist when it starts")
		require.NoError(t, c.Close())
	})
}
