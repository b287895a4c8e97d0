package image

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"podnet.dev/podnet"
)

// socketFilter is what the options of netstat and ss choose.
type socketFilter struct {
	tcp, udp, listening, all, program, info bool
}

func (p *proc) socketFilter(letters string) (f socketFilter, ok bool) {
	set, operands, ok := p.flags(letters)
	if !ok || len(operands) > 0 {
		if ok {
			p.usageError()
		}
		return f, false
	}
	f = socketFilter{tcp: set['t'], udp: set['u'], listening: set['l'], all: set['a'], program: set['p'], info: set['i']}
	if !f.tcp && !f.udp {
		f.tcp, f.udp = true, true
	}
	return f, true
}

// sockets are those that the container sees, as far as f wants them.
func (p *proc) sockets(f socketFilter) []podnet.Socket {
	var kept []podnet.Socket
	for _, s := range p.Sockets() {
		s.SendQ = max(s.SendQ, 0) // a listener has none
		isListener := s.State == "LISTEN" || s.State == "UNCONN"
		if (s.Network == "tcp" && f.tcp || s.Network == "udp" && f.udp) && (f.all || isListener == f.listening) {
			kept = append(kept, s)
		}
	}
	return kept
}

// command is the name of a socket's process. Each container has its own PIDs,
// so only those of this container are known by name; Kubernetes shows no others
// either.
func (p *proc) command(s podnet.Socket) string {
	if s.Container != p.Name() {
		return ""
	}
	for _, q := range p.Processes() {
		if q.PID == s.PID {
			return processName(q)
		}
	}
	return ""
}

// netstat is netstat [-ltunap], with busybox's columns. Addresses are always
// numbers. netstat -s is that of net-tools.
func netstat(_ context.Context, p *proc) int {
	if slices.ContainsFunc(p.args, isStatistics) {
		return netstatStatistics(p)
	}
	f, ok := p.socketFilter("ltunape")
	if !ok {
		return 1
	}
	what := "w/o servers"
	switch {
	case f.all:
		what = "servers and established"
	case f.listening:
		what = "only servers"
	}
	program := ""
	if f.program {
		program = "PID/Program name    "
	}
	fmt.Fprintf(p.out, "Active Internet connections (%s)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       %s\n", what, program)
	for _, s := range p.sockets(f) {
		if f.program {
			program = "-"
			if name := p.command(s); name != "" {
				program = fmt.Sprintf("%d/%s", s.PID, name)
			}
		}
		fmt.Fprintf(p.out, "%-5s %6d %6d %-23s %-23s %-11s %s\n", s.Network, s.RecvQ, s.SendQ, netstatAddr(s.Local), netstatPeer(s), netstatState(s.State), program)
	}
	return 0
}

func netstatAddr(a netip.AddrPort) string {
	port := fmt.Sprint(a.Port())
	if port == "0" {
		port = "*"
	}
	return fmt.Sprintf("%s:%s", a.Addr(), port)
}

func netstatPeer(s podnet.Socket) string {
	if s.Remote.IsValid() {
		return netstatAddr(s.Remote)
	}
	if s.Local.Addr().Is6() {
		return ":::*"
	}
	return "0.0.0.0:*"
}

func netstatState(state string) string {
	switch state {
	case "ESTAB":
		return "ESTABLISHED"
	case "UNCONN":
		return ""
	}
	return strings.ReplaceAll(strings.Replace(strings.Replace(state, "-1", "1", 1), "-2", "2", 1), "-", "_")
}

// ss is ss [-ltunapi], with iproute2's columns.
func ss(_ context.Context, p *proc) int {
	f, ok := p.socketFilter("ltunapiHe")
	if !ok {
		return 1
	}
	both := f.tcp && f.udp
	details := []string{""} // of each row
	rows := [][]string{{"State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", ""}}
	if f.program {
		rows[0][5] = "Process"
	}
	for _, s := range p.sockets(f) {
		row := []string{s.State, fmt.Sprint(s.RecvQ), fmt.Sprint(s.SendQ), ssAddr(s.Local, s.DualStack), ssPeer(s), ""}
		if name := p.command(s); f.program && name != "" {
			row[5] = fmt.Sprintf("users:((%q,pid=%d))", name, s.PID)
		}
		if both {
			row[0] = fmt.Sprintf("%-5s %s", s.Network, row[0])
		}
		rows, details = append(rows, row), append(details, ssInfo(s))
	}
	if both {
		rows[0][0] = "Netid State"
	}
	widths := make([]int, 6)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for i, row := range rows {
		line := fmt.Sprintf("%-*s %-*s %-*s %*s %*s %s", widths[0], row[0], widths[1], row[1], widths[2], row[2], widths[3], row[3], widths[4], row[4], row[5])
		fmt.Fprintln(p.out, strings.TrimRight(line, " "))
		if f.info && details[i] != "" {
			fmt.Fprintln(p.out, "\t "+details[i])
		}
	}
	return 0
}

// ssInfo returns what ss -i tells of a TCP connection, as far as it is known here.
func ssInfo(s podnet.Socket) string {
	i := s.TCP
	if i == nil {
		return ""
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.6g", float64(d.Microseconds())/1000) }
	text := fmt.Sprintf("%s rto:%s", i.Congestion, ms(i.RTO))
	if i.RTT > 0 {
		text += fmt.Sprintf(" rtt:%s/%s", ms(i.RTT), ms(i.RTTVar))
	}
	for _, n := range []struct {
		name  string
		value uint64
	}{
		{"cwnd", uint64(i.Cwnd)}, {"ssthresh", uint64(i.Ssthresh)}, {"bytes_acked", i.BytesAcked}, {"bytes_received", i.BytesReceived},
		{"segs_out", i.SegsOut}, {"segs_in", i.SegsIn},
	} {
		if n.value > 0 {
			text += fmt.Sprintf(" %s:%d", n.name, n.value)
		}
	}
	if i.Retrans > 0 {
		text += fmt.Sprintf(" retrans:0/%d", i.Retrans)
	}
	return text
}

// ssAddr writes an address as ss does: "*" for one that takes both families.
func ssAddr(a netip.AddrPort, dual bool) string {
	host := a.Addr().String()
	switch {
	case dual:
		host = "*"
	case a.Addr().Is6():
		host = "[" + host + "]"
	}
	if a.Port() == 0 {
		return host + ":*"
	}
	return fmt.Sprintf("%s:%d", host, a.Port())
}

func ssPeer(s podnet.Socket) string {
	switch {
	case s.Remote.IsValid():
		return ssAddr(s.Remote, false)
	case s.DualStack:
		return "*:*"
	case s.Local.Addr().Is6():
		return "[::]:*"
	}
	return "0.0.0.0:*"
}
