package podnet

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
)

// Validate reports everything in s that Kubernetes' API server would refuse, in
// its words and in its order. The error is an *[InvalidError]; it is nil if
// there is nothing to report.
func (s NetworkPolicySpec) Validate() error {
	var errs fieldErrors
	validateMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	validateLabelSelector(&errs, "spec.podSelector", s.PodSelector)
	for i, r := range s.Ingress {
		validatePolicyRule(&errs, fmt.Sprintf("spec.ingress[%d]", i), r.Ports, "from", r.From)
	}
	for i, r := range s.Egress {
		validatePolicyRule(&errs, fmt.Sprintf("spec.egress[%d]", i), r.Ports, "to", r.To)
	}
	if len(s.PolicyTypes) > 2 {
		errs.invalid("spec.policyTypes", s.PolicyTypes, "may not specify more than two policyTypes")
		return errs.err(kindNetworkPolicy, s.Name)
	}
	for i, t := range s.PolicyTypes {
		oneOf(&errs, fmt.Sprintf("spec.policyTypes[%d]", i), t, PolicyTypeIngress, PolicyTypeEgress)
	}
	return errs.err(kindNetworkPolicy, s.Name)
}

// validatePolicyRule is for a rule of either direction; list is how its peers
// are called.
func validatePolicyRule(errs *fieldErrors, at string, ports []NetworkPolicyPort, list string, peers []NetworkPolicyPeer) {
	for i, p := range ports {
		p.validate(errs, fmt.Sprintf("%s.ports[%d]", at, i))
	}
	for i, p := range peers {
		p.validate(errs, fmt.Sprintf("%s.%s[%d]", at, list, i))
	}
}

func (p NetworkPolicyPort) validate(errs *fieldErrors, at string) {
	oneOf(errs, at+".protocol", cmp.Or(p.Protocol, ProtocolTCP), ProtocolTCP, ProtocolUDP, ProtocolSCTP)
	switch {
	case p.Port == nil:
		if p.EndPort != nil {
			errs.invalid(at+".endPort", *p.EndPort, "may not be specified when `port` is not specified")
		}
	case p.Port.StrVal != "":
		if p.EndPort != nil {
			errs.invalid(at+".endPort", *p.EndPort, "may not be specified when `port` is non-numeric")
		}
		errs.invalid(at+".port", p.Port.StrVal, portNameErrors(p.Port.StrVal)...)
	default:
		errs.between(at+".port", int64(p.Port.IntVal), 1, 65535)
		if p.EndPort == nil {
			return
		}
		if *p.EndPort < p.Port.IntVal {
			errs.invalid(at+".endPort", *p.EndPort, "must be greater than or equal to `port`")
		}
		errs.between(at+".endPort", int64(*p.EndPort), 1, 65535)
	}
}

func (p NetworkPolicyPeer) validate(errs *fieldErrors, at string) {
	if p.PodSelector != nil {
		validateLabelSelector(errs, at+".podSelector", *p.PodSelector)
	}
	if p.NamespaceSelector != nil {
		validateLabelSelector(errs, at+".namespaceSelector", *p.NamespaceSelector)
	}
	if p.IPBlock != nil {
		p.IPBlock.validate(errs, at+".ipBlock")
	}
	switch selects := p.PodSelector != nil || p.NamespaceSelector != nil; {
	case !selects && p.IPBlock == nil:
		errs.add(FieldRequired, at, nil, "must specify a peer")
	case selects && p.IPBlock != nil:
		errs.add(FieldForbidden, at, nil, "may not specify both ipBlock and another peer")
	}
}

func (b *IPBlock) validate(errs *fieldErrors, at string) {
	if b.CIDR == "" {
		errs.add(FieldRequired, at+".cidr", nil, "")
		return
	}
	errs.invalid(at+".cidr", b.CIDR, cidrErrors(b.CIDR)...)
	block := sloppyCIDR(b.CIDR)
	if block == nil {
		return
	}
	size, _ := block.Mask.Size()
	for i, e := range b.Except {
		at := fmt.Sprintf("%s.except[%d]", at, i)
		errs.invalid(at, e, cidrErrors(e)...)
		except := sloppyCIDR(e)
		if except == nil {
			continue
		}
		if n, _ := except.Mask.Size(); !block.Contains(except.IP) || size >= n {
			errs.invalid(at, e, "must be a strict subset of `cidr`")
		}
	}
}

// cidrErrors reports what is wrong with a range of addresses, as the API server
// has done since StrictIPCIDRValidation is on (Kubernetes 1.36).
func cidrErrors(value string) []string {
	prefix, err := netip.ParsePrefix(value)
	switch {
	case sloppyCIDR(value) == nil:
		return []string{"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"}
	case err != nil:
		return []string{"must not have leading 0s in IP or prefix length"}
	case prefix.Addr().Is4In6():
		return []string{"must not have an IPv4-mapped IPv6 address"}
	case prefix.Addr() != prefix.Masked().Addr():
		return []string{"must not have bits set beyond the prefix length"}
	}
	return nil
}

// sloppyCIDR reads a range of addresses as Kubernetes did of old, with leading
// zeros. It returns nil if it is none.
func sloppyCIDR(value string) *net.IPNet {
	_, block, err := net.ParseCIDR(zeroPadded.ReplaceAllString(value, "$1"))
	if err != nil {
		return nil
	}
	return block
}

// Warnings returns what the API server accepts in s but warns of, in its words:
// IPv6 ranges in long form. It is meant for a spec that
// [NetworkPolicySpec.Validate] has nothing against.
func (s NetworkPolicySpec) Warnings() []string {
	var w []string
	warn := func(at, cidr string) {
		if p, err := netip.ParsePrefix(cidr); err == nil && p.Addr().Is6() && p.String() != cidr {
			w = append(w, fmt.Sprintf("%s: IPv6 CIDR value %q should be in RFC 5952 canonical format (%q)", at, cidr, p))
		}
	}
	warnPeers := func(at string, peers []NetworkPolicyPeer) {
		for i, p := range peers {
			if p.IPBlock == nil {
				continue
			}
			at := fmt.Sprintf("%s[%d].ipBlock", at, i)
			warn(at+".cidr", p.IPBlock.CIDR)
			for j, e := range p.IPBlock.Except {
				warn(fmt.Sprintf("%s.except[%d]", at, j), e)
			}
		}
	}
	for i, r := range s.Ingress {
		warnPeers(fmt.Sprintf("spec.ingress[%d].from", i), r.From)
	}
	for i, r := range s.Egress {
		warnPeers(fmt.Sprintf("spec.egress[%d].to", i), r.To)
	}
	return w
}
