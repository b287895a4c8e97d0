package iproute

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLookupTakesTheLongestPrefixThenTheSmallestMetric(t *testing.T) {
	ns := pod()
	for _, command := range []string{
		"add default via 10.244.1.1",
		"add 10.0.0.0/8 via 10.244.1.2 metric 20",
		"add 10.0.0.0/8 via 10.244.1.3 metric 10",
		"add 10.96.0.0/16 via 10.244.1.4",
		"add blackhole 10.97.0.0/16",
	} {
		routes, _, err := ns.Command(strings.Fields(command)...)
		require.NoError(t, err, command)
		ns.Routes = routes
	}
	for dst, via := range map[string]string{
		"8.8.8.8": "10.244.1.1", "10.1.2.3": "10.244.1.3", "10.96.0.10": "10.244.1.4", "10.244.1.77": "invalid IP", "10.97.0.1": "invalid IP",
	} {
		r, ok := ns.Lookup(netip.MustParseAddr(dst))
		assert.True(t, ok)
		assert.Equal(t, via, r.Gateway.String(), dst)
	}
	ns.Links[2].Up = false
	_, ok := ns.Lookup(netip.MustParseAddr("8.8.8.8"))
	assert.False(t, ok, "the link is down")
	_, ok = ns.Lookup(netip.MustParseAddr("2001:db8::1"))
	assert.False(t, ok, "no default route")
}

func TestAnErrorChangesNothing(t *testing.T) {
	ns := pod()
	before := slices.Clone(ns.Routes)
	for _, command := range []string{"add default", "del default", "append", "add 10.0.0.0/8 via 10.244.1.1 mtu 1400",
		"add 10.0.0.0/8 table 100", "add local 10.0.0.0/8 dev lo", "show table local", "add 10.0.0.0/8 nexthop via 10.244.1.1"} {
		routes, out, err := ns.Command(strings.Fields(command)...)
		var e *Error
		require.ErrorAs(t, err, &e, command)
		assert.NotZero(t, e.Code)
		assert.Empty(t, out)
		assert.Equal(t, before, routes)
	}
	_, _, err := ns.Command("add", "10.0.0.0/8", "via", "10.244.1.1", "mtu", "1400")
	assert.EqualError(t, err, "Error: podnet does not support \"mtu\" in a route; it has via, dev, src, metric, proto, scope and onlink.\n")
}

func TestFormatWritesBothFamilies(t *testing.T) {
	assert.Equal(t, "10.244.1.0/24 dev eth0 proto kernel scope link src 10.244.1.5 \n"+
		"fd00::/64 dev eth0 proto kernel metric 256 pref medium\n", Format(pod().Routes))
}

func TestWithoutNetAdmin(t *testing.T) {
	ns := pod()
	ns.ReadOnly = true
	for command, want := range map[string]string{
		"add 1.1.1.1 dev lo":     "RTNETLINK answers: Operation not permitted\n",
		"replace 1.1.1.1 dev lo": "RTNETLINK answers: Operation not permitted\n",
		"del 10.244.1.0/24":      "RTNETLINK answers: Operation not permitted\n",
		"flush dev eth0":         "RTNETLINK answers: Operation not permitted\n",
		"del 1.1.1.1 dev eth9":   "Cannot find device \"eth9\"\n",
		"add foo":                "Error: any valid prefix is expected rather than \"foo\".\n",
		"show":                   "",
		"get 10.244.1.9":         "",
		"flush dev lo":           "",
	} {
		routes, _, err := ns.Command(strings.Fields(command)...)
		assert.Equal(t, ns.Routes, routes, command)
		if want == "" {
			assert.NoError(t, err, command)
		} else {
			assert.EqualError(t, err, want, command)
		}
	}
}

// FuzzCommand: no words panic, and a route that was taken can be added as it is
// printed.
func FuzzCommand(f *testing.F) {
	for _, file := range []string{"testdata/routes.txt", "testdata/more.txt"} {
		for _, x := range readTranscript(f, file) {
			_, args, _ := strings.Cut(x.Command, "route")
			f.Add(strings.Contains(x.Command, "-6"), args)
		}
	}
	f.Fuzz(func(t *testing.T, six bool, args string) {
		words := strings.Fields(args)
		if six {
			words = append([]string{"-6"}, words...)
		}
		ns := pod()
		before := slices.Clone(ns.Routes)
		routes, _, err := ns.Command(words...)
		require.Equal(t, before, ns.Routes)
		if err != nil {
			require.IsType(t, &Error{}, err)
			return
		}
		Format(routes)
		for _, r := range routes {
			ns.Lookup(r.Dst.Addr())
			if slices.Contains(before, r) {
				continue
			}
			line := strings.TrimSuffix(strings.TrimSpace(r.String()), " pref medium")
			words := append([]string{"add"}, strings.Fields(line)...)
			if !r.is6() && r.Type == "" && r.Scope == "" && !r.Gateway.IsValid() {
				words = append(words, "scope", "global") // not printed, but not the default either
			}
			if r.is6() {
				words = append([]string{"-6"}, words...)
				if r.Type != "" {
					words = slices.DeleteFunc(words, func(w string) bool { return w == "dev" || w == "lo" })
				}
			}
			again, _, err := pod().Command(words...)
			require.NoError(t, err, line)
			require.Contains(t, again, r)
		}
	})
}
