package podnet

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDefaults(t *testing.T) {
	run := func(context.Context, *Container) error { return nil }
	given := func() ContainerSpec {
		return ContainerSpec{
			Name: "c", Ports: []ContainerPort{{ContainerPort: 80}},
			Resources:     ResourceRequirements{Limits: ResourceList{"cpu": "1", "memory": "1Gi"}, Requests: ResourceList{"cpu": "500m", "example.com/x": "1"}},
			LivenessProbe: &Probe{HTTPGet: &HTTPGetAction{Port: Port(80)}},
			StartupProbe:  &Probe{GRPC: &GRPCAction{Port: 1}, PeriodSeconds: 3},
			Lifecycle:     &Lifecycle{PreStop: &LifecycleHandler{HTTPGet: &HTTPGetAction{Port: Port(80), Path: "/bye", Scheme: URISchemeHTTPS}}, PostStart: &LifecycleHandler{Exec: &ExecAction{Run: run}}},
		}
	}
	want := given()
	want.Ports[0].Protocol = ProtocolTCP
	want.Resources.Requests = ResourceList{"cpu": "500m", "memory": "1Gi", "example.com/x": "1"}
	want.LivenessProbe = &Probe{HTTPGet: &HTTPGetAction{Port: Port(80), Path: "/", Scheme: URISchemeHTTP}, TimeoutSeconds: 1, PeriodSeconds: 10, SuccessThreshold: 1, FailureThreshold: 3}
	want.StartupProbe = &Probe{GRPC: &GRPCAction{Port: 1}, TimeoutSeconds: 1, PeriodSeconds: 3, SuccessThreshold: 1, FailureThreshold: 3}
	want.TerminationMessagePath, want.TerminationMessagePolicy = "/dev/termination-log", TerminationMessageReadFile

	mode := func(m int32) *int32 { return &m }
	spec := PodSpec{Name: "p", InitContainers: []ContainerSpec{given()}, Containers: []ContainerSpec{given()}, Volumes: []VolumeSpec{
		{Name: "a", ConfigMap: &ConfigMapVolumeSource{Name: "a"}}, {Name: "b", Secret: &SecretVolumeSource{SecretName: "b", DefaultMode: mode(0o400)}},
		{Name: "c", DownwardAPI: &DownwardAPIVolumeSource{}}, {Name: "d", Projected: &ProjectedVolumeSource{Sources: []VolumeProjection{{ConfigMap: &ConfigMapVolumeSource{}}}}},
		{Name: "e", EmptyDir: &EmptyDirVolumeSource{}},
	}}
	got := spec.withDefaults()
	assert.True(t, deepEqual(PodSpec{
		Name: "p", Namespace: "default", RestartPolicy: RestartPolicyAlways, DNSPolicy: DNSClusterFirst, TerminationGracePeriodSeconds: new(int64(30)), EnableServiceLinks: new(true),
		InitContainers: []ContainerSpec{want}, Containers: []ContainerSpec{want}, Volumes: []VolumeSpec{
			{Name: "a", ConfigMap: &ConfigMapVolumeSource{Name: "a", DefaultMode: mode(0o644)}}, {Name: "b", Secret: &SecretVolumeSource{SecretName: "b", DefaultMode: mode(0o400)}},
			{Name: "c", DownwardAPI: &DownwardAPIVolumeSource{DefaultMode: mode(0o644)}},
			{Name: "d", Projected: &ProjectedVolumeSource{DefaultMode: mode(0o644), Sources: []VolumeProjection{{ConfigMap: &ConfigMapVolumeSource{}}}}},
			{Name: "e", EmptyDir: &EmptyDirVolumeSource{}},
		},
	}, got), "%+v", got)
	assert.True(t, deepEqual(got, got.withDefaults()), "once is as good as twice")
	assert.Empty(t, spec.Containers[0].TerminationMessagePath, "what was given stays as it is")
	assert.NotContains(t, spec.Containers[0].Resources.Requests, "memory")
	assert.Zero(t, spec.Containers[0].LivenessProbe.PeriodSeconds)
}

func TestDefaultHostPorts(t *testing.T) {
	spec := PodSpec{
		InitContainers: []ContainerSpec{{Ports: []ContainerPort{{ContainerPort: 79}}}},
		Containers:     []ContainerSpec{{Ports: []ContainerPort{{ContainerPort: 80}, {ContainerPort: 81, HostPort: 81}}}},
	}
	assert.Zero(t, spec.withDefaults().Containers[0].Ports[0].HostPort)
	spec.HostNetwork = true
	got := spec.withDefaults()
	assert.Equal(t, uint16(79), got.InitContainers[0].Ports[0].HostPort)
	assert.Equal(t, uint16(80), got.Containers[0].Ports[0].HostPort)
	assert.Equal(t, uint16(81), got.Containers[0].Ports[1].HostPort)
	assert.Zero(t, spec.Containers[0].Ports[0].HostPort, "what was given stays as it is")
}
