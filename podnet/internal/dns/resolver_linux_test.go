package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lookuper is what net.Resolver and Resolver have in common.
type lookuper interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupIP(ctx context.Context, network, host string) ([]net.IP, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupCNAME(ctx context.Context, host string) (string, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

var (
	_ lookuper = (*net.Resolver)(nil)
	_ lookuper = (*Resolver)(nil)
)

// hostSource is what the machine would send from.
func hostSource(a netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 53)))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
}

// outcome shows all that a look-up tells.
func outcome(ns *nameserver, value any, err error, start time.Time) string {
	text := fmt.Sprintf("%v (%T) after %v", value, value, time.Since(start).Round(time.Second))
	if err != nil {
		text += "\nerror: " + err.Error()
		if e, ok := err.(*net.DNSError); ok {
			text += fmt.Sprintf("\n%+v canceled %t deadline %t", *e, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded))
		} else {
			text += fmt.Sprintf("\n%T", err)
		}
	}
	return text + "\n" + ns.queries()
}

// TestResolverIsLikeNets speaks to one server through net's resolver and
// through ours, with the files of the machine.
func TestResolverIsLikeNets(t *testing.T) {
	file := func(name string) func() string {
		data, _ := os.ReadFile(name)
		return func() string { return string(data) }
	}
	hosts, conf := file("/etc/hosts"), file("/etc/resolv.conf")
	hostname, err := os.Hostname()
	require.NoError(t, err)

	// What net keeps for the whole process must not be made in a bubble.
	_, err = (&net.Resolver{PreferGo: true, Dial: unreachable}).LookupHost(t.Context(), "none.")
	require.Error(t, err)

	names := []string{
		"both.", "many.", "four.", "six.", "alias.", "chain.", "onlyalias.", "extra.", "none.", "nodata.", "servfail.", "refused.", "badversion.", "lame.", "second.", "silent.",
		"hangup.", "half.", "halfheader.", "halfquestion.", "twoquestions.", "forged.", "upper.", "truncated.", "truncatedtwice.", "tcpforged.", "tcpgarbage.", "tcphangup.", "malformed.",
		"both.example", "none", "none.example", "BOTH.Example.", "localhost", "LOCALHOST", "", ".", "a..b", "white space", "12.34", "x_y", "a.onion", "192.0.2.1", "::1", "fe80::1%eth0", "::ffff:1.2.3.4", "::",
	}
	type lookup struct {
		name string
		run  func(ctx context.Context, r lookuper) (any, error)
	}
	var lookups []lookup
	for _, name := range names {
		lookups = append(lookups,
			lookup{"host " + name, func(ctx context.Context, r lookuper) (any, error) { return r.LookupHost(ctx, name) }},
			lookup{"ipaddr " + name, func(ctx context.Context, r lookuper) (any, error) { return r.LookupIPAddr(ctx, name) }})
		if name != "chain." { // net's answer depends on which of three comes first
			lookups = append(lookups, lookup{"cname " + name, func(ctx context.Context, r lookuper) (any, error) { return r.LookupCNAME(ctx, name) }})
		}
		for _, network := range []string{"ip", "ip4", "ip6", "tcp", ""} {
			lookups = append(lookups,
				lookup{network + " " + name, func(ctx context.Context, r lookuper) (any, error) { return r.LookupIP(ctx, network, name) }},
				lookup{network + " netip " + name, func(ctx context.Context, r lookuper) (any, error) { return r.LookupNetIP(ctx, network, name) }})
		}
	}
	for _, name := range []string{"records.", "records.example", "none.", "nodata.", "servfail.", "malformed.", "half.", "large.", "silent.", "a..b", "a.onion", ""} {
		lookups = append(lookups,
			lookup{"txt " + name, func(ctx context.Context, r lookuper) (any, error) { return r.LookupTXT(ctx, name) }},
			lookup{"mx " + name, func(ctx context.Context, r lookuper) (any, error) {
				list, err := r.LookupMX(ctx, name)
				return values(list), err
			}},
			lookup{"ns " + name, func(ctx context.Context, r lookuper) (any, error) {
				list, err := r.LookupNS(ctx, name)
				return values(list), err
			}})
	}
	for _, of := range [][3]string{{"port", "tcp", "example."}, {"", "", "srv."}, {"none", "tcp", "example."}, {"malformed", "tcp", "example."}, {"", "", "none"}, {"a b", "tcp", "example."}} {
		lookups = append(lookups, lookup{fmt.Sprint("srv ", of), func(ctx context.Context, r lookuper) (any, error) {
			cname, list, err := r.LookupSRV(ctx, of[0], of[1], of[2])
			return fmt.Sprint(cname, " ", values(list)), err
		}})
	}
	for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1", "::ffff:192.0.2.1", "::1", "127.0.0.1", "fe80::1%eth0", "localhost", "", "1.2.3"} {
		lookups = append(lookups, lookup{"addr " + addr, func(ctx context.Context, r lookuper) (any, error) { return r.LookupAddr(ctx, addr) }})
	}

	dials := map[string]func(ns *nameserver) func(context.Context, string, string) (net.Conn, error){
		"a server": func(ns *nameserver) func(context.Context, string, string) (net.Conn, error) { return ns.dial },
		"no way to a server": func(*nameserver) func(context.Context, string, string) (net.Conn, error) {
			return unreachable
		},
		"a Dial that fails otherwise": func(*nameserver) func(context.Context, string, string) (net.Conn, error) {
			return func(context.Context, string, string) (net.Conn, error) { return nil, errOther }
		},
	}
	contexts := map[string]func() (context.Context, context.CancelFunc){
		"any time": func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
		"no time":  func() (context.Context, context.CancelFunc) { return context.WithTimeout(context.Background(), 0) },
		"canceled": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx, cancel
		},
	}
	for dialing, dial := range dials {
		for having, newContext := range contexts {
			for _, l := range lookups {
				if strings.Contains(l.name, "ip") && having != "any time" {
					continue // net says now this, now that: whether it is too late, or what came of it
				}
				t.Run(dialing+"/"+having+"/"+l.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						run := func(r func(ns *nameserver) lookuper) string {
							ns := new(nameserver)
							ctx, cancel := newContext()
							defer cancel()
							start := time.Now()
							v, err := l.run(ctx, r(ns))
							ns.running.Wait()
							return outcome(ns, v, err, start)
						}
						want := run(func(ns *nameserver) lookuper { return &net.Resolver{PreferGo: true, Dial: dial(ns)} })
						got := run(func(ns *nameserver) lookuper {
							return &Resolver{Dial: dial(ns), Hosts: hosts, ResolvConf: conf, Source: hostSource, Hostname: hostname}
						})
						assert.Equal(t, want, got)
					})
				})
			}
		}
	}
}

func values[T any](list []*T) (values []T) {
	for _, v := range list {
		values = append(values, *v)
	}
	return values
}
