package kubelet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBackOffDoublesUpToFiveMinutes(t *testing.T) {
	var b backOff
	now := time.Unix(1000, 0)
	assert.Zero(t, b.until(now), "never stepped")
	assert.Zero(t, b.untilUpdate(now), "never stepped")
	for _, want := range []time.Duration{10, 20, 40, 80, 160, 300, 300} {
		b.step(now, now)
		assert.Equal(t, now.Add(want*time.Second), b.until(now))
		assert.Equal(t, now.Add(want*time.Second), b.untilUpdate(now))
		now = now.Add(b.delay)
	}
}

func TestBackOffIsForgottenAfterTenMinutes(t *testing.T) {
	first := time.Unix(1000, 0)
	tests := map[string]struct {
		event time.Duration // after the last step
		want  time.Duration // the delay after one more step
		waits bool          // before that step
	}{
		"at ten minutes it is remembered":        {10 * time.Minute, 20 * time.Second, true},
		"a moment later it is forgotten":         {10*time.Minute + 1, 10 * time.Second, false},
		"an event before the last step counts":   {-time.Second, 20 * time.Second, true},
		"an event at the last step counts, also": {0, 20 * time.Second, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b backOff
			b.step(first, first)
			event := first.Add(tt.event)
			assert.Equal(t, tt.waits, !b.until(event).IsZero())
			b.step(event, event)
			assert.Equal(t, tt.want, b.delay)
		})
	}
}
