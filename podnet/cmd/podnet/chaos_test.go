package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const chaosHead = "\n---\napiVersion: chaos-mesh.org/v1alpha1\nkind: "

func TestRunTellsOfChaos(t *testing.T) {
	got, took := runVirtual(t, pod("web", `
  containers:
  - {name: app, image: nginx}
`[1:])+chaosHead+`NetworkChaos
metadata: {name: cut}
spec: {action: partition, mode: all, selector: {}, duration: 20s}
`, "--for", "1m")
	assert.Equal(t, 0, got.code)
	assert.Equal(t, time.Minute, took)
	assert.Empty(t, got.stderr)
	at := func(seconds int) string {
		return time.Date(2000, 1, 1, 0, 0, seconds, 0, time.UTC).Local().Format("15:04:05")
	}
	var lines []string
	for line := range strings.Lines(got.stdout) {
		if strings.Contains(line, "networkchaos/") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	assert.Equal(t, []string{
		at(0) + " Normal  Started    networkchaos/cut: Experiment has started",
		at(0) + " Normal  Applied    networkchaos/cut: Successfully apply chaos for default/web",
		at(20) + " Normal  TimeUp     networkchaos/cut: Time up according to the duration",
		at(20) + " Normal  Recovered  networkchaos/cut: Successfully recover chaos for default/web",
	}, lines)
}

// The Pod may be killed before its container runs, which run then calls a failure.
func TestRunEndsWhenEveryPodIsKilled(t *testing.T) {
	got, took := runVirtual(t, pod("web", `
  containers:
  - {name: app, image: nginx}
`[1:])+chaosHead+`PodChaos
metadata: {name: kill}
spec: {action: pod-kill, mode: one, gracePeriod: 5, selector: {}}
`)
	assert.LessOrEqual(t, took, 6*time.Second)
	assert.Contains(t, got.stdout, "podchaos/kill: Successfully apply chaos for default/web\n")
}

func TestRunRefusesChaosThatSelectsNothing(t *testing.T) {
	got, _ := runVirtual(t, pod("web", `
  containers:
  - {name: app, image: nginx}
`[1:])+chaosHead+`DNSChaos
metadata: {name: dns}
spec: {action: error, mode: one, selector: {labelSelectors: {app: wbe}}}
`)
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stderr, "podnet: apply DNSChaos default/dns: no pod is selected\n")
}

func TestCheckFindsChaosThatSelectsNothing(t *testing.T) {
	const none = "{app: web}}"
	chaos := chaosHead + "NetworkChaos\nmetadata: {name: cut}\nspec: {action: partition, mode: one, selector: {}, target: {mode: all, selector: {labelSelectors: " + none + "}}" +
		chaosHead + "PodChaos\nmetadata: {name: kill, namespace: shop}\nspec: {action: pod-kill, mode: one, selector: {}}" +
		chaosHead + "PodChaos\nmetadata: {name: fine, namespace: shop}\nspec: {action: pod-kill, mode: one, selector: {namespaces: [default]}}" +
		chaosHead + "DNSChaos\nmetadata: {name: named}\nspec: {action: error, mode: one, selector: {pods: {default: [web-0]}}}" +
		chaosHead + "Schedule\nmetadata: {name: often}\nspec: {schedule: '@every 1m', type: DNSChaos, dnsChaos: {action: error, mode: one, selector: {labelSelectors: " + none + "}}"
	got := podnetWith(t.Context(), pod("web", "  containers:\n  - {name: app, image: nginx}\n")+chaos, "check", "--output", "json", "-")
	assert.Equal(t, 0, got.code, got.stderr)
	var r report
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &r))
	var found []string
	for _, f := range r.Findings {
		found = append(found, f.Object+" "+f.Field+" "+f.Severity)
	}
	assert.Equal(t, []string{
		"NetworkChaos cut spec.target.selector warning", "PodChaos shop/kill spec.selector warning", "Schedule often spec.dnsChaos.selector warning",
	}, found)
}
