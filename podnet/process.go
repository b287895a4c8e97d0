package podnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet/internal/dns"
	"podnet.dev/podnet/internal/netstack"
)

// exitKilled is the exit code of a process that SIGKILL ended.
const exitKilled = 128 + int(SIGKILL)

// process is a process of a container: a Program that runs, with what Linux
// keeps of a process.
type process struct {
	instance       *instance
	pid, ppid      int
	uid, gid       int
	argv           []string // what ps shows
	command, args  []string // what the Program is told
	env            environment
	dir            string
	stdin          io.Reader
	stdout, stderr io.Writer
	owner          *netstack.Owner
	resolver       *dns.Resolver
	startedAt      time.Time

	ctx    context.Context // ends at the first signal
	cancel context.CancelFunc
	killed chan struct{} // closed by SIGKILL
	done   chan struct{} // closed when the process has ended and its sockets are closed

	mu     sync.Mutex // guards what follows
	ended  bool       // nothing is written any more
	signal Signal     // the first one received
	code   int        // after ended
	client *http.Client
	files  map[*processFile]struct{} // open ones
}

// start runs program in a goroutine of its own.
func (p *process) start(program Program) {
	started := make(chan struct{})
	go p.instance.container.pod.cluster.programs.run(p, func() {
		close(started)
		p.end(p.call(program), false)
		if p == p.instance.main {
			p.instance.log.flush() // here, where OnLog keeps nobody else waiting
		}
	})
	<-started // from here on, Close waits for it
}

// settle waits until the process has opened a socket, and a little longer, for
// servers that open several; or until it has ended; but no longer than a moment.
func (p *process) settle(ctx context.Context, moment time.Duration) {
	timer := time.NewTimer(moment)
	defer timer.Stop()
	opened := p.owner.Opened()
	for {
		select {
		case <-opened:
			opened = nil
			timer.Reset(moment / 10)
		case <-p.done:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		}
	}
}

// call runs program and turns what comes of it into an exit code.
func (p *process) call(program Program) (code int) {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(p.stderr, "panic: %v\n\n%s", v, debug.Stack())
			p.log("program panicked", "panic", v)
			code = 2
		} else if !returned { // runtime.Goexit, as by FailNow of a test
			fmt.Fprintln(p.stderr, "program called runtime.Goexit")
			code = 1
		}
	}()
	err := program(p.ctx, &Container{container: p.instance.container, process: p})
	returned = true
	var exit ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.Code & 0xff // as wait(2) reports it
	case p.received() != 0 && errors.Is(err, context.Canceled):
		return 128 + int(p.received())
	}
	fmt.Fprintln(p.stderr, err)
	return 1
}

// end ends the process: its sockets and files are closed, and if it is the
// container's main process, all other processes are killed. Only the first call
// counts.
func (p *process) end(code int, killed bool) {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return
	}
	p.ended, p.code = true, code
	client, files := p.client, p.files
	p.files = nil
	p.mu.Unlock()
	p.owner.Kill()
	for f := range files {
		f.File.Close()
	}
	if client != nil {
		client.CloseIdleConnections()
	}
	if killed {
		close(p.killed)
	}
	p.cancel()
	p.instance.reap(p)
	close(p.done)
}

// kill is SIGKILL: the process is dead when it returns, even if its goroutine
// goes on. By the time it can see that it was killed, all it had is closed.
func (p *process) kill() {
	p.end(exitKilled, true)
	<-p.done // if it was ending already
}

// terminate delivers a signal that ends a process by default.
func (p *process) terminate(sig Signal) {
	p.mu.Lock()
	if p.signal == 0 {
		p.signal = sig
	}
	p.mu.Unlock()
	p.cancel()
}

func (p *process) received() Signal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signal
}

// adoptFile notes an open file, unless the process has ended.
func (p *process) adoptFile(f *processFile) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	if p.files == nil {
		p.files = make(map[*processFile]struct{})
	}
	p.files[f] = struct{}{}
	return true
}

func (p *process) releaseFile(f *processFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, f)
}

func (p *process) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

func (p *process) exitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code
}

// String names the process in messages.
func (p *process) String() string {
	name := "container " + p.instance.container.name
	if p.pid != 1 {
		name += fmt.Sprintf(" (PID %d, %s)", p.pid, strings.Join(p.argv, " "))
	}
	return name
}

func (p *process) log(msg string, args ...any) {
	if l := p.instance.container.pod.cluster.config.Logger; l != nil {
		l.Error(msg, append([]any{"process", p.String()}, args...)...)
	}
}

// output is the stdout or stderr that a process writes to: w, until the process
// has ended.
type output struct {
	process *process
	name    string
	w       io.Writer
}

func (o *output) Write(b []byte) (int, error) {
	if o.process.hasEnded() {
		return 0, &os.PathError{Op: "write", Path: o.name, Err: os.ErrClosed}
	}
	return o.w.Write(b)
}

// Process is a line of `ps`.
type Process struct {
	PID, PPID int
	UID, GID  int
	Args      []string
	StartedAt time.Time
}

// Processes returns the container's processes by PID. 1 is its main process.
func (c *Container) Processes() []Process {
	i := c.instance()
	if i == nil {
		return nil
	}
	return i.list()
}
