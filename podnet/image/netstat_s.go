package image

import (
	"fmt"
	"strings"
)

// isStatistics reports whether an argument of netstat asks for counters.
func isStatistics(arg string) bool {
	return arg == "--statistics" || strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.Contains(arg, "s")
}

// netstatStatistics is netstat -s [-t] [-u], of net-tools 2.10: the counters of the
// network namespace, of IPv4 as net-tools does. Some lines are there only if they have
// something to tell.
func netstatStatistics(p *proc) int {
	var tcp, udp bool
	for _, arg := range p.args {
		switch strings.Trim(arg, "-") {
		case "statistics":
			continue
		case "tcp":
			arg = "-t"
		case "udp":
			arg = "-u"
		}
		for _, letter := range strings.TrimPrefix(arg, "-") {
			switch letter {
			case 's', 'n':
			case 't':
				tcp = true
			case 'u':
				udp = true
			default:
				p.errorf("podnet does not support %s here: netstat -s[tu]", arg)
				return 1
			}
		}
	}
	all := !tcp && !udp
	s := p.NetworkStats()
	if all {
		fmt.Fprintf(p.out, `Ip:
    Forwarding: 2
    %d total packets received
%s    0 forwarded
    0 incoming packets discarded
    %d incoming packets delivered
    %d requests sent out
%sIcmp:
    %d ICMP messages received
    %d input ICMP message failed
    ICMP input histogram:
%s    %d ICMP messages sent
    0 ICMP messages failed
    ICMP output histogram:
%s`, s.IP.InReceives, counted(s.IP.InHdrErrors, "%d with invalid headers")+counted(s.IP.InAddrErrors, "%d with invalid addresses"),
			s.IP.InDelivers, s.IP.OutRequests, counted(s.IP.OutDiscards, "%d outgoing packets dropped"),
			s.ICMP.InMsgs, s.ICMP.InErrors, histogram(s.ICMP.InDestUnreachs, s.ICMP.InTimeExcds, s.ICMP.InEchos, s.ICMP.InEchoReps),
			s.ICMP.OutMsgs, histogram(s.ICMP.OutDestUnreachs, s.ICMP.OutTimeExcds, s.ICMP.OutEchos, s.ICMP.OutEchoReps))
	}
	if all || tcp {
		fmt.Fprintf(p.out, `Tcp:
    %d active connection openings
    %d passive connection openings
    %d failed connection attempts
    %d connection resets received
    %d connections established
    %d segments received
    %d segments sent out
    %d segments retransmitted
    %d bad segments received
    %d resets sent
`, s.TCP.ActiveOpens, s.TCP.PassiveOpens, s.TCP.AttemptFails, s.TCP.EstabResets, s.TCP.CurrEstab,
			s.TCP.InSegs, s.TCP.OutSegs, s.TCP.RetransSegs, s.TCP.InErrs, s.TCP.OutRsts)
	}
	if all || udp {
		fmt.Fprintf(p.out, `Udp:
    %d packets received
    %d packets to unknown port received
    %d packet receive errors
    %d packets sent
    %d receive buffer errors
    0 send buffer errors
`, s.UDP.InDatagrams, s.UDP.NoPorts, s.UDP.InErrors, s.UDP.OutDatagrams, s.UDP.RcvbufErrors)
	}
	if all || tcp {
		fmt.Fprint(p.out, "TcpExt:\n", counted(s.TCP.ListenOverflows, "%d times the listen queue of a socket overflowed"),
			counted(s.TCP.TCPFastRetrans, "%d fast retransmits"), counted(s.TCP.TCPTimeouts, "TCPTimeouts: %d"))
	}
	return 0
}

// counted returns the line of a counter, if there is something to tell.
func counted(n uint64, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("    "+format+"\n", n)
}

// histogram returns the kinds of ICMP messages of which there are some.
func histogram(unreachable, exceeded, echos, replies uint64) string {
	return counted(unreachable, "    destination unreachable: %d") + counted(exceeded, "    timeout in transit: %d") +
		counted(echos, "    echo requests: %d") + counted(replies, "    echo replies: %d")
}
