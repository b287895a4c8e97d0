package podnet_test

import (
	"slices"
	"strings"
	"testing"

	"podnet.dev/podnet"
)

func TestValidateInitContainer(t *testing.T) {
	const at, notForInit = `spec.initContainers[0]`, `Forbidden: may not be set for init containers without restartPolicy=Always`
	probe := func() *podnet.Probe { return &podnet.Probe{Exec: &podnet.ExecAction{Command: []string{"a"}}} }
	tests := map[string]struct {
		container podnet.ContainerSpec
		want      string
	}{
		"as it is":       {podnet.ContainerSpec{Name: "i", Image: "i"}, ``},
		"everything new": {podnet.ContainerSpec{Image: " ", ImagePullPolicy: "a"}, `[` + at + `.name: Required value, ` + at + `.imagePullPolicy: Unsupported value: "a": supported values: "Always", "IfNotPresent", "Never", ` + at + `.image: Invalid value: " ": must not have leading or trailing whitespace]`},
		"an app's name":  {podnet.ContainerSpec{Name: "c", Image: "i"}, at + `.name: Duplicate value: "c"`},
		"fields of sidecars": {podnet.ContainerSpec{Name: "i", Image: "i", Lifecycle: &podnet.Lifecycle{}, LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe()},
			`[` + at + `.lifecycle: ` + notForInit + `, ` + at + `.livenessProbe: ` + notForInit + `, ` + at + `.readinessProbe: ` + notForInit + `, ` + at + `.startupProbe: ` + notForInit + `]`},
		"fields of sidecars, OnFailure": {podnet.ContainerSpec{Name: "i", Image: "i", RestartPolicy: podnet.RestartPolicyOnFailure, StartupProbe: probe()}, at + `.startupProbe: ` + notForInit},
		"sidecar":                       {podnet.ContainerSpec{Name: "i", Image: "i", RestartPolicy: podnet.RestartPolicyAlways, Lifecycle: &podnet.Lifecycle{}, LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe()}, ``},
		"wrong probe of a sidecar":      {podnet.ContainerSpec{Name: "i", Image: "i", RestartPolicy: podnet.RestartPolicyAlways, StartupProbe: &podnet.Probe{}}, at + `.startupProbe: Required value: must specify a handler type`},
		"rules without policy":          {podnet.ContainerSpec{Name: "i", Image: "i", RestartPolicyRules: []podnet.ContainerRestartRule{{}}}, at + `.restartPolicy: Required value: must specify restartPolicy when restart rules are used`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.InitContainers = []podnet.ContainerSpec{test.container}
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateNamesOfAllContainers(t *testing.T) {
	s := validPod()
	s.InitContainers = []podnet.ContainerSpec{{Name: "a", Image: "i"}, {Name: "a", Image: "i"}, {Image: "i"}, {Image: "i"}}
	s.Containers = append(s.Containers, podnet.ContainerSpec{Name: "c", Image: "i"})
	checkInvalid(t, s, `[spec.containers[1].name: Duplicate value: "c", spec.initContainers[1].name: Duplicate value: "a", spec.initContainers[2].name: Required value, spec.initContainers[3].name: Required value]`)
}

func TestValidateRestartPolicy(t *testing.T) {
	const at = `spec.containers[0]`
	exitCodes := func(values ...int32) *podnet.ContainerRestartRuleOnExitCodes {
		return &podnet.ContainerRestartRuleOnExitCodes{Operator: podnet.RestartRuleOpIn, Values: values}
	}
	rule := podnet.ContainerRestartRule{Action: podnet.RestartRuleActionRestart, ExitCodes: exitCodes(1)}
	tests := map[string]struct {
		policy podnet.RestartPolicy
		rules  []podnet.ContainerRestartRule
		want   string
	}{
		"none":           {"", nil, ``},
		"a policy":       {podnet.RestartPolicyOnFailure, nil, ``},
		"unknown policy": {"Sometimes", nil, at + `.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"`},
		"rules":          {podnet.RestartPolicyNever, []podnet.ContainerRestartRule{rule, {Action: podnet.RestartRuleActionRestartAllContainers, ExitCodes: exitCodes()}}, ``},
		"no policy":      {"", []podnet.ContainerRestartRule{rule}, at + `.restartPolicy: Required value: must specify restartPolicy when restart rules are used`},
		"empty rule": {podnet.RestartPolicyNever, []podnet.ContainerRestartRule{{}},
			`[` + at + `.restartPolicyRules[0].action: Unsupported value: "": supported values: "Restart", "RestartAllContainers", ` + at + `.restartPolicyRules[0].exitCodes: Required value: must be specified]`},
		"unknown operator": {podnet.RestartPolicyNever, []podnet.ContainerRestartRule{rule, {Action: podnet.RestartRuleActionRestart, ExitCodes: &podnet.ContainerRestartRuleOnExitCodes{Operator: "="}}},
			at + `.restartPolicyRules[1].exitCodes.operator: Unsupported value: "=": supported values: "In", "NotIn"`},
		"256 exit codes": {podnet.RestartPolicyNever, []podnet.ContainerRestartRule{{Action: podnet.RestartRuleActionRestart, ExitCodes: exitCodes(make([]int32, 256)...)}},
			at + `.restartPolicyRules[0].exitCodes.values: Too many: 256: must have at most 255 items`},
		"21 rules": {podnet.RestartPolicyNever, slices.Repeat([]podnet.ContainerRestartRule{rule}, 21), at + `.restartPolicyRules: Too many: 21: must have at most 20 items`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.Containers[0].RestartPolicy, s.Containers[0].RestartPolicyRules = test.policy, test.rules
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateResources(t *testing.T) {
	const at = `spec.containers[0].resources`
	list := func(pairs ...string) podnet.ResourceList {
		l := make(podnet.ResourceList)
		for i := 0; i < len(pairs); i += 2 {
			l[pairs[i]] = podnet.Quantity(pairs[i+1])
		}
		return l
	}
	tests := map[string]struct {
		limits, requests podnet.ResourceList
		want             string
	}{
		"none":          {nil, nil, ``},
		"all":           {list("cpu", "1.5", "memory", "1Gi", "ephemeral-storage", "1e3", "example.com/gpu", "2"), list("cpu", "1500m"), ``},
		"no quantity":   {list("cpu", "a"), list("memory", ""), `[` + at + `.limits[cpu]: Invalid value: "a": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', ` + at + `.requests[memory]: Invalid value: "": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$']`},
		"a wrong unit":  {nil, list("cpu", "1K"), at + `.requests[cpu]: Invalid value: "1K": unable to parse quantity's suffix`},
		"too great":     {list("cpu", "0.5", "memory", "1Gi"), list("cpu", "0.501", "memory", "1024.5Mi"), `[` + at + `.requests: Invalid value: "501m": must be less than or equal to cpu limit of 500m, ` + at + `.requests: Invalid value: "1049088Ki": must be less than or equal to memory limit of 1Gi]`},
		"negative":      {nil, list("cpu", "-0.5"), at + `.requests[cpu]: Invalid value: "-500m": must be greater than or equal to 0`},
		"unknown":       {nil, list("gpu", "1"), `[` + at + `.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified, ` + at + `.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers]`},
		"of a quota":    {nil, list("pods", "1m"), `[` + at + `.requests[pods]: Invalid value: "pods": must be a standard resource for containers, ` + at + `.requests[pods]: Invalid value: "1m": must be an integer]`},
		"a bad name":    {nil, list("a/<b", "1"), `[` + at + `.requests[a/<b]: Invalid value: "a/\u003cb": name part ` + keyText + `, ` + at + `.requests[a/<b]: Invalid value: "a/\u003cb": doesn't follow extended resource name standard, ` + at + `.limits: Required value: Limit must be set for non overcommitable resources]`},
		"half a device": {list("example.com/gpu", "500m"), nil, `[` + at + `.limits[example.com/gpu]: Invalid value: "500m": must be an integer, ` + at + `.requests[example.com/gpu]: Invalid value: "500m": must be an integer]`},
		"some devices":  {list("example.com/gpu", "2"), list("example.com/gpu", "1"), at + `.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2`},
		"hugepages":     {list("memory", "1Gi", "hugepages-2Mi", "4Mi"), nil, ``},
		"no memory":     {list("hugepages-2Mi", "4Mi"), nil, at + `: Forbidden: HugePages require cpu or memory`},
		"half a page":   {list("cpu", "1", "hugepages-2Mi", "3Mi"), list("hugepages-2Mi", "3Mi"), `[` + at + `.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi, ` + at + `.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi]`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			s.Containers[0].Resources = podnet.ResourceRequirements{Limits: test.limits, Requests: test.requests}
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateUsers(t *testing.T) {
	s := validPod()
	s.SecurityContext = &podnet.PodSecurityContext{RunAsUser: new(int64(-1)), RunAsGroup: new(int64(1 << 31))}
	s.Containers[0].SecurityContext = &podnet.SecurityContext{RunAsUser: new(int64(0)), RunAsGroup: new(int64(-1)), RunAsNonRoot: new(true)}
	checkInvalid(t, s, `[`+strings.Join([]string{
		`spec.containers[0].securityContext.runAsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
		`spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
		`spec.securityContext.runAsGroup: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive`,
	}, ", ")+`]`)
}
