// Package bench measures what a hop costs: the same work over each path that two
// ends can have in a cluster of podnet, and over the kernel's loopback, in one
// run. Its benchmarks print what benchstat reads:
//
//	go test -run '^$' -bench Path ./bench
//	go test -run '^$' -bench 'Path/path=(localhost|kernel)$/work=rtt64' -count 10 ./bench
//	go test -run '^$' -bench 'Pods|Services|Clients|Probed|Containers' -benchtime 1x ./bench
//
// The other ways to connect two goroutines (bufconn, gVisor's own gonet, netem,
// pion's vnet, Linux's network namespaces) do the same work in the nested module
// bench/peers, whose requirements are not podnet's. There is also the command
// behind bench/report, which runs all of them and writes docs/benchmarks.md.
package bench
