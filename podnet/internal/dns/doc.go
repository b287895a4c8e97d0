// Package dns is how Pods find names: the resolv.conf and the hosts file that
// they get, the resolver that reads them, and the name server of the cluster.
package dns
