package main

import (
	"fmt"
	"slices"
	"strings"

	"podnet.dev/podnet"
)

// serviceRow is a Service as `kubectl get services` shows it.
type serviceRow struct {
	namespace, name string
	typ             string   // ClusterIP, NodePort, LoadBalancer or ExternalName
	clusterIP       string   // the first, or None; empty if there is none
	externalIPs     []string // those of the spec
	ingress         []string // those of a load balancer
	externalName    string
	ports           []serviceRowPort
}

type serviceRowPort struct {
	port, nodePort int32 // nodePort is 0 if there is none
	protocol       string
}

// builtIn are the Services that every cluster has.
var builtIn = map[string]bool{"default/kubernetes": true, "kube-system/kube-dns": true}

// serviceRows are the Services of a cluster but for those that every one has.
func serviceRows(c *podnet.Cluster) (rows []serviceRow) {
	for _, s := range c.Services() {
		if builtIn[s.Namespace()+"/"+s.Name()] {
			continue
		}
		spec := s.Spec()
		row := serviceRow{
			namespace: s.Namespace(), name: s.Name(), typ: string(spec.Type), clusterIP: spec.ClusterIP,
			externalIPs: spec.ExternalIPs, ingress: spec.LoadBalancerIngress, externalName: spec.ExternalName,
		}
		for _, p := range spec.Ports {
			row.ports = append(row.ports, serviceRowPort{p.Port, p.NodePort, string(p.Protocol)})
		}
		rows = append(rows, row)
	}
	return rows
}

// cells returns the columns (kubectl, printers/internalversion).
func (r serviceRow) cells() []string {
	clusterIP := r.clusterIP
	if clusterIP == "" {
		clusterIP = "<none>"
	}
	var ports []string
	for _, p := range r.ports {
		number := fmt.Sprint(p.port)
		if p.nodePort > 0 {
			number = fmt.Sprintf("%d:%d", p.port, p.nodePort)
		}
		ports = append(ports, number+"/"+p.protocol)
	}
	if len(ports) == 0 {
		ports = []string{"<none>"}
	}
	return []string{r.name, r.typ, clusterIP, r.externalIP(), strings.Join(ports, ",")}
}

func (r serviceRow) externalIP() string {
	if r.typ == "ExternalName" {
		return r.externalName
	}
	var addresses []string
	if r.typ == "LoadBalancer" && len(r.ingress) > 0 {
		ingress := slices.Clone(r.ingress)
		slices.Sort(ingress)
		const width = 16
		text := strings.Join(slices.Compact(ingress), ",")
		if len(text) > width {
			text = text[:width-3] + "..."
		}
		addresses = append(addresses, text)
	}
	switch addresses = append(addresses, r.externalIPs...); {
	case len(addresses) > 0:
		return strings.Join(addresses, ",")
	case r.typ == "LoadBalancer":
		return "<pending>"
	}
	return "<none>"
}

// servicesText shows Services as `kubectl get services` does, empty if there are
// none.
func servicesText(names names, rows []serviceRow) string {
	if len(rows) == 0 {
		return ""
	}
	var text strings.Builder
	table := newTable(&text)
	header := []string{"NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)"}
	several := names.severalNamespaces || rows[0].namespace != rows[len(rows)-1].namespace // they are in order
	if several {
		header = append([]string{"NAMESPACE"}, header...)
	}
	table.row(header...)
	for _, r := range rows {
		cells := r.cells()
		if several {
			cells = append([]string{r.namespace}, cells...)
		}
		table.row(cells...)
	}
	table.Flush() // a strings.Builder takes everything
	return text.String()
}
