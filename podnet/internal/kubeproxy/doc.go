// Package kubeproxy turns Services and their endpoints into what becomes of a
// new connection to one of their addresses: what kube-proxy's rules do in its
// iptables mode, without walking through rules. A [Table] is for the whole
// cluster; what differs from node to node is told apart in the [Query].
//
// The facts are those of Kubernetes 1.37, pkg/proxy and pkg/proxy/iptables.
package kubeproxy
