package podnet

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
)

// The limits of an EndpointSlice (Kubernetes, discovery/validation).
const (
	maxSlicePorts        = 20000
	maxSliceEndpoints    = 1000
	maxEndpointAddresses = 100
)

// Validate reports everything in s that Kubernetes' API server would refuse, in
// its words and in its order. The error is an *[InvalidError]; it is nil if
// there is nothing to report.
func (s EndpointSliceSpec) Validate() error {
	var errs fieldErrors
	validateMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	if s.AddressType == "" {
		errs.add(FieldRequired, "addressType", nil, "")
	} else {
		oneOf(&errs, "addressType", s.AddressType, AddressTypeFQDN, AddressTypeIPv4, AddressTypeIPv6)
	}
	s.validatePorts(&errs)
	if n := len(s.Endpoints); n > maxSliceEndpoints {
		errs.maxItems("endpoints", n, maxSliceEndpoints)
	} else {
		for i := range s.Endpoints {
			s.Endpoints[i].validate(&errs, fmt.Sprintf("endpoints[%d]", i), s.AddressType)
		}
	}
	return errs.err(kindEndpointSlice, s.Name)
}

func (s *EndpointSliceSpec) validatePorts(errs *fieldErrors) {
	if n := len(s.Ports); n > maxSlicePorts {
		errs.maxItems("ports", n, maxSlicePorts)
		return
	}
	names := make(map[string]bool, len(s.Ports))
	for i, p := range s.Ports {
		at := fmt.Sprintf("ports[%d]", i)
		if p.Name != "" {
			errs.invalid(at+".name", p.Name, dns1123LabelErrors(p.Name)...)
		}
		if names[p.Name] {
			errs.add(FieldDuplicate, at+".name", p.Name, "")
		}
		names[p.Name] = true
		oneOf(errs, at+".protocol", cmp.Or(p.Protocol, ProtocolTCP), ProtocolSCTP, ProtocolTCP, ProtocolUDP)
		if p.Port < 0 || p.Port > 65535 {
			errs.invalid(at+".port", fmt.Sprint(p.Port), "must be between 1 and 65535, inclusive: podnet has no other ports")
		}
		if p.AppProtocol != "" {
			errs.invalid(at+".appProtocol", p.AppProtocol, qualifiedNameErrors(p.AppProtocol)...)
		}
	}
}

func (e *EndpointSpec) validate(errs *fieldErrors, at string, typ AddressType) {
	addresses := at + ".addresses"
	if len(e.Addresses) == 0 {
		errs.add(FieldRequired, addresses, nil, "must contain at least 1 address")
	}
	errs.maxItems(addresses, len(e.Addresses), maxEndpointAddresses)
	for i, a := range e.Addresses {
		at := fmt.Sprintf("%s[%d]", addresses, i)
		switch typ {
		case AddressTypeIPv4, AddressTypeIPv6:
			msgs := ipErrors(a)
			if len(msgs) == 0 && typ == AddressTypeIPv6 {
				msgs = canonicalIPErrors(a)
			}
			if len(msgs) > 0 {
				errs.invalid(at, a, msgs...)
				continue
			}
			if familyOf(a) != IPFamily(typ) {
				errs.invalid(addresses, a, fmt.Sprintf("must be an %s address", typ))
			}
			errs.invalid(at, a, endpointIPErrors(a)...)
		case AddressTypeFQDN:
			validateDomainName(errs, at, a)
		}
	}
	if e.NodeName != "" {
		errs.invalid(at+".nodeName", e.NodeName, dns1123SubdomainErrors(e.NodeName)...)
	}
	if e.Hostname != "" {
		errs.invalid(at+".hostname", e.Hostname, dns1123LabelErrors(e.Hostname)...)
	}
}

// canonicalIPErrors wants a valid address in the form in which it is printed.
func canonicalIPErrors(value string) []string {
	if addr, err := netip.ParseAddr(value); err == nil && addr.String() != value {
		return []string{fmt.Sprintf("must be in canonical form (%q)", addr)}
	}
	return nil
}

func validateDomainName(errs *fieldErrors, at, name string) {
	if name == "" {
		errs.add(FieldRequired, at, nil, "")
		return
	}
	name = strings.TrimSuffix(name, ".")
	if msgs := dns1123SubdomainErrors(name); len(msgs) > 0 {
		errs.invalid(at, name, strings.Join(msgs, ","))
		return
	}
	if !strings.Contains(name, ".") {
		errs.invalid(at, name, "should be a domain with at least two segments separated by dots")
		return
	}
	for label := range strings.SplitSeq(name, ".") {
		if msgs := dns1123LabelErrors(label); len(msgs) > 0 {
			errs.invalid(at, label, strings.Join(msgs, ","))
			return
		}
	}
}
