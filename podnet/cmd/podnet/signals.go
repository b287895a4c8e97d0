package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// catcher catches interrupts until stop is called. interrupted ends with ctx and
// at the first interrupt; power is closed at the second. A third one does what
// it does to any process.
type catcher func(ctx context.Context) (interrupted context.Context, power <-chan struct{}, stop func())

// catchSignals is the catcher of the process's signals.
func catchSignals(ctx context.Context) (context.Context, <-chan struct{}, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return interrupts(ctx, signals, func() { signal.Stop(signals) })
}

func interrupts(ctx context.Context, signals <-chan os.Signal, release func()) (context.Context, <-chan struct{}, func()) {
	ctx, interrupt := context.WithCancel(ctx)
	power, ended := make(chan struct{}), make(chan struct{})
	var catching sync.WaitGroup
	catching.Go(func() {
		for _, then := range []func(){interrupt, func() { release(); close(power) }} {
			select {
			case <-signals:
				then()
			case <-ended:
				return
			}
		}
	})
	return ctx, power, func() {
		release()
		close(ended)
		catching.Wait()
		interrupt()
	}
}
