package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"podnet.dev/podnet"
)

// tailer is tail's command line.
type tailer struct {
	*proc
	bytes     bool
	fromStart bool
	count     int64
	follow    bool // -f, and -F
	retry     bool // -F: the name, not the file
	quiet     bool
	verbose   bool
	last      string // whose output came last, for headers
	shown     bool
}

// tail is tail [-fFqv] [-n [+]N] [-c [+]N] [file...]. It follows a file by its
// changes, without looking at it every second as busybox does; with -F it looks
// for a file that is not there once a second.
func tail(ctx context.Context, p *proc) int {
	t := &tailer{proc: p, count: 10}
	if len(p.args) > 0 && len(p.args[0]) > 1 && (p.args[0][0] == '-' || p.args[0][0] == '+') {
		if _, err := strconv.Atoi(p.args[0][1:]); err == nil { // tail -5
			p.args = append([]string{"-n", strings.TrimPrefix(p.args[0], "-")}, p.args[1:]...)
		}
	}
	opts, names, ok := p.options("fFqvc:n:s:", map[string]string{"follow": "f", "lines=": "n", "bytes=": "c"})
	if !ok {
		return 1
	}
	for _, o := range opts {
		switch o.name {
		case "f":
			t.follow = true
		case "F":
			t.follow, t.retry = true, true
		case "q":
			t.quiet = true
		case "v":
			t.verbose = true
		case "n", "c":
			value := strings.TrimPrefix(o.value, "-")
			t.fromStart = strings.HasPrefix(value, "+")
			t.bytes = o.name == "c"
			if t.count, ok = p.number(strings.TrimPrefix(value, "+")); !ok {
				return 1
			}
		}
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	return t.run(ctx, names)
}

func (t *tailer) run(ctx context.Context, names []string) int {
	code := 0
	type input struct {
		name string
		f    podnet.File // nil for stdin, and with -F for a file that is not there yet
	}
	var open []input
	for _, name := range names {
		if name == "-" {
			open = append(open, input{name, nil})
			continue
		}
		f, err := t.FS().Open(t.path(name))
		if err != nil {
			t.errorf("can't open '%s': %s", name, strerror(err))
			code = 1
			if t.retry {
				open = append(open, input{name, nil})
			}
			continue
		}
		defer f.Close()
		open = append(open, input{name, f})
	}
	if len(open) == 0 {
		t.errorf("no files")
		return 1
	}
	if len(open) < 2 && !t.verbose {
		t.quiet = true
	}
	fresh := make(chan chunk)
	followers := 0
	for _, in := range open {
		switch {
		case in.name == "-":
			t.header(in.name)
			if err := t.show(t.in); err != nil {
				return t.readError(err)
			}
			continue
		case in.f != nil:
			t.header(in.name)
			if err := t.show(in.f); err != nil {
				code = t.readError(err)
				continue
			}
		}
		if t.follow {
			followers++
			go t.followFile(ctx, in.name, in.f, fresh)
		}
	}
	for followers > 0 {
		c := <-fresh
		switch {
		case c.end:
			followers--
		case c.note != "":
			t.errorf("%s", c.note)
		case ctx.Err() == nil:
			if t.last != c.name {
				t.header(c.name)
			}
			t.out.Write(c.data)
		}
	}
	return code
}

func (t *tailer) readError(err error) int {
	t.errorf("read error: %s", strerror(err))
	return 1
}

func (t *tailer) header(name string) {
	t.last = name
	if t.quiet {
		return
	}
	if t.shown {
		io.WriteString(t.out, "\n")
	}
	t.shown = true
	if name == "-" {
		name = "standard input"
	}
	fmt.Fprintf(t.out, "==> %s <==\n", name)
}

// show writes the part of r that was asked for, and reads r to its end.
func (t *tailer) show(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	t.out.Write(t.part(data))
	return nil
}

func (t *tailer) part(data []byte) []byte {
	n := int(min(t.count, int64(len(data))+1))
	switch {
	case t.fromStart && t.bytes:
		return data[min(max(n-1, 0), len(data)):]
	case t.fromStart:
		for ; n > 1 && len(data) > 0; n-- {
			i := bytes.IndexByte(data, '\n')
			if i < 0 {
				return nil
			}
			data = data[i+1:]
		}
		return data
	case t.bytes:
		return data[max(len(data)-n, 0):]
	case n == 0:
		return nil
	}
	end := len(data)
	if end > 0 && data[end-1] == '\n' {
		end--
	}
	for ; n > 0; n-- {
		i := bytes.LastIndexByte(data[:end], '\n')
		if i < 0 {
			return data
		}
		end = i
	}
	return data[end+1:]
}

// A chunk is what a follower has to say.
type chunk struct {
	name string
	data []byte
	note string // a message for stderr
	end  bool   // the follower is gone
}

// followFile sends what is appended to a file until ctx ends. f has been read
// to its end; it is nil for a file that -F waits for.
func (t *tailer) followFile(ctx context.Context, name string, f podnet.File, out chan<- chunk) {
	defer func() { out <- chunk{end: true} }()
	news := "appeared"
	if f != nil {
		t.followOne(ctx, name, f, out)
		news = "been replaced"
	}
	for t.retry && ctx.Err() == nil {
		if f != nil {
			pause(ctx, time.Second) // busybox looks once a second: a rotation is no loss
		}
		if _, err := t.FS().Stat(t.path(name)); err != nil && f != nil {
			out <- chunk{note: name + " has been renamed or deleted: " + strerror(err)}
		}
		if f = t.await(ctx, name); f == nil {
			return
		}
		out <- chunk{note: name + " has " + news + "; following end of new file"}
		news = "been replaced"
		t.followOne(ctx, name, f, out)
		f.Close()
	}
}

// followOne follows an open file: until ctx ends, or with -F until the name
// means another file or none.
func (t *tailer) followOne(ctx context.Context, name string, f podnet.File, out chan<- chunk) {
	for {
		changed := f.Changed()
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if at, err := f.Seek(0, io.SeekCurrent); err == nil && at > info.Size() {
				f.Seek(0, io.SeekStart) // it was truncated
			}
		}
		data, err := io.ReadAll(f)
		if len(data) > 0 {
			out <- chunk{name: name, data: data}
		}
		if err != nil || t.retry && t.replaced(name, f) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// replaced reports whether name has come to mean another file than f, or none.
func (t *tailer) replaced(name string, f podnet.File) bool {
	now, err := t.FS().Stat(t.path(name))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	then, err := f.Stat()
	return err == nil && !sameFile(then, now)
}

// await waits until name can be opened. It returns nil when ctx ends.
func (t *tailer) await(ctx context.Context, name string) podnet.File {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if f, err := t.FS().Open(t.path(name)); err == nil {
			return f
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
