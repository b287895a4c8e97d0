package podnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// hangAfter is how long Close waits for Programs that were killed, and for the
// goroutines that they started.
const hangAfter = 5 * time.Second

// programs are the goroutines that run Programs, so that Close can wait for
// them and name those that do not return.
//
// Each runs with a profiler label that names the cluster and the container. The
// goroutines that it starts inherit the label, and theirs do, so that a
// goroutine profile tells whose they are.
type programs struct {
	cluster string // number of the cluster

	mu      sync.Mutex            // guards what follows
	running map[*process]struct{} // not yet returned
	ran     bool                  // one was started at some time
	idle    chan struct{}         // closed when running is next empty; nil if nobody waits
}

// label is the key of the profiler label, which a profile of the process shows
// as well.
const label = "podnet"

var clusters atomic.Int64 // made so far, to tell their labels apart

func newPrograms() programs {
	return programs{cluster: strconv.FormatInt(clusters.Add(1), 10), running: make(map[*process]struct{})}
}

// run calls f, which runs p's Program, and keeps track of it.
func (t *programs) run(p *process, f func()) {
	t.mu.Lock()
	t.running[p] = struct{}{}
	t.ran = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.running, p)
		if len(t.running) == 0 && t.idle != nil {
			close(t.idle)
			t.idle = nil
		}
	}()
	pprof.Do(context.Background(), pprof.Labels(label, t.cluster+"/"+p.instance.container.name), func(context.Context) { f() })
}

// wait waits until no Program runs and no goroutine that one started. Its error
// names those that still do after hangAfter, with where they hang.
func (t *programs) wait() error {
	deadline := time.Now().Add(hangAfter)
	t.mu.Lock()
	if !t.ran {
		t.mu.Unlock()
		return nil
	}
	var idle chan struct{}
	if len(t.running) > 0 {
		if t.idle == nil {
			t.idle = make(chan struct{})
		}
		idle = t.idle
	}
	t.mu.Unlock()
	if idle != nil {
		timer := time.NewTimer(hangAfter)
		defer timer.Stop()
		select {
		case <-idle:
		case <-timer.C:
			return t.hanging()
		}
	}
	// Goroutines that a Program started have no end that could be waited for,
	// only one to be seen. Most are a server's connections, which are gone in a
	// moment.
	for pause := 100 * time.Microsecond; ; pause *= 2 {
		left := t.goroutines()
		if len(left) == 0 {
			return nil
		}
		if !time.Now().Before(deadline) {
			var errs []error
			for name, stacks := range left {
				errs = append(errs, fmt.Errorf("podnet: close: a goroutine that container %s started still runs after %v\n%s", name, hangAfter, strings.Join(stacks, "\n")))
			}
			return errors.Join(errs...)
		}
		time.Sleep(min(pause, time.Until(deadline)))
	}
}

// hanging returns an error that names the Programs that run.
func (t *programs) hanging() error {
	stacks := t.goroutines()
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for p := range t.running {
		errs = append(errs, fmt.Errorf("podnet: close: %s was killed and still runs after %v: its Program ignores its context\n%s", p, hangAfter, strings.Join(stacks[p.instance.container.name], "\n")))
	}
	return errors.Join(errs...)
}

// goroutines returns the stacks of the goroutines that containers of this
// cluster run, by the container's name.
func (t *programs) goroutines() map[string][]string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return nil // it cannot fail on a buffer
	}
	prefix := fmt.Sprintf("%q:%q", label, t.cluster+"/")
	prefix = strings.TrimSuffix(prefix, `"`)
	stacks := make(map[string][]string)
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		_, labels, found := strings.Cut(stack, prefix)
		if !found {
			continue
		}
		name, _, _ := strings.Cut(labels, `"`)
		_, frames, _ := strings.Cut(labels, "\n")
		stacks[name] = append(stacks[name], frames)
	}
	return stacks
}
