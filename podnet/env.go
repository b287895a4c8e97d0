package podnet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"podnet.dev/podnet/internal/volume"
)

// variables returns the variables that the kubelet gives the container: those of
// Services, and those of the spec, which may refer to Services and to those
// before them (makeEnvironmentVariables in kubelet_pods.go). The error is what
// the kubelet says of a source that is missing.
func (c *container) variables(addrs []netip.Addr) (environment, error) {
	env := environment{shared: c.pod.cluster.services.env(c.pod.spec.Namespace, *c.pod.spec.EnableServiceLinks)}
	for _, from := range c.spec.EnvFrom {
		data, err := c.pod.allOf(from)
		if err != nil {
			return environment{}, err
		}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			env.own = env.own.set(from.Prefix+key, data[key])
		}
	}
	for _, e := range c.spec.Env {
		if e.Value != "" || e.ValueFrom == nil {
			env.own = env.own.set(e.Name, expand(e.Value, env.lookup))
			continue
		}
		value, ok, err := c.valueFrom(e.ValueFrom, addrs)
		if err != nil {
			return environment{}, err
		}
		if ok {
			env.own = env.own.set(e.Name, value)
		}
	}
	return env, nil
}

// allOf returns all entries of a source. Binary data makes no variables. Every
// key does, whether it is a good name or not: the kubelet asks no longer
// (feature gate RelaxedEnvironmentVariableValidation).
func (p *Pod) allOf(from EnvFromSource) (map[string]string, error) {
	switch {
	case from.ConfigMapRef != nil:
		m, err := p.configMap(from.ConfigMapRef.Name)
		return m.Data, unless(from.ConfigMapRef.Optional, err)
	case from.SecretRef != nil:
		s, err := p.secret(from.SecretRef.Name)
		data := make(map[string]string, len(s.Data))
		for key, value := range s.Data {
			data[key] = string(value)
		}
		return data, unless(from.SecretRef.Optional, err)
	}
	return nil, nil
}

// valueFrom returns the value that a source gives a variable of the container,
// and false if it gives none and need not.
func (c *container) valueFrom(from *EnvVarSource, addrs []netip.Addr) (value string, ok bool, err error) {
	p := c.pod
	switch {
	case from.FieldRef != nil:
		value, err = p.field(from.FieldRef.FieldPath, addrs)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = p.resource(from.ResourceFieldRef, &c.spec)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		m, err := p.configMap(ref.Name)
		value, ok = m.Data[ref.Key]
		if err == nil && !ok {
			err = fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", ref.Key, p.spec.Namespace, ref.Name)
		}
		return value, ok, unless(ref.Optional, err)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		s, err := p.secret(ref.Name)
		data, ok := s.Data[ref.Key]
		if err == nil && !ok {
			err = fmt.Errorf("couldn't find key %s in Secret %s/%s", ref.Key, p.spec.Namespace, ref.Name)
		}
		return string(data), ok, unless(ref.Optional, err)
	}
	return "", true, nil
}

// configMap returns a ConfigMap of the Pod's namespace.
func (p *Pod) configMap(name string) (ConfigMapSpec, error) {
	m, ok := p.cluster.ConfigMap(p.spec.Namespace, name)
	if !ok {
		return m, fmt.Errorf("configmap %q not found", name)
	}
	return m, nil
}

// secret returns a Secret of the Pod's namespace.
func (p *Pod) secret(name string) (SecretSpec, error) {
	s, ok := p.cluster.Secret(p.spec.Namespace, name)
	if !ok {
		return s, fmt.Errorf("secret %q not found", name)
	}
	return s, nil
}

// unless forgives the error of what is optional.
func unless(optional bool, err error) error {
	if optional {
		return nil
	}
	return err
}

// processEnv returns the environment of the container's processes: what the
// runtime sets, and over it what the kubelet gives.
func (c *container) processEnv(env environment) environment {
	env.first = variables{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + c.pod.machineName()}
	if _, ok := env.own.lookup("HOME"); !ok { // runc takes it from the image's /etc/passwd
		home := "/root"
		if uid, _ := c.user(); uid != 0 {
			home = "/" // runc's for a user who is not there
		}
		env.own = append(env.own, "HOME="+home)
	}
	return env
}

// containerConfig is what the kubelet tells the runtime of a container to start.
type containerConfig struct {
	env           environment
	command, args []string
	mounts        []volume.Mount
}

// config returns the configuration of the container's next run in a sandbox. The
// order of the checks is that of the kubelet (generateContainerConfig in
// kuberuntime_container.go).
func (c *container) config(s *sandbox) (*containerConfig, error) {
	variables, err := c.variables(s.addrs)
	if err != nil {
		return nil, err
	}
	mounts, err := c.mounts(variables)
	if err != nil {
		return nil, err
	}
	if err := c.verifyNonRoot(); err != nil {
		return nil, err
	}
	return &containerConfig{
		env:     c.processEnv(variables),
		command: expandAll(c.spec.Command, variables.lookup),
		args:    expandAll(c.spec.Args, variables.lookup),
		mounts:  mounts,
	}, nil
}
