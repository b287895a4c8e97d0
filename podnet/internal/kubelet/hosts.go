package kubelet

import (
	"fmt"
	"net/netip"
	"strings"
)

// HostAlias is a further line of /etc/hosts.
type HostAlias struct {
	IP        string // printed as written
	Hostnames []string
}

const (
	// maxHostname is the longest hostname, in bytes (kubelet_pods.go).
	maxHostname = 63

	// maxNodename is the longest name that Linux has for a machine, in bytes
	// (pkg/kubelet/util/util.go).
	maxNodename = 64
)

// hostsHeader is what every /etc/hosts that the kubelet writes begins with.
const hostsHeader = `# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
`

// Hostname returns the hostname of a Pod: hostname if it is not empty, else the
// Pod's name, cut to 63 bytes and not ending in "-" or ".".
func Hostname(podName, hostname string) string {
	if hostname == "" {
		hostname = podName
	}
	if len(hostname) <= maxHostname {
		return hostname
	}
	return strings.TrimRight(hostname[:maxHostname], "-.")
}

// HostDomain returns the domain of a Pod's fully qualified name. It is empty
// without a subdomain: such a Pod has none.
func HostDomain(subdomain, namespace, clusterDomain string) string {
	if subdomain == "" {
		return ""
	}
	return fmt.Sprintf("%s.%s.svc.%s", subdomain, namespace, clusterDomain)
}

// Nodename returns the name that programs in a Pod are told for their machine:
// the hostname or, if asFQDN, the full name of a Pod that has one.
func Nodename(hostname, domain string, asFQDN bool) (string, error) {
	if domain == "" || !asFQDN {
		return hostname, nil
	}
	fqdn := hostname + "." + domain
	if len(fqdn) > maxNodename {
		return "", fmt.Errorf("failed to construct FQDN from pod hostname and cluster domain, FQDN %s is too long (%d characters is the max, %d characters requested)", fqdn, maxNodename, len(fqdn))
	}
	return fqdn, nil
}

// HostnameFile returns the text of /etc/hostname.
func HostnameFile(hostname string) string { return hostname + "\n" }

// hostNetworkHeader is what the kubelet writes before the node's own /etc/hosts.
const hostNetworkHeader = "# Kubernetes-managed hosts file (host network).\n"

// HostNetworkHostsFile returns the text of /etc/hosts in a Pod on the host
// network: the node's own, and the aliases.
func HostNetworkHostsFile(nodeHosts string, aliases []HostAlias) string {
	return hostNetworkHeader + nodeHosts + aliasLines(aliases)
}

// HostsFile returns the text of /etc/hosts: a line for each address of the Pod,
// with its hostname and, if domain is not empty, first its full name; then the
// aliases. The kubelet writes it anew at every start of a container.
func HostsFile(addrs []netip.Addr, hostname, domain string, aliases []HostAlias) string {
	var b strings.Builder
	b.WriteString(hostsHeader)
	for _, addr := range addrs {
		if domain != "" {
			fmt.Fprintf(&b, "%s\t%s.%s\t%s\n", addr, hostname, domain, hostname)
		} else {
			fmt.Fprintf(&b, "%s\t%s\n", addr, hostname)
		}
	}
	b.WriteString(aliasLines(aliases))
	return b.String()
}

// ContainerHosts returns what follows in /etc/hosts where each container has an
// address of its own: a line for each, with its name. No kubelet writes such.
func ContainerHosts(containers []HostAlias) string {
	return hostLines("# Containers, each with its own IP.\n", containers)
}

func aliasLines(aliases []HostAlias) string {
	return hostLines("# Entries added by HostAliases.\n", aliases)
}

func hostLines(title string, aliases []HostAlias) string {
	var b strings.Builder
	if len(aliases) > 0 {
		b.WriteString("\n" + title)
	}
	for _, a := range aliases {
		fmt.Fprintf(&b, "%s\t%s\n", a.IP, strings.Join(a.Hostnames, "\t"))
	}
	return b.String()
}
