package podnet_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestNetworkPoliciesAreAppliedFoundAndDeleted(t *testing.T) {
	var log bytes.Buffer
	c := podnettest.NewCluster(t, podnet.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	port := podnet.Port(80)
	spec := podnet.NetworkPolicySpec{
		Name:    "web",
		Ingress: []podnet.NetworkPolicyIngressRule{{Ports: []podnet.NetworkPolicyPort{{Port: &port}}}},
		Egress:  []podnet.NetworkPolicyEgressRule{{To: []podnet.NetworkPolicyPeer{{IPBlock: &podnet.IPBlock{CIDR: "2001:DB8::/32"}}}}},
	}
	require.NoError(t, c.Apply(t.Context(), &spec, podnet.NetworkPolicySpec{Name: "z", Namespace: "shop"}, podnet.NetworkPolicySpec{Name: "a"}))
	assert.Contains(t, log.String(), `should be in RFC 5952 canonical format`)
	spec.Ingress[0].Ports[0].Protocol = "" // of the caller's own
	spec.Egress[0].To[0].IPBlock.CIDR = "::/0"

	got, ok := c.NetworkPolicy("", "web")
	require.True(t, ok)
	assert.Equal(t, []podnet.PolicyType{podnet.PolicyTypeIngress, podnet.PolicyTypeEgress}, got.PolicyTypes)
	assert.Equal(t, podnet.ProtocolTCP, got.Ingress[0].Ports[0].Protocol)
	assert.Equal(t, "2001:DB8::/32", got.Egress[0].To[0].IPBlock.CIDR)
	deny, _ := c.NetworkPolicy("shop", "z")
	assert.Equal(t, []podnet.PolicyType{podnet.PolicyTypeIngress}, deny.PolicyTypes)

	var names []string
	for _, p := range c.NetworkPolicies() {
		names = append(names, p.Namespace+"/"+p.Name)
	}
	assert.Equal(t, []string{"default/a", "default/web", "shop/z"}, names)
	assert.True(t, c.DeleteNetworkPolicy("", "web"))
	assert.False(t, c.DeleteNetworkPolicy("", "web"))
	_, ok = c.NetworkPolicy("", "web")
	assert.False(t, ok)

	err := c.Apply(t.Context(), podnet.NetworkPolicySpec{Name: "b", Egress: []podnet.NetworkPolicyEgressRule{{To: []podnet.NetworkPolicyPeer{{}}}}})
	assert.EqualError(t, err, `NetworkPolicy "b" is invalid: spec.egress[0].to[0]: Required value: must specify a peer`)
	require.NoError(t, c.Close())
	err = c.Apply(t.Context(), podnet.NetworkPolicySpec{Name: "b"})
	require.ErrorIs(t, err, podnet.ErrClosed)
	assert.EqualError(t, err, "podnet: apply NetworkPolicy default/b: cluster is closed")
}

func TestNamespacesAreThereWithoutBeingApplied(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	assert.Equal(t, podnet.NamespaceSpec{Name: "shop", Labels: map[string]string{"kubernetes.io/metadata.name": "shop"}}, c.Namespace("shop"))
	require.NoError(t, c.Apply(t.Context(), podnet.NamespaceSpec{Name: "shop", Labels: map[string]string{"team": "red", "kubernetes.io/metadata.name": "other"}}))
	assert.Equal(t, map[string]string{"team": "red", "kubernetes.io/metadata.name": "shop"}, c.Namespace("shop").Labels)
	require.NoError(t, c.Apply(t.Context(), podnet.NamespaceSpec{Name: "shop"}))
	assert.Equal(t, map[string]string{"kubernetes.io/metadata.name": "shop"}, c.Namespace("shop").Labels)
	assert.ErrorContains(t, c.Apply(t.Context(), podnet.NamespaceSpec{Name: "a.b"}), `Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots`)
	require.NoError(t, c.Close())
	assert.EqualError(t, c.Apply(t.Context(), podnet.NamespaceSpec{Name: "shop"}), "podnet: apply Namespace shop: cluster is closed")
}

// closed selects all Pods of the namespace default, and lets in who has the label
// role=client at the port called http.
func closed() podnet.NetworkPolicySpec {
	http := podnet.PortName("http")
	return podnet.NetworkPolicySpec{Name: "closed", Ingress: []podnet.NetworkPolicyIngressRule{{
		Ports: []podnet.NetworkPolicyPort{{Port: &http}},
		From:  []podnet.NetworkPolicyPeer{{PodSelector: &podnet.LabelSelector{MatchLabels: map[string]string{"role": "client"}}}},
	}}}
}

func TestAllowedFollowsPodsAndPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		port := func(name string, number uint16) []podnet.ContainerPort {
			return []podnet.ContainerPort{{Name: name, ContainerPort: number}}
		}
		web := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web",
			InitContainers: []podnet.ContainerSpec{
				{Name: "init", Run: exits(0, 0), Ports: port("http", 1)},
				{Name: "sidecar", Run: untilStopped, RestartPolicy: always, Ports: port("http", 15001)},
			},
			Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped, Ports: port("http", 8080)}}})
		spec := podnet.PodSpec{Name: "client", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}}
		client := podnettest.StartPod(t, c, spec)
		says := func() string { return c.Allowed(client, web, "", 8080).String() }
		assert.Equal(t, "allowed: no policy selects default/client for egress; no policy selects default/web for ingress", says())

		require.NoError(t, c.Apply(t.Context(), closed()))
		assert.Equal(t, "denied: selected by default/closed, and no ingress rule of it allows TCP 8080 from default/client (10.244.0.3)", says())
		spec.Labels = map[string]string{"role": "client"}
		require.NoError(t, c.Apply(t.Context(), spec))
		assert.Equal(t, podnet.PolicyVerdict{
			Allowed: true,
			Egress:  podnet.PolicyDecision{Allowed: true, Rule: -1, Reason: "no policy selects default/client for egress"},
			Ingress: podnet.PolicyDecision{Allowed: true, Policy: "default/closed", Rule: 0, Reason: "allowed by ingress[0] of default/closed"},
		}, c.Allowed(client, web, podnet.ProtocolTCP, 8080))
		assert.Equal(t, "allowed: no policy selects default/client for egress; by ingress[0] of default/closed", says())
		assert.Equal(t, spec.Labels, client.Spec().Labels)
		assert.True(t, c.AllowedAddr(client.IPs()[1], web.IPs()[1], "", 8080).Allowed, "IPv6")
		assert.True(t, c.Allowed(client, web, "", 15001).Allowed, "a sidecar's port of that name")
		assert.False(t, c.Allowed(client, web, "", 1).Allowed, "an init container's")
		assert.False(t, c.Allowed(client, web, podnet.ProtocolUDP, 8080).Allowed)
		assert.False(t, c.Allowed(client, web, podnet.ProtocolSCTP, 8080).Allowed)
		assert.False(t, c.AllowedAddr(netip.MustParseAddr("192.0.2.1"), web.IP(), "", 8080).Allowed)
		assert.True(t, c.AllowedAddr(netip.MustParseAddr("10.244.0.1"), web.IP(), "", 8080).Allowed, "the node")

		old := web.IP()
		web.KillSandbox()
		synctest.Wait()
		require.NoError(t, web.WaitReady(t.Context()))
		require.NotEqual(t, old, web.IP())
		assert.True(t, c.Allowed(client, web, "", 8080).Allowed)
		assert.Equal(t, "no Pod has "+old.String()+", so no policy applies to it", c.AllowedAddr(client.IP(), old, "", 8080).Ingress.Reason)

		require.NoError(t, client.Delete(t.Context()))
		assert.False(t, c.AllowedAddr(netip.MustParseAddr("10.244.0.3"), web.IP(), "", 8080).Allowed, "nobody has the label any more")
		require.True(t, c.DeleteNetworkPolicy("", "closed"))
		assert.True(t, c.AllowedAddr(netip.MustParseAddr("10.244.0.3"), web.IP(), "", 8080).Allowed)
	})
}

func TestAPodWithoutAddressIsNotReached(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.244.0.0/30")})
	web := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
	_, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "late", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
	require.Error(t, err, "there is no address left")
	late := c.Pod("", "late")
	assert.Equal(t, "denied: default/late has no address that the other could reach", c.Allowed(web, late, "", 80).String())
	assert.Equal(t, "denied: default/late has no address that the other could reach", c.Allowed(late, web, "", 80).String())
}

// The successor of a Pod that is deleted by force has its name while it still
// lives; both are known by their addresses.
func TestPoliciesKnowAPodThatIsDyingFromItsSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "a", Run: deaf}}}
		first := podnettest.StartPod(t, c, spec)
		require.NoError(t, c.Apply(t.Context(), podnet.NetworkPolicySpec{Name: "deny"}))
		require.NoError(t, first.DeleteWith(t.Context(), podnet.DeleteOptions{GracePeriodSeconds: seconds(0)}))
		second := podnettest.StartPod(t, c, spec)
		outside := netip.MustParseAddr("192.0.2.1")
		assert.False(t, c.AllowedAddr(outside, first.IP(), "", 80).Allowed)
		assert.False(t, c.AllowedAddr(outside, second.IP(), "", 80).Allowed)
		ip := first.IP()
		_ = first.Wait(t.Context(), func(podnet.PodStatus) bool { return false }) // until it is gone
		synctest.Wait()
		assert.True(t, c.AllowedAddr(outside, ip, "", 80).Allowed, "it is gone")
		assert.False(t, c.AllowedAddr(outside, second.IP(), "", 80).Allowed)
	})
}

func TestLabelsOfAPodCanBeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		spec := podnet.PodSpec{
			Name: "web", Labels: map[string]string{"a": "1"},
			Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped, VolumeMounts: []podnet.VolumeMount{{Name: "v", MountPath: "/v"}}}},
			Volumes: []podnet.VolumeSpec{{Name: "v", DownwardAPI: &podnet.DownwardAPIVolumeSource{Items: []podnet.DownwardAPIVolumeFile{
				{Path: "labels", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.labels"}},
				{Path: "note", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.annotations['note']"}},
			}}}},
		}
		p := podnettest.StartPod(t, c, spec)
		file := func(name string) string {
			text, err := p.Container("a").FS().ReadFile("/v/" + name)
			require.NoError(t, err)
			return string(text)
		}
		assert.Equal(t, `a="1"`, file("labels"))
		synctest.Wait() // the worker sleeps
		spec.Labels, spec.Annotations = map[string]string{"b": "2"}, map[string]string{"note": "new"}
		require.NoError(t, c.Apply(t.Context(), spec))
		assert.Same(t, p, c.Pod("", "web"))
		assert.Equal(t, spec.Labels, p.Spec().Labels)
		assert.Equal(t, spec.Annotations, p.Spec().Annotations)
		assert.True(t, p.RefreshVolumes())
		assert.Equal(t, `b="2"`, file("labels"))
		assert.Equal(t, "new", file("note"))
		require.NoError(t, c.Apply(t.Context(), spec))
		assert.False(t, p.RefreshVolumes())
		spec.Hostname = "other"
		assert.ErrorContains(t, c.Apply(t.Context(), spec), "may not change fields other than labels and annotations")
	})
}
