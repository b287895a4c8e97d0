package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shop is a good manifest: a frontend that asks an API, and a policy for it.
const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: frontend, namespace: shop, labels: {app: frontend}}
spec:
  containers:
  - {name: server, image: nginx, env: [{name: API_URL, value: "http://api/"}, {name: CACHE, value: "localhost:6379"}]}
  - {name: shell, image: alpine, args: [wait]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: server, image: nginx, ports: [{containerPort: 80, name: http}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: frontend, namespace: shop}
spec: {selector: {app: frontend}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: outside, namespace: shop, labels: {kubernetes.io/service-name: outside}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1]}]
ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: frontend, namespace: shop}
spec:
  podSelector: {matchLabels: {app: frontend}}
  egress:
  - {to: [{podSelector: {matchLabels: {app: api}}}], ports: [{port: http}]}
  - {to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: dns, protocol: UDP}, {port: 53}]}
`

func TestCheckOfTheNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string // replaced in shop
		want     string
		code     int
	}{
		"all is well": {want: "Nothing was found that will go wrong.\n"},
		"a Pod that asks its own Service": {from: `"http://api/"`, to: `"http://frontend.shop/"`, want: `
warning: standard input: Pod shop/frontend: spec.containers[0].env[0]
  server reaches port 80 of Service frontend by http://frontend.shop, and the Service selects this very Pod: the connection goes out of the Pod, through kube-proxy's translation on the node, and back into the same Pod, whose server sees the node's address as its client.
  Write localhost:80: containers of a Pod share localhost.
`},
		"a Pod on the host network that does so": {
			from: `  containers:
  - {name: server, image: nginx, env: [{name: API_URL, value: "http://api/"}`,
			to: `  hostNetwork: true
  containers:
  - {name: server, image: nginx, env: [{name: API_URL, value: "http://frontend/"}`,
			want: "Nothing was found that will go wrong.\n"},
		"a selector that nobody matches": {from: "spec: {selector: {app: frontend}", to: "spec: {selector: {app: front}", want: `
warning: standard input: Service shop/frontend: spec.selector
  No Pod of the manifests in namespace shop has the labels app=front: the Service has no endpoints, and connections to it are refused.
  Pod shop/frontend has app=frontend: let the selector and the labels say the same.
`},
		"a target port that nobody has": {from: "{port: 80, targetPort: http}", to: "{port: 8080, targetPort: web}", code: 1, want: `
error: standard input: Service shop/api: spec.ports[0].targetPort
  No container of Deployment shop/api names a port "web" with protocol TCP: port 8080 of the Service leads to no port of it.
  Give the port of the container this name, or give targetPort as a number.
`},
		"a policy for nobody": {from: "podSelector: {matchLabels: {app: frontend}}\n  egress", to: "podSelector: {matchLabels: {app: none}}\n  egress", want: `
warning: standard input: NetworkPolicy shop/frontend: spec.podSelector
  It selects no Pod of the manifests in namespace shop, so it does nothing.
  Select labels that the Pods have, and put the policy into their namespace.
`},
		"a policy for a port that nobody has": {from: "ports: [{port: http}]}", to: "ports: [{port: htttp}]}", want: `
warning: standard input: NetworkPolicy shop/frontend: spec.egress[0].ports[0].port
  No Pod of the manifests has a port named "htttp" with protocol TCP: it allows nothing.
  Give the container's port this name, or give the port as a number.
`},
		"a policy that forgets the DNS": {from: "ports: [{port: dns, protocol: UDP}, {port: 53}]", to: "ports: [{port: 443}]", want: `
note: standard input: NetworkPolicy shop/frontend: spec.egress
  It closes the egress of Pod shop/frontend, and no policy lets them ask the cluster's DNS: they can look up no name, and so reach no Service by its name.
  Unless that is meant, allow egress to port 53, UDP and TCP, of the Pods with k8s-app=kube-dns in namespace kube-system.
`},
		"a policy without egress": {from: "  egress:\n", to: "  policyTypes: [Ingress]\n  egress:\n", want: "Nothing was found that will go wrong.\n"},
		"what the API server warns of": {from: "{selector: {app: frontend}, ports", to: "{selector: {app: frontend}, trafficDistribution: PreferClose, ports", want: `
warning: standard input: Service shop/frontend: spec.trafficDistribution
  The API server warns: "PreferClose" is deprecated; use "PreferSameZone".
`},
		"a Service that is refused": {from: "{port: 80, targetPort: http}", to: "{port: 0}", code: 1, want: `
error: standard input: document 5 (line 28): Service api: spec.ports[0].port
  Invalid value: 0: must be between 1 and 65535, inclusive

error: standard input: document 5 (line 28): Service api: spec.ports[0].targetPort
  Invalid value: 0: must be between 1 and 65535, inclusive
`},
		"a Service twice": {from: "metadata: {name: api, namespace: shop}\nspec: {selector: {app: api}", to: "metadata: {name: frontend, namespace: shop}\nspec: {selector: {app: api}", code: 1, want: `
error: standard input: Service shop/frontend: metadata.name
  The Service is already in standard input.
  Give it another name.
`},
	} {
		text := shop
		if tt.from != "" {
			require.Contains(t, text, tt.from, name)
			text = strings.Replace(text, tt.from, tt.to, 1)
		}
		got := podnetWith(t.Context(), text, "check", "-")
		assert.Equal(t, tt.code, got.code, name)
		findings, _, _ := strings.Cut(got.stdout, "\nPorts of ")
		assert.Equal(t, strings.TrimSpace(tt.want), strings.TrimSpace(findings), name)
		assert.Empty(t, got.stderr, name)
	}
}

// What check says of a hairpin comes true: the server sees the node as its
// client.
func TestAHairpinThatWasForetold(t *testing.T) {
	text := pod("front", `  containers:
  - {name: server, image: nginx, ports: [{containerPort: 80}]}
  - {name: client, image: alpine, args: [wait], env: [{name: UPSTREAM, value: "http://web:8080"}]}
`) + `---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}
`
	text = strings.Replace(text, "{name: front}", "{name: front, labels: {app: web}}", 1)
	got := podnetWith(t.Context(), text, "check", "-")
	assert.Contains(t, got.stdout, "client reaches port 8080 of Service web by http://web:8080, and the Service selects this very Pod")
	got, _ = runVirtual(t, text, "--exec", "client: get http://web:8080", "--exec", "client: get http://localhost:80")
	assert.Equal(t, 0, got.code, got.stderr)
	assert.Contains(t, got.stdout, "I am server")
	assert.Regexp(t, `Warning ServiceHairpin +client: reached its own Pod through the Service default/web \(.*; use localhost:80\n`, got.stdout)
}

// A Pod finds its own name in its /etc/hosts, and not the Service of that name.
func TestAServiceOfThePodsOwnName(t *testing.T) {
	const service = `---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: 80}]}
`
	of := func(labels, server string) string {
		return `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {` + labels + `}}
spec:
  containers:
  - {name: server, image: ` + server + `}
  - {name: client, image: alpine, args: [wait], env: [{name: UPSTREAM, value: "http://web:8080"}]}
` + service
	}
	const says = "client means Service web by http://web:8080, but web is also the Pod's hostname: its /etc/hosts has the Pod's own address for it, and no connection gets to the Service.\n  "
	text := of("app: web", "nginx")
	got := podnetWith(t.Context(), text, "check", "-")
	assert.Contains(t, got.stdout, says+"Write localhost:80: containers of a Pod share localhost.\n")
	got, _ = runVirtual(t, text, "--exec", "client: get http://web:8080")
	assert.Contains(t, got.stdout, "dial tcp 10.244.0.2:8080: connect: connection refused")

	got = podnetWith(t.Context(), of("app: other", "nginx"), "check", "-")
	assert.Contains(t, got.stdout, says+"Write web.default, or give the Pod another name.\n")
	for _, good := range []string{
		of("app: web", "other, ports: [{containerPort: 8080}]"),
		strings.Replace(text, "targetPort: 80", "targetPort: 8080", 1),
		strings.Replace(text, "spec:\n", "spec:\n  hostname: other\n  hostNetwork: true\n", 1),
	} {
		got = podnetWith(t.Context(), good, "check", "-")
		assert.NotContains(t, got.stdout, "client means", good)
		assert.NotContains(t, got.stdout, "this very Pod", good)
	}
}
