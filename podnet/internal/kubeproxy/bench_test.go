package kubeproxy

import (
	"fmt"
	"net/netip"
	"testing"
)

// manyServices returns a table of n Services with three endpoints each.
func manyServices(n int) *Table {
	table := newTable()
	for i := range n {
		s := web(endpoints(3)...)
		s.Name, s.ClusterIPs = fmt.Sprintf("svc%d", i), []netip.Addr{netip.AddrFrom4([4]byte{10, 96, byte(i >> 8), byte(i)})}
		table.Set(s)
	}
	return table
}

func BenchmarkTranslate(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000, 10000} {
		table := manyServices(n)
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			q := from(pod, fmt.Sprintf("10.96.%d.%d:80", (n-1)>>8, (n-1)&255))
			b.ReportAllocs()
			for b.Loop() {
				if table.Translate(q).Kind != DNAT {
					b.Fatal("no endpoint")
				}
			}
		})
	}
}

func BenchmarkTranslateInParallel(b *testing.B) {
	table := manyServices(100)
	b.RunParallel(func(pb *testing.PB) {
		q := from(pod, "10.96.0.7:80")
		for pb.Next() {
			table.Translate(q)
		}
	})
}

func BenchmarkSet(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		b.Run(fmt.Sprintf("endpoints=%d", n), func(b *testing.B) {
			table, s := newTable(), web(endpoints(n)...)
			b.ReportAllocs()
			for b.Loop() {
				table.Set(s)
			}
		})
	}
}
