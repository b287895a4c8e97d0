package podnet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestDNSChaos(t *testing.T) {
	for _, tc := range []struct {
		name     string
		patterns []string
		met      map[string]bool // by name that is looked up
	}{
		{"all names", nil, map[string]bool{"server": true, "other": true}},
		{"one name", []string{"server"}, map[string]bool{"server": true, "other": false}},
		{"a beginning", []string{"serv*"}, map[string]bool{"server": true, "other": false}},
		{"any character", []string{"ser?er.default.*"}, map[string]bool{"server": true, "other": false}},
		{"another name", []string{"server.", "x?.*"}, map[string]bool{"other": false}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, client, server := faultyWorld(t, podnet.Config{})
				require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{Name: "other", Selector: map[string]string{"app": "server"}, Ports: []podnet.ServicePort{{Port: 80}}}))
				spec := podnet.DNSChaosSpec{
					Name: "dns", Action: podnet.DNSChaosError, Mode: podnet.ChaosModeAll, Duration: "1h", Patterns: tc.patterns,
					Selector: podnet.ChaosSelector{ExpressionSelectors: []podnet.LabelSelectorRequirement{{Key: "app", Operator: podnet.LabelSelectorOpDoesNotExist}}},
				}
				require.NoError(t, c.Apply(t.Context(), spec))
				for name, met := range tc.met {
					_, err := client.LookupHost(t.Context(), name)
					assert.Equal(t, met, err != nil, "%s: %v", name, err)
					_, err = server.LookupHost(t.Context(), name)
					assert.NoError(t, err, "it is not the other Pod's")
				}
				c.DNSChaos("", "dns").Delete()
				spec.Action = podnet.DNSChaosRandom
				require.NoError(t, c.Apply(t.Context(), spec))
				for name, met := range tc.met {
					addrs, err := client.LookupHost(t.Context(), name)
					require.NoError(t, err)
					assert.Equal(t, met, addrs[0] != c.Service("", name).ClusterIP().String(), name)
				}
				<-c.DNSChaos("", "dns").Done()
				addrs, err := client.LookupHost(t.Context(), "server")
				require.NoError(t, err)
				assert.Equal(t, c.Service("", "server").ClusterIP().String(), addrs[0])
			})
		})
	}
}

func TestDNSChaosOfContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		for pod, containers := range map[string][]string{"a": {"app", "proxy", "log"}, "b": {"app"}, "c": {"log"}} {
			spec := podnet.PodSpec{Name: pod}
			for _, name := range containers {
				spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: name, Run: untilStopped})
			}
			podnettest.StartPod(t, c, spec)
		}
		synctest.Wait()
		failing := func() (list []string) {
			for _, p := range c.Pods() {
				for _, k := range p.Containers() {
					if _, err := k.LookupHost(t.Context(), "kubernetes.default"); err != nil {
						list = append(list, p.Name()+"/"+k.Name())
					}
				}
			}
			return list
		}
		spec := podnet.DNSChaosSpec{Name: "dns", Action: podnet.DNSChaosError, Mode: podnet.ChaosModeAll, ContainerNames: []string{"proxy", "app", "missing"}}
		start := time.Now()
		require.NoError(t, c.Apply(t.Context(), spec))
		x := c.DNSChaos("", "dns")
		assert.Equal(t, []string{
			"0s Started: Experiment has started", "0s Applied: Successfully apply chaos for default/a/proxy",
			"0s Applied: Successfully apply chaos for default/a/app", "0s Applied: Successfully apply chaos for default/b/app",
		}, told(x, start))
		assert.ElementsMatch(t, []string{"a/app", "a/proxy", "b/app"}, failing())
		x.Delete()
		assert.Empty(t, failing())
		spec.ContainerNames = []string{"missing", "gone"}
		err := c.Apply(t.Context(), spec)
		assert.ErrorContains(t, err, "no container is selected: no Pod that is selected has missing or gone")
		assert.Empty(t, failing())
	})
}
