package witness

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestMain(m *testing.M) {
	logging.Disable() // go-redis tells stderr of a server that is away
	goleak.VerifyTestMain(m)
}

// inBoth runs a test in plain time and in a synctest bubble.
func inBoth(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("plain", test)
	inBubble(t, test)
}

// inBubble runs a test in a synctest bubble only.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("bubble", func(t *testing.T) { synctest.Test(t, test) })
}

// isBubble reports whether the test runs in a bubble, whose clock starts at
// midnight of 2000-01-01 UTC.
func isBubble() bool { return time.Now().Year() < 2020 }

// sayReady tells startPod that a container does what it is there for.
func sayReady(c *podnet.Container) { io.WriteString(c.Stdout(), "ready\n") }

// startPod starts a Pod with a container for each program, and one named
// "client" that does nothing: the test uses its sockets. It waits until every
// program has said that it is ready. Programs that end are not restarted.
func startPod(t *testing.T, programs map[string]podnet.Program) *podnet.Pod {
	t.Helper()
	return startPodThat(t, podnet.RestartPolicyNever, programs)
}

// startPodThat is startPod with a restart policy.
func startPodThat(t *testing.T, restarts podnet.RestartPolicy, programs map[string]podnet.Program) *podnet.Pod {
	t.Helper()
	spec := podnet.PodSpec{Name: "witness", RestartPolicy: restarts, Containers: []podnet.ContainerSpec{{
		Name: "client",
		Run: func(ctx context.Context, c *podnet.Container) error {
			sayReady(c)
			<-ctx.Done()
			return nil
		},
	}}}
	for name, run := range programs {
		spec.Containers = append(spec.Containers, podnet.ContainerSpec{Name: name, Run: run})
	}
	pod := podnettest.StartPod(t, podnettest.NewCluster(t, podnet.Config{}), spec)
	for _, c := range pod.Containers() {
		require.NoError(t, c.WaitLog(t.Context(), "ready"))
	}
	return pod
}

// startPair starts a Pod with one server, and returns the client's container.
func startPair(t *testing.T, server podnet.Program) *podnet.Container {
	t.Helper()
	return startPod(t, map[string]podnet.Program{"server": server}).Container("client")
}

// noise is a stream of n bytes that look random, the same ones for a seed.
func noise(seed byte, n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), n)
}

// digest reads r to its end and returns its length and hash.
func digest(t testing.TB, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	n, err := io.Copy(h, r)
	assert.NoError(t, err)
	return fmt.Sprintf("%d bytes, sha256 %x", n, h.Sum(nil))
}

// took checks what passed since start: exactly want in a bubble, and at least
// that in plain time.
func took(t *testing.T, want time.Duration, start time.Time) {
	t.Helper()
	got := time.Since(start)
	if isBubble() {
		require.Equal(t, want, got)
	}
	require.GreaterOrEqual(t, got, want)
}
