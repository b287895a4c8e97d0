package dns

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// ttl is what kubeadm's CoreDNS gives all records of the cluster, in seconds.
const ttl = 30

// versionTTL is that of the version of the schema.
const (
	version    = "1.1.0"
	versionTTL = 28800
)

// entry is something that a name of the cluster's zone stands for.
type entry struct {
	owner string     // the name that the address has for itself
	addr  netip.Addr // the zero Addr for an alias
	alias string
	port  int // -1 for none
}

// entries returns what a name of the cluster's zone, in lower case, stands for.
// A name that exists may stand for nothing.
func (s *Server) entries(name string) (list []entry, exists bool) {
	base := strings.TrimSuffix(strings.TrimSuffix(name, s.zone), ".")
	if base == "" || base == "svc" || base == "pod" {
		return nil, true
	}
	labels := strings.Split(base, ".")
	slices.Reverse(labels) // svc or pod, namespace, name, and up to two more
	if labels[0] != "svc" && labels[0] != "pod" || len(labels) > 5 || !s.config.Backend.HasNamespace(labels[1]) {
		return nil, false
	}
	if len(labels) == 2 {
		return nil, true
	}
	if labels[0] == "pod" {
		addr := addrOf(labels[2])
		if !addr.IsValid() || addr.Zone() != "" {
			return nil, false
		}
		return []entry{{owner: name, addr: addr, port: -1}}, true
	}
	svc, ok := s.config.Backend.Service(labels[1], labels[2])
	if !ok {
		return nil, false
	}
	owner := labels[2] + "." + labels[1] + ".svc." + s.zone
	var endpoint, port, protocol string
	switch len(labels) {
	case 4:
		endpoint = labels[3]
	case 5:
		protocol, port = strings.TrimPrefix(labels[3], "_"), strings.TrimPrefix(labels[4], "_")
	}
	switch {
	case svc.ExternalName != "":
		if _, err := netip.ParseAddr(svc.ExternalName); err != nil && endpoint == "" {
			list = append(list, entry{owner: owner, alias: rooted(svc.ExternalName)})
		}
	case endpoint != "" || len(svc.ClusterIPs) == 0:
		list = svc.endpoints(owner, endpoint, port, protocol)
	default:
		for _, p := range svc.Ports {
			if p.matches(port, protocol) {
				for _, ip := range svc.ClusterIPs {
					list = append(list, entry{owner: owner, addr: ip.Unmap(), port: int(p.Number)})
				}
			}
		}
	}
	return list, len(list) > 0
}

// endpoints returns the endpoints of a Service, of one name if it is not empty.
func (svc Service) endpoints(owner, name, port, protocol string) (list []entry) {
	if svc.Endpoints == nil {
		return nil
	}
	for _, e := range svc.Endpoints() {
		for _, ip := range e.IPs {
			ip = ip.Unmap()
			first := strings.ToLower(label(e.Hostname, ip))
			if name != "" && name != first {
				continue
			}
			self := entry{owner: first + "." + owner, addr: ip, port: -1}
			if len(e.Ports) == 0 && port == "" && protocol == "" {
				list = append(list, self)
			}
			for _, p := range e.Ports {
				if p.matches(port, protocol) {
					self.port = int(p.Number)
					list = append(list, self)
				}
			}
		}
	}
	return list
}

// matches reports whether p has a name and a protocol; an empty one is any.
func (p Port) matches(name, protocol string) bool {
	return (name == "" || strings.EqualFold(p.Name, name)) && (protocol == "" || strings.EqualFold(p.Protocol, protocol))
}

// maxAliases is how many aliases of the zone are followed.
const maxAliases = 8

// addresses returns the records of a name, in lower case, for a question about
// addresses. They have the name owner; aliases are those that led here.
func (s *Server) addresses(name, owner string, t dnsmessage.Type, aliases []string, ask forwarder) (records []dnsmessage.Resource, exists bool) {
	list, exists := s.entries(name)
	var seen []netip.Addr
	for _, e := range list {
		switch {
		case e.alias == "":
			if e.addr.Is4() == (t == dnsmessage.TypeA) && !slices.Contains(seen, e.addr) {
				seen = append(seen, e.addr)
				records = append(records, addressRecord(owner, e.addr))
			}
		case strings.EqualFold(e.alias, name) || len(aliases) >= maxAliases || slices.Contains(aliases, name):
		case s.inZone(strings.ToLower(e.alias)):
			more, _ := s.addresses(strings.ToLower(e.alias), e.alias, t, append(aliases, name), ask)
			if len(more) > 0 {
				records = append(append(records, cnameRecord(owner, e.alias)), more...)
			}
		default:
			more, _ := ask(e.alias, t)
			records = append(append(records, cnameRecord(owner, e.alias)), more...)
		}
	}
	return records, exists
}

// services returns the SRV records of a name, and the addresses of their
// targets. Each has the same share of the weight 100.
func (s *Server) services(name, owner string) (records, extra []dnsmessage.Resource, exists bool) {
	list, exists := s.entries(name)
	list = slices.DeleteFunc(list, func(e entry) bool { return e.alias != "" })
	type target struct {
		name string
		port int
		addr netip.Addr
	}
	seen := make(map[target]bool)
	for _, e := range list {
		if e.port < 0 {
			continue
		}
		if t := (target{name: e.owner, port: e.port}); !seen[t] {
			seen[t] = true
			records = append(records, record(owner, ttl, &dnsmessage.SRVResource{
				Weight: uint16(max(1, 100/len(list))), Port: uint16(e.port), Target: toName(e.owner),
			}))
		}
		if t := (target{name: e.owner, addr: e.addr}); !seen[t] {
			seen[t] = true
			extra = append(extra, addressRecord(e.owner, e.addr))
		}
	}
	return records, extra, exists
}

// pointers returns the PTR records of a name in a reverse zone: that of the
// Service with the address, or else those of the endpoints.
func (s *Server) pointers(name, owner string) (records []dnsmessage.Resource) {
	addr := reverseAddr(name)
	if !addr.IsValid() {
		return nil
	}
	if namespace, svc, ok := s.config.Backend.ServiceByIP(addr); ok {
		return []dnsmessage.Resource{record(owner, ttl, &dnsmessage.PTRResource{PTR: toName(svc + "." + namespace + ".svc." + s.zone)})}
	}
	var seen []string
	for _, e := range s.config.Backend.EndpointsByIP(addr) {
		target := label(e.Hostname, addr) + "." + e.Service + "." + e.Namespace + ".svc." + s.zone
		if !slices.Contains(seen, target) {
			seen = append(seen, target)
			records = append(records, record(owner, ttl, &dnsmessage.PTRResource{PTR: toName(target)}))
		}
	}
	return records
}

// nameservers returns the NS records of a zone and the server's addresses.
func (s *Server) nameservers(owner string) (records, extra []dnsmessage.Resource) {
	seen := make(map[string]bool)
	for _, addr := range s.config.Addrs {
		host := "ns.dns." + s.zone
		if namespace, svc, ok := s.config.Backend.ServiceByIP(addr); ok {
			host = svc + "." + namespace + ".svc." + s.zone
		}
		if !seen[host] {
			seen[host] = true
			records = append(records, record(owner, ttl, &dnsmessage.NSResource{NS: toName(host)}))
		}
		extra = append(extra, addressRecord(host, addr))
	}
	return records, extra
}

// authority returns the SOA record of a zone, as CoreDNS makes it up.
func (s *Server) authority(zone string) dnsmessage.Resource {
	return record(zone, ttl, &dnsmessage.SOAResource{
		NS: toName("ns.dns." + zone), MBox: toName("hostmaster." + zone),
		Serial: s.serial, Refresh: 7200, Retry: 1800, Expire: 86400, MinTTL: ttl,
	})
}

// inZone reports whether a name, in lower case, is in the cluster's zone.
func (s *Server) inZone(name string) bool { return within(name, s.zone) }

func within(name, zone string) bool {
	return strings.HasSuffix(name, zone) && (len(name) == len(zone) || name[len(name)-len(zone)-1] == '.')
}
