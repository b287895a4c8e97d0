package podnettest_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// It fails with the seed 3, if it is asked to.
func TestSeedsThatFail(t *testing.T) {
	podnettest.Seeds(t, 4, func(t *testing.T, seed uint64) {
		begun := time.Now()
		time.Sleep(time.Hour) // virtual
		assert.Equal(t, time.Hour, time.Since(begun))
		if seed == 3 && os.Getenv("PODNETTEST_FAIL") != "" {
			t.Fail()
		}
	})
}

func TestTheSeedOfAFailedTestIsNamed(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("there are no processes in a browser")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSeedsThatFail$")
	cmd.Env = append(os.Environ(), "PODNETTEST_FAIL=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "it failed with the seed 3; go test -run 'TestSeedsThatFail/seed=3$' runs it again")
	assert.NotContains(t, string(out), "seed 2;")
}

func TestFaultsAreLiftedAtCleanup(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{Nodes: 2})
	a, b := podnet.Ends(c.Node("node-1")), podnet.Ends(c.Node("node-2"))
	r := &recorder{}
	i := podnettest.Impair(r, c, podnet.Where{From: a}, podnet.Conditions{Loss: 1})
	podnettest.Partition(r, c, a, b, podnet.PartitionOptions{})
	podnettest.Intercept(r, c, podnet.Where{}, podnet.Always(podnet.Drop))
	podnettest.DisturbDNS(r, c, podnet.DNSConditions{Outcome: podnet.DNSServFail})
	l, err := c.Node("node-1").ListenPacket("udp", ":9")
	require.NoError(t, err)
	defer l.Close()
	conn, err := c.Node("node-2").Dial("udp", c.Node("node-1").IPs()[0].String()+":9")
	require.NoError(t, err)
	defer conn.Close()
	assert.Len(t, r.cleanups, 4)
	r.end()
	_, err = conn.Write([]byte("x"))
	require.NoError(t, err)
	l.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _, err = l.ReadFrom(make([]byte, 1))
	assert.NoError(t, err, "it arrived")
	assert.Zero(t, i.Counts().Packets)
	assert.Panics(t, func() { podnettest.Impair(r, c, podnet.Where{}, podnet.Conditions{Loss: 2}) })
	assert.Contains(t, r.told.String(), "must be a probability")
}
