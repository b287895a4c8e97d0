package image

import (
	"context"
	"io"
	"sync"
	"syscall"
)

// pipeSize is how much a pipe holds before a write to it waits, as on Linux.
const pipeSize = 64 << 10

// A pipe is pipe(2). Unlike io.Pipe it holds 64 KiB, so that a writer is as
// far ahead of its reader as on Linux, and a wait for it ends with a context.
// Unlike os.Pipe, to wait for it is to be durably blocked in a synctest bubble.
type pipe struct {
	mu      sync.Mutex
	buf     []byte        // guarded by mu
	noRead  bool          // guarded by mu; the reader is gone
	noWrite bool          // guarded by mu; every writer is gone
	changed chan struct{} // guarded by mu; closed and replaced at every change
}

type (
	pipeReader struct{ *pipe }
	pipeWriter struct{ *pipe }
)

func newPipe() (pipeReader, pipeWriter) {
	p := &pipe{changed: make(chan struct{})}
	return pipeReader{p}, pipeWriter{p}
}

// notify wakes who waits. The caller holds mu.
func (p *pipe) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (r pipeReader) Read(b []byte) (int, error) { return r.read(context.Background(), b) }

func (r pipeReader) read(ctx context.Context, b []byte) (int, error) {
	for {
		r.mu.Lock()
		if len(r.buf) > 0 {
			n := copy(b, r.buf)
			r.buf = r.buf[n:]
			r.notify()
			r.mu.Unlock()
			return n, nil
		}
		end, changed := r.noWrite, r.changed
		r.mu.Unlock()
		if end {
			return 0, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (r pipeReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noRead = true
	r.buf = nil
	r.notify()
	return nil
}

func (w pipeWriter) Write(b []byte) (int, error) { return w.write(context.Background(), b) }

func (w pipeWriter) write(ctx context.Context, b []byte) (n int, err error) {
	for {
		w.mu.Lock()
		if w.noRead {
			w.mu.Unlock()
			return n, syscall.EPIPE
		}
		k := min(len(b), pipeSize-len(w.buf))
		w.buf = append(w.buf, b[:k]...)
		n, b = n+k, b[k:]
		if k > 0 {
			w.notify()
		}
		changed := w.changed
		w.mu.Unlock()
		if len(b) == 0 {
			return n, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

func (w pipeWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noWrite = true
	w.notify()
	return nil
}

// boundReader returns r with its waits ending when ctx does, if r is a pipe.
// Every other input of a container is a file, which never waits, or its stdin,
// which ends with the process.
func boundReader(ctx context.Context, r io.Reader) io.Reader {
	if p, ok := r.(pipeReader); ok {
		return ctxReader{ctx, p}
	}
	if b, ok := r.(ctxReader); ok {
		return ctxReader{ctx, b.p}
	}
	return r
}

type ctxReader struct {
	ctx context.Context
	p   pipeReader
}

func (r ctxReader) Read(b []byte) (int, error) { return r.p.read(r.ctx, b) }

// boundWrite is w.Write(b) with its wait ending when ctx does, if w is a pipe.
func boundWrite(ctx context.Context, w io.Writer, b []byte) (int, error) {
	if p, ok := w.(pipeWriter); ok {
		return p.write(ctx, b)
	}
	return w.Write(b)
}
