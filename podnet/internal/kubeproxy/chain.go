package kubeproxy

import (
	"crypto/sha256"
	"encoding/base32"
)

// The prefixes of the chains that kube-proxy makes for a port of a Service.
const (
	clusterChain  = "KUBE-SVC-" // chooses by policy Cluster
	localChain    = "KUBE-SVL-" // chooses by policy Local
	firewallChain = "KUBE-FW-"  // admits by loadBalancerSourceRanges
	externalChain = "KUBE-EXT-" // for what is not the cluster IP
	endpointChain = "KUBE-SEP-" // translates
)

// chainName returns the name of a port's chain: no longer than iptables allows,
// so it is made of a hash.
func chainName(prefix string, p *servicePort) string {
	return prefix + chainHash(p.name+protocolName(p.Protocol))
}

func endpointChainName(p *servicePort, b backend) string {
	return endpointChain + chainHash(p.name+protocolName(p.Protocol)+b.text)
}

func chainHash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base32.StdEncoding.EncodeToString(sum[:])[:16]
}
