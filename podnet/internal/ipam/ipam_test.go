package ipam

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNodeRanges(t *testing.T) {
	for _, tt := range []struct {
		cluster string
		nodes   int
		want    []string
		err     string
	}{
		{"10.244.0.0/16", 3, []string{"10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"}, ""},
		{"fd00:10:244::/56", 2, []string{"fd00:10:244::/64", "fd00:10:244:1::/64"}, ""},
		{"10.0.0.0/24", 1, []string{"10.0.0.0/24"}, ""},
		{"10.0.0.0/24", 3, []string{"10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26"}, ""},
		{"10.0.0.0/28", 5, nil, "ipam: range 10.0.0.0/28 is too small for 5 nodes"},
		{"10.0.0.0/31", 1, nil, "ipam: range 10.0.0.0/31 is too small for 1 nodes"},
	} {
		got, err := NodeRanges(netip.MustParsePrefix(tt.cluster), tt.nodes)
		if tt.err != "" {
			assert.EqualError(t, err, tt.err)
			continue
		}
		require.NoError(t, err)
		var texts []string
		for _, p := range got {
			texts = append(texts, p.String())
		}
		assert.Equal(t, tt.want, texts)
	}
}

func TestNodeRangesCrossBytes(t *testing.T) {
	got, err := NodeRanges(netip.MustParsePrefix("10.0.0.0/8"), 300)
	require.NoError(t, err)
	assert.Equal(t, "10.1.43.0/24", got[299].String())
}

func TestAddressesAreGivenInTurn(t *testing.T) {
	a := NewAllocator(netip.MustParsePrefix("10.244.0.0/29"))
	assert.Equal(t, "10.244.0.1", a.Gateway().String())
	take := func() string {
		addr, err := a.Allocate()
		if err != nil {
			return err.Error()
		}
		return addr.String()
	}
	assert.Equal(t, "10.244.0.2", take())
	assert.Equal(t, "10.244.0.3", take())
	a.Release(netip.MustParseAddr("10.244.0.2"))
	assert.Equal(t, "10.244.0.4", take(), "not the released one yet")
	assert.Equal(t, "10.244.0.5", take())
	assert.Equal(t, "10.244.0.6", take())
	assert.Equal(t, "10.244.0.2", take(), "round again, past the gateway")
	assert.Equal(t, "no IP addresses available in range set: 10.244.0.1-10.244.0.6", take())
	_, err := a.Allocate()
	assert.ErrorIs(t, err, ErrExhausted)
	a.Release(netip.MustParseAddr("10.244.0.4"))
	assert.Equal(t, "10.244.0.4", take())
}

func TestIPv6Addresses(t *testing.T) {
	a := NewAllocator(netip.MustParsePrefix("fd00:10:244::/64"))
	for _, want := range []string{"fd00:10:244::2", "fd00:10:244::3"} {
		addr, err := a.Allocate()
		require.NoError(t, err)
		assert.Equal(t, want, addr.String())
	}
}

func TestTheLastRangeThereIs(t *testing.T) {
	a := NewAllocator(netip.MustParsePrefix("255.255.255.252/30"))
	addr, err := a.Allocate()
	require.NoError(t, err)
	assert.Equal(t, "255.255.255.254", addr.String())
	_, err = a.Allocate()
	assert.ErrorIs(t, err, ErrExhausted)
}

func TestFree(t *testing.T) {
	a := NewAllocator(netip.MustParsePrefix("10.244.0.0/29"))
	var last netip.Addr
	for i := range 5 {
		assert.True(t, a.Free(5-i))
		assert.False(t, a.Free(6-i))
		last, _ = a.Allocate()
	}
	assert.False(t, a.Free(1))
	_, err := a.Allocate()
	assert.ErrorIs(t, err, ErrExhausted)
	a.Release(last)
	assert.True(t, a.Free(1))
	assert.True(t, NewAllocator(netip.MustParsePrefix("255.255.255.252/30")).Free(1))
	assert.True(t, NewAllocator(netip.MustParsePrefix("fd00::/64")).Free(1))
}
