package podnettest

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"podnet.dev/podnet"
)

// told is a testing.TB that keeps errors.
type told struct {
	testing.TB
	errors []any
}

func (e *told) Helper()           {}
func (e *told) Error(args ...any) { e.errors = append(e.errors, args...) }

func TestADropWithoutAReasonFailsTheTest(t *testing.T) {
	r := &recorder{packets: make(map[podName][]podnet.TraceEvent)}
	for _, reason := range []string{"queue full", "", ""} {
		r.see(podnet.TraceEvent{Kind: podnet.TraceDropped, Node: "node-1", Reason: reason, Size: len(r.drops)})
	}
	tb := &told{TB: t}
	r.checkReasons(tb)
	assert.Equal(t, []any{"podnet does not know why it has dropped a packet, which is a bug of podnet: 00:00:00.000000 dropped    node-1: 0 bytes"}, tb.errors)
}
