package netfilter

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fragments returns three fragments of a datagram.
func fragments(t testing.TB, id uint16, port int) []*Packet {
	list := wire{proto: UDP, src: fmt.Sprint("10.0.0.1:", port), dst: "10.0.0.2:2", data: strings.Repeat("x", 250), id: id}.packet(t).Cut(120)
	require.Len(t, list, 3)
	for _, p := range list {
		if p.offset > 0 { // as they come from elsewhere
			p.tuple.srcPort, p.tuple.dstPort = 0, 0
		}
	}
	return list
}

func TestFragmentsGoTheFirstOnesWay(t *testing.T) {
	for name, order := range map[string][]int{
		"in order": {0, 1, 2}, "the first one last": {1, 2, 0}, "the first one between": {2, 0, 1},
		"the first one twice": {1, 0, 0, 2}, "others twice": {1, 1, 0, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			var f Fragments
			defer f.Close()
			list := fragments(t, 7, 1000)
			bytes := make([][]byte, len(list))
			for i, p := range list {
				bytes[i] = p.all()
				p.Release()
			}
			went := 0
			known := false
			waiting := 0
			for _, i := range order {
				p, ok := FromBytes(bytes[i])
				require.True(t, ok)
				got := f.Sort(p)
				switch {
				case i == 0:
					assert.Len(t, got, 1+waiting)
					assert.Equal(t, 0, got[0].offset, "the first one goes first")
					known, waiting = true, 0
				case known:
					assert.Len(t, got, 1)
				default:
					assert.Empty(t, got)
					waiting++
				}
				for _, q := range got {
					assert.Equal(t, "udp 10.0.0.1:1000 > 10.0.0.2:2", q.Tuple().String())
					went++
					q.Release()
				}
			}
			assert.Equal(t, len(order), went)
		})
	}
}

func TestWhatIsNoFragmentIsNotSorted(t *testing.T) {
	var f Fragments
	p := wire{proto: UDP, src: "10.0.0.1:1", dst: "10.0.0.2:2"}.packet(t)
	defer p.Release()
	assert.Equal(t, []*Packet{p}, f.Sort(p))
}

// What an ICMP message is, its first fragment says.
func TestFragmentsOfAnICMPError(t *testing.T) {
	var f Fragments
	defer f.Close()
	for _, p := range (wire{proto: ICMP, src: "10.0.0.1", dst: "10.0.0.2", icmp: [2]uint8{3, 3}, data: strings.Repeat("x", 500), id: 3}).packet(t).Cut(300) {
		b := p.all()
		p.Release()
		p, _ = FromBytes(b)
		for _, q := range f.Sort(p) {
			assert.True(t, q.IsICMPError())
			q.Release()
		}
	}
}

// IPv6's fragments may differ in the next header: the first one may have more
// extensions.
func TestFragmentsOfIPv6WithOtherNextHeaders(t *testing.T) {
	var f Fragments
	defer f.Close()
	first := wire{proto: UDP, src: "[fd00::1]:1", dst: "[fd00::2]:2", extFirst: 44, ext: []byte{60, 0, 0, 1, 0, 0, 0, 9, UDP, 0, 1, 4, 0, 0, 0, 0}, data: "x"}.packet(t)
	later := wire{proto: 132, src: "fd00::1", dst: "fd00::2", extFirst: 44, ext: []byte{60, 0, 0, 24, 0, 0, 0, 9}, data: "y"}.packet(t)
	require.True(t, later.LaterFragment())
	assert.Empty(t, f.Sort(later))
	assert.Equal(t, []*Packet{first, later}, f.Sort(first))
	assert.Equal(t, first.Tuple(), later.Tuple())
	first.Release()
	later.Release()
}

func TestFragmentsDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Fragments
		defer f.Close()
		old := fragments(t, 7, 1000)
		assert.Empty(t, f.Sort(old[1]))
		time.Sleep(fragmentTimeout)
		assert.Len(t, f.Sort(old[0]), 1, "the other one has gone")
		old[0].Release()
		assert.Len(t, f.Sort(old[2]), 1)
		old[2].Release()
		time.Sleep(fragmentTimeout)
		// The number is used again.
		next := fragments(t, 7, 2000)
		assert.Empty(t, f.Sort(next[1]))
		got := f.Sort(next[0])
		assert.Len(t, got, 2)
		for _, p := range got {
			assert.EqualValues(t, 2000, p.Tuple().Src().Port())
			p.Release()
		}
		next[2].Release()
	})
}

// However many datagrams there are, those that are under way arrive.
func TestDatagramsUnderWayAreNotForgotten(t *testing.T) {
	var f Fragments
	defer f.Close()
	var underWay [][]*Packet
	for id := range uint16(2000) {
		list := fragments(t, id, 1000)
		for _, p := range f.Sort(list[0]) {
			p.Release()
		}
		underWay = append(underWay, list)
		if len(underWay) < 100 {
			continue
		}
		for _, p := range underWay[0][1:] {
			require.Len(t, f.Sort(p), 1)
			p.Release()
		}
		underWay = underWay[1:]
	}
	for _, list := range underWay {
		list[1].Release()
		list[2].Release()
	}
	assert.LessOrEqual(t, len(f.datagrams), maxDatagrams)
	assert.LessOrEqual(t, len(f.order), maxDatagrams)
}

func TestFewFragmentsWait(t *testing.T) {
	var f Fragments
	for id := range uint16(3 * maxDatagrams) {
		list := fragments(t, id, 1000)
		f.Sort(list[1])
		f.Sort(list[2])
		list[0].Release()
	}
	assert.Len(t, f.datagrams, maxDatagrams)
	for range 2 * maxWaiting {
		list := fragments(t, 1, 1000)
		f.Sort(list[1])
		list[0].Release()
		list[2].Release()
	}
	f.Close()
	// A closed one keeps nothing; the first ones go through.
	list := fragments(t, 2, 1000)
	assert.Empty(t, f.Sort(list[1]))
	assert.Len(t, f.Sort(list[0]), 1)
	list[0].Release()
	list[2].Release()
}
