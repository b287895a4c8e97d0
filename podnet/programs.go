package podnet

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"
)

// hangAfter is how long Close waits for Programs that were killed.
const hangAfter = 5 * time.Second

// programs are the goroutines that run Programs, so that Close can wait for
// them and name those that do not return.
type programs struct {
	mu      sync.Mutex // guards what follows
	running map[*process]struct{}
	idle    chan struct{} // closed when running is next empty; nil if nobody waits
}

func (t *programs) add(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running == nil {
		t.running = make(map[*process]struct{})
	}
	t.running[p] = struct{}{}
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

// wait waits until no Program runs. Its error names those that still do after
// hangAfter, with where they hang.
func (t *programs) wait() error {
	t.mu.Lock()
	if len(t.running) == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	timer := time.NewTimer(hangAfter)
	defer timer.Stop()
	select {
	case <-idle:
		return nil
	case <-timer.C:
	}
	stacks := allStacks()
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for p := range t.running {
		p.mu.Lock()
		where := stacks[p.goroutine]
		p.mu.Unlock()
		errs = append(errs, fmt.Errorf("podnet: close: %s was killed and still runs after %v: its Program ignores its context\n%s", p, hangAfter, where))
	}
	return errors.Join(errs...)
}

// allStacks returns the stack traces of all goroutines by how they start, up to
// the bracket: "goroutine 12 [".
func allStacks() map[string]string {
	buf := make([]byte, 1<<16)
	n := runtime.Stack(buf, true)
	for n == len(buf) && n < 1<<24 {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	stacks := make(map[string]string)
	for trace := range strings.SplitSeq(string(buf[:n]), "\n\n") {
		head, _, _ := strings.Cut(trace, "[")
		stacks[head+"["] = trace
	}
	return stacks
}
