package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"podnet.dev/podnet"
)

// ip is ip [-4|-6|-s] address|link|route [show] [dev name], with busybox's
// output and, with -s, iproute2's counters, and ip route add, del, get… as [podnet.Container.IPRoute] has it.
// Addresses and links are the Pod's and fixed.
func ip(_ context.Context, p *proc) int {
	family, object, stats := 0, "", false
	args := p.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-4":
			family = 4
		case "-6":
			family = 6
		case "-s", "-stats", "-statistics":
			stats = true
		default:
			return p.usageError()
		}
		args = args[1:]
	}
	if len(args) > 0 {
		object, args = args[0], args[1:]
	}
	if object != "" && isPrefix(object, "route") && len(args) > 0 && !isPrefix(args[0], "show", "list", "ls") && args[0] != "dev" {
		return p.ipRoute(family, args)
	}
	if len(args) > 0 && isPrefix(args[0], "show", "list", "ls") {
		args = args[1:]
	}
	if len(args) > 1 && args[0] == "dev" {
		args = args[1:]
	}
	dev := ""
	if len(args) > 0 {
		dev, args = args[0], args[1:]
	}
	for _, word := range []string{"add", "del", "set", "flush", "change", "replace"} {
		if dev == word {
			p.errorf("RTNETLINK answers: Operation not permitted")
			return 2
		}
	}
	if len(args) > 0 {
		return p.usageError()
	}
	links := p.Interfaces()
	if dev != "" {
		kept := links[:0]
		for _, l := range links {
			if l.Name == dev {
				kept = append(kept, l)
			}
		}
		if links = kept; len(links) == 0 {
			p.errorf("can't find device '%s'", dev)
			return 1
		}
	}
	switch {
	case object != "" && isPrefix(object, "address"):
		for _, l := range links {
			p.showLink(l, family == 0)
			p.showAddrs(l, family)
		}
	case object != "" && isPrefix(object, "link"):
		for _, l := range links {
			p.showLink(l, true)
			if stats {
				p.showCounters(l)
			}
		}
	case object != "" && isPrefix(object, "route"):
		p.showRoutes(links, family)
	default:
		return p.usageError()
	}
	return 0
}

// ipRoute is ip route add, del, get and the like.
func (p *proc) ipRoute(family int, args []string) int {
	if family != 0 {
		args = append([]string{fmt.Sprintf("-%d", family)}, args...)
	}
	out, err := p.IPRoute(args...)
	fmt.Fprint(p.out, out)
	var e *podnet.CommandError
	if errors.As(err, &e) && strings.HasPrefix(e.Stderr, "RTNETLINK") {
		fmt.Fprintf(p.err, "%s: ", p.name) // as busybox has it
	}
	return p.failed(err)
}

// isPrefix reports whether word abbreviates one of the full words.
func isPrefix(word string, full ...string) bool {
	for _, f := range full {
		if strings.HasPrefix(f, word) {
			return true
		}
	}
	return false
}

func linkFlags(l podnet.Interface) string {
	var flags []string
	for _, f := range []struct {
		flag net.Flags
		name string
	}{{net.FlagLoopback, "LOOPBACK"}, {net.FlagBroadcast, "BROADCAST"}, {net.FlagPointToPoint, "POINTOPOINT"}, {net.FlagMulticast, "MULTICAST"}} {
		if l.Flags&f.flag != 0 {
			flags = append(flags, f.name)
		}
	}
	if l.Flags&net.FlagUp != 0 {
		flags = append(flags, "UP", "LOWER_UP")
	}
	return strings.Join(flags, ",")
}

func (p *proc) showLink(l podnet.Interface, hardware bool) {
	fmt.Fprintf(p.out, "%d: %s: <%s> mtu %d qdisc noqueue \n", l.Index, l.Name, linkFlags(l), l.MTU)
	if !hardware {
		return
	}
	kind, brd, mac := "ether", "ff:ff:ff:ff:ff:ff", l.HardwareAddr
	if l.Flags&net.FlagLoopback != 0 {
		kind, brd, mac = "loopback", "00:00:00:00:00:00", "00:00:00:00:00:00"
	}
	fmt.Fprintf(p.out, "    link/%s %s brd %s\n", kind, mac, brd)
}

// showCounters writes what iproute2's ip -s link does. Links lose nothing by
// themselves.
func (p *proc) showCounters(l podnet.Interface) {
	fmt.Fprintf(p.out, "    RX: %6s %7s %6s %7s %7s %7s %10s\n", "bytes", "packets", "errors", "dropped", "missed", "mcast", "")
	fmt.Fprintf(p.out, "    %10d %7d %6d %7d %7d %7d \n", l.RxBytes, l.RxPackets, 0, 0, 0, 0)
	fmt.Fprintf(p.out, "    TX: %6s %7s %6s %7s %7s %7s %10s\n", "bytes", "packets", "errors", "dropped", "carrier", "collsns", "")
	fmt.Fprintf(p.out, "    %10d %7d %6d %7d %7d %7d \n", l.TxBytes, l.TxPackets, 0, 0, 0, 0)
}

func (p *proc) showAddrs(l podnet.Interface, family int) {
	for _, a := range l.Addrs {
		if family == 4 && !a.Addr().Is4() || family == 6 && a.Addr().Is4() {
			continue
		}
		word, scope, brd := "inet", "global", ""
		if !a.Addr().Is4() {
			word = "inet6"
		}
		switch {
		case a.Addr().IsLoopback():
			scope = "host"
		case a.Addr().IsLinkLocalUnicast():
			scope = "link"
		}
		label := " " + l.Name
		if !a.Addr().Is4() {
			label = " "
		} else if b := broadcast(a); b.IsValid() && !a.Addr().IsLoopback() {
			brd = " brd " + b.String()
		}
		fmt.Fprintf(p.out, "    %s %s%s scope %s%s\n       valid_lft forever preferred_lft forever\n", word, a, brd, scope, label)
	}
}

// broadcast is the last address of an IPv4 subnet, if the subnet has one.
func broadcast(a netip.Prefix) netip.Addr {
	if !a.Addr().Is4() || a.Bits() > 30 {
		return netip.Addr{}
	}
	b := a.Addr().As4()
	for i := a.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

// showRoutes shows the routes of a family through the links.
func (p *proc) showRoutes(links []podnet.Interface, family int) {
	for _, r := range p.Routes() {
		if r.Dst.Addr().Is6() != (family == 6) || r.Dev != "" && !slices.ContainsFunc(links, func(l podnet.Interface) bool { return l.Name == r.Dev }) {
			continue
		}
		to := r.Dst.String()
		switch {
		case r.Dst.Bits() == 0:
			to = "default"
		case r.Dst.IsSingleIP():
			to = r.Dst.Addr().String()
		}
		if r.Type != "" {
			to = r.Type + " " + to
		}
		if r.Gateway.IsValid() {
			to += " via " + r.Gateway.String()
		}
		if r.Dev != "" {
			to += " dev " + r.Dev
		}
		if r.Scope != "" && family != 6 {
			to += " scope " + r.Scope + " "
		}
		if r.Src.IsValid() {
			to += " src " + r.Src.String()
		}
		if r.Metric != 0 {
			to += fmt.Sprintf("  metric %d", r.Metric)
		}
		fmt.Fprintln(p.out, to+" ")
	}
}

// ifconfig is ifconfig [-a] [name]. There are no counters to show.
func ifconfig(_ context.Context, p *proc) int {
	_, names, ok := p.flags("a")
	if !ok {
		return 1
	}
	if len(names) > 1 {
		p.errorf("SIOCSIFADDR: Operation not permitted")
		return 1
	}
	found := false
	for _, l := range p.Interfaces() {
		if len(names) == 1 && l.Name != names[0] {
			continue
		}
		found = true
		p.showIfconfig(l)
	}
	if !found && len(names) == 1 {
		p.errorf("%s: error fetching interface information: Device not found", names[0])
		return 1
	}
	return 0
}

func (p *proc) showIfconfig(l podnet.Interface) {
	loopback := l.Flags&net.FlagLoopback != 0
	if loopback {
		fmt.Fprintf(p.out, "%-9s Link encap:Local Loopback  \n", l.Name)
	} else {
		fmt.Fprintf(p.out, "%-9s Link encap:Ethernet  HWaddr %s  \n", l.Name, strings.ToUpper(l.HardwareAddr))
	}
	for _, a := range l.Addrs {
		if a.Addr().Is4() {
			line := "          inet addr:" + a.Addr().String()
			if b := broadcast(a); b.IsValid() && !loopback {
				line += "  Bcast:" + b.String()
			}
			fmt.Fprintf(p.out, "%s  Mask:%s\n", line, net.IP(net.CIDRMask(a.Bits(), 32)))
		}
	}
	for _, a := range l.Addrs {
		if !a.Addr().Is4() {
			scope := "Global"
			switch {
			case a.Addr().IsLoopback():
				scope = "Host"
			case a.Addr().IsLinkLocalUnicast():
				scope = "Link"
			}
			fmt.Fprintf(p.out, "          inet6 addr: %s Scope:%s\n", a, scope)
		}
	}
	words := ""
	if l.Flags&net.FlagUp != 0 {
		words += "UP "
	}
	for _, f := range []struct {
		flag net.Flags
		name string
	}{{net.FlagBroadcast, "BROADCAST "}, {net.FlagLoopback, "LOOPBACK "}, {net.FlagUp, "RUNNING "}, {net.FlagMulticast, "MULTICAST "}} {
		if l.Flags&f.flag != 0 {
			words += f.name
		}
	}
	fmt.Fprintf(p.out, "          %s MTU:%d  Metric:1\n\n", words, l.MTU)
}
