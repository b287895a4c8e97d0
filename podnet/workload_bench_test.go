package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// BenchmarkDeployment makes a Deployment of a thousand Pods and waits until all
// are Ready.
func BenchmarkDeployment(b *testing.B) {
	for b.Loop() {
		c, err := podnet.NewCluster(podnet.Config{Nodes: 8})
		require.NoError(b, err)
		require.NoError(b, c.Apply(b.Context(), deployment(1000)))
		require.NoError(b, c.Deployment("", "web").WaitReady(b.Context()))
		require.NoError(b, c.Close())
	}
}
