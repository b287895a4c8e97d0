package podnet_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"podnet.dev/podnet"
)

// querier is a Pod that asks, as createDNSPod makes it.
func querier(name string) podnet.PodSpec {
	return podnet.PodSpec{Name: name, Containers: []podnet.ContainerSpec{{Name: "querier", Run: pause}}}
}

// dnsTestService is a Service with a named port, as the suite makes it; headless
// on demand.
func dnsTestService(name string, headless bool) podnet.ServiceSpec {
	s := podnet.ServiceSpec{Name: name, Selector: map[string]string{"dns-test": "true"}, Ports: []podnet.ServicePort{{Name: "http", Port: 80, Protocol: podnet.ProtocolTCP}}}
	if headless {
		s.ClusterIP = podnet.ClusterIPNone
	}
	return s
}

// find looks up names in a Pod and returns the addresses of the first one.
func (w *world) find(p *podnet.Pod, names ...string) (addrs []string) {
	w.Helper()
	for i, name := range names {
		got, err := p.Container("querier").LookupHost(w.Context(), name)
		require.NoError(w, err, name)
		assert.NotEmpty(w, got, name)
		if i == 0 {
			addrs = got
		}
	}
	return addrs
}

// clusterIPs returns a Service's addresses as text.
func (w *world) clusterIPs(name string) (list []string) {
	for _, a := range w.cluster.Service("", name).ClusterIPs() {
		list = append(list, a.String())
	}
	return list
}

// lookupUnqualified resolves the names that a search list must complete.
func (w *world) lookupUnqualified(p *podnet.Pod, service string) {
	w.Helper()
	w.find(p, service, service+".default", service+".default.svc")
	_, srvs, err := p.Container("querier").Resolver().LookupSRV(w.Context(), "http", "tcp", service+".default.svc")
	require.NoError(w, err)
	assert.Len(w, srvs, 1)
}

// oneName is a name server that knows one name.
func oneName(name string, ip netip.Addr) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		conn, err := c.ListenPacket("udp", ":53")
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return nil
			}
			var m dnsmessage.Message
			if err := m.Unpack(buf[:n]); err != nil {
				return err
			}
			q := m.Questions[0]
			a := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
			switch {
			case q.Name.String() != name:
				a.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				a.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: ip.As4()}}}
			}
			msg, err := a.Pack()
			if err != nil {
				return err
			}
			conn.WriteTo(msg, from)
		}
	}
}

var e2eDNS = []e2e{
	{"DNS should provide DNS for the cluster [C]", func(w *world) {
		p := w.apply(querier("dns"))
		assert.Equal(w, w.clusterIPs("kubernetes"), w.find(p, "kubernetes.default.svc.cluster.local", "kubernetes.default.svc.cluster.local."))
		// By TCP, too.
		conf := "nameserver 10.96.0.10\noptions use-vc\n"
		require.NoError(w, p.Container("querier").FS().WriteFile("/etc/resolv.conf", []byte(conf), 0o644))
		w.find(p, "kubernetes.default.svc.cluster.local")
	}},
	{"DNS should resolve DNS of partial qualified names for the cluster [LinuxOnly]", func(w *world) {
		w.find(w.apply(querier("dns")), "kubernetes.default", "kubernetes.default.svc")
	}},
	{"DNS should provide /etc/hosts entries for the cluster [C]", func(w *world) {
		spec := querier("dns")
		spec.Hostname, spec.Subdomain = "dns-querier-1", "dns-test-service"
		p := w.apply(spec)
		assert.Equal(w, []string{p.IPs()[0].String(), p.IPs()[1].String()}, w.find(p, "dns-querier-1.dns-test-service.default.svc.cluster.local", "dns-querier-1"))
	}},
	{"DNS should provide DNS for services [C]", func(w *world) {
		require.NoError(w, w.cluster.Apply(w.Context(), dnsTestService("headless", true), dnsTestService("regular", false)))
		spec := querier("dns")
		spec.Labels = map[string]string{"dns-test": "true"}
		p := w.apply(spec)
		for _, service := range []string{"headless", "regular"} {
			w.find(p, service, service+".default", service+".default.svc", service+".default.svc.cluster.local")
			_, srvs, err := p.Container("querier").Resolver().LookupSRV(w.Context(), "http", "tcp", service+".default.svc")
			require.NoError(w, err)
			require.Len(w, srvs, 1)
			assert.Equal(w, uint16(80), srvs[0].Port)
			assert.True(w, strings.HasSuffix(srvs[0].Target, service+".default.svc.cluster.local."), srvs[0].Target)
		}
		assert.Equal(w, []string{p.IP().String()}, w.find(p, "headless"))
		assert.Equal(w, w.clusterIPs("regular"), w.find(p, "regular"))
		names, err := p.Container("querier").Resolver().LookupAddr(w.Context(), w.clusterIPs("regular")[0])
		require.NoError(w, err)
		assert.Equal(w, []string{"regular.default.svc.cluster.local."}, names)
	}},
	{"DNS should provide DNS for a service with multiple EndpointSlices and no Endpoints", func(w *world) {
		s := dnsTestService("sliced", true)
		s.Selector = nil
		slice := func(name, addr string) podnet.EndpointSliceSpec {
			return podnet.EndpointSliceSpec{
				Name: name, Labels: map[string]string{podnet.LabelServiceName: "sliced"}, AddressType: podnet.AddressTypeIPv4,
				Endpoints: []podnet.EndpointSpec{{Addresses: []string{addr}}}, Ports: []podnet.EndpointPort{{Name: "http", Port: 8080, Protocol: podnet.ProtocolTCP}},
			}
		}
		require.NoError(w, w.cluster.Apply(w.Context(), s, slice("one", "10.1.2.3"), slice("two", "10.1.2.4")))
		p := w.apply(querier("dns"))
		assert.ElementsMatch(w, []string{"10.1.2.3", "10.1.2.4"}, w.find(p, "sliced"))
		_, srvs, err := p.Container("querier").Resolver().LookupSRV(w.Context(), "http", "tcp", "sliced")
		require.NoError(w, err)
		assert.Len(w, srvs, 2)
		names, err := p.Container("querier").Resolver().LookupAddr(w.Context(), "10.1.2.4")
		require.NoError(w, err)
		assert.Equal(w, []string{"10-1-2-4.sliced.default.svc.cluster.local."}, names)
	}},
	{"DNS should resolve DNS of partial qualified names for services [LinuxOnly] [C]", func(w *world) {
		require.NoError(w, w.cluster.Apply(w.Context(), dnsTestService("dns-test-service", true), dnsTestService("test-service-2", false)))
		spec := querier("dns")
		spec.Labels = map[string]string{"dns-test": "true"}
		p := w.apply(spec)
		w.lookupUnqualified(p, "dns-test-service")
		w.lookupUnqualified(p, "test-service-2")
	}},
	{"DNS should provide DNS for pods for Hostname [C]", func(w *world) {
		require.NoError(w, w.cluster.Apply(w.Context(), dnsTestService("dns-test-service-2", true)))
		spec := querier("dns")
		spec.Labels = map[string]string{"dns-test": "true"}
		spec.Hostname, spec.Subdomain = "dns-querier-2", "dns-test-service-2"
		p := w.apply(spec)
		other := w.apply(querier("other")) // which does not have it in /etc/hosts
		assert.Equal(w, []string{p.IP().String()}, w.find(other, "dns-querier-2.dns-test-service-2.default.svc.cluster.local", "dns-querier-2.dns-test-service-2"))
	}},
	{"DNS should provide DNS for pods for Subdomain [C]", func(w *world) {
		require.NoError(w, w.cluster.Apply(w.Context(), dnsTestService("dns-test-service-2", true)))
		spec := querier("dns")
		spec.Labels = map[string]string{"dns-test": "true"}
		spec.Hostname, spec.Subdomain = "dns-querier-2", "dns-test-service-2"
		p := w.apply(spec)
		other := w.apply(querier("other"))
		assert.Equal(w, []string{p.IP().String()}, w.find(other, "dns-test-service-2.default.svc.cluster.local", "dns-querier-2.dns-test-service-2.default.svc.cluster.local"))
	}},
	{"DNS should provide DNS for ExternalName services [C]", func(w *world) {
		s := podnet.ServiceSpec{Name: "dns-test-service-3", Type: podnet.ServiceTypeExternalName, ExternalName: "foo.example.com"}
		require.NoError(w, w.cluster.Apply(w.Context(), s))
		p := w.apply(querier("dns"))
		const name = "dns-test-service-3.default.svc.cluster.local"
		alias := func() string {
			cname, err := p.Container("querier").Resolver().LookupCNAME(w.Context(), name)
			require.NoError(w, err)
			return cname
		}
		assert.Equal(w, "foo.example.com.", alias())
		s.ExternalName = "bar.example.com"
		require.NoError(w, w.cluster.Apply(w.Context(), s))
		assert.Equal(w, "bar.example.com.", alias())
		s.Type, s.ExternalName, s.Ports = podnet.ServiceTypeClusterIP, "", []podnet.ServicePort{{Name: "http", Port: 80}}
		require.NoError(w, w.cluster.Apply(w.Context(), s))
		assert.Equal(w, w.clusterIPs("dns-test-service-3"), w.find(p, name))
	}},
	{"DNS should support configurable pod DNS nameservers [C]", func(w *world) {
		spec := querier("dns")
		spec.DNSPolicy = podnet.DNSNone
		spec.DNSConfig = &podnet.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"resolv.conf.local"}}
		text, err := w.apply(spec).Container("querier").FS().ReadFile("/etc/resolv.conf")
		require.NoError(w, err)
		assert.Equal(w, "search resolv.conf.local\nnameserver 1.1.1.1\n", string(text))
	}},
	{"DNS should support configurable pod resolv.conf", func(w *world) {
		server := w.apply(podnet.PodSpec{Name: "server", Containers: []podnet.ContainerSpec{{Name: "dns", Run: oneName("notexistname.resolv.conf.local.", netip.MustParseAddr("1.1.1.1"))}}})
		two := "2"
		spec := querier("dns")
		spec.DNSPolicy = podnet.DNSNone
		spec.DNSConfig = &podnet.PodDNSConfig{
			Nameservers: []string{server.IP().String()}, Searches: []string{"resolv.conf.local"}, Options: []podnet.PodDNSConfigOption{{Name: "ndots", Value: &two}},
		}
		p := w.apply(spec)
		assert.Equal(w, []string{"1.1.1.1"}, w.find(p, "notexistname"))
		_, err := p.LookupHost(w.Context(), "kubernetes.default.svc.cluster.local")
		assert.EqualError(w, err, fmt.Sprintf("lookup kubernetes.default.svc.cluster.local on %s: no such host", net.JoinHostPort(server.IP().String(), "53")))
	}},
	{"DNS should work with the pod containing more than 6 DNS search paths and longer than 256 search list characters", func(w *world) {
		spec := querier("dns")
		spec.Hostname, spec.Subdomain = "dns-querier-1", "dns-test-service"
		spec.DNSConfig = new(podnet.PodDNSConfig)
		for i := range 6 {
			spec.DNSConfig.Searches = append(spec.DNSConfig.Searches, fmt.Sprintf("%038d.k8s.io", i+1))
		}
		w.find(w.apply(spec), "kubernetes.default", "kubernetes.default.svc", "dns-querier-1.dns-test-service.default.svc.cluster.local", "dns-querier-1")
	}},
	{"DNS should work with a search path containing an underscore and a search path with a single dot", func(w *world) {
		spec := querier("dns")
		spec.Hostname, spec.Subdomain = "dns-querier-1", "dns-test-service"
		spec.DNSConfig = &podnet.PodDNSConfig{Searches: []string{".", "_sip._tcp.abc_d.example.com"}}
		w.find(w.apply(spec), "kubernetes.default", "kubernetes.default.svc", "dns-querier-1.dns-test-service.default.svc.cluster.local", "dns-querier-1")
	}},
	{"DNS should resolve DNS of partial qualified names for services on hostNetwork pods with dnsPolicy: ClusterFirstWithHostNet [LinuxOnly]", func(w *world) {
		require.NoError(w, w.cluster.Apply(w.Context(), dnsTestService("dns-test-service", true), dnsTestService("test-service-2", false)))
		backend := querier("backend")
		backend.Labels = map[string]string{"dns-test": "true"}
		w.apply(backend)
		spec := querier("dns")
		spec.HostNetwork, spec.DNSPolicy = true, podnet.DNSClusterFirstWithHostNet
		p := w.apply(spec)
		w.lookupUnqualified(p, "dns-test-service")
		w.lookupUnqualified(p, "test-service-2")
	}},
	{"DNS spec.Hostname field is not silently ignored and is used for hostname for a Pod", func(w *world) {
		spec := querier("dns")
		spec.Hostname = "custom"
		assert.Equal(w, "custom", w.apply(spec).Container("querier").Hostname())
	}},
	{"podnet: DNS should follow the endpoints of a headless Service as they become ready and end", func(w *world) {
		s := dnsTestService("db", true)
		require.NoError(w, w.cluster.Apply(w.Context(), s))
		p := w.apply(querier("dns"))
		lookup := func() string {
			addrs, err := p.LookupHost(w.Context(), "db")
			if err != nil {
				return err.Error()
			}
			slices.Sort(addrs)
			return strings.Join(addrs, " ")
		}
		const nobody = "lookup db on 10.96.0.10:53: no such host"
		assert.Equal(w, nobody, lookup())
		ready := false
		db := w.apply(podnet.PodSpec{Name: "db-0", Labels: map[string]string{"dns-test": "true"}, Containers: []podnet.ContainerSpec{{
			Name: "db", Run: pause, ReadinessProbe: &podnet.Probe{Exec: action(succeeds(func() bool { return ready })), PeriodSeconds: 1},
		}}})
		assert.Equal(w, nobody, lookup(), "it is not ready")
		s.PublishNotReadyAddresses = true
		require.NoError(w, w.cluster.Apply(w.Context(), s))
		assert.Equal(w, db.IP().String(), lookup(), "but published")
		s.PublishNotReadyAddresses = false
		require.NoError(w, w.cluster.Apply(w.Context(), s))
		assert.Equal(w, nobody, lookup())
		ready = true
		require.NoError(w, db.WaitReady(w.Context()))
		assert.Equal(w, db.IP().String(), lookup())
		w.delete(db)
		synctest.Wait()
		assert.Equal(w, nobody, lookup())
	}},
}
