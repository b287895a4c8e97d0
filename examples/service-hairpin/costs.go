package main

import (
	"bufio"
	"context"
	"net"
	"slices"
	"time"
)

// batch is how many calls are made one way before it is the other's turn. What a
// connection leaves to do when it is closed is then its own way's.
const batch = 50

// showCosts measures both ways by turns, so that what else the machine does counts
// for both.
func (s *story) showCosts(ctx context.Context, calls int) error {
	ways := []*way{
		{name: "localhost", host: "localhost", address: overLocalhost},
		{name: "the Service", host: "sidecar", address: throughService},
	}
	for _, w := range ways {
		if err := w.open(ctx, s); err != nil {
			return err
		}
		defer w.conn.Close()
	}
	for range calls / batch {
		for _, w := range ways {
			if err := w.measure(ctx, s); err != nil {
				return err
			}
		}
	}
	s.say(0, "\n3. What it costs: medians of %d calls each way, in turns", len(ways[0].requests))
	s.say(3, "%-12s %9s  %9s  %9s  %s", "", "look-up", "connect", "request", "entries in "+s.shop.Node()+"'s conntrack")
	for _, w := range ways {
		s.say(3, "%-12s %9s  %9s  %9s  %d", w.name, median(w.lookups), median(w.connects), median(w.requests), s.entriesOf(w))
	}
	l, c, r := ratio(ways[0].lookups, ways[1].lookups), ratio(ways[0].connects, ways[1].connects), ratio(ways[0].requests, ways[1].requests)
	s.say(3, "%-12s %8.1f×  %8.1f×  %8.1f×", "ratio", l, c, r)
	return nil
}

// way is one of two ways to the sidecar, and how long it takes.
type way struct {
	name, host, address string
	conn                net.Conn // for requests
	reader              *bufio.Reader

	lookups, connects, requests []time.Duration
}

func (w *way) open(ctx context.Context, s *story) (err error) {
	if w.conn, err = s.app.DialContext(ctx, "tcp4", w.address); err == nil {
		w.reader = bufio.NewReader(w.conn)
	}
	return err
}

// measure looks the name up some times, connects some times to the address, and
// makes some requests over the connection that is open.
func (w *way) measure(ctx context.Context, s *story) (err error) {
	w.lookups, err = timed(w.lookups, func() error {
		_, err := s.app.Resolver().LookupNetIP(ctx, "ip4", w.host)
		return err
	})
	if err != nil {
		return err
	}
	var conns []net.Conn
	w.connects, err = timed(w.connects, func() error {
		conn, err := s.app.DialContext(ctx, "tcp4", w.conn.RemoteAddr().String())
		if err == nil {
			conns = append(conns, conn)
		}
		return err
	})
	for _, c := range conns {
		c.Close()
	}
	if err != nil {
		return err
	}
	w.requests, err = timed(w.requests, func() error { return request(w.conn, w.reader) })
	return err
}

// timed does something batch times and appends how long it took each time.
func timed(times []time.Duration, do func() error) ([]time.Duration, error) {
	for range batch {
		start := time.Now()
		if err := do(); err != nil {
			return times, err
		}
		times = append(times, time.Since(start))
	}
	return times, nil
}

// entriesOf counts what the nodes know of a way's connections.
func (s *story) entriesOf(w *way) (count int) {
	for _, n := range s.cluster.Nodes() {
		for _, t := range n.Conntrack() {
			if t.Dst.String() == w.conn.RemoteAddr().String() {
				count++
			}
		}
	}
	return count
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2].Round(100 * time.Nanosecond)
}

// ratio is how many times as long the second takes as the first.
func ratio(first, second []time.Duration) float64 {
	return float64(median(second)) / float64(median(first))
}
