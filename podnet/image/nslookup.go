package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nslookup is nslookup [-type=TYPE]... [-port=N] [-timeout=N] [-retry=N]
// [-debug] host [server], busybox's. It asks the name server itself and does not
// know /etc/hosts. A name with a dot is asked for as it is; others with each
// domain of the search list, all at once.
func nslookup(ctx context.Context, p *proc) int {
	n := &nsQuery{proc: p, port: 53, timeout: 5 * time.Second, retries: 2}
	args := p.args
	var types []dnsmessage.Type
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, value, _ := strings.Cut(args[0][1:], "=")
		args = args[1:]
		number := func(most int) (int, bool) {
			i, err := strconv.Atoi(value)
			if err != nil || i < 1 || i > most {
				p.errorf("number %s is not in 1..%d range", value, most)
				return 0, false
			}
			return i, true
		}
		i, ok := 0, true
		switch nslookupOption(name) {
		case "type", "querytype":
			t, known := queryType(value)
			if !known {
				p.errorf("invalid query type %q", value)
				return 1
			}
			types = append(types, t)
		case "port":
			n.port, ok = number(65535)
		case "retry":
			n.retries, ok = number(1<<31 - 1)
		case "timeout":
			i, ok = number((1<<31 - 1) / 1000)
			n.timeout = time.Duration(i) * time.Second
		case "debug":
			n.debug = true
		default:
			return p.usageError()
		}
		if !ok {
			return 1
		}
	}
	if len(args) < 1 || len(args) > 2 {
		return p.usageError()
	}
	servers := args[1:]
	if len(servers) == 0 {
		servers = n.readResolvConf()
	}
	n.add(args[0], types)
	return n.run(ctx, servers)
}

// nslookupOption returns the option that an abbreviation stands for.
func nslookupOption(short string) string {
	if short == "t" {
		return "timeout"
	}
	for _, name := range []string{"type", "querytype", "port", "retry", "debug", "timeout"} {
		if short != "" && strings.HasPrefix(name, short) {
			return name
		}
	}
	return ""
}

// nsQuery is one run of nslookup.
type nsQuery struct {
	*proc
	port    int
	timeout time.Duration // for all
	retries int
	debug   bool
	search  []string
	queries []*nsQuestion
	failed  bool
}

// nsQuestion is one question of it.
type nsQuestion struct {
	name string // as in messages
	msg  []byte
	done bool
}

// add adds the questions about a host.
func (n *nsQuery) add(host string, types []dnsmessage.Type) {
	if len(types) == 0 {
		if addr, err := netip.ParseAddr(host); err == nil {
			n.ask(reverseName(addr), dnsmessage.TypePTR)
			return
		}
		types = []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	}
	for _, t := range types {
		if t == dnsmessage.TypePTR || len(n.search) == 0 || strings.Contains(host, ".") {
			n.ask(host, t)
			continue
		}
		for _, domain := range n.search {
			n.ask(host+"."+domain, t)
		}
	}
}

func (n *nsQuery) ask(host string, t dnsmessage.Type) {
	q := &nsQuestion{name: host}
	n.queries = append(n.queries, q)
	name, err := dnsmessage.NewName(strings.TrimSuffix(host, ".") + ".")
	if err != nil {
		return
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(time.Now().UnixMicro()) + uint16(len(n.queries)), RecursionDesired: true, AuthenticData: true},
		Questions: []dnsmessage.Question{{Name: name, Type: t, Class: dnsmessage.ClassINET}},
	}
	q.msg, _ = m.Pack() // a name that is none is never answered
}

// run asks the servers in turn until one answers.
func (n *nsQuery) run(ctx context.Context, servers []string) int {
	addrs := make([]string, len(servers))
	for i, server := range servers {
		found, err := n.lookup(ctx, server, "")
		if err != nil {
			n.errorf("bad address '%s'", server)
			return 1
		}
		addrs[i] = found[0]
	}
	for i, server := range servers {
		answers, err := n.exchange(ctx, server, addrs[i])
		if ctx.Err() != nil {
			return 1
		}
		if err != nil {
			n.errorf("%v", err)
		}
		if answers == 0 || err != nil {
			continue
		}
		missing := false
		for _, q := range n.queries {
			if !q.done {
				missing = true
				fmt.Fprintf(n.out, "*** Can't find %s: No answer\n", q.name)
			}
		}
		if missing {
			fmt.Fprintln(n.out)
		}
		if n.failed {
			return 1
		}
		return 0
	}
	fmt.Fprint(n.out, ";; connection timed out; no servers could be reached\n\n")
	return 1
}

// exchange puts the questions to a server, again and again until all are
// answered or the time is over, and returns how many were.
func (n *nsQuery) exchange(ctx context.Context, server, addr string) (answered int, err error) {
	conn, err := n.DialContext(ctx, "udp", net.JoinHostPort(addr, strconv.Itoa(n.port)))
	if err != nil {
		return 0, fmt.Errorf("can't connect to remote host (%s): %s", addr, strerror(err))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	end := time.Now().Add(n.timeout)
	for time.Now().Before(end) {
		for _, q := range n.queries {
			if q.done || q.msg == nil {
				continue
			}
			if _, err := conn.Write(q.msg); err != nil {
				return answered, fmt.Errorf("write to '%s': %s", server, strerror(err))
			}
		}
		servfails := 2 * len(n.queries) // that are asked again at once
		again := time.Now().Add(n.timeout / time.Duration(n.retries))
		if again.After(end) {
			again = end
		}
		conn.SetReadDeadline(again)
		for {
			buf := make([]byte, 512)
			size, err := conn.Read(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if errors.Is(err, net.ErrClosed) { // it is killed
				return answered, nil
			}
			if err != nil {
				n.errorf("read: %s", strerror(err))
				continue
			}
			q := n.questionOf(buf[:size])
			if q == nil {
				continue
			}
			if rcode := buf[3] & 0xf; rcode == 2 && servfails > 0 {
				servfails--
				conn.Write(q.msg)
				continue
			}
			if answered == 0 {
				fmt.Fprintf(n.out, "Server:\t\t%s\nAddress:\t%s\n\n", server, conn.RemoteAddr())
			}
			q.done = true
			n.show(q, buf[:size])
			if answered++; answered == len(n.queries) {
				return answered, nil
			}
		}
	}
	return answered, nil
}

// questionOf returns the question that a message answers.
func (n *nsQuery) questionOf(msg []byte) *nsQuestion {
	for _, q := range n.queries {
		if len(msg) >= 4 && q.msg != nil && !q.done && msg[0] == q.msg[0] && msg[1] == q.msg[1] {
			return q
		}
	}
	return nil
}

// readResolvConf takes the search list of /etc/resolv.conf and returns the name
// servers.
func (n *nsQuery) readResolvConf() (servers []string) {
	hasSearch := false
	data, _ := n.FS().ReadFile("/etc/resolv.conf") // without it there is a default
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			servers = append(servers, fields[1])
		case "search":
			hasSearch, n.search = true, fields[1:]
		case "domain":
			if !hasSearch {
				n.search = fields[1:]
			}
		}
	}
	if n.search == nil {
		if _, domain, ok := strings.Cut(n.Hostname(), "."); ok {
			n.search = []string{domain}
		}
	}
	if len(n.search) == 1 && n.search[0] == "." {
		n.search = nil
	}
	if len(servers) == 0 {
		servers = []string{"127.0.0.1"}
	}
	return servers
}
