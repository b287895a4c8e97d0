package podnet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestBadConfigs(t *testing.T) {
	for _, tt := range []struct {
		cfg podnet.Config
		err string
	}{
		{podnet.Config{Nodes: -1}, "podnet: Config.Nodes is -1: it must be positive"},
		{podnet.Config{NodeLabels: []map[string]string{nil, {"a": "b"}}}, "podnet: Config.NodeLabels has labels of 2 nodes, and Config.Nodes is 1"},
		{podnet.Config{NodeLabels: []map[string]string{{"a": "b c"}}}, `podnet: Config.NodeLabels[0]: Invalid value: "b c": a valid label must be`},
		{podnet.Config{PodCIDRs: prefixes("10.0.0.0/16", "10.1.0.0/16")}, "podnet: Config.PodCIDRs has 2 ranges: give at most one IPv4 and one IPv6 range"},
		{podnet.Config{PodCIDRs: prefixes("10.96.0.0/12")}, "podnet: Config.PodCIDRs 10.96.0.0/12 and Config.ServiceCIDRs 10.96.0.0/16 overlap"},
		{podnet.Config{PodCIDRs: prefixes("127.0.0.0/8")}, "podnet: Config.PodCIDRs [127.0.0.0/8]: Pods cannot have such addresses"},
		{podnet.Config{PodCIDRs: prefixes("10.0.0.0/30"), Nodes: 2}, "podnet: Config.PodCIDRs: ipam: range 10.0.0.0/30 is too small for 2 nodes"},
		{podnet.Config{ServiceCIDRs: prefixes("::ffff:10.0.0.0/112")}, "podnet: Config.ServiceCIDRs has the invalid range ::ffff:10.0.0.0/112"},
		{podnet.Config{Domain: "Not a domain"}, `podnet: Config.Domain "Not a domain": a lowercase RFC 1123 subdomain must consist of`},
	} {
		_, err := podnet.NewCluster(tt.cfg)
		assert.ErrorContains(t, err, tt.err)
	}
}

func TestPodsAreSpreadOverNodes(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{Nodes: 2, PodCIDRs: prefixes("10.0.0.0/16")})
	var got []string
	for i := range 3 {
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: fmt.Sprint("p", i), Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
		got = append(got, p.Node()+" "+p.IP().String())
	}
	assert.Equal(t, []string{"node-1 10.0.0.2", "node-2 10.0.1.2", "node-1 10.0.0.3"}, got)
	assert.Len(t, c.Pods(), 3)
}

func TestApply(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	good := podnet.PodSpec{Name: "good", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped, Ports: []podnet.ContainerPort{{ContainerPort: 80}}}}}
	bad := podnet.PodSpec{Name: "bad"}
	err := c.Apply(t.Context(), good, bad)
	var invalid *podnet.InvalidError
	require.ErrorAs(t, err, &invalid)
	assert.EqualError(t, err, `Pod "bad" is invalid: spec.containers: Required value`)
	assert.Empty(t, c.Pods(), "nothing is half done")

	other := good
	other.Hostname = "other"
	assert.EqualError(t, c.Apply(t.Context(), good, other), "podnet: apply Pod default/good: it is given twice, and not the same: give each Pod its own name")
	assert.Empty(t, c.Pods())
	require.NoError(t, c.Apply(t.Context(), good, good))
	p := c.Pod("", "good")
	require.NoError(t, c.Apply(t.Context(), good, p.Spec()), "nothing has changed")
	assert.Same(t, p, c.Pod("default", "good"))
	good.Containers[0].Args = []string{"--new"}
	assert.ErrorContains(t, c.Apply(t.Context(), good), `Pod "good" is invalid: spec: Forbidden: pod updates may not change fields`)

	assert.EqualError(t, c.Apply(t.Context(), nil), "podnet: apply: object 0 is a nil <nil>")
	assert.EqualError(t, c.Apply(t.Context(), good, (*podnet.PodSpec)(nil)), "podnet: apply: object 1 is a nil *podnet.PodSpec")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, c.Apply(ctx, good), context.Canceled)
}

func TestAddressesAreGivenInTheOrderOfApply(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.0.0.0/16")})
	var specs []podnet.Object
	for i := range 20 {
		specs = append(specs, podnet.PodSpec{Name: fmt.Sprintf("p%02d", i), Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}})
	}
	require.NoError(t, c.Apply(t.Context(), specs...))
	for i, p := range c.Pods() {
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Equal(t, fmt.Sprintf("10.0.0.%d", i+2), p.IP().String())
	}
}

func TestAddressesOfAPodDeletedAtOnceComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{PodCIDRs: prefixes("10.0.0.0/30")})
		spec := podnet.PodSpec{Name: "p", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}}
		for range 10 {
			require.NoError(t, c.Apply(t.Context(), spec))
			require.NoError(t, c.Pod("", "p").Delete(t.Context()))
		}
		p := podnettest.StartPod(t, c, spec)
		assert.Equal(t, "10.0.0.2", p.IP().String())
	})
}

func TestEventsAreCountedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []podnet.Event
		c := podnettest.NewCluster(t, podnet.Config{OnEvent: func(e podnet.Event) { told = append(told, e) }})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{Name: "app", Run: func(context.Context, *podnet.Container) error { return errors.New("no") }}}})
		start := time.Now()
		time.Sleep(40 * time.Second) // started at 0, 0, 10 and 30 seconds
		synctest.Wait()
		var got []string
		sum := 0
		for _, e := range p.Events() {
			got = append(got, fmt.Sprintf("%s %s %s x%d %v %v", e.Source, e.Reason, e.FieldPath, e.Count, e.FirstTime.Sub(start), e.LastTime.Sub(start)))
			sum += e.Count
		}
		assert.Equal(t, []string{
			"default-scheduler Scheduled  x1 0s 0s",
			"kubelet Created spec.containers{app} x4 0s 30s",
			"kubelet Started spec.containers{app} x4 0s 30s",
			"kubelet BackOff spec.containers{app} x3 0s 30s",
		}, got)
		assert.Len(t, told, sum)
		assert.Equal(t, 4, told[len(told)-2].Count, "%+v", told[len(told)-2])
	})
}

// Pods started, used and closed leave nothing: no goroutine, no timer that
// holds memory, no heap.
func TestTwoHundredPodsLeaveNothing(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	use := func() {
		p := podnettest.StartPod(t, c, podnet.PodSpec{
			Name:    "web",
			Volumes: []podnet.VolumeSpec{{Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
			Containers: []podnet.ContainerSpec{
				{Name: "server", Run: serve(":80")},
				{Name: "client", Run: untilStopped, VolumeMounts: []podnet.VolumeMount{{Name: "data", MountPath: "/data"}}},
			},
		})
		require.NoError(t, p.WaitListening(t.Context(), 80))
		client := p.Container("client")
		require.Equal(t, "server", get(t, client.HTTPClient(), "http://localhost/"))
		require.NoError(t, client.FS().WriteFile("/data/x", make([]byte, 1<<10), 0o644))
		require.NoError(t, p.Delete(t.Context()))
	}
	heap := func() uint64 {
		http.DefaultClient.CloseIdleConnections()
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for range 20 {
		use()
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	for range 200 {
		use()
	}
	grown := int64(heap()) - int64(before)
	more := runtime.NumGoroutine() - goroutines
	t.Logf("after 200 Pods: %+d goroutines, %+d bytes of heap", more, grown)
	assert.LessOrEqual(t, more, 2, "a connection's goroutines may be about to end")
	assert.Less(t, grown, int64(512<<10), "a Pod that stays is some 80 KB")
}

func TestNamespacesExistOnceTheyAreNamed(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	for _, name := range []string{"default", "kube-system"} {
		assert.True(t, c.HasNamespace(name), name)
	}
	assert.False(t, c.HasNamespace("shop"))
	require.Error(t, c.Apply(t.Context(), podnet.ConfigMapSpec{Name: "a", Namespace: "mall"}, podnet.ConfigMapSpec{Name: "-", Namespace: "shop"}))
	assert.False(t, c.HasNamespace("mall"), "of a refused Apply")
	require.NoError(t, c.Apply(t.Context(), podnet.ConfigMapSpec{Name: "a", Namespace: "shop"}))
	assert.True(t, c.HasNamespace("shop"))
	assert.False(t, c.HasNamespace(""))
}
