package kubeproxy

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func stickyWeb(n int) Service {
	return with(web(endpoints(n)...), func(s *Service) { s.Affinity = 3 * time.Hour })
}

// at is a connection some time after the start.
func at(src string, after time.Duration) Query {
	q := from(src, "10.96.0.50:80")
	q.Now = start.Add(after)
	return q
}

func TestAffinityKeepsAClientAtItsEndpoint(t *testing.T) {
	table := newTable(stickyWeb(7))
	first := make(map[string]netip.AddrPort)
	for i := range 40 {
		client := fmt.Sprintf("10.244.9.%d", i+1)
		first[client] = table.Translate(at(client, 0)).To
	}
	different := make(map[netip.AddrPort]bool)
	for client, endpoint := range first {
		different[endpoint] = true
		for i := range 20 {
			assert.Equal(t, endpoint, table.Translate(at(client, time.Duration(i)*time.Minute)).To)
		}
	}
	assert.Greater(t, len(different), 3, "not all clients are at one endpoint")
}

func TestAffinitySlidesAndEnds(t *testing.T) {
	table := newTable(stickyWeb(100))
	want := table.Translate(at(pod, 0)).To
	now := time.Duration(0)
	for range 20 {
		now += 3 * time.Hour // to the second it still counts
		require.Equal(t, want, table.Translate(at(pod, now)).To)
	}
	other := 0
	for range 5 { // one in a hundred would come back by chance
		now += 3*time.Hour + time.Second
		next := table.Translate(at(pod, now)).To
		if next != want {
			other++
		}
		want = next
	}
	assert.GreaterOrEqual(t, other, 4)
}

func TestAffinityIsOfANode(t *testing.T) {
	table := newTable(stickyWeb(100))
	different := make(map[netip.AddrPort]bool)
	for node := range 10 {
		q := at(pod, 0)
		q.Node = fmt.Sprintf("node-%d", node)
		different[table.Translate(q).To] = true
	}
	assert.Greater(t, len(different), 5)
}

func TestAffinityIsForgottenWithItsEndpoint(t *testing.T) {
	s := stickyWeb(2)
	table := newTable(s)
	gone := table.Translate(at(pod, 0)).To
	rest := s
	rest.Endpoints = nil
	for _, e := range s.Endpoints {
		if e.Addr != gone.Addr() {
			rest.Endpoints = append(rest.Endpoints, e)
		}
	}
	table.Set(rest)
	moved := table.Translate(at(pod, time.Second)).To
	assert.NotEqual(t, gone, moved)
	table.Set(s) // it is back, and nobody remembers
	for i := range 20 {
		assert.Equal(t, moved, table.Translate(at(pod, time.Duration(i)*time.Second)).To)
	}
	// Switched off and on again, nothing is remembered.
	off := s
	off.Affinity = 0
	table.Set(off)
	seen := make(map[netip.AddrPort]bool)
	for range 50 {
		seen[table.Translate(at(pod, 0)).To] = true
	}
	assert.Len(t, seen, 2)
}

func TestAffinityRemembersAHundredClientsOfAnEndpoint(t *testing.T) {
	table := newTable(stickyWeb(1))
	for i := range 1000 {
		table.Translate(at(fmt.Sprintf("10.244.%d.%d", i/250, i%250+1), 0))
	}
	r := table.frontends[frontend{addrPort("10.96.0.50:80"), TCP}].port.sticky.recent["node-1"][addrPort("10.244.0.1:8080")]
	assert.Len(t, r.seen, recentSize)
	assert.Equal(t, recentSize, r.order.Len())
	assert.Contains(t, r.seen, addr("10.244.3.250"), "the latest are kept")
}
