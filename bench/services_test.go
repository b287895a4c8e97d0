package bench

import (
	"fmt"
	"testing"

	"podnet.dev/podnet"
)

// BenchmarkServices measures a connection through a Service among others: each new
// connection asks for the Service, and the round trips on it do not.
func BenchmarkServices(b *testing.B) {
	sizes(b, "services", []int{1, 10, 100, 1000, 10_000}, func(b *testing.B, n int) {
		c := shop(b, podnet.Config{})
		var objects []podnet.Object
		for i := range n - 1 {
			objects = append(objects, podnet.ServiceSpec{
				Name: fmt.Sprintf("s-%d", i), Selector: map[string]string{"app": "near"}, Ports: []podnet.ServicePort{{Port: 7000}},
			})
		}
		if err := c.Apply(b.Context(), objects...); err != nil {
			b.Fatal(err)
		}
		name := "near"
		if n > 1 {
			name = fmt.Sprintf("s-%d", n/2-1)
		}
		o := connect(b, ends(container(c, "a"), c.Pod("", "near"), port(c.Service("", name).ClusterIP())))
		for b.Loop() {
			if err := o.do(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
