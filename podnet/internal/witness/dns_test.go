package witness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// serveDNS is the Program of a name server on port 53, UDP and TCP. It answers
// TXT questions for big. with a text of 4 KB, those for silent. not at all, and
// others with the transport and the number of the question.
func serveDNS(ctx context.Context, c *podnet.Container) error {
	packets, err := c.ListenPacket("udp", ":53")
	if err != nil {
		return err
	}
	stream, err := c.Listen("tcp", ":53")
	if err != nil {
		return err
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		network := w.RemoteAddr().Network()
		a := new(dns.Msg)
		a.SetReply(q)
		name := q.Question[0].Name
		texts := []string{network + " " + fmt.Sprint(q.Id)}
		switch name {
		case "silent.":
			return
		case "big.":
			texts = strings.Fields(strings.Repeat(strings.Repeat("x", 255)+" ", 16))
		}
		a.Answer = append(a.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 30}, Txt: texts})
		size := dns.MaxMsgSize
		if network == "udp" {
			size = dns.MinMsgSize
			if opt := q.IsEdns0(); opt != nil {
				size = int(opt.UDPSize())
			}
		}
		a.Truncate(size)
		w.WriteMsg(a)
	})
	servers := []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: stream, Handler: handler}}
	ended := make(chan error, len(servers))
	for _, s := range servers {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- s.ActivateAndServe() }()
		<-started
	}
	sayReady(c)
	<-ctx.Done()
	var errs []error
	for _, s := range servers {
		errs = append(errs, s.Shutdown(), <-ended)
	}
	return errors.Join(errs...)
}

// ask sends a question over a socket of c.
func ask(t *testing.T, c *podnet.Container, network, name string, udpSize uint16) (*dns.Msg, error) {
	t.Helper()
	conn, err := c.Dial(network, "localhost:53")
	require.NoError(t, err)
	defer conn.Close()
	q := new(dns.Msg)
	q.SetQuestion(name, dns.TypeTXT)
	if udpSize > 0 {
		q.SetEdns0(udpSize, false)
	}
	client := &dns.Client{Net: network, UDPSize: udpSize}
	a, _, err := client.ExchangeWithConn(q, &dns.Conn{Conn: conn, UDPSize: udpSize})
	if err == nil && name != "big." {
		assert.Equal(t, []string{network + " " + fmt.Sprint(q.Id)}, a.Answer[0].(*dns.TXT).Txt)
	}
	return a, err
}

func TestDNSTruncatesOverUDPAndIsAskedAgainOverTCP(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveDNS)
		for _, network := range []string{"udp", "tcp"} {
			_, err := ask(t, c, network, "small.", 0)
			require.NoError(t, err)
		}
		a, err := ask(t, c, "udp", "big.", 0)
		require.NoError(t, err)
		assert.True(t, a.Truncated)
		assert.Empty(t, a.Answer)
		a, err = ask(t, c, "tcp", "big.", 0)
		require.NoError(t, err)
		assert.False(t, a.Truncated)
		assert.Len(t, a.Answer[0].(*dns.TXT).Txt, 16)
		a, err = ask(t, c, "udp", "big.", 8192) // EDNS0: one datagram of 4 KB
		require.NoError(t, err)
		assert.False(t, a.Truncated)
		assert.Len(t, a.Answer[0].(*dns.TXT).Txt, 16)
	})
}

func TestDNSManyQuestionsAtOnce(t *testing.T) {
	inBoth(t, func(t *testing.T) {
		c := startPair(t, serveDNS)
		answers := make(chan error)
		for i := range 200 {
			go func() {
				_, err := ask(t, c, [2]string{"udp", "tcp"}[i%2], fmt.Sprintf("n%d.", i), 0)
				answers <- err
			}()
		}
		for range 200 {
			assert.NoError(t, <-answers)
		}
	})
}

func TestDNSServerIsSilentOrAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := startPodThat(t, podnet.RestartPolicyNever, map[string]podnet.Program{"server": serveDNS})
		c := pod.Container("client")
		start := time.Now()
		_, err := ask(t, c, "udp", "silent.", 0)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var netErr net.Error
		require.ErrorAs(t, err, &netErr)
		assert.True(t, netErr.Timeout())
		assert.Equal(t, 2*time.Second, time.Since(start), "the library's own patience")

		require.NoError(t, pod.Container("server").Signal(1, podnet.SIGTERM))
		synctest.Wait()
		start = time.Now()
		_, err = ask(t, c, "udp", "small.", 0)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED, "the port answers with ICMP")
		assert.Zero(t, time.Since(start))
	})
}
