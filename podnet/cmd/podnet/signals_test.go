package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheSecondInterruptIsALossOfPower(t *testing.T) {
	signals := make(chan os.Signal)
	released := 0
	ctx, power, stop := interrupts(t.Context(), signals, func() { released++ })
	assert.NoError(t, ctx.Err())
	signals <- os.Interrupt
	<-ctx.Done()
	select {
	case <-power:
		t.Error("the power is gone after one interrupt")
	default:
	}
	signals <- os.Interrupt
	<-power
	assert.Equal(t, 1, released, "a third interrupt kills the process")
	stop()
}

func TestNoInterruptIsCaughtAfterTheRun(t *testing.T) {
	ctx, power, stop := catchSignals(t.Context())
	stop()
	assert.Error(t, ctx.Err(), "nothing of it is left")
	select {
	case <-power:
		t.Error("the power is gone without an interrupt")
	default:
	}
}
