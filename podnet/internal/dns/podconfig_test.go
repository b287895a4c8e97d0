package dns

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAppend(t *testing.T) {
	cluster := ClusterFirst("shop", "cluster.local", "10.96.0.10")
	got := cluster.Append([]string{"1.1.1.1", "10.96.0.10", "1.1.1.1"}, []string{"svc.cluster.local", "example.com", "example.com"},
		[]Option{{"ndots", "2"}, {"edns0", ""}, {"timeout", "1"}, {"timeout", "3"}})
	assert.Equal(t, "search shop.svc.cluster.local svc.cluster.local cluster.local example.com\n"+
		"nameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2 edns0 timeout:3\n", got.String())
	assert.Equal(t, []string{"ndots:5"}, cluster.Options, "it stays as it was")
	assert.Equal(t, "nameserver 1.2.3.4\n", ResolvConf{}.Append([]string{"1.2.3.4"}, nil, nil).String())
	assert.Equal(t, "options ndots\n", ResolvConf{Options: []string{"ndots:5"}}.Append(nil, nil, []Option{{"ndots", ""}}).String())
	assert.Equal(t, cluster, cluster.Append(nil, nil, nil))
}

func TestLimit(t *testing.T) {
	many := func(n, size int) (list []string) {
		for i := range n {
			s := fmt.Sprintf("d%02d", i)
			list = append(list, s+strings.Repeat("x", size-len(s)))
		}
		return list
	}
	long := strings.Repeat("x", 254)
	const searchText = "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
	for name, tt := range map[string]struct {
		search []string
		fit    int // of search
	}{
		"none":                    {nil, 0},
		"32 of them":              {many(32, 10), 32},
		"33 of them":              {many(33, 10), 32},
		"2048 bytes with spaces":  {slices.Concat(many(8, 249), many(1, 48)), 9},
		"2049 bytes with spaces":  {slices.Concat(many(8, 249), many(1, 49)), 8},
		"too many, and too long":  {many(40, 100), 20},
		"the last one as long as": {many(1, 253), 1},
	} {
		fits, warnings := ResolvConf{Search: tt.search}.Limit()
		assert.Equal(t, strings.Join(tt.search[:tt.fit], " "), strings.Join(fits.Search, " "), name)
		if tt.fit == len(tt.search) {
			assert.Empty(t, warnings, name)
		} else {
			assert.Equal(t, []string{searchText + strings.Join(tt.search[:tt.fit], " ")}, warnings, name)
		}
	}
	fits, warnings := ResolvConf{Search: []string{"a", long, "b"}, Nameservers: many(4, 3)}.Limit()
	assert.Equal(t, ResolvConf{Search: []string{"a", "b"}, Nameservers: many(3, 3)}, fits)
	assert.Equal(t, []string{
		"Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: d00 d01 d02",
		searchText + "a b",
	}, warnings)
}
