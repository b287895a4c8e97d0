package manifest

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"podnet.dev/podnet"
)

var seeds = []string{
	"",
	"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: NodePort, selector: {a: b}, ports: [{port: 80, targetPort: http, nodePort: 30000}], clusterIPs: [None], sessionAffinity: ClientIP, ipFamilyPolicy: PreferDualStack}\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n",
	"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: a}\naddressType: IPv6\nendpoints: [{addresses: ['2001:db8::1'], conditions: {ready: false}, nodeName: b}]\nports: [{name: c, port: 80}]\n",
	"# comment\n---\n---\n",
	"\ufeff---\r\napiVersion: v1\r\nkind: Pod\r\n...\r\n",
	pod("a") + "---\n" + pod("b"),
	podWith("container", "ports: [{containerPort: 70000, hostPort: 1}]"),
	podWith("volume", "emptyDir: {sizeLimit: 1.5Gi, medium: Memory, mode: 0777}"),
	podWith("volume", "emptyDir: &e {sizeLimit: 1e30}\n  - {name: w, <<: *e}"),
	podWith("spec", "hostAliases: [{ip: '::1', hostnames: [a, B]}]\n  terminationGracePeriodSeconds: -1"),
	podWith("spec", "initContainers: [{name: i, image: i, restartPolicy: Always, startupProbe: {grpc: {port: 1, service: a}, periodSeconds: -1}}]\n  dnsConfig: {nameservers: ['::1'], options: [{name: a, value: b}]}"),
	podWith("container", "livenessProbe: {httpGet: {port: http, httpHeaders: [{name: A, value: b}]}}\n    lifecycle: {postStart: {exec: {command: [a]}}, preStop: {sleep: {seconds: 1}}}\n    restartPolicy: Never\n    restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"),
	podWith("container", "env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}, {name: B, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a']\"}}}]\n    envFrom: [{prefix: A, secretRef: {name: a}}]\n    resources: {limits: {cpu: 1e3, memory: 1.5Gi, a.b/c: 1}, requests: {cpu: 1E-3}}"),
	podWith("volume", "projected: {sources: [{configMap: {name: a, items: [{key: a, path: b/c}]}}, {downwardAPI: {items: [{path: d, fieldRef: {fieldPath: metadata.name, apiVersion: v2}}]}}]}"),
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\nbinaryData: {c: AAE=}\nimmutable: true\n",
	"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\ndata: {tls.crt: YQ==}\nstringData: {tls.key: b}\n",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 2, selector: {matchLabels: {a: b}}, strategy: {rollingUpdate: {maxSurge: 25%}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 70000}]}]}}}\n",
	"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {serviceName: s, ordinals: {start: 1}, selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}\n",
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {b: c}}\n",
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {matchExpressions: [{key: a, operator: In, values: [b]}]}, policyTypes: [Egress], ingress: [{}], egress: [{ports: [{port: 80, endPort: 90, protocol: UDP}, {port: http}], to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}, {podSelector: {}, namespaceSelector: {matchLabels: {c: d}}}]}]}\n",
	"apiVersion: chaos-mesh.org/v1alpha1\nkind: NetworkChaos\nmetadata: {name: a}\nspec: {action: netem, mode: fixed, value: '2', selector: {pods: {b: [c]}, expressionSelectors: [{key: d, operator: Exists}]}, target: {mode: one, selector: {namespaces: [e]}}, direction: both, duration: 1m, delay: {latency: 10ms, jitter: 1ms, reorder: {reorder: '5', gap: 1}}, loss: {loss: '1e1'}, bandwidth: {rate: 1 mbps, limit: 1, buffer: 1}}\n",
	"apiVersion: chaos-mesh.org/v1alpha1\nkind: PodChaos\nmetadata: {name: a}\nspec: {action: container-kill, mode: fixed-percent, value: '50', gracePeriod: 1, containerNames: [b]}\n",
	"apiVersion: chaos-mesh.org/v1alpha1\nkind: DNSChaos\nmetadata: {name: a}\nspec: {action: random, mode: all, patterns: ['a.*', 'b?c', '*']}\n",
	"apiVersion: chaos-mesh.org/v1alpha1\nkind: Schedule\nmetadata: {name: a}\nspec: {schedule: '@every 30s', type: PodChaos, historyLimit: 2, concurrencyPolicy: Allow, podChaos: {action: pod-kill, mode: one}}\n",
	podWith("metadata", "labels: {a/b: c, d: yes}\n  generateName: x-"),
	`{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "kind": "Pod"}, null, [], {"apiVersion": "v1", "kind": "List"}]}`,
	`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i","command":"x"}]}}{}`,
	"a: &a [x]\nb: [*a, *a]\n? {c: d}\n: !!binary e\n",
	"%YAML 1.1\n--- # x\n- |\n ---\n\u2028---\u2028\t.inf",
}

func FuzzParse(f *testing.F) {
	lesson, err := os.ReadFile("../../examples/web-and-logger/lesson.yaml")
	require.NoError(f, err)
	f.Add(lesson)
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		objects, err := Parse(text)
		if err != nil {
			assert.Empty(t, objects)
			assert.NotEmpty(t, err.Error())
			var e *Error
			assert.ErrorAs(t, err, &e)
			return
		}
		assert.NotEmpty(t, objects)
		for _, o := range objects {
			switch o := o.(type) {
			case podnet.PodSpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.ServiceSpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.EndpointSliceSpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.ConfigMapSpec:
				assert.NoError(t, o.Validate())
			case podnet.SecretSpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.DeploymentSpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.StatefulSetSpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.NamespaceSpec:
				assert.NoError(t, o.Validate())
			case podnet.NetworkPolicySpec:
				assert.NoError(t, o.Validate())
				o.Warnings()
			case podnet.NetworkChaosSpec:
				assert.NoError(t, o.Validate())
			case podnet.PodChaosSpec:
				assert.NoError(t, o.Validate())
			case podnet.DNSChaosSpec:
				assert.NoError(t, o.Validate())
			case podnet.ScheduleSpec:
				assert.NoError(t, o.Validate())
			default:
				t.Errorf("a %T", o)
			}
		}
	})
}

// FuzzSplit holds split against the splitter of kubectl.
func FuzzSplit(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		docs, err := split(text)
		for _, doc := range docs {
			// Where it says it starts, it starts.
			lines := bytes.SplitAfter(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n"))
			require.LessOrEqual(t, doc.line, len(lines))
			first, _, _ := bytes.Cut(doc.text, []byte("\n"))
			assert.Contains(t, string(lines[doc.line-1]), string(first))
		}
		if err != nil || bytes.Contains(text, []byte("...")) || bytes.ContainsAny(text, "{\r\ufeff") {
			return // JSON and "..." are split further on purpose; line ends and the mark are left alone
		}
		var got, want []string
		for _, doc := range docs {
			got = append(got, string(bytes.TrimRight(doc.text, "\n")))
		}
		for r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
			doc, err := r.Read()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			doc = bytes.TrimPrefix(doc, []byte("---"))
			if kept := withoutHead(doc); len(kept) > 0 {
				want = append(want, string(bytes.TrimRight(kept, "\n")))
			}
		}
		assert.Equal(t, want, got)
	})
}

// withoutHead drops the comments and empty lines before a document.
func withoutHead(doc []byte) []byte {
	for len(doc) > 0 {
		line, rest, _ := bytes.Cut(doc, []byte("\n"))
		if bare := bytes.TrimSpace(line); len(bare) > 0 && bare[0] != '#' {
			return doc
		}
		doc = rest
	}
	return nil
}
