package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestServicesText(t *testing.T) {
	tcp := func(port, nodePort int32) serviceRowPort { return serviceRowPort{port, nodePort, "TCP"} }
	rows := []serviceRow{
		{namespace: "default", name: "web", typ: "ClusterIP", clusterIP: "10.96.0.7", ports: []serviceRowPort{tcp(80, 0), {53, 0, "UDP"}}},
		{namespace: "default", name: "peers", typ: "ClusterIP", clusterIP: "None"},
		{namespace: "default", name: "front", typ: "NodePort", clusterIP: "10.96.0.8", externalIPs: []string{"1.2.3.4", "1.2.3.5"}, ports: []serviceRowPort{tcp(80, 30080)}},
		{namespace: "default", name: "lb", typ: "LoadBalancer", clusterIP: "10.96.0.9", ports: []serviceRowPort{tcp(80, 30081)}},
		{namespace: "default", name: "lb2", typ: "LoadBalancer", clusterIP: "10.96.0.10", ingress: []string{"9.9.9.9", "1.1.1.1"}, ports: []serviceRowPort{tcp(80, 30082)}},
		{namespace: "default", name: "lb3", typ: "LoadBalancer", clusterIP: "10.96.0.11", ingress: []string{"2001:db8::1:2:3:4"}, externalIPs: []string{"1.2.3.4"}, ports: []serviceRowPort{tcp(80, 30083)}},
		{namespace: "default", name: "out", typ: "ExternalName", externalName: "example.com"},
	}
	assert.Equal(t, `
NAME    TYPE           CLUSTER-IP   EXTERNAL-IP                PORT(S)
web     ClusterIP      10.96.0.7    <none>                     80/TCP,53/UDP
peers   ClusterIP      None         <none>                     <none>
front   NodePort       10.96.0.8    1.2.3.4,1.2.3.5            80:30080/TCP
lb      LoadBalancer   10.96.0.9    <pending>                  80:30081/TCP
lb2     LoadBalancer   10.96.0.10   1.1.1.1,9.9.9.9            80:30082/TCP
lb3     LoadBalancer   10.96.0.11   2001:db8::1:2...,1.2.3.4   80:30083/TCP
out     ExternalName   <none>       example.com                <none>
`[1:], servicesText(names{}, rows))
	assert.Equal(t, `
NAMESPACE   NAME   TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)
default     web    ClusterIP   10.96.0.7    <none>        80/TCP,53/UDP
`[1:], servicesText(names{severalNamespaces: true}, rows[:1]))
	assert.Empty(t, servicesText(names{}, nil))
}

func TestRunShowsServices(t *testing.T) {
	got, _ := runVirtual(t, pod("p", "  restartPolicy: Never\n  containers: [{name: c, image: alpine}]\n")+`---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.1.1, externalIPs: [198.51.100.1], ports: [{port: 80}], selector: {app: web}}
---
apiVersion: v1
kind: Service
metadata: {name: out, namespace: prod}
spec: {type: ExternalName, externalName: example.com}
`)
	assert.Equal(t, 0, got.code)
	assert.Contains(t, got.stdout, `

NAMESPACE   NAME   TYPE           CLUSTER-IP   EXTERNAL-IP    PORT(S)
default     web    ClusterIP      10.96.1.1    198.51.100.1   80/TCP
prod        out    ExternalName   <none>       example.com    <none>

NAME   READY`)
	assert.Equal(t, "Warning: spec.externalIPs is deprecated and may no longer be implemented in some clusters\n", got.stderr)
}
