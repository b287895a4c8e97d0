package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const refused = "proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused"

func TestBothStoriesToTheTenthOfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		mistake, fix, _ := strings.Cut(out.String(), "\n2. ")
		assertStory(t, mistake, `
   0.0s  app      | call 1: FAILED: `+refused+`
   0.0s  kubelet  Started spec.containers{app}: Container started
   0.0s  proxy    | fetching certificates
   0.0s  kubelet  Started spec.containers{proxy}: Container started
   1.0s  app      | call 2: FAILED: `+refused+`
   1.5s  proxy    | listening
   2.0s  app      | call 3: the answer of bank.example
   3.0s  app      | call 4: the answer of bank.example
   3.5s  kubectl  delete pod shop
   3.5s  kubelet  Killing spec.containers{app}: Stopping container app
   3.5s  kubelet  Killing spec.containers{proxy}: Stopping container proxy
   3.5s  app      | SIGTERM: two more calls
   3.5s  proxy    | SIGTERM: ending
   4.5s  app      | call 5: FAILED: `+refused+`
   5.5s  app      | call 6: FAILED: `+refused+`
   5.5s  app      | ending: 4 of 6 calls failed
   5.5s  kubectl  pod "shop" deleted`)
		assertStory(t, fix, `
   0.0s  proxy    | fetching certificates
   0.0s  kubelet  Started spec.initContainers{proxy}: Container started
   1.0s  kubelet  Unhealthy spec.initContainers{proxy}: Startup probe failed: dial tcp 127.0.0.1:3128: connect: connection refused
   1.5s  proxy    | listening
   2.0s  kubelet  Started spec.containers{app}: Container started
   2.0s  app      | call 1: the answer of bank.example
   3.0s  app      | call 2: the answer of bank.example
   3.5s  kubectl  delete pod shop
   3.5s  kubelet  Killing spec.containers{app}: Stopping container app
   3.5s  kubelet  Killing spec.initContainers{proxy}: Stopping container proxy
   4.0s  app      | call 3: the answer of bank.example
   4.5s  app      | SIGTERM: two more calls
   5.5s  app      | call 4: the answer of bank.example
   6.5s  app      | call 5: the answer of bank.example
   6.5s  app      | ending: 0 of 5 calls failed
   6.5s  proxy    | SIGTERM: ending
   6.5s  kubectl  pod "shop" deleted`)
	})
}

// assertStory compares what a Pod did with what it should. The order of lines of
// one instant does not count: containers run side by side.
func assertStory(t *testing.T, got, want string) {
	t.Helper()
	_, got, _ = strings.Cut(got, "\n") // the heading
	lines := func(s string) (list []string) {
		for line := range strings.Lines(strings.TrimSpace(s)) {
			list = append(list, strings.TrimSpace(line))
		}
		return list
	}
	assert.ElementsMatch(t, lines(want), lines(got), "it was:\n%s", got)
}
