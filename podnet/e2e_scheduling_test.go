package podnet_test

import (
	"syscall"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// in runs a test in a cluster of its own.
func in(cfg podnet.Config, run func(w *world)) func(w *world) {
	return func(w *world) {
		c, err := podnet.NewCluster(cfg)
		require.NoError(w, err)
		defer func() { assert.NoError(w, c.Close()) }()
		run(&world{T: w.T, cluster: c, begun: w.begun})
	}
}

// labelled is a cluster of two nodes of which the second has a label.
var labelled = podnet.Config{Nodes: 2, NodeLabels: []map[string]string{nil, {"kubernetes.io/e2e": "42"}}}

// on applies a Pod for the labelled node that wants a port of it.
func (w *world) on(name, hostIP string, protocol podnet.Protocol) *podnet.Pod {
	return w.apply(podnet.PodSpec{Name: name, NodeSelector: labelled.NodeLabels[1], Containers: []podnet.ContainerSpec{{
		Name: "agnhost", Run: pause, Ports: []podnet.ContainerPort{{ContainerPort: 8080, HostPort: 54321, HostIP: hostIP, Protocol: protocol}},
	}}})
}

// env returns the environment of a container whose variables have the values of
// fields of its Pod.
func (w *world) env(hostNetwork bool, fields map[string]string) (*podnet.Pod, func(name string) string) {
	spec := one(podnet.ContainerSpec{})
	spec.HostNetwork = hostNetwork
	for name, path := range fields {
		spec.Containers[0].Env = append(spec.Containers[0].Env, podnet.EnvVar{Name: name, ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: path}}})
	}
	p := w.apply(spec)
	return p, p.Container("app").Getenv
}

var e2eScheduling = []e2e{
	{"SchedulerPredicates validates that NodeSelector is respected if not matching [C]", in(labelled, func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.NodeSelector = map[string]string{"label": "nonempty"}
		p := w.apply(spec)
		w.at(time.Hour)
		assert.Equal(w, "0/1 Pending 0", columns(p))
		assert.Equal(w, []string{"0s x1 FailedScheduling 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."}, w.events(p, "FailedScheduling", "Scheduled"))
	})},
	{"SchedulerPredicates validates that NodeSelector is respected if matching [C]", in(labelled, func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.NodeSelector = labelled.NodeLabels[1]
		p := w.apply(spec)
		assert.Equal(w, "1/1 Running 0", columns(p))
		assert.Equal(w, "node-2", p.Node())
	})},
	{"SchedulerPredicates validates that there is no conflict between pods with same hostPort but different hostIP and protocol", in(labelled, func(w *world) {
		hostIP := w.cluster.Node("node-2").IPs()[0].String()
		for _, p := range []*podnet.Pod{w.on("pod1", "127.0.0.1", "TCP"), w.on("pod2", hostIP, "TCP"), w.on("pod3", hostIP, "UDP")} {
			assert.Equal(w, "node-2 1/1 Running 0", p.Node()+" "+columns(p))
		}
	})},
	{"SchedulerPredicates validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP [C]", in(labelled, func(w *world) {
		hostIP := w.cluster.Node("node-2").IPs()[0].String()
		assert.Equal(w, "1/1 Running 0", columns(w.on("pod4", "", "TCP")))
		p := w.on("pod5", hostIP, "TCP")
		assert.Equal(w, "0/1 Pending 0", columns(p))
		assert.Equal(w, []string{"0s x1 FailedScheduling 0/2 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."},
			w.events(p, "FailedScheduling", "Scheduled"))
	})},
	// podnet's own.
	{"a Pod that waits for a host port is scheduled when the port is free", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.Containers[0].Ports = []podnet.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		first := w.apply(spec)
		spec.Name = "second"
		second := w.apply(spec)
		lines := w.watch(second, func(s podnet.PodStatus) string { return string(s.Phase) + " " + s.Columns.Ready })
		w.at(time.Minute)
		w.delete(first)
		assert.Equal(w, []string{"Pending 0/1", "Running 1/1"}, lines())
		assert.Equal(w, []string{"60s x1 Scheduled Successfully assigned default/second to node-1"}, w.events(second, "Scheduled"))
	}},
	{"a Pod that is bound to a node whose port is taken is rejected", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.Containers[0].Ports = []podnet.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		w.apply(spec)
		spec.Name, spec.NodeName = "second", "node-1"
		p := w.apply(spec)
		assert.Equal(w, "0/1 NodePorts 0", columns(p))
		assert.Equal(w, []string{"0s x1 NodePorts Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"}, w.events(p, "NodePorts", "Scheduled"))
	}},
}

var e2eHostNetwork = []e2e{
	{"Pods should get a host IP [C]", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{}))
		assert.Equal(w, w.cluster.Node(p.Node()).IPs(), p.Status().HostIPs)
		assert.NotEmpty(w, p.Status().HostIPs)
	}},
	{"Downward API should provide host IP as an env var [C]", func(w *world) {
		p, get := w.env(false, map[string]string{"HOST_IP": "status.hostIP"})
		assert.Equal(w, p.Status().HostIPs[0].String(), get("HOST_IP"))
	}},
	{"Downward API should provide hostIPs as an env var [C]", func(w *world) {
		p, get := w.env(false, map[string]string{"HOST_IPS": "status.hostIPs"})
		assert.Equal(w, p.Status().HostIPs[0].String()+","+p.Status().HostIPs[1].String(), get("HOST_IPS"))
	}},
	{"Downward API should provide host IP and pod IP as an env var if pod uses host network", func(w *world) {
		_, get := w.env(true, map[string]string{"HOST_IP": "status.hostIP", "POD_IP": "status.podIP"})
		assert.NotEmpty(w, get("HOST_IP"))
		assert.Equal(w, get("HOST_IP"), get("POD_IP"))
	}},
	{"[IPv4DualStack] should create pod, add ipv6 and ipv4 ip to host ips", func(w *world) {
		ips := w.apply(one(podnet.ContainerSpec{})).Status().HostIPs
		require.Len(w, ips, 2)
		assert.Equal(w, []bool{true, true}, []bool{ips[0].Is4(), ips[1].Is6()})
	}},
	{"Pod Host IPs when creating a Pod should add node IPs of all supported families to hostIPs of pod-network pod", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{}))
		assert.Equal(w, w.cluster.Node("node-1").IPs(), p.Status().HostIPs)
		assert.NotEqual(w, p.Status().HostIPs, p.IPs())
	}},
	{"Pod Host IPs when creating a Pod should add node IPs of all supported families to hostIPs of host-network pod", func(w *world) {
		p, _ := w.env(true, nil)
		assert.Equal(w, w.cluster.Node("node-1").IPs(), p.Status().HostIPs)
		assert.Equal(w, p.Status().HostIPs, p.IPs())
	}},
	{"Kubelet with pods in a privileged namespace when scheduling an agnhost Pod with hostAliases and hostNetwork should write entries to /etc/hosts when hostNetwork is enabled", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.HostNetwork = true
		spec.HostAliases = []podnet.HostAlias{{IP: "123.45.67.89", Hostnames: []string{"foo", "bar"}}}
		text, err := w.apply(spec).Container("app").FS().ReadFile("/etc/hosts")
		require.NoError(w, err)
		assert.Contains(w, string(text), "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n")
		assert.Contains(w, string(text), "\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n")
	}},
	{"DNS HostNetwork spec.Hostname field is silently ignored and the node hostname is used when hostNetwork is set to true for a Pod", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.HostNetwork, spec.Hostname = true, "test-1"
		assert.Equal(w, "node-1", w.apply(spec).Container("app").Hostname())
	}},
	{"Override hostname of Pod a pod with hostNetwork and hostnameOverride fields will fail to be created", func(w *world) {
		spec, name := one(podnet.ContainerSpec{}), "override-host"
		spec.Name, spec.HostNetwork, spec.HostnameOverride = "pod", true, &name
		assert.EqualError(w, w.cluster.Apply(w.Context(), spec), `Pod "pod" is invalid: spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true`)
	}},
	{"Security Context when creating a pod in the host network namespace should listen on same port in the host network containers", func(w *world) {
		p, _ := w.env(true, nil)
		l, err := p.Listen("tcp", ":4321")
		require.NoError(w, err)
		spec := one(podnet.ContainerSpec{})
		spec.Name, spec.HostNetwork = "other", true
		other := w.apply(spec)
		_, err = other.Container("app").Listen("tcp", ":4321")
		assert.ErrorIs(w, err, syscall.EADDRINUSE, "it is seen there")
		require.NoError(w, l.Close())
		_, err = other.Container("app").Listen("tcp", ":4321")
		assert.NoError(w, err)
	}},
	{"Security Context when creating a pod in the host network namespace shouldn't show the same port in the non-hostnetwork containers", func(w *world) {
		p, _ := w.env(true, nil)
		_, err := p.Listen("tcp", ":4321")
		require.NoError(w, err)
		spec := one(podnet.ContainerSpec{})
		spec.Name = "other"
		other := w.apply(spec)
		synctest.Wait()
		assert.Empty(w, other.Sockets())
		_, err = other.Container("app").Dial("tcp", "127.0.0.1:4321")
		assert.ErrorIs(w, err, syscall.ECONNREFUSED)
	}},
}
