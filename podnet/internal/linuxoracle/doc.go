// Package linuxoracle holds a cluster's packets against Linux. Its cases are
// connections between Pods, nodes and Services, iptables rules and routes in
// Pods, and what programs see of them: outcomes, error texts and addresses.
//
// The cases run on the real kernel where the test may make network namespaces
// and finds ip and iptables: each node and each Pod is a namespace, joined as the
// CNI plugin ptp joins them, and the nodes have the rules that kube-proxy would
// write. What the kernel showed is recorded in testdata/linux.json, with its
// version; where it cannot run, the recording stands in for it.
//
// To add a case, put it into one of the lists that cases joins, in a file of its
// subject, and record it as root with
//
//	go test ./podnet/internal/linuxoracle -update
//
// There are only tests in this package.
package linuxoracle
