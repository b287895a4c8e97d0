package podnet

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// maxLogSize is the kubelet's containerLogMaxSize: at this size a log is
// rotated, and `kubectl logs` shows only what came after.
const maxLogSize = 10 << 20

// maxLine is where the container runtime cuts a line of a log (containerd,
// max_container_log_line_size).
const maxLine = 16 << 10

// containerLog is the log of one run of a container.
type containerLog struct {
	onLine  func(stream, text string) // may be nil
	written *broadcast

	mu      sync.Mutex // guards what follows; not held while onLine runs
	text    bytes.Buffer
	partial map[string][]byte // unfinished line of each stream
	lines   sync.Mutex        // keeps the lines in order; taken before mu
}

// write adds what was written to a stream.
func (l *containerLog) write(stream string, b []byte) {
	if l.onLine != nil {
		l.lines.Lock()
		defer l.lines.Unlock()
	}
	l.mu.Lock()
	if l.text.Len()+len(b) > maxLogSize {
		l.text.Reset()
	}
	l.text.Write(b)
	var complete []byte
	if l.onLine != nil {
		if l.partial == nil {
			l.partial = make(map[string][]byte)
		}
		all := append(l.partial[stream], b...)
		end := bytes.LastIndexByte(all, '\n') + 1
		if len(all)-end >= maxLine {
			end = len(all)
		}
		complete, l.partial[stream] = all[:end:end], all[end:]
	}
	l.mu.Unlock()
	l.written.send()
	for line := range strings.Lines(string(complete)) {
		l.onLine(stream, strings.TrimSuffix(line, "\n"))
	}
}

// flush gives out lines that were never finished.
func (l *containerLog) flush() {
	if l.onLine == nil {
		return
	}
	l.lines.Lock()
	defer l.lines.Unlock()
	l.mu.Lock()
	rest := l.partial
	l.partial = nil
	l.mu.Unlock()
	for _, stream := range []string{"stdout", "stderr"} {
		if len(rest[stream]) > 0 {
			l.onLine(stream, string(rest[stream]))
		}
	}
}

func (l *containerLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lineHook returns what a container's log does with its lines.
func (c *container) lineHook() func(stream, text string) {
	f := c.pod.cluster.config.OnLog
	if f == nil {
		return nil
	}
	return func(stream, text string) {
		f(LogLine{Time: time.Now(), Namespace: c.pod.spec.Namespace, Pod: c.pod.spec.Name, Container: c.spec.Name, Stream: stream, Text: text})
	}
}

// broadcast wakes all who wait for something to happen again. The zero value is
// ready to use.
type broadcast struct {
	mu sync.Mutex // guards ch
	ch chan struct{}
}

// next returns a channel that is closed by the next send.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *broadcast) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// WaitLog waits until the log of the container's current or last run contains a
// text. It fails when ctx ends, and when the Pod has ended without it.
func (c *Container) WaitLog(ctx context.Context, text string) error {
	for ended := false; ; {
		written := c.container.logged.next()
		if strings.Contains(c.Logs(), text) {
			return nil
		}
		if ended {
			return c.Pod().error("wait for", fmt.Errorf("the Pod has ended and container %s has not logged %q", c.Name(), text))
		}
		select {
		case <-written:
		case <-c.Pod().worker.Done():
			ended = true
		case <-ctx.Done():
			return c.Pod().error("wait for", fmt.Errorf("container %s has not logged %q: %w", c.Name(), text, context.Cause(ctx)))
		}
	}
}
