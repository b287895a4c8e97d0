package podnet

import (
	"net/netip"
	"time"
)

// Always is the Script that treats every packet alike: Always(Drop) makes a port a
// black hole, Always(Reject) refuses, and Always(Reset) resets connections at their
// next packet.
func Always(v Verdict) Script { return func(Packet) Verdict { return v } }

// FailFirst refuses the first n TCP connections, and lets all others pass.
func FailFirst(n int) Script {
	return func(p Packet) Verdict {
		if !p.Opens() || n <= 0 {
			return Pass
		}
		n--
		return Reject
	}
}

// Every gives every k'th packet a verdict, and lets the others pass; k less than 1
// counts as 1.
func Every(k int, v Verdict) Script {
	count := 0
	return func(Packet) Verdict {
		if count++; count < k {
			return Pass
		}
		count = 0
		return v
	}
}

// ResetAfter resets each TCP connection with the packet that brings what one of its
// ends has sent, and what it has sent again, to more than n bytes. That packet does
// not arrive.
func ResetAfter(n int) Script {
	type direction struct{ src, dst netip.AddrPort }
	sent := make(map[direction]int)
	return func(p Packet) Verdict {
		d := direction{p.Src, p.Dst}
		switch {
		case p.Protocol != ProtocolTCP:
			return Pass
		case p.Flags&SYN != 0:
			sent[d] = 0
			return Pass
		case p.Flags&RST != 0:
			delete(sent, d)
			delete(sent, direction{p.Dst, p.Src})
			return Pass
		}
		if p.Length > 0 {
			sent[d] += p.Length
		}
		if sent[d] > n {
			delete(sent, d)
			delete(sent, direction{p.Dst, p.Src})
			return Reset
		}
		return Pass
	}
}

// SlowClose lets the end of what a side sends arrive later: each packet with FIN.
func SlowClose(d time.Duration) Script {
	return func(p Packet) Verdict {
		if p.Flags&FIN != 0 {
			return DelayBy(d)
		}
		return Pass
	}
}
