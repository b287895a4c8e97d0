package podnet_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// applied starts a cluster with a ConfigMap and a Secret in the namespace shop.
func applied(t *testing.T) *podnet.Cluster {
	t.Helper()
	c := podnettest.NewCluster(t, podnet.Config{})
	require.NoError(t, c.Apply(t.Context(),
		podnet.ConfigMapSpec{Name: "app", Namespace: "shop", Data: map[string]string{"mode": "test", "level": "$(mode)", "not-a-name": "1"}, BinaryData: map[string][]byte{"bin": {0xff}}},
		podnet.ConfigMapSpec{Name: "late", Namespace: "shop", Data: map[string]string{"mode": "late"}},
		podnet.ConfigMapSpec{Name: "elsewhere", Data: map[string]string{"a": "1"}},
		podnet.SecretSpec{Name: "key", Namespace: "shop", StringData: map[string]string{"token": "s3cret", "mode": "secret"}},
	))
	return c
}

// own returns a container's variables without those that every one has.
func own(c *podnet.Container) string {
	var list []string
	for _, v := range c.Env() {
		name, _, _ := strings.Cut(v, "=")
		if name != "PATH" && name != "HOSTNAME" && name != "HOME" && !strings.HasPrefix(name, "KUBERNETES_") {
			list = append(list, v)
		}
	}
	return strings.Join(list, " ")
}

func TestEnvironment(t *testing.T) {
	fromMap := func(name, prefix string) podnet.EnvFromSource {
		return podnet.EnvFromSource{Prefix: prefix, ConfigMapRef: &podnet.ConfigMapEnvSource{Name: name}}
	}
	fromSecret := func(name, prefix string) podnet.EnvFromSource {
		return podnet.EnvFromSource{Prefix: prefix, SecretRef: &podnet.SecretEnvSource{Name: name}}
	}
	mapKey := func(name, key string, optional bool) *podnet.EnvVarSource {
		return &podnet.EnvVarSource{ConfigMapKeyRef: &podnet.ConfigMapKeySelector{Name: name, Key: key, Optional: optional}}
	}
	secretKey := func(name, key string, optional bool) *podnet.EnvVarSource {
		return &podnet.EnvVarSource{SecretKeyRef: &podnet.SecretKeySelector{Name: name, Key: key, Optional: optional}}
	}
	field := func(path string) *podnet.EnvVarSource {
		return &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: path}}
	}
	resource := func(container, name string, divisor podnet.Quantity) *podnet.EnvVarSource {
		return &podnet.EnvVarSource{ResourceFieldRef: &podnet.ResourceFieldSelector{ContainerName: container, Resource: name, Divisor: divisor}}
	}
	for name, tt := range map[string]struct {
		from      []podnet.EnvFromSource
		env       []podnet.EnvVar
		want, err string
	}{
		"all of a ConfigMap, by key":          {from: []podnet.EnvFromSource{fromMap("app", "")}, want: "level=$(mode) mode=test not-a-name=1"},
		"all of a Secret, with a prefix":      {from: []podnet.EnvFromSource{fromSecret("key", "K_")}, want: "K_mode=secret K_token=s3cret"},
		"the later source counts more":        {from: []podnet.EnvFromSource{fromMap("app", ""), fromMap("late", ""), fromSecret("key", "")}, want: "level=$(mode) mode=secret not-a-name=1 token=s3cret"},
		"Env counts more, and sees them":      {from: []podnet.EnvFromSource{fromMap("late", "")}, env: []podnet.EnvVar{{Name: "A", Value: "$(mode)"}, {Name: "mode", Value: "own"}, {Name: "B", Value: "$(mode)"}}, want: "mode=own A=late B=own"},
		"a Service's variable is replaced":    {env: []podnet.EnvVar{{Name: "A", Value: "$(KUBERNETES_PORT)"}, {Name: "KUBERNETES_PORT", Value: "0"}, {Name: "B", Value: "$(KUBERNETES_PORT)"}}, want: "A=tcp://10.96.0.1:443 B=0"},
		"one key of each":                     {env: []podnet.EnvVar{{Name: "A", ValueFrom: mapKey("app", "level", false)}, {Name: "B", ValueFrom: secretKey("key", "token", false)}}, want: "A=$(mode) B=s3cret"},
		"what is optional and missing":        {from: []podnet.EnvFromSource{{ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "x", Optional: true}}, {SecretRef: &podnet.SecretEnvSource{Name: "x", Optional: true}}}, env: []podnet.EnvVar{{Name: "A", ValueFrom: mapKey("x", "a", true)}, {Name: "B", ValueFrom: mapKey("app", "a", true)}, {Name: "C", ValueFrom: secretKey("x", "a", true)}, {Name: "D", ValueFrom: secretKey("key", "a", true)}, {Name: "E", Value: "[$(A)]"}}, want: "E=[$(A)]"},
		"the Pod's fields":                    {env: []podnet.EnvVar{{Name: "A", ValueFrom: field("metadata.name")}, {Name: "B", ValueFrom: field("metadata.namespace")}, {Name: "C", ValueFrom: field("metadata.labels['app']")}, {Name: "D", ValueFrom: field("metadata.annotations['example.com/note']")}, {Name: "E", ValueFrom: field("metadata.labels['none']")}}, want: "A=web B=shop C=front D=a b E="},
		"where the Pod is":                    {env: []podnet.EnvVar{{Name: "A", ValueFrom: field("spec.nodeName")}, {Name: "B", ValueFrom: field("spec.serviceAccountName")}, {Name: "C", ValueFrom: field("status.hostIP")}, {Name: "D", ValueFrom: field("status.hostIPs")}, {Name: "E", ValueFrom: field("status.podIP")}, {Name: "F", ValueFrom: field("status.podIPs")}}, want: "A=node-1 B=default C=172.18.0.2 D=172.18.0.2,fc00:f853:ccd:e793::2 E=10.244.0.2 F=10.244.0.2,fd00:10:244::2"},
		"resources, rounded up":               {env: []podnet.EnvVar{{Name: "A", ValueFrom: resource("", "limits.cpu", "")}, {Name: "B", ValueFrom: resource("", "requests.cpu", "1m")}, {Name: "C", ValueFrom: resource("", "limits.memory", "1Mi")}, {Name: "D", ValueFrom: resource("", "requests.memory", "")}, {Name: "E", ValueFrom: resource("", "limits.ephemeral-storage", "1Gi")}, {Name: "F", ValueFrom: resource("", "limits.hugepages-2Mi", "1Mi")}}, want: "A=2 B=250 C=65 D=68000000 E=0 F=4"},
		"another's are the node's by default": {env: []podnet.EnvVar{{Name: "A", ValueFrom: resource("other", "limits.cpu", "0")}, {Name: "B", ValueFrom: resource("other", "limits.memory", "1Gi")}, {Name: "C", ValueFrom: resource("other", "requests.cpu", "")}}, want: "A=4 B=8 C=0"},

		"a ConfigMap is missing":        {from: []podnet.EnvFromSource{fromMap("x", "")}, err: `configmap "x" not found`},
		"a Secret is missing":           {from: []podnet.EnvFromSource{fromSecret("x", "")}, err: `secret "x" not found`},
		"it is in another namespace":    {env: []podnet.EnvVar{{Name: "A", ValueFrom: mapKey("elsewhere", "a", false)}}, err: `configmap "elsewhere" not found`},
		"a ConfigMap's key is missing":  {env: []podnet.EnvVar{{Name: "A", ValueFrom: mapKey("app", "x", false)}}, err: `couldn't find key x in ConfigMap shop/app`},
		"binary data is no variable":    {env: []podnet.EnvVar{{Name: "A", ValueFrom: mapKey("app", "bin", false)}}, err: `couldn't find key bin in ConfigMap shop/app`},
		"a Secret's key is missing":     {env: []podnet.EnvVar{{Name: "A", ValueFrom: secretKey("key", "x", false)}}, err: `couldn't find key x in Secret shop/key`},
		"a keyed Secret is missing":     {env: []podnet.EnvVar{{Name: "A", ValueFrom: secretKey("x", "x", false)}}, err: `secret "x" not found`},
		"a container that is not there": {env: []podnet.EnvVar{{Name: "A", ValueFrom: resource("x", "limits.cpu", "")}}, err: `container x not found`},
	} {
		t.Run(name, func(t *testing.T) {
			spec := podnet.PodSpec{
				Name: "web", Namespace: "shop", Labels: map[string]string{"app": "front"}, Annotations: map[string]string{"example.com/note": "a b"},
				Containers: []podnet.ContainerSpec{
					{Name: "main", Run: untilStopped, EnvFrom: tt.from, Env: tt.env, Resources: podnet.ResourceRequirements{
						Limits:   podnet.ResourceList{"cpu": "1500m", "memory": "68M", "hugepages-2Mi": "4Mi"},
						Requests: podnet.ResourceList{"cpu": "250m"},
					}},
					{Name: "other", Run: untilStopped},
				},
			}
			p, err := applied(t).StartPod(t.Context(), spec)
			main := p.Container("main")
			if tt.err != "" {
				assert.EqualError(t, err, "podnet: start Pod shop/web: container main: CreateContainerConfigError: "+tt.err)
				assert.NoError(t, p.Wait(t.Context(), func(s podnet.PodStatus) bool { c, _ := s.Container("other"); return c.Started }), "the other container runs")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, own(main))
		})
	}
}

func TestTheEnvironmentHasThePodsUID(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{
		Name: "main", Run: untilStopped, Env: []podnet.EnvVar{{Name: "A", ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.uid"}}}},
	}}})
	assert.Equal(t, "A="+p.UID(), own(p.Container("main")))
}

// What is missing may come later: the kubelet tries again, every ten seconds.
// What changes afterwards is seen by the next run only.
func TestVariablesAreReadAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
		p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "web", Containers: []podnet.ContainerSpec{{
			Name: "main", Image: "tools", Args: []string{"wait", "$(mode)"}, EnvFrom: []podnet.EnvFromSource{{ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "app"}}},
		}}})
		assert.ErrorContains(t, err, `configmap "app" not found`)
		m := podnet.ConfigMapSpec{Name: "app", Data: map[string]string{"mode": "one"}}
		require.NoError(t, c.Apply(t.Context(), m))
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Equal(t, []string{"wait", "one"}, p.Container("main").Args())

		m.Data["mode"] = "two"
		require.NoError(t, c.Apply(t.Context(), m))
		assert.Equal(t, "one", p.Container("main").Getenv("mode"))
		p.KillSandbox()
		synctest.Wait() // it may be ready again before one sees that it was not
		require.NoError(t, p.WaitReady(t.Context()))
		assert.Equal(t, []string{"wait", "two"}, p.Container("main").Args())

		var texts []string
		for _, e := range p.Events() {
			if e.Type == "Warning" {
				texts = append(texts, e.Reason+": "+e.Message)
			}
		}
		assert.Equal(t, []string{`Failed: Error: configmap "app" not found`}, texts)
	})
}
