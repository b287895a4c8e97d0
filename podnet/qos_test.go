package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
)

func TestQOSClass(t *testing.T) {
	resources := func(limits, requests podnet.ResourceList) podnet.ContainerSpec {
		return podnet.ContainerSpec{Resources: podnet.ResourceRequirements{Limits: limits, Requests: requests}}
	}
	full := resources(podnet.ResourceList{"cpu": "1", "memory": "1Gi"}, nil)
	none := podnet.ContainerSpec{}
	for name, tt := range map[string]struct {
		init, containers []podnet.ContainerSpec
		want             podnet.PodQOSClass
	}{
		"nothing is set":                      {nil, []podnet.ContainerSpec{none, none}, podnet.PodQOSBestEffort},
		"zero is nothing":                     {nil, []podnet.ContainerSpec{resources(podnet.ResourceList{"cpu": "0"}, nil)}, podnet.PodQOSBestEffort},
		"a gpu is not looked at":              {nil, []podnet.ContainerSpec{resources(podnet.ResourceList{"example.com/gpu": "1"}, nil)}, podnet.PodQOSBestEffort},
		"limits are requests":                 {nil, []podnet.ContainerSpec{full}, podnet.PodQOSGuaranteed},
		"equal in other words":                {nil, []podnet.ContainerSpec{resources(podnet.ResourceList{"cpu": "500m", "memory": "1Gi"}, podnet.ResourceList{"cpu": "0.5", "memory": "1024Mi"})}, podnet.PodQOSGuaranteed},
		"only a request":                      {nil, []podnet.ContainerSpec{resources(nil, podnet.ResourceList{"cpu": "1"})}, podnet.PodQOSBurstable},
		"a request below the limit":           {nil, []podnet.ContainerSpec{resources(podnet.ResourceList{"cpu": "1", "memory": "1Gi"}, podnet.ResourceList{"cpu": "1", "memory": "1Mi"})}, podnet.PodQOSBurstable},
		"memory alone":                        {nil, []podnet.ContainerSpec{resources(podnet.ResourceList{"memory": "1Gi"}, nil)}, podnet.PodQOSBurstable},
		"one container has it, one has not":   {nil, []podnet.ContainerSpec{full, none}, podnet.PodQOSBurstable},
		"an init container has nothing":       {[]podnet.ContainerSpec{none}, []podnet.ContainerSpec{full}, podnet.PodQOSBurstable},
		"an init container has as much as it": {[]podnet.ContainerSpec{full}, []podnet.ContainerSpec{full}, podnet.PodQOSGuaranteed},
		"no container":                        {nil, nil, podnet.PodQOSBestEffort},
	} {
		assert.Equal(t, tt.want, podnet.PodSpec{InitContainers: tt.init, Containers: tt.containers}.QOSClass(), name)
	}
}
