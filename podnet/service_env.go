package podnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// env returns the variables of the Services that a container of a namespace
// finds when it starts: those of its namespace, if links is set, and in any case
// those of the Service kubernetes. Services come by name: the kubelet has them in
// no order (getServiceEnvVarMap in kubelet_pods.go, and pkg/kubelet/envvars).
func (v *services) env(namespace string, links bool) *serviceVariables {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !links {
		namespace = "" // which has no Services
	}
	env, ok := v.envs[namespace]
	if !ok {
		env = v.newEnv(namespace)
		v.envs[namespace] = env
	}
	return env
}

// newEnv makes what env returns. mu is held.
func (v *services) newEnv(namespace string) *serviceVariables {
	env := &serviceVariables{services: make([]*variables, 0, len(v.byNamespace[namespace])+1)}
	if master := v.byName[podKey{"default", "kubernetes"}]; master != nil && !v.hidesMaster(namespace) {
		env.services = append(env.services, master.variables())
	}
	for _, s := range v.byNamespace[namespace] {
		if !s.isMaster() {
			env.services = append(env.services, s.variables())
		}
	}
	return env
}

// hidesMaster reports whether a namespace has a Service kubernetes of its own with
// an address, which then counts. mu is held.
func (v *services) hidesMaster(namespace string) bool {
	s := v.byName[podKey{namespace, "kubernetes"}]
	return s != nil && !s.isMaster() && s.spec.hasAddress()
}

// variables returns what containers get of the Service. mu is held.
func (s *Service) variables() *variables {
	if s.env == nil {
		s.env = new(variables)
		if s.spec.hasAddress() {
			*s.env = s.spec.env()
		}
	}
	return s.env
}

// list adds a Service to those of its namespace. mu is held.
func (v *services) list(s *Service) {
	have := v.byNamespace[s.namespace]
	i, _ := slices.BinarySearchFunc(have, s, (*Service).compare)
	v.byNamespace[s.namespace] = slices.Insert(have, i, s)
}

// unlist takes it away. mu is held.
func (v *services) unlist(s *Service) {
	have := v.byNamespace[s.namespace]
	if i, ok := slices.BinarySearchFunc(have, s, (*Service).compare); ok {
		have = slices.Delete(have, i, i+1)
	}
	if v.byNamespace[s.namespace] = have; len(have) == 0 {
		delete(v.byNamespace, s.namespace)
	}
}

// forgetEnv is told that a Service is about to change. mu is held.
func (v *services) forgetEnv(s *Service) {
	if s.isMaster() {
		clear(v.envs)
	}
	delete(v.envs, s.namespace)
	s.env = nil
}

// isMaster says that the Service is every Pod's.
func (s *Service) isMaster() bool { return s.namespace == "default" && s.name == "kubernetes" }

func (s *ServiceSpec) hasAddress() bool {
	_, err := netip.ParseAddr(s.ClusterIP)
	return err == nil && len(s.Ports) > 0
}

// env returns the variables of a Service with an address.
func (s *ServiceSpec) env() variables {
	prefix := envName(s.Name)
	env := variables{
		prefix + "_SERVICE_HOST=" + s.ClusterIP,
		fmt.Sprintf("%s_SERVICE_PORT=%d", prefix, s.Ports[0].Port),
	}
	for _, p := range s.Ports {
		if p.Name != "" {
			env = append(env, fmt.Sprintf("%s_SERVICE_PORT_%s=%d", prefix, envName(p.Name), p.Port))
		}
	}
	for i, p := range s.Ports {
		protocol := strings.ToLower(string(p.Protocol))
		url := protocol + "://" + net.JoinHostPort(s.ClusterIP, strconv.Itoa(int(p.Port)))
		if i == 0 {
			env = append(env, prefix+"_PORT="+url)
		}
		port := fmt.Sprintf("%s_PORT_%d_%s", prefix, p.Port, p.Protocol)
		env = append(env,
			port+"="+url,
			port+"_PROTO="+protocol,
			fmt.Sprintf("%s_PORT=%d", port, p.Port),
			port+"_ADDR="+s.ClusterIP,
		)
	}
	return env
}

// envName returns what a variable calls a name.
func envName(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
