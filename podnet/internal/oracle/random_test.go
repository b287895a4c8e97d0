package oracle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// tally counts what the API server says of random objects.
type tally struct{ refused, warned, fine int }

// compareRandom compares what podnet and the API server say of n random objects.
// least is how many of each sort there must be: that it compares something, and
// not the same thing for ever.
func compareRandom(t *testing.T, n uint64, random func(seed uint64) string, least tally) {
	t.Helper()
	var had tally
	for seed := range n {
		text := random(seed)
		if !compare(t, text) {
			t.Fatalf("seed %d", seed)
		}
		switch v := ofAPIServer(text); {
		case len(v.errors) > 0:
			had.refused++
		case len(v.warnings) > 0:
			had.warned++
		default:
			had.fine++
		}
	}
	require.Greater(t, had.refused, least.refused)
	require.Greater(t, had.warned, least.warned)
	require.Greater(t, had.fine, least.fine)
}

// TestRandomPods compares Pods of all fields that podnet has, of which some, or a
// few, or none are wrong.
func TestRandomPods(t *testing.T) { compareRandom(t, 2000, randomPod, tally{600, 300, 200}) }

// TestRandomWorkloads does the same for Deployments and StatefulSets.
func TestRandomWorkloads(t *testing.T) {
	compareRandom(t, 1500, randomWorkload, tally{500, 100, 100})
}

func FuzzWorkloads(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { compare(t, randomWorkload(seed)) })
}

func FuzzPods(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { compare(t, randomPod(seed)) })
}

// object is one as JSON has it.
type object map[string]any

// maker makes random objects.
type maker struct {
	*rand.Rand
	wrong float64 // the probability of a value to be wrong

	containers, volumes int  // made so far
	hostNetwork         bool // of the Pod
}

func randomPod(seed uint64) string {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 0))}
	m.wrong = pick(m.Rand, 0, 0, 0.01, 0.05, 0.3)
	text, err := json.Marshal(m.pod())
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

func randomWorkload(seed uint64) string {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1))}
	m.wrong = pick(m.Rand, 0, 0, 0.01, 0.05, 0.3)
	text, err := json.Marshal(m.workload())
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// workload makes a Deployment or StatefulSet of a random Pod's spec.
func (m *maker) workload() object {
	pod := m.pod()
	spec := pod["spec"].(object)
	delete(spec, "activeDeadlineSeconds")
	m.maybe(20, spec, "activeDeadlineSeconds", func() any { return 5 })
	spec["restartPolicy"] = one(m, []string{"Always", ""}, []string{"Never", "OnFailure", "a"})
	labels := m.strings()
	meta := object{"labels": labels}
	m.maybe(4, meta, "annotations", func() any { return m.strings() })
	selector := object{}
	m.maybe(2, selector, "matchLabels", func() any {
		some := object{}
		for k, v := range labels {
			some[k] = v
			break
		}
		return some
	})
	m.maybe(2, selector, "matchExpressions", func() any {
		return list(m, 2, func() object {
			r := object{"key": m.name(), "operator": one(m, []string{"NotIn", "DoesNotExist"}, []string{"In", "Exists", "a"})}
			if r["operator"] == "NotIn" || m.Float64() < m.wrong {
				r["values"] = list(m, 2, func() string { return one(m, []string{"x", "y"}, []string{"a b", x64}) })
				if len(r["values"].([]string)) == 0 && m.Float64() >= m.wrong {
					r["values"] = []string{"z"}
				}
			}
			return r
		})
	})
	w := object{"template": object{"metadata": meta, "spec": spec}}
	if m.Float64() >= m.wrong {
		w["selector"] = selector
	}
	m.maybe(2, w, "replicas", m.number)
	m.maybe(4, w, "minReadySeconds", func() any { return one(m, []int{0, 10}, []int{-1}) })
	kind := "Deployment"
	if m.IntN(2) == 0 {
		kind = "StatefulSet"
		m.maybe(2, w, "serviceName", m.label)
		m.maybe(2, w, "podManagementPolicy", func() any { return one(m, []string{"OrderedReady", "Parallel", ""}, []string{"a"}) })
		m.maybe(4, w, "ordinals", func() any { return object{"start": m.number()} })
	}
	return object{"apiVersion": "apps/v1", "kind": kind, "metadata": pod["metadata"], "spec": w}
}

// one returns one of right or, now and then, of wrong.
func one[T any](m *maker, right, wrong []T) T {
	if m.Float64() < m.wrong {
		return pick(m.Rand, wrong...)
	}
	return pick(m.Rand, right...)
}

// maybe sets a field in one of n objects.
func (m *maker) maybe(n int, o object, key string, make func() any) {
	if m.IntN(n) == 0 {
		o[key] = make()
	}
}

// list returns up to n elements.
func list[T any](m *maker, n int, make func() T) []T {
	elements := []T{}
	for range m.IntN(n + 1) {
		elements = append(elements, make())
	}
	return elements
}

func (m *maker) label() any {
	return one(m, []string{"a", "b", "c", "d", "e", "f-1", "g"}, []string{"", "A", "a.b", "-", "a b", "<x>", x64})
}

func (m *maker) subdomain() any {
	return one(m, []string{"a", "b", "a.b", "c-d.e"}, []string{"", "A", "a..b", "-", "a-", "<x>", x254})
}

func (m *maker) key() any {
	return one(m, []string{"a", "b", "A_b.c-d", ".c"}, []string{"", ".", "..", "..a", "a b", "a/b", x254})
}

func (m *maker) path() any {
	return one(m, []string{"a", "b", "c", "d", "e/f", "e/g", "h/i/j", "k/"}, []string{"", "/", "/a", "..", "../a", "a/..", "..a"})
}

func (m *maker) truth() any { return m.IntN(2) == 0 }

func (m *maker) text() any { return pick(m.Rand, "", "a", "a b", "$(A)", "<\"é\n>") }

func (m *maker) mode() any { return one(m, []int{0, 0o644, 0o777}, []int{-1, 0o1000, 1 << 30}) }

func (m *maker) number() any { return one(m, []int{0, 1, 10}, []int{-1, -1 << 31}) }

func (m *maker) ip() any {
	return one(m, []string{"10.0.0.1", "10.0.0.2", "::1", "2001:DB8::1", "fe80::0"}, []string{"", "a", "010.0.0.1", "::ffff:1.2.3.4", "1.2.3", "fe80::1%a"})
}

func (m *maker) quantity() any {
	return one(m, []any{"1", "2", 3, "500m", "1.5", "64Mi", "1Gi", "1e3", "0.1", "100", "1500"}, []any{"-1", "-1500m", "0.0001", "1u"})
}

func (m *maker) pod() object {
	meta := object{"name": m.label()}
	if m.IntN(20) == 0 {
		meta["name"] = m.subdomain()
	}
	m.maybe(5, meta, "namespace", m.label)
	m.maybe(5, meta, "labels", func() any { return m.strings() })
	m.maybe(5, meta, "annotations", func() any { return m.strings() })
	m.hostNetwork = m.IntN(6) == 0
	spec := object{"hostNetwork": m.hostNetwork, "volumes": append(list(m, 3, m.volume), m.volume())}
	spec["containers"] = append(list(m, 2, m.container), m.container())
	m.maybe(2, spec, "initContainers", func() any { return list(m, 2, m.container) })
	m.maybe(3, spec, "restartPolicy", func() any { return one(m, []string{"Always", "OnFailure", "Never", ""}, []string{"a", "<"}) })
	m.maybe(3, spec, "terminationGracePeriodSeconds", func() any { return pick(m.Rand, 0, 1, 30, 60) })
	m.maybe(4, spec, "activeDeadlineSeconds", func() any { return one(m, []int{1, 100}, []int{0, -1, 1 << 40}) })
	m.maybe(4, spec, "readinessGates", func() any {
		return list(m, 2, func() object { return object{"conditionType": m.name()} })
	})
	m.maybe(4, spec, "nodeName", m.subdomain)
	m.maybe(4, spec, "nodeSelector", func() any { return m.strings() })
	m.maybe(4, spec, "hostname", m.label)
	m.maybe(4, spec, "subdomain", m.label)
	m.maybe(4, spec, "setHostnameAsFQDN", func() any { return m.Float64() < m.wrong })
	m.maybe(4, spec, "hostnameOverride", m.subdomain)
	m.maybe(4, spec, "hostAliases", func() any {
		return list(m, 3, func() object { return object{"ip": m.ip(), "hostnames": list(m, 2, m.subdomain)} })
	})
	m.maybe(3, spec, "dnsPolicy", func() any {
		return one(m, []string{"ClusterFirst", "Default", "ClusterFirstWithHostNet", ""}, []string{"None", "a"})
	})
	m.maybe(3, spec, "dnsConfig", func() any {
		c := object{}
		m.maybe(2, c, "nameservers", func() any { return list(m, one(m, []int{2}, []int{5}), m.ip) })
		m.maybe(2, c, "searches", func() any {
			return list(m, one(m, []int{3}, []int{40}), func() any { return one(m, []string{"a", "b.c.", "_d.e", "."}, []string{"", "A", "a..", x254}) })
		})
		m.maybe(2, c, "options", func() any {
			return list(m, 2, func() object { return object{"name": one(m, []string{"a"}, []string{""}), "value": m.text()} })
		})
		return c
	})
	m.maybe(4, spec, "securityContext", m.securityContext)
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

// name is a qualified one.
func (m *maker) name() any {
	return one(m, []string{"a", "A.b_c", "example.com/a"}, []string{"", "/a", "a/", "a/b/c", "A/b", "a b", x64})
}

func (m *maker) strings() object {
	o := object{}
	for range m.IntN(3) {
		o[fmt.Sprint(m.name())] = one(m, []string{"", "a", "B.c"}, []string{"a b", "-", x64})
	}
	return o
}

func (m *maker) securityContext() any {
	c := object{}
	id := func() any { return one(m, []int{0, 1000, 1<<31 - 1}, []int{-1, 1 << 31}) }
	m.maybe(2, c, "runAsUser", id)
	m.maybe(2, c, "runAsGroup", id)
	m.maybe(2, c, "runAsNonRoot", m.truth)
	return c
}

func (m *maker) container() object {
	m.containers++
	c := object{"name": one(m, []string{fmt.Sprintf("c%d", m.containers)}, []string{"", "c1", "c2", "A", "a.b"}),
		"image": one(m, []string{"i", "i:1"}, []string{"", " i", "i "})}
	m.maybe(4, c, "command", func() any { return list(m, 2, m.text) })
	m.maybe(4, c, "workingDir", m.text)
	m.maybe(3, c, "imagePullPolicy", func() any { return one(m, []string{"Always", "Never", ""}, []string{"a"}) })
	m.maybe(3, c, "terminationMessagePolicy", func() any { return one(m, []string{"File", "FallbackToLogsOnError", ""}, []string{"a"}) })
	m.maybe(2, c, "ports", func() any {
		return list(m, 3, func() object {
			p := object{"containerPort": one(m, []int{80, 81, 8080}, []int{0, -1, 65536})}
			hostPorts := []int{0, 80, 81, 82, 83, 84}
			if m.hostNetwork { // see "hostNetwork with a great port"
				p["containerPort"], hostPorts = one(m, []int{80, 81, 8080}, []int{0}), hostPorts[:1]
			}
			m.maybe(2, p, "name", func() any {
				return one(m, []string{"a", "b", "c", "d", "e", "f", "g", "h"}, []string{"A", "1", "-a--", "abcdefghijklmnop"})
			})
			m.maybe(2, p, "protocol", func() any { return one(m, []string{"TCP", "UDP", "SCTP", ""}, []string{"tcp"}) })
			m.maybe(3, p, "hostPort", func() any { return one(m, hostPorts, []int{80}) })
			m.maybe(4, p, "hostIP", func() any { return one(m, []string{"", "127.0.0.1"}, []string{"a"}) })
			return p
		})
	})
	m.maybe(2, c, "env", func() any { return list(m, 3, m.env) })
	m.maybe(3, c, "envFrom", func() any { return list(m, 2, m.envFrom) })
	m.maybe(2, c, "volumeMounts", func() any { return list(m, 3, m.mount) })
	m.maybe(3, c, "resources", m.resources)
	m.maybe(4, c, "securityContext", m.securityContext)
	m.maybe(3, c, "restartPolicy", func() any { return one(m, []string{"Always", "Always", "Never", "OnFailure"}, []string{"a"}) })
	if c["restartPolicy"] != nil || m.Float64() < m.wrong {
		m.maybe(3, c, "restartPolicyRules", func() any { return list(m, one(m, []int{3}, []int{30}), m.rule) })
	}
	// Only sidecars and apps have what follows.
	if n := 3; c["restartPolicy"] == "Always" || m.Float64() < 2*m.wrong {
		m.maybe(n, c, "livenessProbe", func() any { return m.probe(1) })
		m.maybe(n, c, "readinessProbe", func() any { return m.probe(2) })
		m.maybe(n, c, "startupProbe", func() any { return m.probe(1) })
		m.maybe(n, c, "lifecycle", func() any {
			l := object{}
			m.maybe(2, l, "postStart", func() any { return m.handler("exec", "httpGet", "sleep") })
			m.maybe(2, l, "preStop", func() any { return m.handler("exec", "httpGet", "sleep") })
			return l
		})
	}
	return c
}

func (m *maker) rule() object {
	r := object{"action": one(m, []string{"Restart", "RestartAllContainers"}, []string{"", "a"})}
	if m.Float64() >= m.wrong {
		values := []int{}
		for range one(m, []int{1, 2}, []int{0, 256}) {
			values = append(values, m.IntN(300)-20)
		}
		r["exitCodes"] = object{"operator": one(m, []string{"In", "NotIn"}, []string{"", "a"}), "values": values}
	}
	return r
}

func (m *maker) probe(successes int) object {
	p := m.handler("exec", "httpGet", "tcpSocket", "grpc")
	for _, key := range []string{"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold"} {
		m.maybe(3, p, key, m.number)
	}
	m.maybe(3, p, "successThreshold", func() any { return one(m, []int{0, 1, successes}, []int{-1, 2}) })
	if successes == 1 || m.Float64() < m.wrong {
		m.maybe(3, p, "terminationGracePeriodSeconds", func() any { return one(m, []int{1, 60}, []int{0, -1}) })
	}
	return p
}

func (m *maker) handler(kinds ...string) object {
	h := object{}
	for range one(m, []int{1}, []int{0, 2, 3}) {
		switch kind := pick(m.Rand, kinds...); kind {
		case "exec":
			h[kind] = object{"command": one(m, [][]string{{"a"}, {"a", "b"}}, [][]string{{}})}
		case "httpGet":
			get := object{"port": m.port()}
			m.maybe(2, get, "path", m.text)
			m.maybe(3, get, "host", m.text)
			m.maybe(2, get, "scheme", func() any { return one(m, []string{"HTTP", "HTTPS", ""}, []string{"http"}) })
			m.maybe(2, get, "httpHeaders", func() any {
				return list(m, 2, func() object {
					return object{"name": one(m, []string{"A", "x-b"}, []string{"", "a b", "a_b"}), "value": m.text()}
				})
			})
			h[kind] = get
		case "tcpSocket":
			h[kind] = object{"port": m.port(), "host": m.text()}
		case "grpc":
			h[kind] = object{"port": one(m, []int{1, 65535}, []int{0, -1, 65536}), "service": m.text()}
		case "sleep":
			h[kind] = object{"seconds": one(m, []int{0, 1}, []int{-1, 31, 100})}
		}
	}
	return h
}

func (m *maker) port() any {
	return one(m, []any{1, 80, 65535, "a", "http-2"}, []any{0, -1, 65536, "80", "A", "-", "a--b", "abcdefghijklmnop"})
}

func (m *maker) env() object {
	e := object{"name": one(m, []string{"A", "B", "C", "a b"}, []string{"", "A=", "é"})}
	if m.IntN(2) == 0 {
		e["value"] = m.text()
		if m.Float64() >= m.wrong {
			return e
		}
	}
	source := object{}
	for range one(m, []int{1}, []int{0, 2}) {
		switch m.IntN(4) {
		case 0:
			source["fieldRef"] = m.fieldRef("metadata.uid", "status.podIP", "spec.nodeName", "spec.host")
		case 1:
			source["resourceFieldRef"] = m.resourceFieldRef()
		case 2:
			source["configMapKeyRef"] = object{"name": m.subdomain(), "key": m.key(), "optional": m.truth()}
		case 3:
			source["secretKeyRef"] = object{"name": m.subdomain(), "key": m.key()}
		}
	}
	e["valueFrom"] = source
	return e
}

func (m *maker) fieldRef(more ...string) object {
	ref := object{"fieldPath": one(m, append(more, "metadata.name", "metadata.namespace", "metadata.labels['a']", "metadata.annotations['B/c']"),
		[]string{"", "a", "metadata.labels", "metadata.annotations", "status.podIP", "status.phase", "spec.host", "metadata.labels['']", "metadata.labels['A/b']", "metadata.name['a']", "['a']", "metadata.annotations['a b']"})}
	m.maybe(5, ref, "apiVersion", func() any { return one(m, []string{"v1", ""}, []string{"v2"}) })
	return ref
}

func (m *maker) resourceFieldRef() object {
	ref := object{"resource": one(m, []string{"limits.cpu", "requests.memory", "limits.ephemeral-storage", "requests.hugepages-2Mi"}, []string{"", "cpu", "limits.a"})}
	m.maybe(2, ref, "divisor", func() any { return one(m, []any{"1", 1, "0"}, []any{"1m", "1k", "1Mi", "3", "1e3", "-1"}) })
	if m.Float64() >= m.wrong {
		ref["containerName"] = "a"
	}
	return ref
}

func (m *maker) envFrom() object {
	e := object{}
	m.maybe(2, e, "prefix", func() any { return one(m, []string{"", "A_"}, []string{"=", "é"}) })
	for range one(m, []int{1}, []int{0, 3}) {
		e[pick(m.Rand, "configMapRef", "secretRef")] = object{"name": one(m, []string{"a", "a.b", "a-"}, []string{"", "-", "A", "a--"}), "optional": m.truth()}
	}
	return e
}

func (m *maker) mount() object {
	v := object{"name": one(m, []string{fmt.Sprintf("v%d", 1+m.IntN(m.volumes))}, []string{"", "x"}), "mountPath": fmt.Sprintf("/m%d", m.IntN(one(m, []int{1000}, []int{2}))), "readOnly": m.truth()}
	if m.Float64() < m.wrong {
		v["mountPath"] = ""
	}
	m.maybe(3, v, "subPath", func() any { return one(m, []string{"", "a", "a/b", "..a"}, []string{"/a", "..", "/.."}) })
	if v["subPath"] == nil || m.Float64() < m.wrong {
		m.maybe(3, v, "subPathExpr", func() any { return one(m, []string{"", "$(A)", "a/$(B)"}, []string{"/a", "../$(A)"}) })
	}
	return v
}

func (m *maker) resources() any {
	r := object{}
	amounts := func() any {
		o := object{}
		for range m.IntN(3) {
			o[one(m, []string{"cpu", "memory", "ephemeral-storage"}, []string{"hugepages-2Mi", "example.com/a", "", "gpu", "pods", "a b", "requests.a.b/c", "a.kubernetes.io/b", "A/b", "hugepages-x"})] = m.quantity()
		}
		return o
	}
	m.maybe(2, r, "limits", func() any {
		if m.IntN(4) == 0 {
			return object{"memory": m.quantity(), "hugepages-2Mi": one(m, []any{"2Mi", "4Mi", 0}, []any{"1Mi", 1}), "example.com/a": one(m, []any{1, "2"}, []any{"1m", -1})}
		}
		return amounts()
	})
	m.maybe(2, r, "requests", amounts)
	return r
}

func (m *maker) volume() object {
	m.volumes++
	v := object{"name": one(m, []string{fmt.Sprintf("v%d", m.volumes)}, []string{"", "A", "v1", "a.b"})}
	for range one(m, []int{1}, []int{0, 2}) {
		switch m.IntN(5) {
		case 0:
			dir := object{"medium": pick(m.Rand, "", "Memory")}
			m.maybe(2, dir, "sizeLimit", func() any { return one(m, []any{"1Gi", 1, "1.5"}, []any{"-1", -1}) })
			v["emptyDir"] = dir
		case 1:
			v["configMap"] = m.items(object{"name": m.subdomain()}, true)
			if v["configMap"].(object)["name"] == "" { // what is in it counts no more
				v["configMap"] = object{}
			}
		case 2:
			v["secret"] = m.items(object{"secretName": m.subdomain()}, true)
		case 3:
			d := object{"items": list(m, 3, m.file)}
			m.maybe(3, d, "defaultMode", m.mode)
			if len(v) == 1 { // the API server misspells it if it is not the first
				v["downwardAPI"] = d
			}
		case 4:
			p := object{"sources": list(m, 3, m.projection)}
			m.maybe(3, p, "defaultMode", m.mode)
			v["projected"] = p
		}
	}
	if v["downwardAPI"] != nil && (v["secret"] != nil || v["emptyDir"] != nil) {
		delete(v, "downwardAPI")
	}
	return v
}

func (m *maker) items(o object, whole bool) object {
	m.maybe(2, o, "items", func() any {
		return list(m, 3, func() object {
			item := object{"key": m.key(), "path": m.path()}
			m.maybe(3, item, "mode", m.mode)
			return item
		})
	})
	m.maybe(3, o, "optional", m.truth)
	if whole {
		m.maybe(3, o, "defaultMode", m.mode)
	}
	return o
}

func (m *maker) file() object {
	f := object{"path": m.path()}
	for range one(m, []int{1}, []int{0, 2}) {
		if m.IntN(2) == 0 {
			f["fieldRef"] = m.fieldRef("metadata.labels", "metadata.annotations")
		} else {
			f["resourceFieldRef"] = m.resourceFieldRef()
		}
	}
	m.maybe(3, f, "mode", m.mode)
	return f
}

func (m *maker) projection() object {
	s := object{}
	for range one(m, []int{1}, []int{0, 2}) {
		switch m.IntN(3) {
		case 0:
			s["configMap"] = m.items(object{"name": m.subdomain()}, false)
		case 1:
			s["secret"] = m.items(object{"name": m.subdomain()}, false)
		case 2:
			s["downwardAPI"] = object{"items": list(m, 2, m.file)}
		}
	}
	return s
}
