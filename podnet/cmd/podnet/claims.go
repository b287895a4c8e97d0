package main

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"podnet.dev/podnet"
)

// claim is a port that a container is told to listen on by an argument or a
// variable, for its metrics or health checks: those are what sidecars clash
// over, because nobody thinks of them.
type claim struct {
	port   uint16
	field  string
	text   string // "--metrics-bind-address=:8080"
	source string // sourceArgument or sourceVariable
}

var (
	claimFlag     = regexp.MustCompile(`^--?([\w-]+[.-])*(metrics|health|healthz|probe|admin|telemetry|pprof|web)[\w.-]*(addr|address|port)$`)
	claimVariable = regexp.MustCompile(`^(\w+_)?(METRICS|HEALTH|HEALTHZ|PROBE|ADMIN|TELEMETRY|PPROF)_(\w+_)?(ADDR|ADDRESS|PORT)$`)
)

// claims returns what a container is told.
func claims(c member) []claim {
	var list []claim
	add := func(field, text, value, source string) {
		if port := listenPort(value); port > 0 {
			list = append(list, claim{port, field, text, source})
		}
	}
	for _, w := range []struct {
		field string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, word := range w.words {
			field := fmt.Sprintf("%s.%s[%d]", c.field, w.field, i)
			flag, value, ok := strings.Cut(word, "=")
			switch {
			case !claimFlag.MatchString(flag):
			case ok:
				add(field, word, value, sourceArgument)
			case i+1 < len(w.words):
				add(field, word+" "+w.words[i+1], w.words[i+1], sourceArgument)
			}
		}
	}
	for i, e := range c.Env {
		if claimVariable.MatchString(e.Name) {
			add(fmt.Sprintf("%s.env[%d]", c.field, i), e.Name+"="+e.Value, e.Value, sourceVariable)
		}
	}
	return list
}

// listenPort returns the port of an address to listen on, 0 if text is none or
// that of another host.
func listenPort(text string) uint16 {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = "", text
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || !slices.Contains([]string{"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}, host) {
		return 0
	}
	return uint16(n)
}

// mesh is a service mesh that puts a proxy into Pods that ask for it.
type mesh struct {
	name, key, value string            // how a Pod asks for the proxy: label or annotation
	proxy            string            // the name of its container
	ports            map[uint16]string // of its proxy
}

// meshes are those whose ports people run into.
var meshes = []mesh{
	{"Istio", "sidecar.istio.io/inject", "true", "istio-proxy", map[uint16]string{
		15000: "Envoy's admin port", 15001: "outbound traffic", 15004: "debugging", 15006: "inbound traffic", 15008: "HBONE", 15020: "merged metrics", 15021: "health checks",
		15053: "DNS", 15090: "Envoy's metrics"}},
	{"Linkerd", "linkerd.io/inject", "enabled", "linkerd-proxy", map[uint16]string{4140: "outbound traffic", 4143: "inbound traffic", 4190: "tap", 4191: "admin and metrics"}},
}

// checkMeshes finds ports that the proxy of a mesh will want.
func (a *analysis) checkMeshes() {
	for _, m := range meshes {
		if a.pod.spec.Labels[m.key] != m.value && a.pod.spec.Annotations[m.key] != m.value {
			continue
		}
		if slices.ContainsFunc(members(a.pod.spec), func(c member) bool { return c.Name == m.proxy }) {
			continue // it is there already, with its ports
		}
		for _, u := range a.ports {
			if what, ok := m.ports[u.Port]; ok && !u.unused && u.Protocol == podnet.ProtocolTCP {
				a.add(severityWarning, u.field,
					fmt.Sprintf("%s listens on port %s, which the proxy that %s puts into the Pod needs for %s: one of the two gets \"bind: address already in use\".", a.declarer(u), u.key(), m.name, what),
					fmt.Sprintf("Let %s listen on another port.", u.Container))
			}
		}
	}
}
