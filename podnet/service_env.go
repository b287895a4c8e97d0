package podnet

import (
	"fmt"
	"maps"
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
	var services []*Service
	for _, s := range slices.SortedFunc(maps.Keys(v.byNamespace[namespace]), (*Service).compare) {
		if s.spec.hasAddress() && !s.isMaster() {
			services = append(services, s)
		}
	}
	master := v.byName[podKey{"default", "kubernetes"}]
	hides := func(s *Service) bool { return s.name == "kubernetes" } // the namespace's own counts
	if master != nil && master.spec.hasAddress() && !slices.ContainsFunc(services, hides) {
		services = slices.Insert(services, 0, master)
	}
	env := new(serviceVariables)
	for _, s := range services {
		if s.env == nil {
			list := s.spec.env()
			s.env = &list
		}
		env.services = append(env.services, s.env)
	}
	return env
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
