// Package peers does the work of package bench over what else connects two
// goroutines: bufconn, gVisor's own gonet over one stack, ooni/netem, pion's vnet
// and, on Linux as root, network namespaces joined by veth pairs, with kube-proxy's
// iptables rules. Beside them are podnet's own paths, so that one run has all.
//
//	cd bench/peers
//	go test -bench Path .
//	go test -bench Path/path=linux . -linux
//	go test -bench Latency .
//
// There is nothing here but benchmarks, and in report the command that runs all of
// them. It is a module of its own, so that whoever uses podnet downloads none of
// the peers, nor the libraries that draw and count for the report.
package peers
