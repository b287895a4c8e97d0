package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

const always = podnet.RestartPolicyAlways

func hello(_ context.Context, c *podnet.Container) error {
	_, err := io.WriteString(c.Stdout(), "hello\n")
	return err
}

func TestRunShowsInitContainersAndSidecars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stdout, err := runSpecs(t.Context(), runFlags{execs: []string{"proxy: get http://localhost"}}, podnet.PodSpec{
			Name: "web",
			InitContainers: []podnet.ContainerSpec{
				{Name: "setup", Run: hello},
				{Name: "proxy", Image: "nginx", RestartPolicy: always},
			},
			Containers: []podnet.ContainerSpec{{Name: "app", Run: wait}},
		})
		require.NoError(t, err)
		for _, want := range []string{
			"\nsetup | hello\n", " Normal  Started    setup: Container started\n", " Normal  Started    proxy: Container started\n", "\nproxy | ready\n",
			"\nproxy $ get http://localhost\nproxy > I am proxy\n",
		} {
			assert.Contains(t, withoutRows(stdout), want)
		}
		assert.True(t, strings.HasSuffix(stdout, `
Containers of web:
  NAME              STATE        REASON                    RESTARTS   LAST STATE   MESSAGE
  setup (init)      Terminated   Completed (exit code 0)   0          -            -
  proxy (sidecar)   Running      -                         0          -            -
  app               Running      -                         0          -            -
`), stdout)
	})
}

func TestRunFailsWithAnInitContainer(t *testing.T) {
	app := []podnet.ContainerSpec{{Name: "app", Image: "nginx"}}
	for _, tt := range []struct {
		name string
		spec podnet.PodSpec
		want string // "" for a Pod that has not failed
	}{
		{"it failed and is not restarted", podnet.PodSpec{RestartPolicy: podnet.RestartPolicyNever, InitContainers: []podnet.ContainerSpec{{Name: "i", Run: fail}}, Containers: app},
			"init container i: Error, exit code 1"},
		{"it crash-loops", podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "i", Run: fail}}, Containers: app},
			"init container i: CrashLoopBackOff, ended with exit code 1"},
		{"its image is missing", podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "i", Image: "none"}}, Containers: app},
			"init container i: ImagePullBackOff"},
		{"it never ends", podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "i", Run: wait}}, Containers: app},
			"init container i: has not ended"},
		{"a sidecar is not up", podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "i", Run: wait, RestartPolicy: always, StartupProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(1)}}}}, Containers: app},
			"init container i: its startup probe has not succeeded"},
		{"a sidecar crash-loops", podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "i", Run: fail, RestartPolicy: always}}, Containers: app},
			"init container i: CrashLoopBackOff, ended with exit code 1"},
		{"it has completed", podnet.PodSpec{InitContainers: []podnet.ContainerSpec{{Name: "i", Run: hello}}, Containers: app}, ""},
		{"a sidecar ends with an error when the Pod has ended", podnet.PodSpec{
			RestartPolicy: podnet.RestartPolicyNever,
			InitContainers: []podnet.ContainerSpec{{Name: "i", RestartPolicy: always, Run: func(ctx context.Context, _ *podnet.Container) error {
				<-ctx.Done()
				return podnet.ExitError{Code: 143}
			}}},
			Containers: []podnet.ContainerSpec{{Name: "app", Run: hello}},
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.spec.Name = "p"
				start := time.Now()
				_, err := runSpecs(t.Context(), runFlags{duration: 5 * time.Second}, tt.spec)
				assert.LessOrEqual(t, time.Since(start), 5*time.Second)
				if tt.want == "" {
					assert.NoError(t, err)
				} else {
					assert.EqualError(t, err, "Pod p failed: "+tt.want)
				}
			})
		})
	}
}

// A command is not kept waiting by containers that will not start, but by those
// whose turn will come.
func TestExecWaitsForInitContainers(t *testing.T) {
	for _, tt := range []struct {
		name string
		init podnet.ContainerSpec
		took time.Duration
		runs bool // the command does
	}{
		{"that take their time", podnet.ContainerSpec{Run: func(context.Context, *podnet.Container) error {
			time.Sleep(10 * time.Second)
			return nil
		}}, 10 * time.Second, true},
		{"but not if one fails", podnet.ContainerSpec{Run: fail}, 0, false},
		{"but not if an image is missing", podnet.ContainerSpec{Image: "none"}, 0, false},
		{"but not for the end of a sidecar", podnet.ContainerSpec{Run: wait, RestartPolicy: always}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.init.Name = "i"
				start := time.Now()
				stdout, _ := runSpecs(t.Context(), runFlags{execs: []string{"app: echo hello"}}, podnet.PodSpec{
					Name: "p", InitContainers: []podnet.ContainerSpec{tt.init}, Containers: []podnet.ContainerSpec{{Name: "app", Image: "nginx"}},
				})
				assert.Equal(t, tt.took, time.Since(start).Round(time.Second))
				assert.Equal(t, tt.runs, strings.Contains(stdout, "\napp > hello\n"), stdout)
			})
		})
	}
}

func TestFindingsOfInitContainers(t *testing.T) {
	port := func(name string, number uint16) []podnet.ContainerPort {
		return []podnet.ContainerPort{{Name: name, ContainerPort: number}}
	}
	idle := func(c podnet.ContainerSpec) podnet.ContainerSpec {
		c.Image, c.Args = "alpine", []string{"wait"}
		return c
	}
	sidecar := func(c podnet.ContainerSpec) podnet.ContainerSpec {
		c.RestartPolicy = always
		return idle(c)
	}
	probe := func(p podnet.IntOrString) *podnet.Probe {
		return &podnet.Probe{HTTPGet: &podnet.HTTPGetAction{Port: p}}
	}
	type containers = []podnet.ContainerSpec
	for _, tt := range []struct {
		name       string
		init, apps containers
		want       []string
	}{
		{"a sidecar has its port for good", containers{sidecar(podnet.ContainerSpec{Name: "s", Ports: port("", 80)})}, containers{{Name: "a", Image: "nginx"}}, []string{
			`error spec.containers[0].image: s (declared in spec.initContainers[0].ports[0]) and a (image nginx does so by default) both listen on port 80/TCP, and containers of a Pod share their ports. s is started first and so gets it, unless it is slow; a then gets "bind: address already in use" and crash-loops.`,
		}},
		{"two sidecars want one port", containers{sidecar(podnet.ContainerSpec{Name: "s", Ports: port("", 1)}), sidecar(podnet.ContainerSpec{Name: "t", Ports: port("", 1)})}, containers{{Name: "a", Image: "nginx"}}, []string{
			`error spec.initContainers[1].ports[0]: s (declared in spec.initContainers[0].ports[0]) and t (declared in spec.initContainers[1].ports[0]) both listen on port 1/TCP, and containers of a Pod share their ports. s is started first and so gets it, unless it is slow; t then gets "bind: address already in use" and crash-loops.`,
		}},
		{"an init container gives its port back", containers{idle(podnet.ContainerSpec{Name: "i", Ports: port("", 80)}), sidecar(podnet.ContainerSpec{Name: "s", Ports: port("", 81)})}, containers{{Name: "a", Image: "nginx"}}, nil},
		{"an init container does not get a sidecar's port", containers{sidecar(podnet.ContainerSpec{Name: "s", Ports: port("", 1)}), idle(podnet.ContainerSpec{Name: "i", Ports: port("", 1)})}, containers{{Name: "a", Image: "nginx"}}, []string{
			`error spec.initContainers[1].ports[0]: s (declared in spec.initContainers[0].ports[0]) and i (declared in spec.initContainers[1].ports[0]) both listen on port 1/TCP, and containers of a Pod share their ports. s is started first and so gets it, unless it is slow; i then gets "bind: address already in use" and crash-loops.`,
		}},
		{"an init container may end at once, a sidecar not", containers{{Name: "i", Image: "alpine"}, {Name: "s", Image: "alpine", RestartPolicy: always}, {Name: "u", Image: "none"}}, containers{{Name: "a", Image: "nginx"}}, []string{
			"warning spec.initContainers[1].image: The command of s has nothing to do and ends at once with exit code 0: s is restarted again and again (CrashLoopBackOff).",
			`warning spec.initContainers[2].image: podnet has no program for image "none": u will not start (ErrImagePull, then ImagePullBackOff).`,
		}},
		{"a probe of a port that is known", nil, containers{
			{Name: "a", Image: "nginx", LivenessProbe: probe(podnet.Port(80)), ReadinessProbe: probe(podnet.PortName("http")), Ports: port("http", 80)},
			idle(podnet.ContainerSpec{Name: "b", StartupProbe: probe(podnet.Port(81)), ReadinessProbe: &podnet.Probe{GRPC: &podnet.GRPCAction{Port: 81}}, Ports: port("", 81)}),
			idle(podnet.ContainerSpec{Name: "c", LivenessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(9), Host: "10.0.0.1"}}}),
		}, nil},
		{"a probe of a port that nobody has", containers{sidecar(podnet.ContainerSpec{Name: "s", StartupProbe: &podnet.Probe{GRPC: &podnet.GRPCAction{Port: 9}}})}, containers{
			{Name: "a", Image: "nginx", LivenessProbe: probe(podnet.Port(8080)), ReadinessProbe: probe(podnet.PortName("web")), Ports: port("http", 80)},
			{Name: "b", Image: "alpine", Args: []string{"wait"}, LivenessProbe: probe(podnet.PortName("http")), StartupProbe: probe(podnet.PortName("http"))}, // that is a's
		}, []string{
			"warning spec.initContainers[0].startupProbe.grpc.port: The probe of s asks port 9, which no container declares and no image is known to listen on.",
			"warning spec.containers[0].livenessProbe.httpGet.port: The probe of a asks port 8080, which no container declares and no image is known to listen on.",
			`error spec.containers[0].readinessProbe.httpGet.port: a names no port "web", so the probe cannot be made: a is never Ready.`,
			`warning spec.containers[1].livenessProbe.httpGet.port: b names no port "http", so the probe cannot be made: b is never restarted by it.`,
			`error spec.containers[1].startupProbe.httpGet.port: b names no port "http", so the probe cannot be made: b never counts as started.`,
		}},
		{"a sidecar that reads another's logs", containers{{Name: "s", Image: "alpine", Args: []string{"tail", "-f", "/var/log/nginx/access.log"}, RestartPolicy: always}}, containers{{Name: "a", Image: "nginx"}}, []string{
			"error spec.initContainers[0].args[2]: a writes /var/log/nginx in its own file system, s will find no file /var/log/nginx/access.log: its command fails and it crash-loops.",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := podnet.PodSpec{Name: "p", InitContainers: tt.init, Containers: tt.apps}
			require.NoError(t, spec.Validate())
			assert.Equal(t, tt.want, brief(analyse(source{file: "pods.yaml", spec: spec}, testImages()).findings))
		})
	}
}

func TestOnlyEmptyVolumesWantTwoContainers(t *testing.T) {
	spec := podnet.PodSpec{
		Name:           "p",
		Volumes:        []podnet.VolumeSpec{{Name: "settings", ConfigMap: &podnet.ConfigMapVolumeSource{Name: "settings"}}, {Name: "work", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
		InitContainers: []podnet.ContainerSpec{{Name: "setup", Image: "alpine", VolumeMounts: []podnet.VolumeMount{{Name: "work", MountPath: "/work"}}}},
		Containers:     []podnet.ContainerSpec{{Name: "a", Image: "nginx", VolumeMounts: []podnet.VolumeMount{{Name: "settings", MountPath: "/etc/a"}, {Name: "work", MountPath: "/work"}}}},
	}
	assert.Empty(t, analyse(source{file: "pods.yaml", spec: spec}, testImages()).findings)
}

func TestNamesOfInitContainers(t *testing.T) {
	pod := testPod("", "web", "app")
	pod.spec.InitContainers = []podnet.ContainerSpec{{Name: "setup"}, {Name: "proxy", RestartPolicy: always}}
	got, err := findContainer([]source{pod}, nil, "proxy")
	require.NoError(t, err)
	assert.Equal(t, "default/web/proxy", got.String())
	_, err = findContainer([]source{pod}, nil, "db")
	assert.EqualError(t, err, `there is no container "db", only default/web/setup, default/web/proxy, default/web/app`)
	assert.Equal(t, 5, newPrinter([]source{pod}, io.Discard, io.Discard, true).width)
}

func TestObjectsAreNamed(t *testing.T) {
	for want, o := range map[string]podnet.Object{
		"Pod a":         podnet.PodSpec{Name: "a"},
		"Pod prod/a":    podnet.PodSpec{Name: "a", Namespace: "prod"},
		"ConfigMap a":   podnet.ConfigMapSpec{Name: "a", Namespace: "default"},
		"Secret prod/a": podnet.SecretSpec{Name: "a", Namespace: "prod"},
	} {
		assert.Equal(t, want, identify(o).String())
	}
	assert.Zero(t, identify(&podnet.PodSpec{Name: "a"}), "manifests give no pointers")
}
