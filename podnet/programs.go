package podnet

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// hangAfter is how long Close waits for Programs that were killed, and for the
// goroutines that they started.
const hangAfter = 5 * time.Second

// programs are the goroutines that run Programs, so that Close can wait for
// them and name those that do not return.
type programs struct {
	mu      sync.Mutex            // guards what follows
	running map[*process]struct{} // not yet returned
	started map[string]string     // names of containers, by the number of a Program's goroutine
	idle    chan struct{}         // closed when running is next empty; nil if nobody waits
}

// maxStarted bounds started: of a cluster that runs that many processes, the
// children of the first are not known any more.
const maxStarted = 10000

func (t *programs) add(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		t.running = make(map[*process]struct{})
		t.started = make(map[string]string)
	}
	t.running[p] = struct{}{}
}

// entered notes that p runs in the calling goroutine, so that its stack and its
// children can be found if it does not end.
func (t *programs) entered(p *process) {
	var buf [64]byte
	number, _ := goroutineNumber(string(buf[:runtime.Stack(buf[:], false)]))
	t.mu.Lock()
	defer t.mu.Unlock()
	p.goroutine = number
	if len(t.started) == maxStarted {
		clear(t.started)
	}
	t.started[number] = p.instance.container.name
}

func (t *programs) remove(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, p)
	if len(t.running) == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// wait waits until no Program runs and no goroutine that one started. Its error
// names those that still do after hangAfter, with where they hang.
func (t *programs) wait() error {
	deadline := time.Now().Add(hangAfter)
	t.mu.Lock()
	if len(t.running) > 0 {
		if t.idle == nil {
			t.idle = make(chan struct{})
		}
		idle := t.idle
		t.mu.Unlock()
		timer := time.NewTimer(hangAfter)
		defer timer.Stop()
		select {
		case <-idle:
		case <-timer.C:
			return t.hanging()
		}
	} else {
		t.mu.Unlock()
	}
	// Children have no end that could be waited for, only one to be seen. Most
	// are a server's connections, which are gone in a moment.
	for pause := 100 * time.Microsecond; ; pause *= 2 {
		err := t.children()
		if err == nil || !time.Now().Before(deadline) {
			return err
		}
		time.Sleep(min(pause, time.Until(deadline)))
	}
}

// hanging returns an error that names the Programs that run.
func (t *programs) hanging() error {
	stacks := stackTraces()
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for p := range t.running {
		errs = append(errs, fmt.Errorf("podnet: close: %s was killed and still runs after %v: its Program ignores its context\n%s", p, hangAfter, stacks[p.goroutine]))
	}
	return errors.Join(errs...)
}

// children returns an error that names the goroutines which Programs started
// and which still run.
func (t *programs) children() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.started) == 0 {
		return nil
	}
	var errs []error
	for _, trace := range stackTraces() {
		_, creator, ok := strings.Cut(trace, "\ncreated by ")
		if !ok {
			continue
		}
		if _, creator, ok = strings.Cut(creator, " in "); !ok {
			continue
		}
		parent, _ := goroutineNumber(creator)
		if c := t.started[parent]; c != "" {
			errs = append(errs, fmt.Errorf("podnet: close: a goroutine that container %s started still runs after %v\n%s", c, hangAfter, trace))
		}
	}
	return errors.Join(errs...)
}

// stackTraces returns the stack traces of all goroutines by number.
func stackTraces() map[string]string {
	buf := make([]byte, 1<<16)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < 1<<26 {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	stacks := make(map[string]string)
	for trace := range strings.SplitSeq(string(buf[:n]), "\n\n") {
		if number, ok := goroutineNumber(trace); ok {
			stacks[number] = trace
		}
	}
	return stacks
}

// goroutineNumber reads the number off a text that starts with "goroutine 12".
func goroutineNumber(text string) (string, bool) {
	text, ok := strings.CutPrefix(text, "goroutine ")
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))], ok
}
