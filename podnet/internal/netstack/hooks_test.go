package netstack

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/iptables"
)

// restore gives the namespace rules.
func restore(t *testing.T, ns *Namespace, f iptables.Family, text string) {
	t.Helper()
	require.NoError(t, ns.ChangeRules(f, func(r *iptables.Ruleset) (*iptables.Ruleset, error) {
		return r.Restore(text, iptables.RestoreOptions{})
	}))
}

// istio is what its init container restores in a Pod.
const istio = `*nat
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN
-A ISTIO_INBOUND -p tcp -m multiport --dports 15090,15021,15020 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
COMMIT
`

// mesh is two namespaces, the second of which, 10.244.0.2, has a proxy.
type mesh struct {
	client, app, proxy *Owner
}

func newMesh(t *testing.T, rules string) mesh {
	_, ns, client, app := newPair(t)
	restore(t, ns, iptables.IPv4, rules)
	app.SetUser(1000, 1000)
	proxy := ns.NewOwner("proxy", 2, nil)
	proxy.SetUser(1337, 1337)
	return mesh{client, app, proxy}
}

// The figures are the kernel's.
func TestConnectionsThroughIstiosRules(t *testing.T) {
	for name, tt := range map[string]struct {
		from        func(m mesh) *Owner
		bind, dial  string
		at          string // the port at which the connection arrives
		local, peer string // what the one there sees
		original    string
	}{
		"app to another Pod":                      {func(m mesh) *Owner { return m.app }, "", "10.244.0.1:80", "15001", "127.0.0.1:15001", "10.244.0.2", "10.244.0.1:80"},
		"app to nowhere":                          {func(m mesh) *Owner { return m.app }, "", "192.0.2.1:443", "15001", "127.0.0.1:15001", "10.244.0.2", "192.0.2.1:443"},
		"app to its localhost":                    {func(m mesh) *Owner { return m.app }, "", "127.0.0.1:8080", "8080", "127.0.0.1:8080", "127.0.0.1", "127.0.0.1:8080"},
		"app to its own Pod's IP":                 {func(m mesh) *Owner { return m.app }, "", "10.244.0.2:8080", "8080", "10.244.0.2:8080", "10.244.0.2", "10.244.0.2:8080"},
		"proxy to another Pod":                    {func(m mesh) *Owner { return m.proxy }, "", "10.244.0.1:80", "80", "10.244.0.1:80", "10.244.0.2", ""},
		"proxy to its own Pod's IP":               {func(m mesh) *Owner { return m.proxy }, "", "10.244.0.2:8080", "15006", "127.0.0.1:15006", "10.244.0.2", "10.244.0.2:8080"},
		"proxy to the app":                        {func(m mesh) *Owner { return m.proxy }, "127.0.0.6:0", "10.244.0.2:8080", "8080", "10.244.0.2:8080", "127.0.0.6", "10.244.0.2:8080"},
		"from outside":                            {func(m mesh) *Owner { return m.client }, "", "10.244.0.2:8080", "15006", "10.244.0.2:15006", "10.244.0.1", "10.244.0.2:8080"},
		"from outside to a port that is left out": {func(m mesh) *Owner { return m.client }, "", "10.244.0.2:15021", "15021", "10.244.0.2:15021", "10.244.0.1", "10.244.0.2:15021"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMesh(t, istio)
				type arrival struct {
					port string
					net.Conn
				}
				arrived := make(chan arrival, 10)
				listen := func(o *Owner, port string) {
					l, err := o.Listen(t.Context(), "tcp4", ":"+port)
					require.NoError(t, err)
					go func() {
						for {
							c, err := l.Accept()
							if err != nil {
								return
							}
							arrived <- arrival{port, c}
						}
					}()
				}
				listen(m.client, "80")
				listen(m.app, "8080")
				for _, port := range []string{"15001", "15006", "15021"} {
					listen(m.proxy, port)
				}
				var d Dialer
				if tt.bind != "" {
					d.LocalAddr = netip.MustParseAddrPort(tt.bind)
				}
				c, err := tt.from(m).DialWith(t.Context(), d, "tcp", tt.dial)
				require.NoError(t, err)
				assert.Equal(t, tt.dial, c.RemoteAddr().String())
				s := <-arrived
				assert.Equal(t, tt.at, s.port)
				assert.Equal(t, tt.local, s.LocalAddr().String())
				assert.Equal(t, tt.peer, addrPortOf(s.RemoteAddr()).Addr().String())
				original, err := s.Conn.(*tcpConn).OriginalDst()
				if tt.original == "" {
					assert.ErrorIs(t, err, syscall.ENOENT)
				} else {
					require.NoError(t, err)
					assert.Equal(t, tt.original, original.String())
				}
				go io.Copy(s.Conn, struct{ io.Reader }{s.Conn})
				data := make([]byte, 200_000)
				go c.Write(data)
				_, err = io.ReadFull(c, data)
				assert.NoError(t, err)
			})
		})
	}
}

func TestFilters(t *testing.T) {
	const head, tail = "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n", "COMMIT\n"
	for name, tt := range map[string]struct {
		rules    string
		dial     string
		tcp      error
		at       time.Duration // how long the dial takes
		udpWrite error
		udpRead  error // nil: nothing comes
	}{
		"no rule":              {"", "10.244.0.2:80", nil, 0, nil, nil},
		"DROP in OUTPUT":       {"-A OUTPUT -d 10.244.0.2/32 -j DROP\n", "10.244.0.2:80", syscall.ETIMEDOUT, 127 * time.Second, syscall.EPERM, nil},
		"REJECT in OUTPUT":     {"-A OUTPUT -d 10.244.0.2/32 -j REJECT --reject-with icmp-port-unreachable\n", "10.244.0.2:80", syscall.ECONNREFUSED, 0, syscall.EPERM, syscall.ECONNREFUSED},
		"a reset in OUTPUT":    {"-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset\n", "10.244.0.2:80", syscall.ECONNREFUSED, 0, nil, nil},
		"of another net":       {"-A OUTPUT -p tcp -j REJECT --reject-with icmp-net-unreachable\n", "10.244.0.2:80", syscall.ENETUNREACH, 0, nil, nil},
		"of another host":      {"-A OUTPUT -p tcp -j REJECT --reject-with icmp-host-unreachable\n", "10.244.0.2:80", syscall.EHOSTUNREACH, 0, nil, nil},
		"answers are dropped":  {"-A INPUT -s 10.244.0.2/32 -j DROP\n", "10.244.0.2:80", syscall.ETIMEDOUT, 127 * time.Second, nil, nil},
		"answers are accepted": {"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j DROP\n", "10.244.0.2:80", nil, 0, nil, nil},
		"localhost is dropped": {"-A INPUT -j DROP\n", "127.0.0.1:80", syscall.ETIMEDOUT, 127 * time.Second, nil, nil},
		"localhost is refused": {"-A INPUT -j REJECT --reject-with icmp-port-unreachable\n", "127.0.0.1:80", syscall.ECONNREFUSED, 0, nil, syscall.ECONNREFUSED},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns, _, client, server := newPair(t)
				if tt.rules != "" {
					restore(t, ns, iptables.IPv4, head+tt.rules+tail)
				}
				for _, o := range []*Owner{client, server} {
					_, err := o.Listen(t.Context(), "tcp", ":80")
					require.NoError(t, err)
					_, err = o.ListenPacket(t.Context(), "udp", ":80")
					require.NoError(t, err)
				}
				start := time.Now()
				_, err := client.Dial(t.Context(), "tcp", tt.dial)
				assert.ErrorIs(t, err, tt.tcp)
				assert.Equal(t, tt.at, time.Since(start).Round(time.Second))
				c, err := client.Dial(t.Context(), "udp", tt.dial)
				require.NoError(t, err)
				_, err = c.Write([]byte("x"))
				assert.ErrorIs(t, err, tt.udpWrite)
				c.SetReadDeadline(time.Now().Add(time.Second))
				_, err = c.Read(make([]byte, 1))
				if tt.udpRead == nil {
					var timeout net.Error
					require.ErrorAs(t, err, &timeout)
					assert.True(t, timeout.Timeout())
				} else {
					assert.ErrorIs(t, err, tt.udpRead)
				}
			})
		})
	}
}

// Where connections are tracked, rules see no fragments.
func TestLongDatagramsAndPorts(t *testing.T) {
	for name, tt := range map[string]struct {
		rules  string
		arrive bool
	}{
		"all":                        {"-A INPUT -p udp --dport 53 -j ACCEPT\n", false},
		"all, connections tracked":   {"-A INPUT -p udp --dport 53 -j ACCEPT\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n", true},
		"none, connections tracked":  {"-A INPUT -p udp --dport 52 -j ACCEPT\n-A INPUT -m conntrack --ctstate INVALID -j DROP\n", false},
		"fragments as well":          {"-A INPUT -p udp --dport 53 -j ACCEPT\n-A INPUT -p udp -f -j ACCEPT\n", true},
		"new ones, or of an old one": {"-A INPUT -p udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, ns, client, server := newPair(t)
				restore(t, ns, iptables.IPv4, "*filter\n:INPUT DROP [0:0]\n"+tt.rules+"COMMIT\n")
				s, err := server.ListenPacket(t.Context(), "udp", ":53")
				require.NoError(t, err)
				c, err := client.Dial(t.Context(), "udp", "10.244.0.2:53")
				require.NoError(t, err)
				_, err = c.Write(make([]byte, 5000))
				require.NoError(t, err)
				s.SetReadDeadline(time.Now().Add(time.Second))
				n, _, err := s.ReadFrom(make([]byte, 6000))
				assert.Equal(t, tt.arrive, err == nil)
				if tt.arrive {
					assert.Equal(t, 5000, n)
				}
			})
		})
	}
}

func TestDatagramsThatAreTranslatedBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ns, _, client, server := newPair(t)
		const rules = "*nat\n-A OUTPUT -p udp -m udp --dport 53 -j DNAT --to-destination %s\n-A POSTROUTING -p udp -j MASQUERADE --random-fully\nCOMMIT\n"
		restore(t, ns, iptables.IPv4, fmt.Sprintf(rules, "10.244.0.2:5353"))
		restore(t, ns, iptables.IPv6, fmt.Sprintf(rules, "[fd00:10:244::2]:5353"))
		s, err := server.ListenPacket(t.Context(), "udp", ":5353")
		require.NoError(t, err)
		for _, addr := range []string{"10.244.0.2:53", "[fd00:10:244::2]:53"} {
			c, err := client.Dial(t.Context(), "udp", addr)
			require.NoError(t, err)
			data := make([]byte, 20000) // fragmented
			_, err = c.Write(data)
			require.NoError(t, err)
			n, from, err := s.ReadFrom(data)
			require.NoError(t, err)
			assert.Equal(t, 20000, n)
			assert.NotEqual(t, addrPortOf(c.LocalAddr()).Port(), addrPortOf(from).Port(), "masqueraded")
			_, err = s.WriteTo(data[:n], from)
			require.NoError(t, err)
			n, err = c.Read(data)
			require.NoError(t, err)
			assert.Equal(t, 20000, n)
		}
		assert.Len(t, ns.Conntrack(), 2)
	})
}
