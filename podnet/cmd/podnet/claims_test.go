package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPortsOfMetricsAndHealthChecks(t *testing.T) {
	const clash = ` both listen on port 8080/TCP, and containers of a Pod share their ports. a is started first and so gets it, unless it is slow; b then gets "bind: address already in use" and crash-loops.`
	for _, tt := range []struct {
		name, a, b string
		want       []string
	}{
		{"two arguments", `args: ["--metrics-bind-address=:8080"]`, `args: ["--metrics-addr", "127.0.0.1:8080"]`,
			[]string{"warning spec.containers[1].args[0]: a (by --metrics-bind-address=:8080) and b (by --metrics-addr 127.0.0.1:8080)" + clash}},
		{"an argument and a declaration", `args: ["--health-probe-bind-address=0.0.0.0:8080"]`, `ports: [{containerPort: 8080, name: metrics}]`,
			[]string{"warning spec.containers[1].ports[0]: a (by --health-probe-bind-address=0.0.0.0:8080) and b (declared in spec.containers[1].ports[0])" + clash}},
		{"a variable and an argument", `env: [{name: APP_METRICS_PORT, value: "8080"}]`, `command: [b, --web.listen-address=:8080]`,
			[]string{"warning spec.containers[1].command[1]: a (by APP_METRICS_PORT=8080) and b (by --web.listen-address=:8080)" + clash}},
		{"declared by both", `ports: [{containerPort: 8080}]`, `ports: [{containerPort: 8080}]`,
			[]string{"error spec.containers[1].ports[0]: a (declared in spec.containers[0].ports[0]) and b (declared in spec.containers[1].ports[0])" + clash}},
		{"declared and by argument", `args: ["--metrics-bind-address=:8080"], ports: [{containerPort: 8080}]`, `args: ["--metrics-bind-address=:8081"]`, nil},
		{"switched off", `args: ["--metrics-bind-address=0"]`, `args: ["--metrics-bind-address=0"]`, nil},
		{"of another host", `args: ["--admin-address=other:8080"]`, `args: ["--admin-address=other:8080"]`, nil},
		{"of something else", `args: ["--upstream-port=8080"]`, `args: ["--upstream-port=8080"], env: [{name: DB_PORT, value: "8080"}]`, nil},
		{"no number", `args: ["--metrics-port=http", "--metrics-port"]`, `args: ["--metrics-port=99999"]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := networkOf(t, pod("p", "  containers: [{name: a, image: none, "+tt.a+"}, {name: b, image: none, "+tt.b+"}]\n"), nil, nil)
			a := analyse(n.pods[0], testImages())
			a.findings = nil
			a.checkClashes()
			assert.Equal(t, tt.want, brief(a.findings))
		})
	}
}

func TestPortsThatAMeshNeeds(t *testing.T) {
	for _, tt := range []struct {
		meta, port string
		want       []string
	}{
		{"labels: {sidecar.istio.io/inject: 'true'}", "15090}]}, {name: istio-proxy, image: none, ports: [{containerPort: 15020", nil},
		{"labels: {sidecar.istio.io/inject: 'true'}", "15020", []string{`warning spec.containers[0].ports[0]: a (declared in spec.containers[0].ports[0]) listens on port 15020/TCP, which the proxy that Istio puts into the Pod needs for merged metrics: one of the two gets "bind: address already in use".`}},
		{"annotations: {linkerd.io/inject: enabled}", "4191", []string{`warning spec.containers[0].ports[0]: a (declared in spec.containers[0].ports[0]) listens on port 4191/TCP, which the proxy that Linkerd puts into the Pod needs for admin and metrics: one of the two gets "bind: address already in use".`}},
		{"labels: {sidecar.istio.io/inject: 'false'}", "15020", nil},
		{"labels: {sidecar.istio.io/inject: 'true'}", "8080", nil},
		{"labels: {a: b}", "15020", nil},
	} {
		n := networkOf(t, "{apiVersion: v1, kind: Pod, metadata: {name: p, "+tt.meta+"}, spec: {containers: [{name: a, image: none, ports: [{containerPort: "+tt.port+"}]}]}}", nil, nil)
		a := analyse(n.pods[0], testImages())
		a.findings = nil
		a.checkMeshes()
		assert.Equal(t, tt.want, brief(a.findings))
	}
}
