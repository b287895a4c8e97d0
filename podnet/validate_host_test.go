package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
)

func TestValidateHostPorts(t *testing.T) {
	ports := func(list ...podnet.ContainerPort) podnet.ContainerSpec {
		return podnet.ContainerSpec{Name: "c", Image: "i", Ports: list}
	}
	named := func(name string, c podnet.ContainerSpec) podnet.ContainerSpec {
		c.Name = name
		return c
	}
	host := func(containerPort, hostPort uint16) podnet.ContainerPort {
		return podnet.ContainerPort{ContainerPort: containerPort, HostPort: hostPort}
	}
	for name, tt := range map[string]struct {
		spec podnet.PodSpec
		want string // empty if the spec is valid
	}{
		"two ports of the host":               {podnet.PodSpec{Containers: []podnet.ContainerSpec{ports(host(80, 8080), host(80, 8081))}}, ""},
		"one twice":                           {podnet.PodSpec{Containers: []podnet.ContainerSpec{ports(host(80, 8080)), named("d", ports(host(81, 8080)))}}, `spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//8080"`},
		"one on two addresses":                {podnet.PodSpec{Containers: []podnet.ContainerSpec{ports(podnet.ContainerPort{ContainerPort: 80, HostPort: 80, HostIP: "127.0.0.1"}, host(80, 80))}}, ""},
		"one of an init container and an app": {podnet.PodSpec{InitContainers: []podnet.ContainerSpec{named("i", ports(host(80, 80)))}, Containers: []podnet.ContainerSpec{ports(host(80, 80))}}, ""},
		"one twice in an init container": {podnet.PodSpec{InitContainers: []podnet.ContainerSpec{named("i", ports()), named("j", ports(host(80, 80), host(81, 80)))}, Containers: []podnet.ContainerSpec{ports()}},
			`spec.initContainers[0].ports[1].hostPort: Duplicate value: "TCP//80"`},
		"the host network's ports":       {podnet.PodSpec{HostNetwork: true, Containers: []podnet.ContainerSpec{ports(host(80, 0), host(81, 81))}}, ""},
		"the host network's port, moved": {podnet.PodSpec{HostNetwork: true, Containers: []podnet.ContainerSpec{ports(host(80, 8080))}}, "spec.containers[0].ports[0].hostPort: Invalid value: 8080: must match `containerPort` when `hostNetwork` is true"},
		"the host network's port, twice": {podnet.PodSpec{HostNetwork: true, Containers: []podnet.ContainerSpec{ports(host(80, 0)), named("d", ports(host(80, 0)))}}, `spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"`},
		"a node's name":                  {podnet.PodSpec{NodeName: "Node", Containers: []podnet.ContainerSpec{ports()}}, `spec.nodeName: Invalid value: "Node": ` + subdomainText},
		"a node's label":                 {podnet.PodSpec{NodeSelector: map[string]string{"a": "b c"}, Containers: []podnet.ContainerSpec{ports()}}, `spec.nodeSelector: Invalid value: "b c": ` + valueText},
	} {
		t.Run(name, func(t *testing.T) {
			tt.spec.Name = "p"
			err := tt.spec.Validate()
			if tt.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, `Pod "p" is invalid: `+tt.want)
		})
	}
}
