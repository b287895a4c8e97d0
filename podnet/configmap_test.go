package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestConfigMapsAndSecretsAreKept(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	m := podnet.ConfigMapSpec{Name: "app", Data: map[string]string{"mode": "test"}, BinaryData: map[string][]byte{"bin": {1}}}
	s := podnet.SecretSpec{Name: "app", Namespace: "shop", Data: map[string][]byte{"a": []byte("1"), "b": []byte("2")}, StringData: map[string]string{"b": "3", "c": "4"}}
	require.NoError(t, c.Apply(t.Context(), m, &s, m))
	m.Data["mode"], m.BinaryData["bin"][0], s.Data["a"][0] = "changed", 9, '9'

	gotMap, ok := c.ConfigMap("", "app")
	require.True(t, ok)
	assert.Equal(t, podnet.ConfigMapSpec{Name: "app", Namespace: "default", Data: map[string]string{"mode": "test"}, BinaryData: map[string][]byte{"bin": {1}}}, gotMap)
	gotSecret, ok := c.Secret("shop", "app")
	require.True(t, ok)
	assert.Equal(t, podnet.SecretSpec{Name: "app", Namespace: "shop", Type: "Opaque", Data: map[string][]byte{"a": []byte("1"), "b": []byte("3"), "c": []byte("4")}}, gotSecret)
	_, ok = c.Secret("", "app")
	assert.False(t, ok, "another namespace")

	require.NoError(t, c.Apply(t.Context(), m))
	gotMap, _ = c.ConfigMap("default", "app")
	assert.Equal(t, "changed", gotMap.Data["mode"])
	assert.True(t, c.DeleteConfigMap("", "app"))
	assert.False(t, c.DeleteConfigMap("", "app"))
	assert.True(t, c.DeleteSecret("shop", "app"))
	assert.False(t, c.DeleteSecret("shop", "app"))
	_, ok = c.ConfigMap("", "app")
	assert.False(t, ok)
}

func TestWhatIsImmutableIsNotChanged(t *testing.T) {
	const text = ": Forbidden: field is immutable when `immutable` is set"
	frozenMap := func() podnet.ConfigMapSpec {
		return podnet.ConfigMapSpec{Name: "m", Immutable: true, Data: map[string]string{"a": "1"}, BinaryData: map[string][]byte{"b": {1}}}
	}
	frozenSecret := func() podnet.SecretSpec {
		return podnet.SecretSpec{Name: "s", Immutable: true, StringData: map[string]string{"a": "1"}}
	}
	c := podnettest.NewCluster(t, podnet.Config{})
	require.NoError(t, c.Apply(t.Context(), frozenMap(), frozenSecret()))
	for name, tt := range map[string]struct {
		object func() podnet.Object
		err    string
	}{
		"nothing": {func() podnet.Object { return frozenMap() }, ""},
		"nothing, by Data": {func() podnet.Object {
			s := frozenSecret()
			s.Data, s.StringData = map[string][]byte{"a": []byte("1")}, nil
			return s
		}, ""},
		"labels": {func() podnet.Object { m := frozenMap(); m.Labels = map[string]string{"a": "b"}; return m }, ""},
		"data":   {func() podnet.Object { m := frozenMap(); m.Data["a"] = "2"; return m }, `ConfigMap "m" is invalid: data` + text},
		"all of it": {func() podnet.Object { return podnet.ConfigMapSpec{Name: "m"} },
			`ConfigMap "m" is invalid: [immutable` + text + `, data` + text + `, binaryData` + text + `]`},
		"secret data": {func() podnet.Object { s := frozenSecret(); s.StringData["a"] = "2"; return s }, `Secret "s" is invalid: data` + text},
		"thawed":      {func() podnet.Object { s := frozenSecret(); s.Immutable = false; return s }, `Secret "s" is invalid: immutable` + text},
		"type": {func() podnet.Object { s := frozenSecret(); s.Type = "example.com/x"; return s },
			`Secret "s" is invalid: type: Invalid value: "example.com/x": field is immutable`},
	} {
		err := c.Apply(t.Context(), tt.object())
		if tt.err == "" {
			assert.NoError(t, err, name)
		} else {
			assert.EqualError(t, err, tt.err, name)
		}
	}
	assert.True(t, c.DeleteConfigMap("", "m"))
	assert.NoError(t, c.Apply(t.Context(), podnet.ConfigMapSpec{Name: "m", Data: map[string]string{"a": "2"}}))
}

func TestApplyTakesSeveralKinds(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	pod := podnet.PodSpec{Name: "x", Containers: []podnet.ContainerSpec{{Name: "a", Run: untilStopped}}}
	m := podnet.ConfigMapSpec{Name: "x", Data: map[string]string{"a": "1"}}
	other := podnet.ConfigMapSpec{Name: "x", Namespace: "default", Data: map[string]string{"a": "2"}}
	assert.EqualError(t, c.Apply(t.Context(), pod, m, other, podnet.SecretSpec{Name: "x"}),
		"podnet: apply ConfigMap default/x: it is given twice, and not the same: give each ConfigMap its own name")
	assert.Nil(t, c.Pod("", "x"))
	assert.EqualError(t, c.Apply(t.Context(), m, podnet.PodSpec{Name: "y"}), `Pod "y" is invalid: spec.containers: Required value`)
	_, ok := c.ConfigMap("", "x")
	assert.False(t, ok, "nothing is half done")
	assert.EqualError(t, c.Apply(t.Context(), (*podnet.SecretSpec)(nil)), "podnet: apply: object 0 is a nil *podnet.SecretSpec")
	require.NoError(t, c.Apply(t.Context(), pod, m, podnet.SecretSpec{Name: "x"}, pod))
	require.NoError(t, c.Close())
	assert.ErrorIs(t, c.Apply(t.Context(), m), podnet.ErrClosed)
}
