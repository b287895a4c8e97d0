package podnet_test

import (
	"slices"
	"strings"
	"testing"

	"podnet.dev/podnet"
)

func TestValidateDNS(t *testing.T) {
	const at = `spec.dnsConfig`
	const domain = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')`
	tests := map[string]struct {
		policy podnet.DNSPolicy
		config *podnet.PodDNSConfig
		want   string
	}{
		"none":                   {"", nil, ``},
		"policy":                 {podnet.DNSDefault, nil, ``},
		"unknown policy":         {"default", nil, `spec.dnsPolicy: Unsupported value: "default": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"`},
		"None without config":    {podnet.DNSNone, nil, at + ": Required value: must provide `dnsConfig` when `dnsPolicy` is None"},
		"None without servers":   {podnet.DNSNone, &podnet.PodDNSConfig{Searches: []string{"A"}}, at + ".nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None"},
		"all":                    {podnet.DNSNone, &podnet.PodDNSConfig{Nameservers: []string{"10.0.0.1"}, Searches: []string{"a.", ".", "_tcp.b"}, Options: []podnet.PodDNSConfigOption{{Name: "a"}}}, ``},
		"four servers":           {"", &podnet.PodDNSConfig{Nameservers: slices.Repeat([]string{"::1"}, 4)}, at + `.nameservers: Invalid value: ["::1","::1","::1","::1"]: must not have more than 3 nameservers`},
		"name of a server":       {"", &podnet.PodDNSConfig{Nameservers: []string{"::1", "a"}}, at + `.nameservers[1]: Invalid value: "a": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`},
		"33 domains":             {"", &podnet.PodDNSConfig{Searches: slices.Repeat([]string{"a"}, 33)}, at + `.searches: Invalid value: ["a"` + strings.Repeat(`,"a"`, 32) + `]: must not have more than 32 search paths`},
		"2049 characters":        {"", &podnet.PodDNSConfig{Searches: []string{strings.Repeat("a", 2049)}}, `[` + at + `.searches: Invalid value: ["` + strings.Repeat("a", 2049) + `"]: must not have more than 2048 characters (including spaces) in the search list, ` + at + `.searches[0]: Invalid value: "` + strings.Repeat("a", 2049) + `": must be no more than 253 characters]`},
		"wrong domain":           {"", &podnet.PodDNSConfig{Searches: []string{"a", "A."}}, at + `.searches[1]: Invalid value: "A": ` + domain},
		"option without a name":  {"", &podnet.PodDNSConfig{Options: []podnet.PodDNSConfigOption{{Value: new("1")}}}, at + `.options[0]: Required value: must not be empty`},
		"value without anything": {"", &podnet.PodDNSConfig{}, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.DNSPolicy, s.DNSConfig = test.policy, test.config
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateHostname(t *testing.T) {
	const at = `spec.hostnameOverride`
	x65 := strings.Repeat("x", 65)
	tests := map[string]struct {
		change func(*podnet.PodSpec)
		want   string
	}{
		"subdomain":           {func(s *podnet.PodSpec) { s.Subdomain = "web" }, ``},
		"dotted subdomain":    {func(s *podnet.PodSpec) { s.Subdomain = "a.b" }, `spec.subdomain: Invalid value: "a.b": must not contain dots`},
		"full name":           {func(s *podnet.PodSpec) { s.SetHostnameAsFQDN = true }, ``},
		"override":            {func(s *podnet.PodSpec) { s.HostnameOverride = new("a.b") }, ``},
		"override of nothing": {func(s *podnet.PodSpec) { s.HostnameOverride = new("") }, at + `: Invalid value: "": ` + subdomainText},
		"long override":       {func(s *podnet.PodSpec) { s.HostnameOverride = &x65 }, at + `: Too long: may not be more than 64 bytes`},
		"full name overridden": {func(s *podnet.PodSpec) { s.HostnameOverride, s.SetHostnameAsFQDN = new("a"), true },
			at + `: Forbidden: may not be specified when setHostnameAsFQDN is true`},
		"deadline":          {func(s *podnet.PodSpec) { s.ActiveDeadlineSeconds = new(int64(1)) }, ``},
		"deadline at once":  {func(s *podnet.PodSpec) { s.ActiveDeadlineSeconds = new(int64) }, `spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive`},
		"readiness gate":    {func(s *podnet.PodSpec) { s.ReadinessGates = []podnet.PodReadinessGate{{ConditionType: "a.b/c"}} }, ``},
		"no readiness gate": {func(s *podnet.PodSpec) { s.ReadinessGates = []podnet.PodReadinessGate{{}} }, `[spec.readinessGates[0].conditionType: Invalid value: "": name part must be non-empty, spec.readinessGates[0].conditionType: Invalid value: "": name part ` + keyText + `]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			test.change(&s)
			checkInvalid(t, s, test.want)
		})
	}
}
