package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
)

func TestValidateNetworkChaos(t *testing.T) {
	const at = `NetworkChaos "x" is invalid: `
	delay := podnet.ChaosDelay{Latency: "1ms"}
	for _, tc := range []struct {
		want string
		spec podnet.NetworkChaosSpec
	}{
		{"", podnet.NetworkChaosSpec{Action: "delay", Delay: &podnet.ChaosDelay{Latency: "10ms", Jitter: "1ms", Correlation: "0"}}},
		{"", podnet.NetworkChaosSpec{Action: "netem", Delay: &delay, Loss: &podnet.ChaosLoss{Loss: "12.5"}, Duration: "1h30m"}},
		{"", podnet.NetworkChaosSpec{Action: "partition", Direction: "both"}},
		{"", podnet.NetworkChaosSpec{Action: "bandwidth", Bandwidth: &podnet.ChaosBandwidth{Rate: " 10 Kbps", Limit: 1, Buffer: 1}}},
		{`spec.action: Unsupported value: "rate": supported values: "netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth"`, podnet.NetworkChaosSpec{Action: "rate"}},
		{`spec.delay: Required value: the action delay says nothing without it`, podnet.NetworkChaosSpec{Action: "delay"}},
		{`spec.bandwidth: Required value: the action bandwidth says nothing without it`, podnet.NetworkChaosSpec{Action: "bandwidth"}},
		{`spec: Required value: invalid spec for netem action, at least one is required from delay, loss, duplicate, corrupt`, podnet.NetworkChaosSpec{Action: "netem"}},
		{`spec.delay: Forbidden: the action partition does not look at it: make it a NetworkChaos of its own`, podnet.NetworkChaosSpec{Action: "partition", Delay: &delay}},
		{`spec.bandwidth: Forbidden: the action delay does not look at it: make it a NetworkChaos of its own`,
			podnet.NetworkChaosSpec{Action: "delay", Delay: &delay, Bandwidth: &podnet.ChaosBandwidth{Rate: "1bps", Limit: 1, Buffer: 1}}},
		{`spec.delay.latency: Invalid value: "": parse latency field error:time: invalid duration ""`, podnet.NetworkChaosSpec{Action: "delay", Delay: &podnet.ChaosDelay{}}},
		{`spec.delay.latency: Invalid value: "-1s": must not be negative`, podnet.NetworkChaosSpec{Action: "delay", Delay: &podnet.ChaosDelay{Latency: "-1s"}}},
		{`spec.delay.jitter: Invalid value: "1": parse jitter field error:time: missing unit in duration "1"`, podnet.NetworkChaosSpec{Action: "delay", Delay: &podnet.ChaosDelay{Latency: "1s", Jitter: "1"}}},
		{`spec.delay.correlation: Invalid value: "25": must be "0", or left out: podnet draws each packet by itself`, podnet.NetworkChaosSpec{Action: "delay", Delay: &podnet.ChaosDelay{Latency: "1s", Correlation: "25"}}},
		{`[spec.delay.reorder.reorder: Invalid value: "": parse reorder field error:strconv.ParseFloat: parsing "": invalid syntax, spec.delay.reorder.gap: Invalid value: 5: must be 0 or 1: podnet draws each packet by itself, spec.delay.jitter: Forbidden: podnet has no jitter together with reorder: remove one of them]`,
			podnet.NetworkChaosSpec{Action: "delay", Delay: &podnet.ChaosDelay{Latency: "1s", Jitter: "1ms", Reorder: &podnet.ChaosReorder{Gap: 5}}}},
		{`spec.loss.loss: Invalid value: "101": must be a percentage between 0 and 100`, podnet.NetworkChaosSpec{Action: "loss", Loss: &podnet.ChaosLoss{Loss: "101"}}},
		{`spec.loss.loss: Invalid value: "NaN": must be a percentage between 0 and 100`, podnet.NetworkChaosSpec{Action: "loss", Loss: &podnet.ChaosLoss{Loss: "NaN"}}},
		{`spec.loss.loss: Invalid value: "10%": parse loss field error:strconv.ParseFloat: parsing "10%": invalid syntax`, podnet.NetworkChaosSpec{Action: "loss", Loss: &podnet.ChaosLoss{Loss: "10%"}}},
		{`spec.duplicate.correlation: Invalid value: "x": parse correlation field error:strconv.ParseFloat: parsing "x": invalid syntax`,
			podnet.NetworkChaosSpec{Action: "duplicate", Duplicate: &podnet.ChaosDuplicate{Duplicate: "1", Correlation: "x"}}},
		{`spec.corrupt.corrupt: Invalid value: "-1": must be a percentage between 0 and 100`, podnet.NetworkChaosSpec{Action: "corrupt", Corrupt: &podnet.ChaosCorrupt{Corrupt: "-1"}}},
		{`[spec.bandwidth.rate: Invalid value: "1mbit": parse rate field error:invalid unit: give a whole number of bps, kbps, mbps, gbps, tbps, which are bytes per second, spec.bandwidth.limit: Invalid value: 0: must be between 1 and 4294967295, inclusive, spec.bandwidth.buffer: Invalid value: 0: must be between 1 and 4294967295, inclusive]`,
			podnet.NetworkChaosSpec{Action: "bandwidth", Bandwidth: &podnet.ChaosBandwidth{Rate: "1mbit"}}},
		{`spec.bandwidth.rate: Invalid value: "0.5mbps": parse rate field error:strconv.ParseUint: parsing "0.5": invalid syntax`, podnet.NetworkChaosSpec{Action: "bandwidth", Bandwidth: &podnet.ChaosBandwidth{Rate: "0.5mbps", Limit: 1, Buffer: 1}}},
		{`spec.bandwidth.rate: Invalid value: "0bps": parse rate field error:must be greater than 0: a partition lets nothing through`, podnet.NetworkChaosSpec{Action: "bandwidth", Bandwidth: &podnet.ChaosBandwidth{Rate: "0bps", Limit: 1, Buffer: 1}}},
		{`spec.bandwidth.rate: Invalid value: "1048576tbps": parse rate field error:value out of range`, podnet.NetworkChaosSpec{Action: "bandwidth", Bandwidth: &podnet.ChaosBandwidth{Rate: "1048576tbps", Limit: 1, Buffer: 1}}},
		{`spec.direction: Unsupported value: "up": supported values: "to", "from", "both"`, podnet.NetworkChaosSpec{Action: "partition", Direction: "up"}},
		{"spec.direction: Invalid value: \"from\": `from` and `both` direction cannot be used when targets is empty in netem action", podnet.NetworkChaosSpec{Action: "delay", Delay: &delay, Direction: "from"}},
		{`spec.target.mode: Unsupported value: "": supported values: "one", "all", "fixed", "fixed-percent", "random-max-percent"`, podnet.NetworkChaosSpec{Action: "partition", Target: &podnet.ChaosTarget{}}},
		{`spec.duration: Invalid value: "soon": parse duration field error: time: invalid duration "soon"`, podnet.NetworkChaosSpec{Action: "partition", Duration: "soon"}},
		{`spec.duration: Invalid value: "0s": must be greater than 0: without it the chaos lasts until it is deleted`, podnet.NetworkChaosSpec{Action: "partition", Duration: "0s"}},
		{`spec.value: Invalid value: "": parse value field error:strconv.Atoi: parsing "": invalid syntax`, podnet.NetworkChaosSpec{Action: "partition", Mode: "fixed"}},
		{`spec.value: Invalid value: "0": value must be greater than 0 with mode:fixed`, podnet.NetworkChaosSpec{Action: "partition", Mode: "fixed", Value: "0"}},
		{`spec.value: Invalid value: "101": value of 101 is invalid, Must be (0,100] with mode:random-max-percent`, podnet.NetworkChaosSpec{Action: "partition", Mode: "random-max-percent", Value: "101"}},
		{`metadata.annotations: Forbidden: experiment.chaos-mesh.org/pause: podnet does not pause a chaos: delete it, and apply it again`,
			podnet.NetworkChaosSpec{Action: "partition", Annotations: map[string]string{"experiment.chaos-mesh.org/pause": "true"}}},
		{`[spec.selector.namespaces[0]: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'), spec.selector.expressionSelectors[0].values: Required value: must be specified when ` + "`operator` is 'In' or 'NotIn']",
			podnet.NetworkChaosSpec{Action: "partition", Selector: podnet.ChaosSelector{Namespaces: []string{"A"}, ExpressionSelectors: []podnet.LabelSelectorRequirement{{Key: "a", Operator: "In"}}}}},
	} {
		tc.spec.Name = "x"
		if tc.spec.Mode == "" {
			tc.spec.Mode = podnet.ChaosModeAll
		}
		if err := tc.spec.Validate(); tc.want == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, at+tc.want)
		}
	}
}

func TestValidatePodChaosAndDNSChaos(t *testing.T) {
	const all = podnet.ChaosModeAll
	for _, tc := range []struct {
		want string
		spec interface{ Validate() error }
	}{
		{"", podnet.PodChaosSpec{Name: "x", Mode: all, Action: "pod-kill", GracePeriod: 5, Duration: "30s"}},
		{"", podnet.PodChaosSpec{Name: "x", Mode: all, Action: "pod-failure"}},
		{`PodChaos "x" is invalid: spec.action: Unsupported value: "pod-cpu": supported values: "pod-kill", "pod-failure", "container-kill"`, podnet.PodChaosSpec{Name: "x", Mode: all, Action: "pod-cpu"}},
		{`PodChaos "x" is invalid: spec.containerNames: Invalid value: the name of container should not be empty on container-kill action`, podnet.PodChaosSpec{Name: "x", Mode: all, Action: "container-kill"}},
		{`PodChaos "x" is invalid: spec.containerNames: Forbidden: the action pod-failure is about whole Pods: remove it`, podnet.PodChaosSpec{Name: "x", Mode: all, Action: "pod-failure", ContainerNames: []string{"a"}}},
		{`PodChaos "x" is invalid: spec.gracePeriod: Invalid value: -1: must be greater than or equal to 0`, podnet.PodChaosSpec{Name: "x", Mode: all, Action: "pod-kill", GracePeriod: -1}},
		{`PodChaos "x" is invalid: spec.gracePeriod: Forbidden: the action pod-failure does not look at it: remove it`, podnet.PodChaosSpec{Name: "x", Mode: all, Action: "pod-failure", GracePeriod: 1}},
		{`PodChaos "" is invalid: metadata.name: Required value: name or generateName is required`, podnet.PodChaosSpec{Mode: all, Action: "pod-kill"}},
		{"", podnet.DNSChaosSpec{Name: "x", Mode: all, Action: "random", Patterns: []string{"google.com", "github.*", "chaos-mes?.org", "*", "_http._tcp.Web"}}},
		{`DNSChaos "x" is invalid: spec.action: Unsupported value: "": supported values: "error", "random"`, podnet.DNSChaosSpec{Name: "x", Mode: all}},
		{`DNSChaos "x" is invalid: spec.containerNames[1]: Invalid value: "": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`, podnet.DNSChaosSpec{Name: "x", Mode: all, Action: "error", ContainerNames: []string{"a", ""}}},
		{`DNSChaos "x" is invalid: spec.patterns[0]: Invalid value: "chaos-*.org": the wildcard * must be at the end of the string`, podnet.DNSChaosSpec{Name: "x", Mode: all, Action: "error", Patterns: []string{"chaos-*.org"}}},
	} {
		if err := tc.spec.Validate(); tc.want == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, tc.want)
		}
	}
	assert.ErrorContains(t, podnet.DNSChaosSpec{Name: "x", Mode: all, Action: "error", Patterns: []string{"a b"}}.Validate(), `spec.patterns[0]: Invalid value: "a b": a lowercase RFC 1123 subdomain`)
}
