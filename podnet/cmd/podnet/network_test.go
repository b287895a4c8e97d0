package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// networkOf is what manifests have, and services and policies with them.
func networkOf(t *testing.T, manifests string, services []service, policies []policy) *network {
	t.Helper()
	pods, others, errs := load(strings.NewReader(manifests), []string{"-"})
	require.Empty(t, errs)
	n := newNetwork(pods, others, testImages())
	n.services = append(n.services, services...)
	n.policies = append(n.policies, policies...)
	return n
}

// web is a Service of port 80 that leads to the port named http of Pods with
// app=web.
var web = service{file: "svc.yaml", namespace: "default", name: "web", selector: map[string]string{"app": "web"},
	ports: []servicePort{{port: 80, target: podnet.PortName("http")}}}

// webPod is a Pod that web selects, with text among the fields of its second
// container.
func webPod(text string) string {
	return `apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: web}}
spec:
  containers:
  - {name: server, image: nginx, ports: [{containerPort: 8080, name: http}]}
  - {name: client, image: alpine, ` + text + `}
`
}

func TestHairpins(t *testing.T) {
	const settings = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {UPSTREAM: 'http://web/api', OTHER: web}\n"
	for _, tt := range []struct{ text, field, by string }{
		{`env: [{name: API, value: "http://web"}]`, "env[0]", "http://web"},
		{`env: [{name: API, value: "http://web:80/x"}]`, "env[0]", "http://web:80"},
		{`env: [{name: A, value: b}, {name: API, value: "http://user:word@web.default/"}]`, "env[1]", "http://web.default"},
		{`env: [{name: API, value: "https://other,http://web.default.svc.cluster.local.:80"}]`, "env[0]", "http://web.default.svc.cluster.local.:80"},
		{`env: [{name: BACKEND_HOST, value: web}]`, "env[0]", "web"},
		{`env: [{name: X, value: "web:80"}]`, "env[0]", "web:80"},
		{`env: [{name: X, value: web.default.svc}]`, "env[0]", "web.default.svc"},
		{`env: [{name: X, value: "$(WEB_SERVICE_HOST):$(WEB_SERVICE_PORT)"}]`, "env[0]", "$(WEB_SERVICE_HOST)"},
		{`env: [{name: NAME, value: web}], args: ["http://$(NAME):80/"]`, "args[0]", "http://web:80"},
		{`envFrom: [{configMapRef: {name: settings}}]`, "envFrom[0]", "http://web"},
		{`env: [{name: X_URL, valueFrom: {configMapKeyRef: {name: settings, key: UPSTREAM}}}]`, "env[0]", "http://web"},
		{`command: [sh, -c, "while true; do wget -qO- web; done"]`, "command[2]", "web"},
		{`command: [sh, -c, "curl -s web/healthz"]`, "command[2]", "web"},
		{`command: [sh, -c, "curl $WEB_SERVICE_HOST"]`, "command[2]", "$WEB_SERVICE_HOST"},
		{`command: [sh, -c, "curl ${WEB_SERVICE_HOST}:80"]`, "command[2]", "${WEB_SERVICE_HOST}"},
		{`command: [sh, -c, "echo hello | nc web 80"]`, "command[2]", "web 80"},
		{`args: ["--upstream=web:80", "--again=http://web"]`, "args[0]", "web:80"},

		{`env: [{name: API, value: "http://web:9999"}]`, "", "a port that the Service does not have"},
		{`env: [{name: API, value: "https://web"}]`, "", "as much"},
		{`env: [{name: API, value: "http://localhost:8080"}]`, "", ""},
		{`env: [{name: API, value: "http://web.example.com"}]`, "", ""},
		{`env: [{name: API, value: "http://my-web"}]`, "", ""},
		{`env: [{name: API, value: "http://example.com/web:80"}]`, "", "a path"},
		{`env: [{name: API, value: "http://web.prod"}]`, "", ""},
		{`env: [{name: ROLE, value: web}]`, "", ""},
		{`env: [{name: X, value: $(OTHER_SERVICE_HOST)}]`, "", ""},
		{`command: [sh, -c, "cat /srv/web > web"]`, "", ""},
		{`command: [sh, -c, "curl -o web http://localhost"]`, "", ""},
		{`args: [web]`, "", ""},
	} {
		n := networkOf(t, webPod(tt.text)+settings, []service{web}, nil)
		n.checkHairpins()
		if tt.field == "" {
			assert.Empty(t, n.list, tt.text)
			continue
		}
		assert.Equal(t, []finding{{severityWarning, "standard input", "Pod shop", "spec.containers[1]." + tt.field,
			"client reaches port 80 of Service web by " + tt.by + ", and the Service selects this very Pod: the connection goes out of the Pod, through kube-proxy's translation on the node, and back into the same Pod, whose server sees the node's address as its client.",
			"Write localhost:8080: containers of a Pod share localhost."}}, n.list, tt.text)
	}
}

func TestHairpinsOfReplicas(t *testing.T) {
	const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: server, image: nginx, ports: [{containerPort: 8080, name: http}], env: [{name: SELF, value: "http://web"}]}]}
`
	n := networkOf(t, deployment, []service{web}, nil)
	n.checkHairpins()
	assert.Equal(t, []finding{{severityWarning, "standard input", "Deployment shop", "spec.template.spec.containers[0].env[0]",
		"server reaches port 80 of Service web by http://web, and the Service selects this very Pod among 3 replicas: one connection in 3 goes out of the Pod, through kube-proxy's translation on the node, and back into the same Pod, whose server sees the node's address as its client; the others go to other replicas.",
		"If its own Pod is meant, write localhost:8080: containers of a Pod share localhost."}}, n.list)
}

func TestServicesThatAreNoHairpin(t *testing.T) {
	pod := webPod(`env: [{name: API, value: "http://web:80"}]`)
	for name, change := range map[string]func(*service){
		"headless":          func(s *service) { s.headless = true },
		"external":          func(s *service) { s.external = true },
		"of others":         func(s *service) { s.selector = map[string]string{"app": "db"} },
		"without selector":  func(s *service) { s.selector = nil },
		"another namespace": func(s *service) { s.namespace = "prod" },
		"another port":      func(s *service) { s.ports[0].port = 81 },
		"no target":         func(s *service) { s.ports[0].target = podnet.PortName("admin") },
	} {
		s := web
		s.ports = append([]servicePort{}, web.ports...)
		change(&s)
		n := networkOf(t, pod, []service{s}, nil)
		n.checkHairpins()
		assert.Empty(t, n.list, name)
	}
}

func TestServicesThatLeadNowhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*service)
		want   []finding
	}{
		{"all is well", func(s *service) {}, nil},
		{"the target port by number", func(s *service) { s.ports[0].target = podnet.Port(8080) }, nil},
		{"the image's own port", func(s *service) { s.ports[0].target = podnet.IntOrString{} }, nil},
		{"without selector", func(s *service) { s.selector = nil }, nil},
		{"external", func(s *service) { s.external, s.selector = true, map[string]string{"a": "b"} }, nil},
		{"another label", func(s *service) { s.selector = map[string]string{"app": "wbe", "tier": "front"} }, []finding{{
			severityWarning, "svc.yaml", "Service web", "spec.selector",
			"No Pod of the manifests in namespace default has the labels app=wbe,tier=front: the Service has no endpoints, and connections to it are refused.",
			"Pod shop has app=web: let the selector and the labels say the same."}}},
		{"another key", func(s *service) { s.selector = map[string]string{"run": "web"} }, []finding{{
			severityWarning, "svc.yaml", "Service web", "spec.selector",
			"No Pod of the manifests in namespace default has the labels run=web: the Service has no endpoints, and connections to it are refused.",
			"Give the Pods these labels, or select those that they have."}}},
		{"another namespace", func(s *service) { s.namespace = "prod" }, []finding{{
			severityWarning, "svc.yaml", "Service prod/web", "spec.selector",
			"No Pod of the manifests in namespace prod has the labels app=web: the Service has no endpoints, and connections to it are refused.",
			"Pod shop has them, but a Service selects Pods of its own namespace only: move one of the two."}}},
		{"another port name", func(s *service) { s.ports[0].target = podnet.PortName("web") }, []finding{{
			severityError, "svc.yaml", "Service web", "spec.ports[0].targetPort",
			`No container of Pod shop names a port "web" with protocol TCP: port 80 of the Service leads to no port of it.`,
			"Give the port of the container this name, or give targetPort as a number."}}},
		{"the name for another protocol", func(s *service) { s.ports[0].protocol = podnet.ProtocolUDP }, []finding{{
			severityError, "svc.yaml", "Service web", "spec.ports[0].targetPort",
			`No container of Pod shop names a port "http" with protocol UDP: port 80/UDP of the Service leads to no port of it.`,
			"Give the port of the container this name, or give targetPort as a number."}}},
		{"another port number", func(s *service) { s.ports[0].target = podnet.Port(8081) }, []finding{{
			severityWarning, "svc.yaml", "Service web", "spec.ports[0].targetPort",
			"Port 80 of the Service leads to port 8081 of Pod shop, which no container of it declares and no image is known to listen on: connections are refused.",
			"Let targetPort be the port that the container listens on, or declare it in the Pod."}}},
	} {
		s := web
		s.ports = append([]servicePort{}, web.ports...)
		tt.change(&s)
		n := networkOf(t, `apiVersion: v1
kind: Pod
metadata: {name: shop, labels: {app: web}}
spec:
  containers:
  - {name: server, image: other, ports: [{containerPort: 8080, name: http}]}
  - {name: pages, image: nginx}
`, []service{s}, nil)
		n.checkServices()
		assert.Equal(t, tt.want, n.list, tt.name)
	}
	n := networkOf(t, "{apiVersion: v1, kind: Pod, metadata: {name: shop, labels: {app: web}}, spec: {containers: [{name: c, image: unknown}]}}",
		[]service{{namespace: "default", name: "web", selector: web.selector, ports: []servicePort{{port: 80}}}}, nil)
	n.checkServices()
	assert.Empty(t, n.list, "of a Pod of which nothing is known, nothing is said")
}

func TestPolicies(t *testing.T) {
	const pods = `
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: shop, labels: {app: api}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, name: http}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 5432, name: sql}]}]}}
`
	app := func(name string) podnet.LabelSelector {
		return podnet.LabelSelector{MatchLabels: map[string]string{"app": name}}
	}
	db, dnsPods := app("db"), podnet.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}}
	system := podnet.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "kube-system"}}
	port := func(p podnet.IntOrString, protocol podnet.Protocol) policyPort {
		return policyPort{port: &p, protocol: protocol}
	}
	deaf := func(who string) []finding {
		return []finding{{severityNote, "np.yaml", "NetworkPolicy shop/p", "spec.egress",
			"It closes the egress of " + who + ", and no policy lets them ask the cluster's DNS: they can look up no name, and so reach no Service by its name.",
			"Unless that is meant, allow egress to port 53, UDP and TCP, of the Pods with k8s-app=kube-dns in namespace kube-system."}}
	}
	egress := func(rules ...policyRule) []policy {
		return []policy{{namespace: "shop", name: "p", pods: app("api"), egress: true, outRules: rules}}
	}
	for _, tt := range []struct {
		name     string
		policies []policy
		want     []finding
	}{
		{"all is well", []policy{{namespace: "shop", name: "p", pods: app("api"), inRules: []policyRule{{ports: []policyPort{port(podnet.PortName("http"), "")}}}}}, nil},
		{"nobody is selected", []policy{{namespace: "shop", name: "p", pods: app("apo"), egress: true}}, []finding{{severityWarning, "np.yaml", "NetworkPolicy shop/p", "spec.podSelector",
			"It selects no Pod of the manifests in namespace shop, so it does nothing.", "Select labels that the Pods have, and put the policy into their namespace."}}},
		{"another namespace", []policy{{namespace: "default", name: "p"}}, []finding{{severityWarning, "np.yaml", "NetworkPolicy p", "spec.podSelector",
			"It selects no Pod of the manifests in namespace default, so it does nothing.", "Select labels that the Pods have, and put the policy into their namespace."}}},
		{"a named port of others", []policy{{namespace: "shop", name: "p", pods: app("api"), inRules: []policyRule{{}, {ports: []policyPort{port(podnet.Port(80), ""), port(podnet.PortName("sql"), "")}}}}}, []finding{{
			severityWarning, "np.yaml", "NetworkPolicy shop/p", "spec.ingress[1].ports[1].port",
			`No Pod that it selects has a port named "sql" with protocol TCP: it allows nothing.`, "Give the container's port this name, or give the port as a number."}}},
		{"a named port that nobody has", egress(policyRule{}, policyRule{ports: []policyPort{port(podnet.PortName("sql"), podnet.ProtocolUDP)}}), []finding{{
			severityWarning, "np.yaml", "NetworkPolicy shop/p", "spec.egress[1].ports[0].port",
			`No Pod of the manifests has a port named "sql" with protocol UDP: it allows nothing.`, "Give the container's port this name, or give the port as a number."}}},

		{"egress to one Pod only", egress(policyRule{peers: []policyPeer{{pods: &db}}}), deaf("Pod shop/api")},
		{"egress to one port only", egress(policyRule{ports: []policyPort{port(podnet.Port(5432), "")}}), deaf("Pod shop/api")},
		{"egress to nobody", []policy{{namespace: "shop", name: "p", egress: true}}, deaf("Pod shop/api and Pod shop/db")},
		{"SCTP does not count", egress(policyRule{ports: []policyPort{{protocol: podnet.ProtocolSCTP}}}), deaf("Pod shop/api")},
		{"DNS of its own namespace", egress(policyRule{ports: []policyPort{port(podnet.Port(53), podnet.ProtocolUDP)}, peers: []policyPeer{{pods: &dnsPods}}}), deaf("Pod shop/api")},
		{"DNS is allowed to all", egress(policyRule{ports: []policyPort{port(podnet.Port(53), podnet.ProtocolUDP)}}), nil},
		{"DNS is allowed to its Pods", egress(policyRule{ports: []policyPort{port(podnet.Port(53), podnet.ProtocolUDP)}, peers: []policyPeer{{pods: &dnsPods, namespaces: &system}}}), nil},
		{"DNS is in a range", egress(policyRule{ports: []policyPort{{port: &podnet.IntOrString{IntVal: 1}, endPort: 1000}}}), nil},
		{"every namespace", egress(policyRule{peers: []policyPeer{{namespaces: &podnet.LabelSelector{}}}}), nil},
		{"a range of addresses", egress(policyRule{peers: []policyPeer{{ipBlock: true}}}), nil},
		{"another policy allows it", append(egress(), policy{namespace: "shop", name: "dns", egress: true, outRules: []policyRule{{}}}), nil},
		{"ingress only", []policy{{namespace: "shop", name: "p"}}, nil},
	} {
		for i := range tt.policies {
			tt.policies[i].file = "np.yaml"
		}
		n := networkOf(t, pods, nil, tt.policies)
		n.checkPolicies()
		assert.Equal(t, tt.want, n.list, tt.name)
	}
}

func TestManyObjects(t *testing.T) {
	var pods []source
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		pods = append(pods, source{spec: podnet.PodSpec{Name: name}})
	}
	assert.Equal(t, "Pod a, Pod b, Pod c and 2 more", objectsText(pods))
	assert.Equal(t, "Pod a", objectsText(pods[:1]))
}

func TestCheckOfWorkloads(t *testing.T) {
	const text = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: a, image: nginx}
      - {name: b, image: nginx, ports: [{containerPort: 80}]}
      - {name: c, image: none, readinessProbe: {tcpSocket: {port: http}}}
`
	got := podnetWith(t.Context(), text, "check", "-")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stdout, `error: standard input: Deployment prod/shop: spec.template.spec.containers[1].ports[0]
  a (image nginx does so by default) and b (declared in spec.template.spec.containers[1].ports[0]) both listen on port 80/TCP`)
	assert.Contains(t, got.stdout, `error: standard input: Deployment prod/shop: spec.template.spec.containers[2].readinessProbe.tcpSocket.port
  c names no port "http", so the probe cannot be made: c is never Ready.
  Give the port's number, or its name in spec.template.spec.containers[2].ports.`)
	assert.Contains(t, got.stdout, "\nPorts of Deployment prod/shop:\n")
	got = podnetWith(t.Context(), text, "check", "-", "-o", "json")
	assert.Contains(t, got.stdout, `"kind": "Deployment",`)
}

func FuzzFindHost(f *testing.F) {
	for _, seed := range []string{"http://web:80/", "a@web.:1", "wget -O- web;", "nc web 80", "postgres://u:p@web", "web:", "://web", "curl $(WEB)web/"} {
		f.Add("HOST", seed)
		f.Add("", seed)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		u, ok := findHost(text{name: name, value: value}, "web")
		if ok {
			_, host, hasScheme := strings.Cut(u.text, "://") // without a user and password
			if !hasScheme {
				host = u.text
			}
			assert.Contains(t, value, host)
			assert.True(t, u.port >= 0 && u.port < 1<<16)
		}
		listenPort(value)
		expand(value, map[string]string{"WEB": "x"})
	})
}
