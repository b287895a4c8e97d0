package image

import (
	"context"
	"io"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// biRead is read [-rs] [-p prompt] [-t seconds] [-n count] [name...].
func biRead(ctx context.Context, s *shell, args []string) error {
	p := s.proc(ctx, args)
	opts, names, ok := p.options("+rsp:t:n:", nil)
	if !ok {
		return status(2)
	}
	raw, count, within := false, -1, ctx
	for _, o := range opts {
		switch o.name {
		case "r":
			raw = true
		case "p":
			io.WriteString(s.stderr(ctx), o.value)
		case "n":
			count = atoi(o.value)
		case "t":
			d, err := time.ParseDuration(o.value + "s")
			if err != nil || d < 0 {
				s.builtinErrorf(ctx, "read", "invalid timeout")
				return status(2)
			}
			var cancel context.CancelFunc
			within, cancel = context.WithTimeout(ctx, d)
			defer cancel()
		}
	}
	for _, name := range names {
		if !syntax.ValidName(name) {
			s.builtinErrorf(ctx, "read", "'%s': bad variable name", name)
			return s.exit(ctx, 2)
		}
	}
	line, readErr := readLine(boundReader(within, filesOf(ctx).reader(0)), raw, count)
	if len(names) == 0 {
		names = []string{"REPLY"}
	}
	values := expand.ReadFields(&expand.Config{Env: interp.HandlerCtx(ctx).Env}, line, len(names), raw)
	for i, name := range names {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		if err := s.assign(ctx, name, value); err != nil {
			return err
		}
	}
	return status(bit(readErr != nil))
}

// readLine reads a line byte by byte, since what follows is for others to read.
func readLine(r io.Reader, raw bool, count int) (string, error) {
	var line []byte
	escaped := false
	b := make([]byte, 1)
	for count < 0 || len(line) < count {
		n, err := r.Read(b)
		if n == 0 {
			if err != nil {
				return string(line), err
			}
			continue
		}
		switch {
		case !raw && escaped && b[0] == '\n':
			line = line[:len(line)-1] // a continued line
			escaped = false
			continue
		case b[0] == '\n':
			return string(line), nil
		}
		line = append(line, b[0])
		escaped = !raw && b[0] == '\\' && !escaped
	}
	return string(line), nil
}
