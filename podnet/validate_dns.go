package podnet

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

func (s PodSpec) validateDNSPolicy(errs *fieldErrors) {
	oneOf(errs, "spec.dnsPolicy", cmp.Or(s.DNSPolicy, DNSClusterFirst), DNSClusterFirstWithHostNet, DNSClusterFirst, DNSDefault, DNSNone)
}

// The limits of resolv.conf (Kubernetes, core/validation).
const (
	maxNameservers = 3
	maxSearches    = 32
	maxSearchChars = 2048
)

func (s PodSpec) validateDNSConfig(errs *fieldErrors) {
	const at = "spec.dnsConfig"
	c := s.DNSConfig
	if s.DNSPolicy == DNSNone && c == nil {
		errs.add(FieldRequired, at, nil, "must provide `dnsConfig` when `dnsPolicy` is None")
		return
	}
	if c == nil {
		return
	}
	if s.DNSPolicy == DNSNone && len(c.Nameservers) == 0 {
		errs.add(FieldRequired, at+".nameservers", nil, "must provide at least one DNS nameserver when `dnsPolicy` is None")
		return
	}
	if len(c.Nameservers) > maxNameservers {
		errs.add(FieldInvalid, at+".nameservers", c.Nameservers, fmt.Sprintf("must not have more than %d nameservers", maxNameservers))
	}
	for i, ip := range c.Nameservers {
		errs.invalid(fmt.Sprintf("%s.nameservers[%d]", at, i), ip, ipErrors(ip)...)
	}
	if len(c.Searches) > maxSearches {
		errs.add(FieldInvalid, at+".searches", c.Searches, fmt.Sprintf("must not have more than %d search paths", maxSearches))
	}
	if len(strings.Join(c.Searches, " ")) > maxSearchChars {
		errs.add(FieldInvalid, at+".searches", c.Searches, fmt.Sprintf("must not have more than %d characters (including spaces) in the search list", maxSearchChars))
	}
	for i, domain := range c.Searches {
		if domain != "." {
			domain = strings.TrimSuffix(domain, ".")
			errs.invalid(fmt.Sprintf("%s.searches[%d]", at, i), domain, searchDomainErrors(domain)...)
		}
	}
	for i, option := range c.Options {
		if option.Name == "" {
			errs.add(FieldRequired, fmt.Sprintf("%s.options[%d]", at, i), nil, "must not be empty")
		}
	}
}

// maxHostname is what Linux allows for the name of a host.
const maxHostname = 64

func (s PodSpec) validateHostnameOverride(errs *fieldErrors) {
	const at = "spec.hostnameOverride"
	if s.HostnameOverride == nil {
		return
	}
	if s.SetHostnameAsFQDN {
		errs.add(FieldForbidden, at, nil, "may not be specified when setHostnameAsFQDN is true")
	}
	if s.HostNetwork {
		errs.add(FieldForbidden, at, nil, "may not be specified when hostNetwork is true")
	}
	errs.maxBytes(at, len(*s.HostnameOverride), maxHostname)
	errs.invalid(at, *s.HostnameOverride, dns1123SubdomainErrors(*s.HostnameOverride)...)
}

func (s PodSpec) validateHostAliases(errs *fieldErrors) {
	for i, alias := range s.HostAliases {
		at := fmt.Sprintf("spec.hostAliases[%d]", i)
		errs.invalid(at+".ip", alias.IP, ipErrors(alias.IP)...)
		for j, name := range alias.Hostnames {
			errs.invalid(fmt.Sprintf("%s.hostnames[%d]", at, j), name, dns1123SubdomainErrors(name)...)
		}
	}
}

var zeroPadded = regexp.MustCompile(`\b0+([0-9a-fA-F])`)

// ipErrors reports what is wrong with an IP address, as the API server has done
// since StrictIPCIDRValidation is on (Kubernetes 1.36).
func ipErrors(value string) []string {
	addr, err := netip.ParseAddr(value)
	switch {
	case err == nil && addr.Is4In6() && addr.Zone() == "":
		return []string{"must not be an IPv4-mapped IPv6 address"}
	case err == nil && addr.Zone() == "":
		return nil
	}
	if addr, err = netip.ParseAddr(zeroPadded.ReplaceAllString(value, "$1")); err == nil && addr.Zone() == "" {
		return []string{"must not have leading 0s"}
	}
	return []string{"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"}
}
