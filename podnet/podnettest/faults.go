package podnettest

import (
	"fmt"
	"testing"
	"testing/synctest"

	"podnet.dev/podnet"
)

// Impair puts links under conditions with [podnet.Cluster.Impair], until it is closed
// or the test ends. What is wrong with the conditions fails the test at once.
func Impair(tb testing.TB, c *podnet.Cluster, w podnet.Where, cond podnet.Conditions) *podnet.Impairment {
	tb.Helper()
	i, err := c.Impair(w, cond)
	return lifted(tb, i, err)
}

// Partition cuts links with [podnet.Cluster.Partition], until it is closed or the
// test ends.
func Partition(tb testing.TB, c *podnet.Cluster, a, b []podnet.End, opt podnet.PartitionOptions) *podnet.Fault {
	tb.Helper()
	f, err := c.Partition(a, b, opt)
	return lifted(tb, f, err)
}

// Intercept asks a script about packets with [podnet.Cluster.Intercept], until it is
// closed or the test ends.
func Intercept(tb testing.TB, c *podnet.Cluster, w podnet.Where, s podnet.Script) *podnet.Fault {
	tb.Helper()
	f, err := c.Intercept(w, s)
	return lifted(tb, f, err)
}

// DisturbDNS disturbs name service with [podnet.Cluster.DisturbDNS], until it is
// closed or the test ends.
func DisturbDNS(tb testing.TB, c *podnet.Cluster, cond podnet.DNSConditions) *podnet.DNSFault {
	tb.Helper()
	f, err := c.DisturbDNS(cond)
	return lifted(tb, f, err)
}

// lifted closes a fault at the test's cleanup.
func lifted[F interface{ Close() error }](tb testing.TB, f F, err error) F {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	return f
}

// Seeds runs a test under n seeds, 1 to n, each as a subtest in a testing/synctest
// bubble of its own: give the seed to [podnet.Config]. A subtest has the seed for a
// name, so that one that failed is run again with
//
//	go test -run 'TestRetries/seed=17$'
func Seeds(t *testing.T, n int, f func(t *testing.T, seed uint64)) {
	t.Helper()
	for seed := uint64(1); seed <= uint64(max(0, n)); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("it failed with the seed %d; go test -run '%s$' runs it again", seed, t.Name())
					}
				})
				f(t, seed)
			})
		})
	}
}
