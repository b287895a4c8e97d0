package image

import (
	"context"
	"io"
	"sync/atomic"

	"podnet.dev/podnet"
)

// An ending is how a child process ended, for the word about it that ash
// prints when a signal was the reason.
type ending struct {
	process chan *podnet.Container // the process, when it has started
	termed  atomic.Bool
}

func newEnding() *ending { return &ending{process: make(chan *podnet.Container, 1)} }

// of tells which process it is about.
func (e *ending) of(c *podnet.Container) { e.process <- c }

// note is called at the end of a process that was not killed.
func (e *ending) note(ctx context.Context, status int) {
	e.termed.Store(ctx.Err() != nil && status == 128+15)
}

// text is the word, to be asked for once, when the process has ended.
func (e *ending) text() string {
	if e.termed.Load() {
		return "Terminated"
	}
	select {
	case c := <-e.process:
		select {
		case <-c.Killed():
			return "Killed"
		default:
		}
	default:
	}
	return ""
}

// reportEnd prints the word.
func (s *shell) reportEnd(e *ending) {
	if text := e.text(); text != "" {
		io.WriteString(s.stderr(), text+"\n")
	}
}
