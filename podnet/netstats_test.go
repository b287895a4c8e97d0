package podnet_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestCountersOfALossyConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Seed: 1})
		p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "server", Containers: []podnet.ContainerSpec{{Name: "main", Run: echoServer}}})
		synctest.Wait()
		podnettest.Impair(t, c, podnet.Where{}, podnet.Conditions{Latency: 10 * time.Millisecond, Loss: 0.1})
		node := c.Node("node-1")
		conn, err := node.Dial("tcp4", p.IP().String()+":8080")
		require.NoError(t, err)
		defer conn.Close()
		const size = 200_000
		go conn.Write(make([]byte, size))
		_, err = io.ReadFull(conn, make([]byte, size))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		var infos []podnet.TCPInfo
		for _, s := range append(node.Sockets(), p.Sockets()...) {
			if s.Network == "tcp" && s.State == "ESTAB" {
				infos = append(infos, *s.TCP)
			}
		}
		require.Len(t, infos, 2)
		for i, stats := range []podnet.TCPStats{node.NetworkStats().TCP, p.NetworkStats().TCP} {
			assert.Equal(t, uint64(size), infos[i].BytesAcked)
			assert.Equal(t, uint64(size), infos[i].BytesReceived)
			assert.NotZero(t, infos[i].Retrans)
			assert.NotZero(t, infos[i].Ssthresh)
			assert.GreaterOrEqual(t, infos[i].RTT, 20*time.Millisecond)
			assert.Equal(t, infos[i].Retrans, stats.RetransSegs)
			assert.Equal(t, uint64(1), stats.CurrEstab)
		}
	})
}

func TestCountersOfWhatIsNotThere(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	node := c.Node("node-1")
	assert.Zero(t, node.NetworkStats())
	assert.Empty(t, node.Sockets())
	p := podnettest.StartPod(t, c, podnet.PodSpec{Name: "p", Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped}}})
	require.NoError(t, p.Delete(t.Context()))
	assert.Zero(t, p.NetworkStats())
	assert.Zero(t, p.Container("main").NetworkStats())
	assert.Empty(t, p.Sockets())
}
