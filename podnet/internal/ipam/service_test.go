package ipam

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServiceRangeGivesTheUpperPartFirst(t *testing.T) {
	for _, tt := range []struct {
		prefix        string
		static, whole int // addresses that are kept for who asks, and all
	}{
		{"10.96.0.0/16", 256, 0},
		{"10.96.0.0/20", 256, 4094},
		{"10.96.0.0/22", 64, 1022},
		{"10.96.0.0/24", 16, 254},
		{"10.96.0.0/27", 16, 30},
		{"10.96.0.0/28", 0, 14},
		{"10.96.0.0/30", 0, 2},
		{"10.96.0.0/31", 0, -1},
		{"10.96.0.0/32", 0, -1},
		{"fd00::/124", 0, 15},
		{"fd00::/120", 16, 255},
		{"fd00::/112", 256, 0},
		{"fd00::/64", 256, 0},
		{"fd00::/48", 256, 0},
	} {
		t.Run(tt.prefix, func(t *testing.T) {
			prefix := netip.MustParsePrefix(tt.prefix)
			r := NewServiceRange(prefix, 1)
			assert.EqualValues(t, tt.static, r.static)
			seen := make(map[netip.Addr]bool)
			all := tt.whole
			if all == 0 {
				all = 500 // of more than anybody counts
			}
			border := plus(r.first, r.static)
			for i := range max(all, 0) {
				a, err := r.Next()
				require.NoError(t, err)
				require.False(t, seen[a], "%s twice", a)
				seen[a] = true
				require.True(t, prefix.Contains(a) && a != prefix.Addr(), "%s", a)
				if tt.whole == 0 || i < tt.whole-tt.static {
					require.False(t, a.Less(border), "%s is one of the lower part", a)
				}
			}
			if tt.whole != 0 {
				_, err := r.Next()
				assert.ErrorIs(t, err, ErrFull)
			}
			for a := range seen {
				r.Release(a)
				got, err := r.Next()
				require.NoError(t, err)
				if tt.whole != 0 {
					assert.Equal(t, a, got, "the only one that is free")
				}
				break
			}
		})
	}
}

func TestServiceRangeTakes(t *testing.T) {
	r := NewServiceRange(netip.MustParsePrefix("10.96.0.99/16"), 1)
	for _, tt := range []struct{ addr, err string }{
		{"10.96.0.1", ""},
		{"10.96.0.1", "provided IP is already allocated"},
		{"10.96.255.254", ""},
		{"10.96.0.0", "the provided IP (10.96.0.0) is not in the valid range. The range of valid IPs is 10.96.0.0/16"},
		{"10.96.255.255", "the provided IP (10.96.255.255) is not in the valid range. The range of valid IPs is 10.96.0.0/16"},
		{"10.97.0.1", "the provided network does not match the current range"},
		{"fd00::1", "the provided network does not match the current range"},
	} {
		if err := r.Take(netip.MustParseAddr(tt.addr)); tt.err == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, tt.err)
		}
	}
	r.Release(netip.MustParseAddr("10.96.0.1"))
	assert.NoError(t, r.Take(netip.MustParseAddr("10.96.0.1")))
	six := NewServiceRange(netip.MustParsePrefix("fd00::/112"), 1)
	assert.NoError(t, six.Take(netip.MustParseAddr("fd00::ffff")), "IPv6 has no broadcast address")
}

func TestPortRange(t *testing.T) {
	r := NewPortRange(30000, 32767, 1)
	const static = 86
	seen := make(map[int32]bool)
	for i := range 2768 {
		p, err := r.Next()
		require.NoError(t, err)
		require.False(t, seen[p])
		seen[p] = true
		require.Equal(t, i < 2768-static, p >= 30000+static, "%d", p)
	}
	_, err := r.Next()
	assert.ErrorIs(t, err, ErrFull)
	assert.EqualError(t, r.Take(30000), "provided port is already allocated")
	r.Release(30000)
	assert.NoError(t, r.Take(30000))
	for _, p := range []int32{29999, 32768, 0, -1, 30000 + 65536} {
		assert.EqualError(t, r.Take(p), "provided port is not in the valid range. The range of valid ports is 30000-32767")
	}
}

func TestLotsCanBeDrawnAgain(t *testing.T) {
	r := NewServiceRange(netip.MustParsePrefix("10.96.0.0/16"), 1)
	draw := func() string {
		var list []netip.Addr
		for range 3 {
			a, err := r.Next()
			require.NoError(t, err)
			list = append(list, a)
		}
		for _, a := range list {
			r.Release(a)
		}
		return fmt.Sprint(list)
	}
	rewind := r.Mark()
	first := draw()
	assert.NotEqual(t, first, draw())
	rewind()
	assert.Equal(t, first, draw())
}

func TestPlus(t *testing.T) {
	for _, tt := range []struct {
		addr string
		n    uint64
		want string
	}{
		{"10.0.0.255", 1, "10.0.1.0"}, {"10.0.0.0", 1 << 24, "11.0.0.0"}, {"10.255.255.255", 1, "11.0.0.0"},
		{"fd00::ffff", 1, "fd00::1:0"}, {"fd00::", 1<<64 - 1, "fd00::ffff:ffff:ffff:ffff"}, {"fd00::1", 1<<64 - 1, "fd00:0:0:1::"},
	} {
		assert.Equal(t, tt.want, plus(netip.MustParseAddr(tt.addr), tt.n).String())
	}
}
