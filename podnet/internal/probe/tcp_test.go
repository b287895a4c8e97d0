package probe

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTCPSocket(t *testing.T) {
	for name, c := range map[string]struct {
		serve  func(n *network)
		result Result
		output string
		took   time.Duration
	}{
		"somebody listens":  {serve: func(n *network) { n.serve("10.1.2.3:8080", func(c net.Conn) { c.Read(make([]byte, 1)) }) }, result: Success},
		"it hangs up":       {serve: func(n *network) { n.serve("10.1.2.3:8080", func(net.Conn) {}) }, result: Success},
		"nobody listens":    {serve: func(*network) {}, result: Failure, output: "dial tcp 10.1.2.3:8080: connect: connection refused"},
		"packets are lost":  {serve: func(n *network) { n.lost["10.1.2.3:8080"] = true }, result: Failure, output: "dial tcp 10.1.2.3:8080: i/o timeout", took: time.Second},
		"nobody accepts it": {serve: func(n *network) { l := n.listen("10.1.2.3:8080"); n.t.Cleanup(func() { l.Close() }) }, result: Failure, output: "dial tcp 10.1.2.3:8080: i/o timeout", took: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				c.serve(n)
				result, output, err := TCPSocket{Host: "10.1.2.3", Port: 8080}.Probe(t.Context(), n.dial, time.Second)
				n.isQuiet()
				assert.NoError(t, err)
				assert.Equal(t, c.result, result)
				assert.Equal(t, c.output, output)
				assert.Equal(t, c.took, time.Since(n.start))
			})
		})
	}
}

func TestTCPSocketWithoutTimeoutEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.lost["10.1.2.3:8080"] = true
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		result, output, _ := TCPSocket{Host: "10.1.2.3", Port: 8080}.Probe(ctx, n.dial, 0)
		n.isQuiet()
		assert.Equal(t, Failure, result)
		assert.Equal(t, "dial tcp 10.1.2.3:8080: operation was canceled", output)
		assert.Equal(t, time.Hour, time.Since(n.start))
	})
}
