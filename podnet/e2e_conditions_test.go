package podnet_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// conditions returns a status's conditions as one line.
func conditions(s podnet.PodStatus) string {
	var list []string
	for _, c := range s.Conditions {
		text := fmt.Sprintf("%s=%t", c.Type, c.Status)
		if c.Reason != "" {
			text += "(" + c.Reason + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

var e2eConditions = []e2e{
	{"Pod conditions managed by Kubelet a pod without init containers should report all conditions set in expected order after the pod is up", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{}))
		assert.Equal(w, "PodReadyToStartContainers=true Initialized=true Ready=true ContainersReady=true PodScheduled=true", conditions(p.Status()))
	}},
	{"Pod conditions managed by Kubelet a pod with init containers should report all conditions set in expected order after the pod is up", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init", Run: exits(0, 5*time.Second)}}
		p := w.apply(spec)
		assert.Equal(w, "PodReadyToStartContainers=true Initialized=false(ContainersNotInitialized) Ready=false(ContainersNotReady) ContainersReady=false(ContainersNotReady) PodScheduled=true", conditions(p.Status()))
		w.at(time.Minute)
		assert.Equal(w, "PodReadyToStartContainers=true Initialized=true Ready=true ContainersReady=true PodScheduled=true", conditions(p.Status()))
		at := func(typ string) time.Time { c, _ := p.Status().Condition(typ); return c.LastTransitionTime }
		assert.False(w, at("PodReadyToStartContainers").Before(at("PodScheduled")))
		assert.True(w, at("Initialized").After(at("PodReadyToStartContainers")))
		assert.False(w, at("Ready").Before(at("Initialized")))
	}},
	{"Pod conditions managed by Kubelet a pod failing to mount volumes and without init containers should report scheduled and initialized conditions set", func(w *world) {
		p := w.apply(missingConfigMap(one(podnet.ContainerSpec{})))
		w.at(time.Minute)
		assert.Equal(w, "PodReadyToStartContainers=false(PodSandboxNotReady) Initialized=true Ready=false(ContainersNotReady) ContainersReady=false(ContainersNotReady) PodScheduled=true", conditions(p.Status()))
		assert.Equal(w, "0/1 ContainerCreating 0", columns(p))
		assert.Contains(w, strings.Join(w.events(p, "FailedMount"), "\n"), `MountVolume.SetUp failed for volume "cfg" : configmap "none" not found`)
		require.NoError(w, w.cluster.Apply(w.Context(), podnet.ConfigMapSpec{Name: "none"}))
		w.at(3 * time.Minute)
		assert.Equal(w, "1/1 Running 0", columns(p), "it comes up when the ConfigMap does")
	}},
	{"Pod conditions managed by Kubelet a pod failing to mount volumes and with init containers should report just the scheduled condition set", func(w *world) {
		spec := missingConfigMap(one(podnet.ContainerSpec{}))
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init", Run: exits(0, 0)}}
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, "PodReadyToStartContainers=false(PodSandboxNotReady) Initialized=false(ContainersNotInitialized) Ready=false(ContainersNotReady) ContainersReady=false(ContainersNotReady) PodScheduled=true", conditions(p.Status()))
	}},
	{"Pod conditions managed by Kubelet should contain podIPs in status for succeeded pod", func(w *world) { w.podIPs(0) }},
	{"Pod conditions managed by Kubelet should contain podIPs in status for failed pod", func(w *world) { w.podIPs(1) }},
	{"Pod conditions managed by Kubelet should contain podIPs in status during termination", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{Run: deaf}))
		ips := p.IPs()
		updates := w.watch(p, func(s podnet.PodStatus) string { return fmt.Sprint(s.PodIPs) })
		require.NoError(w, p.Delete(w.Context()))
		assert.Equal(w, []string{fmt.Sprint(ips)}, updates())
	}},
	{"Pod conditions managed by Kubelet a pod whose startup probe never succeeds is never ready", func(w *world) {
		p := w.apply(one(podnet.ContainerSpec{StartupProbe: &podnet.Probe{Exec: action(exits(1, 0)), FailureThreshold: 1000}}))
		w.at(time.Hour)
		c, _ := p.Status().Condition("Ready")
		assert.Equal(w, "containers with unready status: [app]", c.Message)
		assert.False(w, p.Status().Containers[0].Started)
	}},
}

// missingConfigMap mounts a ConfigMap that is not there.
func missingConfigMap(spec podnet.PodSpec) podnet.PodSpec {
	spec.Volumes = []podnet.VolumeSpec{{Name: "cfg", ConfigMap: &podnet.ConfigMapVolumeSource{Name: "none"}}}
	spec.Containers[0].VolumeMounts = []podnet.VolumeMount{{Name: "cfg", MountPath: "/cfg"}}
	return spec
}

func (w *world) podIPs(code int) {
	spec := one(podnet.ContainerSpec{Run: exits(code, time.Second)})
	spec.RestartPolicy = podnet.RestartPolicyNever
	p := w.apply(spec)
	ips := p.IPs()
	require.Len(w, ips, 2)
	w.at(time.Minute)
	assert.Equal(w, ips, p.Status().PodIPs)
	assert.Equal(w, code == 0, p.Status().Phase == podnet.PodSucceeded)
}

// rule is a restart rule for an exit code.
func rule(action podnet.ContainerRestartRuleAction, code int32) []podnet.ContainerRestartRule {
	return []podnet.ContainerRestartRule{{Action: action, ExitCodes: &podnet.ContainerRestartRuleOnExitCodes{Operator: podnet.RestartRuleOpIn, Values: []int32{code}}}}
}

var e2eRestartRules = []e2e{
	{"Container Restart Rules should restart container on rule match", func(w *world) {
		p := w.apply(podnet.PodSpec{RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{{
			Name: "app", Run: exits(42, time.Second), RestartPolicy: podnet.RestartPolicyNever, RestartPolicyRules: rule(podnet.RestartRuleActionRestart, 42),
		}}})
		w.at(time.Minute)
		assert.Equal(w, podnet.PodRunning, p.Status().Phase)
		assert.Equal(w, 3, w.restarts(p, "app"))
	}},
	{"Container Restart Rules should not restart container on rule mismatch, container restart policy Never", func(w *world) {
		p := w.apply(podnet.PodSpec{Containers: []podnet.ContainerSpec{{
			Name: "app", Run: exits(1, time.Second), RestartPolicy: podnet.RestartPolicyNever, RestartPolicyRules: rule(podnet.RestartRuleActionRestart, 42),
		}}})
		w.at(time.Minute)
		assert.Equal(w, "0/1 Error 0", columns(p))
		assert.Equal(w, podnet.PodFailed, p.Status().Phase)
	}},
	{"Container Restart Rules should restart container on container-level restart policy Always", func(w *world) {
		p := w.apply(podnet.PodSpec{RestartPolicy: podnet.RestartPolicyNever, Containers: []podnet.ContainerSpec{{
			Name: "app", Run: exits(0, 20*time.Second), RestartPolicy: podnet.RestartPolicyAlways,
		}}})
		w.at(30 * time.Second)
		assert.Equal(w, 1, w.restarts(p, "app"))
	}},
	{"Container Restart Rules should not restart container that succeeds with container-level restart policy OnFailure", func(w *world) {
		p := w.apply(podnet.PodSpec{Containers: []podnet.ContainerSpec{{
			Name: "app", Run: exits(0, time.Second), RestartPolicy: podnet.RestartPolicyOnFailure,
		}}})
		w.at(time.Minute)
		assert.Equal(w, podnet.PodSucceeded, p.Status().Phase)
	}},
	{"Container Restart Rules should restart an init container on rule match", func(w *world) {
		runs := 0
		spec := one(podnet.ContainerSpec{})
		spec.RestartPolicy = podnet.RestartPolicyNever
		spec.InitContainers = []podnet.ContainerSpec{{Name: "init", RestartPolicy: podnet.RestartPolicyNever, RestartPolicyRules: rule(podnet.RestartRuleActionRestart, 42),
			Run: func(context.Context, *podnet.Container) error {
				if runs++; runs < 3 {
					return podnet.ExitError{Code: 42}
				}
				return nil
			}}}
		p := w.apply(spec)
		w.at(time.Minute)
		assert.Equal(w, "1/1 Running 0", columns(p))
		assert.Equal(w, 2, w.restarts(p, "init"))
	}},
	{"Container Restart Rules RestartAllContainers should restart all containers on regular container exit", func(w *world) { w.restartAll("app") }},
	{"Container Restart Rules RestartAllContainers should restart all containers on sidecar container exit", func(w *world) { w.restartAll("sidecar") }},
	{"Container Restart Rules RestartAllContainers should restart all containers on init container exit", func(w *world) { w.restartAll("init2") }},
}

// restartAll has the first run of a container end with 42, which restarts all.
func (w *world) restartAll(source string) {
	run := func(name string, other podnet.Program) podnet.Program {
		runs := 0
		return w.told(name, func(ctx context.Context, c *podnet.Container) error {
			if runs++; name == source && runs == 1 {
				return exits(42, 5*time.Second)(ctx, c)
			}
			return other(ctx, c)
		})
	}
	spec := podnet.PodSpec{
		RestartPolicy: podnet.RestartPolicyNever,
		InitContainers: []podnet.ContainerSpec{
			{Name: "init1", Run: run("init1", exits(0, 0))},
			{Name: "sidecar", RestartPolicy: always, Run: run("sidecar", deaf)},
			{Name: "init2", Run: run("init2", exits(0, 0))},
		},
		Containers: []podnet.ContainerSpec{{Name: "app", Run: run("app", pause)}, {Name: "other", Run: run("other", pause)}},
	}
	for _, list := range [][]podnet.ContainerSpec{spec.InitContainers, spec.Containers} {
		for i := range list {
			if list[i].Name == source {
				list[i].RestartPolicyRules = rule(podnet.RestartRuleActionRestartAllContainers, 42)
				if list[i].RestartPolicy == "" {
					list[i].RestartPolicy = podnet.RestartPolicyNever
				}
			}
		}
	}
	p := w.apply(spec)
	ip := p.IP()
	restarting := w.watch(p, func(s podnet.PodStatus) string {
		c, _ := s.Condition("AllContainersRestarting")
		return fmt.Sprint(c.Status, " ", c.Reason)
	})
	w.at(time.Minute)
	assert.Equal(w, []string{"false ", "true RestartAllContainersStarted", "false "}, restarting())
	assert.Equal(w, ip, p.IP(), "the sandbox stays")
	assert.Equal(w, "3/3 Running", strings.Join(strings.Fields(columns(p))[:2], " "))
	ran := []string{"init1", "sidecar"}
	if source != "init2" && source != "sidecar" {
		ran = append(ran, "init2", "app", "other")
	}
	for _, name := range ran {
		assert.Equal(w, 1, w.restarts(p, name), name)
		s, _ := p.Status().Container(name)
		require.NotNil(w, s.LastTermination, name)
		assert.Equal(w, "137 RestartingAllContainers", fmt.Sprint(s.LastTermination.ExitCode, " ", s.LastTermination.Reason), name)
	}
}

var e2eFiles = []e2e{
	{"KubeletManagedEtcHosts should test kubelet managed /etc/hosts file [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.Volumes = []podnet.VolumeSpec{{Name: "etc", EmptyDir: &podnet.EmptyDirVolumeSource{}}}
		spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: "own", Run: pause, VolumeMounts: []podnet.VolumeMount{{Name: "etc", MountPath: "/etc/hosts"}}})
		p := w.apply(spec)
		text, err := p.Container("app").FS().ReadFile("/etc/hosts")
		require.NoError(w, err)
		assert.Contains(w, string(text), "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
		assert.Contains(w, string(text), p.IP().String()+"\tpod\n")
		info, err := p.Container("own").FS().Stat("/etc/hosts")
		require.NoError(w, err)
		assert.True(w, info.IsDir(), "a container's own mount is left alone")
		spec.Name, spec.HostNetwork = "host", true
		text, err = w.apply(spec).Container("app").FS().ReadFile("/etc/hosts")
		require.NoError(w, err)
		assert.NotContains(w, string(text), "# Kubernetes-managed hosts file.\n", "of a Pod with hostNetwork it is the node's")
		assert.Contains(w, string(text), "\tnode-1\n")
	}},
	{"Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts [C]", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.HostAliases = []podnet.HostAlias{{IP: "123.45.67.89", Hostnames: []string{"foo", "bar"}}}
		text, err := w.apply(spec).Container("app").FS().ReadFile("/etc/hosts")
		require.NoError(w, err)
		assert.Contains(w, string(text), "\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n")
	}},
	{"Hostname of Pod a pod with subdomain field has FQDN, hostname is shortname", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.Subdomain = "t"
		p := w.apply(spec)
		assert.Equal(w, "pod", p.Container("app").Hostname())
		text, err := p.Container("app").FS().ReadFile("/etc/hosts")
		require.NoError(w, err)
		assert.Contains(w, string(text), p.IP().String()+"\tpod.t.default.svc.cluster.local\tpod\n")
	}},
	{"Hostname of Pod a pod with subdomain field has FQDN, when setHostnameAsFQDN is set to true, the FQDN is set as hostname", func(w *world) {
		spec := one(podnet.ContainerSpec{})
		spec.Subdomain, spec.SetHostnameAsFQDN = "t", true
		assert.Equal(w, "pod.t.default.svc.cluster.local", w.apply(spec).Container("app").Hostname())
	}},
}
