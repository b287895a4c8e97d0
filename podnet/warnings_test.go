package podnet_test

import (
	"cmp"
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
		"ports of the host": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{
				{Ports: []podnet.ContainerPort{{ContainerPort: 80, HostPort: 80}, {ContainerPort: 81, HostPort: 81}, {ContainerPort: 82, HostIP: "::1", Name: "a", Protocol: podnet.ProtocolUDP}}},
				{Ports: []podnet.ContainerPort{{ContainerPort: 80}, {ContainerPort: 80, HostPort: 80, HostIP: "::1"}, {ContainerPort: 81, HostPort: 82}}},
			}},
			want: []string{
				"spec.containers[0].ports[2]: hostIP set without hostPort: {Name:a HostPort:0 ContainerPort:82 Protocol:UDP HostIP:::1}",
				"spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
				"spec.containers[1].ports[1]: dangerously ambiguous port definition with spec.containers[0].ports[0]",
				"spec.containers[1].ports[1]: overlapping port definition with spec.containers[1].ports[0]",
			},
		},
		"old labels of nodes": {
			spec: podnet.PodSpec{NodeSelector: map[string]string{"kubernetes.io/os": "", "beta.kubernetes.io/os": "", "beta.kubernetes.io/arch": ""}},
			want: []string{
				`spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead`,
				`spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead`,
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
		"variable hidden by a field": {
			spec: podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Env: append(env("A", "1"), podnet.EnvVar{Name: "A",
				ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}}})}}},
			want: []string{`spec.initContainers[0].env[1]: hides previous definition of "A", which may be dropped when using apply`},
		},
		"sidecar and app": {
			spec: podnet.PodSpec{
				InitContainers: []podnet.ContainerSpec{{RestartPolicy: podnet.RestartPolicyAlways, Ports: []podnet.ContainerPort{port(80, "", "http")}}},
				Containers:     []podnet.ContainerSpec{{Ports: []podnet.ContainerPort{port(80, podnet.ProtocolTCP, ""), port(81, "", "http")}}},
			},
			want: []string{
				"spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]",
				`spec.containers[0].ports[1]: duplicate port name "http" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]`,
			},
		},
		"parts of bytes": {
			spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Resources: podnet.ResourceRequirements{
				Limits: podnet.ResourceList{"cpu": "100m", "memory": "100m"}, Requests: podnet.ResourceList{"ephemeral-storage": "0.1", "cpu": "1m"}}}}},
			want: []string{
				`spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer`,
				`spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer`,
				`spec.containers[0].resources.requests[ephemeral-storage]: fractional byte value "100m" is invalid, must be an integer`,
			},
		},
		"annotations of old": {
			spec: podnet.PodSpec{Annotations: map[string]string{"security.alpha.kubernetes.io/sysctls": "a=b", "container.seccomp.security.alpha.kubernetes.io/a": "runtime/default"}},
			want: []string{
				`metadata.annotations[security.alpha.kubernetes.io/sysctls]: non-functional in v1.11+; use the "sysctls" field instead`,
				`metadata.annotations[container.seccomp.security.alpha.kubernetes.io/a]: non-functional in v1.27+; use the "seccompProfile" field instead`,
			},
		},
		"dotted name": {
			spec: podnet.PodSpec{Name: "web.0"},
			want: []string{"metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"},
		},
		"nameserver": {
			spec: podnet.PodSpec{DNSConfig: &podnet.PodDNSConfig{Nameservers: []string{"10.0.0.1", "0:0::1"}}},
			want: []string{`spec.dnsConfig.nameservers[1]: IPv6 address "0:0::1" should be in RFC 5952 canonical format ("::1")`},
		},
		"files of a ConfigMap": {
			spec: podnet.PodSpec{Volumes: []podnet.VolumeSpec{{Name: "v", ConfigMap: &podnet.ConfigMapVolumeSource{Name: "m", Items: []podnet.KeyToPath{
				{Key: "a", Path: "p/q"}, {Key: "b", Path: "pq"}, {Key: "c", Path: "p"}, {Key: "d", Path: "p/"}}}}}},
			want: []string{
				`volume "v" (ConfigMap "m"): overlapping paths: "p" with "p/q"`,
				`volume "v" (ConfigMap "m"): overlapping paths: "p" with "p/q"`,
				`volume "v" (ConfigMap "m"): overlapping paths: "p" with "p"`,
			},
		},
		"files of several sources": {
			spec: podnet.PodSpec{Volumes: []podnet.VolumeSpec{{Name: "v", Projected: &podnet.ProjectedVolumeSource{Sources: []podnet.VolumeProjection{
				{ConfigMap: &podnet.ConfigMapVolumeSource{Name: "m", Items: []podnet.KeyToPath{{Key: "a", Path: "p"}}}},
				{},
				{Secret: &podnet.SecretVolumeSource{SecretName: "s", Items: []podnet.KeyToPath{{Key: "a", Path: "p/q"}}}},
				{DownwardAPI: &podnet.DownwardAPIVolumeSource{Items: []podnet.DownwardAPIVolumeFile{{Path: "p/q/r", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
			}}}}},
			want: []string{
				`volume "v" (Projected) has no sources provided`,
				`volume "v" (Projected): overlapping paths: "p/q" (Secret "s") with "p" (ConfigMap "m")`,
				`volume "v" (Projected): overlapping paths: "p/q/r" (DownwardAPI) with "p" (ConfigMap "m")`,
				`volume "v" (Projected): overlapping paths: "p/q/r" (DownwardAPI) with "p/q" (Secret "s")`,
			},
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
			test.spec.Name = cmp.Or(test.spec.Name, "web")
			if len(test.spec.Containers) == 0 {
				test.spec.Containers = []podnet.ContainerSpec{{}}
			}
			for i := range test.spec.InitContainers {
				test.spec.InitContainers[i].Name = "init"
				test.spec.InitContainers[i].Image = "busybox"
			}
			for i := range test.spec.Containers {
				test.spec.Containers[i].Name = string(rune('a' + i))
				test.spec.Containers[i].Image = "nginx"
			}
			require.NoError(t, test.spec.Validate(), "the API server accepts what it warns of")
			assert.Equal(t, test.want, test.spec.Warnings())
		})
	}
}
