package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestWarnings(t *testing.T) {
	port := func(n uint16, protocol podnet.Protocol, name string) podnet.ContainerPort {
		return podnet.ContainerPort{ContainerPort: n, Protocol: protocol, Name: name}
	}
	env := func(nameValue ...string) []podnet.EnvVar {
		var vars []podnet.EnvVar
		for i := 0; i < len(nameValue); i += 2 {
			vars = append(vars, podnet.EnvVar{Name: nameValue[i], Value: nameValue[i+1]})
		}
		return vars
	}
	tests := map[string]struct {
		spec podnet.PodSpec // without names and images
		want []string
	}{
		"different ports": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Ports: []podnet.ContainerPort{port(80, "", "http"), port(80, podnet.ProtocolUDP, "h3")}},
				{Ports: []podnet.ContainerPort{port(81, "", ""), port(80, podnet.ProtocolSCTP, "")}},
			}},
		},
		"port twice in a container": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Ports: []podnet.ContainerPort{port(80, "", ""), port(80, podnet.ProtocolTCP, "")}},
			}},
			want: []string{"spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"},
		},
		"port in three containers": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Ports: []podnet.ContainerPort{port(80, "", "")}},
				{Ports: []podnet.ContainerPort{port(90, "", ""), port(80, "", "")}},
				{Ports: []podnet.ContainerPort{port(80, "", "")}},
			}},
			want: []string{
				"spec.containers[1].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
				"spec.containers[2].ports[0]: duplicate port definition with spec.containers[0].ports[0]",
				"spec.containers[2].ports[0]: duplicate port definition with spec.containers[1].ports[1]",
			},
		},
		"port name in three containers": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Ports: []podnet.ContainerPort{port(80, "", "http")}},
				{Ports: []podnet.ContainerPort{port(81, "", "http")}},
				{Ports: []podnet.ContainerPort{port(82, "", "http")}},
			}},
			want: []string{
				`spec.containers[1].ports[0]: duplicate port name "http" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]`,
				`spec.containers[2].ports[0]: duplicate port name "http" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]`,
			},
		},
		"ports before names": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Ports: []podnet.ContainerPort{port(80, "", "http")}},
				{Ports: []podnet.ContainerPort{port(81, "", "http"), port(80, "", "")}},
			}},
			want: []string{
				"spec.containers[1].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
				`spec.containers[1].ports[0]: duplicate port name "http" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]`,
			},
		},
		"variable hidden": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Env: env("A", "1", "B", "$(A)", "A", "2")},
				{Env: env("A", "1")},
			}},
			want: []string{`spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply`},
		},
		"variable set to itself": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Env: env("A", "1", "A", "$(A)")}}},
			want: []string{`spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply`},
		},
		"variable extended": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Env: env("PATH", "/bin", "PATH", "$(PATH):/opt")}}},
		},
		"host aliases": {
			spec: podnet.PodSpec{
				Containers:  []podnet.ContainerSpec{{Ports: []podnet.ContainerPort{port(1, "", ""), port(1, "", "")}}},
				HostAliases: []podnet.HostAlias{{IP: "10.0.0.1"}, {IP: "2001:DB8::1"}, {IP: "10.0.0.1"}, {IP: "::1"}},
			},
			want: []string{
				`spec.hostAliases[2].ip: duplicate ip "10.0.0.1"`,
				"spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
				`spec.hostAliases[1].ip: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.spec.Name = "web"
			for i := range test.spec.Containers {
				test.spec.Containers[i].Name = string(rune('a' + i))
				test.spec.Containers[i].Image = "nginx"
			}
			require.NoError(t, test.spec.Validate(), "the API server accepts what it warns of")
			assert.Equal(t, test.want, test.spec.Warnings())
		})
	}
}
