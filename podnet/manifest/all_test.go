package manifest

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

const allFields = `
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
  labels: {app: web}
  annotations: {example.com/owner: me}
  creationTimestamp: null
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 60
  activeDeadlineSeconds: 600
  nodeName: node-1
  nodeSelector: {disk: ssd}
  hostNetwork: true
  readinessGates:
  - conditionType: example.com/lb
  hostname: www
  subdomain: shop
  setHostnameAsFQDN: true
  hostAliases:
  - ip: 10.1.2.3
    hostnames: [db, db.local]
  enableServiceLinks: false
  dnsPolicy: None
  dnsConfig:
    nameservers: [10.96.0.10]
    searches: [shop.svc.cluster.local]
    options:
    - {name: ndots, value: "2"}
    - name: edns0
  securityContext:
    runAsUser: 1000
    runAsGroup: 2000
    runAsNonRoot: true
  initContainers:
  - name: proxy
    image: envoy
    restartPolicy: Always
    restartPolicyRules:
    - action: RestartAllContainers
      exitCodes: {operator: NotIn, values: [0, 1]}
    startupProbe:
      grpc: {port: 9000, service: ready}
      failureThreshold: 30
      terminationGracePeriodSeconds: 5
    lifecycle:
      preStop:
        sleep: {seconds: 45}
  containers:
  - name: web
    image: nginx
    command: [nginx]
    args: [-g, daemon off;]
    workingDir: /srv
    imagePullPolicy: Never
    terminationMessagePath: /dev/message
    terminationMessagePolicy: FallbackToLogsOnError
    envFrom:
    - prefix: CFG_
      configMapRef: {name: cfg, optional: true}
    - secretRef: {name: key, optional: true}
    env:
    - name: A
      value: "1"
    - name: EMPTY
    - name: IP
      valueFrom: {fieldRef: {apiVersion: v1, fieldPath: status.podIP}}
    - name: CPU
      valueFrom: {resourceFieldRef: {containerName: proxy, resource: limits.cpu, divisor: 0.001}}
    - name: CFG
      valueFrom: {configMapKeyRef: {name: cfg, key: a, optional: true}}
    - name: KEY
      valueFrom: {secretKeyRef: {name: key, key: b, optional: true}}
    ports:
    - name: http
      containerPort: 65535
      hostPort: 65535
      hostIP: 127.0.0.1
      protocol: UDP
    resources:
      limits: {cpu: 1.5, memory: 1024Mi, example.com/gpu: 1}
      requests: {cpu: 100m}
    livenessProbe:
      httpGet:
        path: /healthz
        port: http
        host: localhost
        scheme: HTTPS
        httpHeaders:
        - {name: X-Probe, value: a}
      initialDelaySeconds: 1
      timeoutSeconds: 2
      periodSeconds: 3
      successThreshold: 1
      failureThreshold: 5
    readinessProbe:
      tcpSocket: {port: 80, host: 127.0.0.1}
      successThreshold: 2
    startupProbe:
      exec: {command: [test, -f, /ready]}
    lifecycle:
      postStart:
        exec: {command: [touch, /ready]}
      preStop:
        httpGet: {port: 80, path: /quit}
    securityContext:
      runAsUser: 0
      runAsGroup: 1
      runAsNonRoot: false
      privileged: true
      allowPrivilegeEscalation: true
      capabilities: {add: [NET_ADMIN], drop: [ALL]}
    volumeMounts:
    - name: data
      mountPath: /data
      readOnly: true
      subPath: a/b
    - name: cfg
      mountPath: /cfg
      subPathExpr: $(A)
  volumes:
  - name: data
    emptyDir:
      medium: Memory
      sizeLimit: 1.5Ki
  - name: cfg
    configMap:
      name: cfg
      defaultMode: 0600
      optional: true
      items:
      - {key: a, path: dir/a, mode: 0400}
  - name: key
    secret:
      secretName: key
      defaultMode: 256
      optional: true
      items:
      - {key: b, path: b}
  - name: me
    downwardAPI:
      defaultMode: 0
      items:
      - path: labels
        fieldRef: {fieldPath: metadata.labels}
        mode: 511
      - path: memory
        resourceFieldRef: {containerName: web, resource: requests.memory, divisor: 1Mi}
  - name: all
    projected:
      defaultMode: 0444
      sources:
      - configMap: {name: cfg, optional: true}
      - secret: {name: key, items: [{key: b, path: c}]}
      - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
  - name: plain
status: {}
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  hostnameOverride: www.example.com
  containers: [{name: c, image: i}]
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: cfg
    namespace: shop
    labels: {a: b}
    annotations: {c: d}
  data: {a: "1", b: ""}
  binaryData: {c: AAE=}
  immutable: true
- apiVersion: v1
  kind: Secret
  metadata:
    name: key
    namespace: shop
    labels: {a: b}
    annotations: {c: d}
  type: kubernetes.io/basic-auth
  data: {username: YWRtaW4=, b: ""}
  stringData: {password: s3cret}
  immutable: true
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {a: b}, annotations: {c: d}, creationTimestamp: null}
spec:
  replicas: 3
  minReadySeconds: 5
  selector:
    matchLabels: {app: web}
    matchExpressions: [{key: app, operator: In, values: [web]}]
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
  revisionHistoryLimit: 10
  progressDeadlineSeconds: 600
  template:
    metadata: {name: none, labels: {app: web}, annotations: {c: d}, creationTimestamp: null}
    spec: {containers: [{name: c, image: i}]}
status: {}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {a: b}, annotations: {c: d}}
spec:
  replicas: 3
  minReadySeconds: 5
  serviceName: dbs
  podManagementPolicy: Parallel
  ordinals: {start: 1}
  selector: {matchLabels: {app: db}}
  updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain}
  revisionHistoryLimit: 10
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {a: b}, annotations: {c: d}}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports:
  - {name: http, protocol: TCP, port: 80, targetPort: http, nodePort: 30080, appProtocol: http}
  - {name: dns, protocol: UDP, port: 53, targetPort: 5353}
  clusterIP: 10.96.1.1
  clusterIPs: [10.96.1.1, "fd00:10:96::1:1"]
  ipFamilies: [IPv4, IPv6]
  ipFamilyPolicy: PreferDualStack
  externalName: example.com
  externalIPs: [192.0.2.1]
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}
  internalTrafficPolicy: Local
  externalTrafficPolicy: Local
  publishNotReadyAddresses: true
  trafficDistribution: PreferSameNode
  loadBalancerSourceRanges: [192.0.2.0/24]
  loadBalancerClass: example.com/lb
  allocateLoadBalancerNodePorts: false
  healthCheckNodePort: 30081
status:
  loadBalancer:
    ingress: [{ip: 192.0.2.2, ipMode: VIP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}, annotations: {c: d}}
addressType: IPv4
endpoints:
- {addresses: [192.0.2.3], conditions: {ready: true, serving: true, terminating: true}, hostname: db-0, nodeName: node-1, zone: a}
ports:
- {name: sql, protocol: TCP, port: 5432, appProtocol: postgres}
`

func TestParseTakesAllFields(t *testing.T) {
	objects, err := Parse([]byte(allFields))
	require.NoError(t, err)
	override := "www.example.com"
	want := []podnet.Object{podnet.PodSpec{
		Name:        "web",
		Namespace:   "shop",
		Labels:      map[string]string{"app": "web"},
		Annotations: map[string]string{"example.com/owner": "me"},
		InitContainers: []podnet.ContainerSpec{{
			Name:          "proxy",
			Image:         "envoy",
			RestartPolicy: podnet.RestartPolicyAlways,
			RestartPolicyRules: []podnet.ContainerRestartRule{{
				Action:    podnet.RestartRuleActionRestartAllContainers,
				ExitCodes: &podnet.ContainerRestartRuleOnExitCodes{Operator: podnet.RestartRuleOpNotIn, Values: []int32{0, 1}},
			}},
			StartupProbe: &podnet.Probe{
				GRPC: &podnet.GRPCAction{Port: 9000, Service: "ready"}, FailureThreshold: 30, TerminationGracePeriodSeconds: new(int64(5))},
			Lifecycle: &podnet.Lifecycle{PreStop: &podnet.LifecycleHandler{Sleep: &podnet.SleepAction{Seconds: 45}}},
		}},
		Containers: []podnet.ContainerSpec{{
			Name:                     "web",
			Image:                    "nginx",
			Command:                  []string{"nginx"},
			Args:                     []string{"-g", "daemon off;"},
			WorkingDir:               "/srv",
			ImagePullPolicy:          podnet.PullNever,
			TerminationMessagePath:   "/dev/message",
			TerminationMessagePolicy: podnet.TerminationMessageFallbackToLogsOnError,
			EnvFrom: []podnet.EnvFromSource{
				{Prefix: "CFG_", ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "cfg", Optional: true}},
				{SecretRef: &podnet.SecretEnvSource{Name: "key", Optional: true}},
			},
			Env: []podnet.EnvVar{
				{Name: "A", Value: "1"},
				{Name: "EMPTY"},
				{Name: "IP", ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: "status.podIP"}}},
				{Name: "CPU", ValueFrom: &podnet.EnvVarSource{ResourceFieldRef: &podnet.ResourceFieldSelector{ContainerName: "proxy", Resource: "limits.cpu", Divisor: "1m"}}},
				{Name: "CFG", ValueFrom: &podnet.EnvVarSource{ConfigMapKeyRef: &podnet.ConfigMapKeySelector{Name: "cfg", Key: "a", Optional: true}}},
				{Name: "KEY", ValueFrom: &podnet.EnvVarSource{SecretKeyRef: &podnet.SecretKeySelector{Name: "key", Key: "b", Optional: true}}},
			},
			Ports: []podnet.ContainerPort{{Name: "http", ContainerPort: 65535, Protocol: podnet.ProtocolUDP, HostPort: 65535, HostIP: "127.0.0.1"}},
			Resources: podnet.ResourceRequirements{
				Limits:   podnet.ResourceList{"cpu": "1500m", "memory": "1Gi", "example.com/gpu": "1"},
				Requests: podnet.ResourceList{"cpu": "100m"},
			},
			LivenessProbe: &podnet.Probe{
				HTTPGet: &podnet.HTTPGetAction{Path: "/healthz", Port: podnet.PortName("http"), Host: "localhost", Scheme: podnet.URISchemeHTTPS,
					HTTPHeaders: []podnet.HTTPHeader{{Name: "X-Probe", Value: "a"}}},
				InitialDelaySeconds: 1, TimeoutSeconds: 2, PeriodSeconds: 3, SuccessThreshold: 1, FailureThreshold: 5,
			},
			ReadinessProbe: &podnet.Probe{TCPSocket: &podnet.TCPSocketAction{Port: podnet.Port(80), Host: "127.0.0.1"}, SuccessThreshold: 2},
			StartupProbe:   &podnet.Probe{Exec: &podnet.ExecAction{Command: []string{"test", "-f", "/ready"}}},
			Lifecycle: &podnet.Lifecycle{
				PostStart: &podnet.LifecycleHandler{Exec: &podnet.ExecAction{Command: []string{"touch", "/ready"}}},
				PreStop:   &podnet.LifecycleHandler{HTTPGet: &podnet.HTTPGetAction{Port: podnet.Port(80), Path: "/quit"}},
			},
			SecurityContext: &podnet.SecurityContext{
				RunAsUser: new(int64), RunAsGroup: new(int64(1)), RunAsNonRoot: new(bool),
				Privileged: new(true), AllowPrivilegeEscalation: new(true),
				Capabilities: &podnet.Capabilities{Add: []podnet.Capability{podnet.CapNetAdmin}, Drop: []podnet.Capability{"ALL"}},
			},
			VolumeMounts: []podnet.VolumeMount{
				{Name: "data", MountPath: "/data", ReadOnly: true, SubPath: "a/b"},
				{Name: "cfg", MountPath: "/cfg", SubPathExpr: "$(A)"},
			},
		}},
		RestartPolicy:                 podnet.RestartPolicyOnFailure,
		TerminationGracePeriodSeconds: new(int64(60)),
		ActiveDeadlineSeconds:         new(int64(600)),
		NodeName:                      "node-1", NodeSelector: map[string]string{"disk": "ssd"}, HostNetwork: true,
		ReadinessGates:     []podnet.PodReadinessGate{{ConditionType: "example.com/lb"}},
		Hostname:           "www",
		EnableServiceLinks: new(false),
		Subdomain:          "shop",
		SetHostnameAsFQDN:  true,
		HostAliases:        []podnet.HostAlias{{IP: "10.1.2.3", Hostnames: []string{"db", "db.local"}}},
		DNSPolicy:          podnet.DNSNone,
		DNSConfig: &podnet.PodDNSConfig{
			Nameservers: []string{"10.96.0.10"},
			Searches:    []string{"shop.svc.cluster.local"},
			Options:     []podnet.PodDNSConfigOption{{Name: "ndots", Value: new("2")}, {Name: "edns0"}},
		},
		SecurityContext: &podnet.PodSecurityContext{RunAsUser: new(int64(1000)), RunAsGroup: new(int64(2000)), RunAsNonRoot: new(true)},
		Volumes: []podnet.VolumeSpec{
			{Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{SizeLimit: 1536}},
			{Name: "cfg", ConfigMap: &podnet.ConfigMapVolumeSource{
				Name: "cfg", DefaultMode: new(int32(0o600)), Optional: true, Items: []podnet.KeyToPath{{Key: "a", Path: "dir/a", Mode: new(int32(0o400))}}}},
			{Name: "key", Secret: &podnet.SecretVolumeSource{
				SecretName: "key", DefaultMode: new(int32(0o400)), Optional: true, Items: []podnet.KeyToPath{{Key: "b", Path: "b"}}}},
			{Name: "me", DownwardAPI: &podnet.DownwardAPIVolumeSource{DefaultMode: new(int32), Items: []podnet.DownwardAPIVolumeFile{
				{Path: "labels", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.labels"}, Mode: new(int32(0o777))},
				{Path: "memory", ResourceFieldRef: &podnet.ResourceFieldSelector{ContainerName: "web", Resource: "requests.memory", Divisor: "1Mi"}},
			}}},
			{Name: "all", Projected: &podnet.ProjectedVolumeSource{DefaultMode: new(int32(0o444)), Sources: []podnet.VolumeProjection{
				{ConfigMap: &podnet.ConfigMapVolumeSource{Name: "cfg", Optional: true}},
				{Secret: &podnet.SecretVolumeSource{SecretName: "key", Items: []podnet.KeyToPath{{Key: "b", Path: "c"}}}},
				{DownwardAPI: &podnet.DownwardAPIVolumeSource{Items: []podnet.DownwardAPIVolumeFile{
					{Path: "name", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
			}}},
			{Name: "plain", EmptyDir: &podnet.EmptyDirVolumeSource{}},
		},
	}, podnet.PodSpec{
		Name: "other", HostnameOverride: &override, Containers: []podnet.ContainerSpec{{Name: "c", Image: "i"}},
	}, podnet.ConfigMapSpec{
		Name: "cfg", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
		Data: map[string]string{"a": "1", "b": ""}, BinaryData: map[string][]byte{"c": {0, 1}}, Immutable: true,
	}, podnet.SecretSpec{
		Name: "key", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}, Type: "kubernetes.io/basic-auth",
		Data: map[string][]byte{"username": []byte("admin"), "b": {}}, StringData: map[string]string{"password": "s3cret"}, Immutable: true,
	}, podnet.DeploymentSpec{
		Name: "web", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
		Replicas: new(int32(3)), MinReadySeconds: 5,
		Selector: &podnet.LabelSelector{MatchLabels: map[string]string{"app": "web"}, MatchExpressions: []podnet.LabelSelectorRequirement{
			{Key: "app", Operator: podnet.LabelSelectorOpIn, Values: []string{"web"}}}},
		Template: podnet.PodTemplateSpec{Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"c": "d"},
			Spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Name: "c", Image: "i"}}}},
	}, podnet.StatefulSetSpec{
		Name: "db", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
		Replicas: new(int32(3)), MinReadySeconds: 5, ServiceName: "dbs", PodManagementPolicy: podnet.PodManagementParallel,
		Ordinals: &podnet.StatefulSetOrdinals{Start: 1}, Selector: &podnet.LabelSelector{MatchLabels: map[string]string{"app": "db"}},
		Template: podnet.PodTemplateSpec{Labels: map[string]string{"app": "db"}, Spec: podnet.PodSpec{Containers: []podnet.ContainerSpec{{Name: "c", Image: "i"}}}},
	}, podnet.ServiceSpec{
		Name: "web", Namespace: "shop", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"},
		Type: podnet.ServiceTypeLoadBalancer, Selector: map[string]string{"app": "web"},
		Ports: []podnet.ServicePort{
			{Name: "http", Protocol: podnet.ProtocolTCP, Port: 80, TargetPort: podnet.PortName("http"), NodePort: 30080, AppProtocol: "http"},
			{Name: "dns", Protocol: podnet.ProtocolUDP, Port: 53, TargetPort: podnet.Port(5353)},
		},
		ClusterIP: "10.96.1.1", ClusterIPs: []string{"10.96.1.1", "fd00:10:96::1:1"},
		IPFamilies: []podnet.IPFamily{podnet.IPv4Protocol, podnet.IPv6Protocol}, IPFamilyPolicy: podnet.IPFamilyPolicyPreferDualStack,
		ExternalName: "example.com", ExternalIPs: []string{"192.0.2.1"},
		SessionAffinity: podnet.ServiceAffinityClientIP, SessionAffinityConfig: &podnet.SessionAffinityConfig{ClientIP: &podnet.ClientIPConfig{TimeoutSeconds: new(int32(60))}},
		InternalTrafficPolicy: podnet.ServiceTrafficPolicyLocal, ExternalTrafficPolicy: podnet.ServiceTrafficPolicyLocal,
		PublishNotReadyAddresses: true, TrafficDistribution: podnet.TrafficDistributionPreferSameNode,
		LoadBalancerIngress: []string{"192.0.2.2"}, LoadBalancerSourceRanges: []string{"192.0.2.0/24"}, LoadBalancerClass: "example.com/lb",
		AllocateLoadBalancerNodePorts: new(false), HealthCheckNodePort: 30081,
	}, podnet.EndpointSliceSpec{
		Name: "db-1", Namespace: "shop", Labels: map[string]string{podnet.LabelServiceName: "db"}, Annotations: map[string]string{"c": "d"},
		AddressType: podnet.AddressTypeIPv4,
		Endpoints: []podnet.EndpointSpec{{
			Addresses: []string{"192.0.2.3"}, Conditions: podnet.EndpointConditions{Ready: new(true), Serving: new(true), Terminating: new(true)},
			Hostname: "db-0", NodeName: "node-1", Zone: "a",
		}},
		Ports: []podnet.EndpointPort{{Name: "sql", Protocol: podnet.ProtocolTCP, Port: 5432, AppProtocol: "postgres"}},
	}}
	assert.Equal(t, want, objects)

	// What is set nowhere in them was forgotten here, or by the converter.
	set := make(map[string]bool)
	for _, o := range objects {
		findFields(set, reflect.ValueOf(o))
	}
	for field, ok := range set {
		assert.True(t, ok || field == "ContainerSpec.Run" || field == "ExecAction.Run", "%s", field)
	}
}

// findFields notes for each field of v, and of what is in it, if it is set.
func findFields(set map[string]bool, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			findFields(set, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			findFields(set, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Name() + "." + v.Type().Field(i).Name
			set[field] = set[field] || !v.Field(i).IsZero()
			findFields(set, v.Field(i))
		}
	}
}
