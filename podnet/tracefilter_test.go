package podnet_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

func TestTraceFilters(t *testing.T) {
	e := podnet.TraceEvent{
		Node: "node-1", Namespace: "shop", Pod: "web", Container: "app", Interface: "eth0", Protocol: "tcp",
		Src: netip.MustParseAddrPort("10.244.0.2:40000"), Dst: netip.MustParseAddrPort("10.96.0.10:53"), Size: 60,
	}
	for expression, want := range map[string]bool{
		"":                                       true,
		"tcp":                                    true,
		"udp":                                    false,
		"ip":                                     true,
		"ip6":                                    false,
		"port 53":                                true,
		"tcp port 53":                            true,
		"udp port 53":                            false,
		"src port 53":                            false,
		"dst port 53":                            true,
		"src or dst port 53":                     true,
		"src and dst port 53":                    false,
		"host 10.244.0.2":                        true,
		"10.244.0.2":                             true,
		"dst host 10.244.0.2":                    false,
		"dst 10.96.0.10":                         true,
		"net 10.96.0.0/16":                       true,
		"src net 10.96.0.0/16":                   false,
		"portrange 50-60":                        true,
		"portrange 54-60":                        false,
		"port 80 or 53":                          true,
		"not port 53":                            false,
		"!(port 53)":                             false,
		"not port 80 and tcp":                    true,
		"udp and tcp or port 53":                 true, // from left to right
		"port 53 or udp and udp":                 false,
		"port 53 or (udp and udp)":               true,
		"tcp&&port 53":                           true,
		"less 60":                                true,
		"greater 61":                             false,
		"ifname eth0":                            true,
		"ifname lo":                              false,
		"pod shop/web and container app":         true,
		"pod web":                                false,
		"node node-1":                            true,
		"host 10.244.0.2 and host 10.96.0.10":    true,
		"host 10.244.0.2 and not host 10.1.0.10": true,
	} {
		f, err := podnet.ParseTraceFilter(expression)
		if assert.NoError(t, err, expression) {
			assert.Equal(t, want, f(e), expression)
		}
	}
	for expression, want := range map[string]string{
		"port":            "it ends where a port is expected",
		"host web":        `"web" is not an IP address`,
		"port 70000":      `"70000" is not a port number`,
		"portrange 9-8":   `"9-8" is not a range of ports`,
		"port 1-2":        `"1-2" is not a port number`,
		"net 10.0.0.0":    `is not a network like`,
		"(tcp":            "a parenthesis is not closed",
		"tcp)":            `")" is not expected there`,
		"tcp udp":         `"udp" is not expected there`,
		"not":             "it ends where an address is expected",
		"less x":          `"x" is not a length`,
		"ifname":          `it ends after "ifname"`,
		"tcp and":         "it ends where an address is expected",
		"vlan 3":          `"vlan" is not an IP address`,
		"tcp[13] & 2":     `"tcp[13]" is not an IP address`,
		"portrange 1-2-3": "is not a range of ports",
	} {
		_, err := podnet.ParseTraceFilter(expression)
		assert.ErrorContains(t, err, want, expression)
	}
}

func FuzzParseTraceFilter(f *testing.F) {
	for _, s := range []string{"tcp port 80 or 81", "src and dst net 10.0.0.0/8", "!(udp&&ip6)||less 3", "pod a/b and ifname lo", strings.Repeat("(", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := podnet.ParseTraceFilter(s)
		if err != nil {
			assert.Nil(t, filter)
			return
		}
		filter(podnet.TraceEvent{})
		again, err := podnet.ParseTraceFilter("not (" + s + ")")
		if strings.TrimSpace(s) != "" && !strings.Contains(s, "(") {
			require.NoError(t, err)
			assert.NotEqual(t, filter(podnet.TraceEvent{}), again(podnet.TraceEvent{}))
		}
	})
}
