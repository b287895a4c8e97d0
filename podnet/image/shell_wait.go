package image

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"podnet.dev/podnet"
)

func biJobs(context.Context, *shell, []string) int { return 0 } // without job control there are none to list

// biWait is wait [pid...].
func biWait(ctx context.Context, s *shell, args []string) int {
	if len(args) == 1 {
		for len(s.jobs) > 0 {
			j := s.jobs[0]
			status := s.wait(ctx, j)
			select {
			case <-j.done:
				s.jobs = s.jobs[1:]
			default: // a signal
				return status
			}
		}
		return 0
	}
	status := 0
	for _, arg := range args[1:] {
		pid, err := parseUint(strings.TrimPrefix(arg, "%"))
		if err != nil {
			s.builtinErrorf("wait", "Illegal number: %s", arg)
			return 2
		}
		status = 127
		for i, j := range s.jobs {
			if j.pid != pid && !(strings.HasPrefix(arg, "%") && i+1 == pid) {
				continue
			}
			status = s.wait(ctx, j)
			select {
			case <-j.done:
				s.reportEnd(j.end)
			default: // a signal
			}
			break
		}
	}
	return status
}

// biKill is kill, with %1 for the shell's first job.
func biKill(ctx context.Context, s *shell, args []string) int {
	args = append([]string(nil), args...)
	for i, a := range args {
		if n, err := parseUint(strings.TrimPrefix(a, "%")); strings.HasPrefix(a, "%") && err == nil && n > 0 && n <= len(s.jobs) {
			args[i] = fmt.Sprint(s.jobs[n-1].pid)
		}
	}
	status := kill(ctx, s.proc(ctx, args))
	// A signal to oneself has come when kill returns.
	if s.sig != nil && slices.Contains(args[1:], fmt.Sprint(s.c.PID())) {
		select {
		case <-s.raw.Done():
			select {
			case <-s.sig.delivered:
			case <-ctx.Done(): // it was SIGKILL
			}
		default:
		}
	}
	return status
}

// biTrap is trap [action signal...].
func biTrap(_ context.Context, s *shell, args []string) int {
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		for _, name := range signalNames {
			if action, ok := s.traps[name]; ok {
				fmt.Fprintf(s.stdout(), "trap -- %s %s\n", quoteAlways(action), name)
			}
		}
		return 0
	}
	action := "-"
	if _, isSignal := signalNumber(args[0]); len(args) > 1 || !isSignal {
		action, args = args[0], args[1:]
	}
	for _, arg := range args {
		n, ok := signalNumber(arg)
		if !ok {
			s.errorf("trap: %s: invalid signal specification", arg)
			return 1
		}
		if action == "-" {
			delete(s.traps, signalNames[n])
		} else {
			s.traps[signalNames[n]] = action
		}
	}
	if s.sig != nil {
		s.sig.update(s.traps)
	}
	return 0
}

// biRead is read [-rs] [-p prompt] [-t seconds] [-n count] [name...].
func biRead(ctx context.Context, s *shell, args []string) int {
	p := s.proc(ctx, args)
	opts, names, ok := p.options("+rsp:t:n:", nil)
	if !ok {
		return 2
	}
	raw, count := false, -1
	for _, o := range opts {
		switch o.name {
		case "r":
			raw = true
		case "p":
			io.WriteString(s.stderr(), o.value)
		case "n":
			count = atoi(o.value)
		case "t":
			d, err := time.ParseDuration(o.value + "s")
			if err != nil || d < 0 {
				s.builtinErrorf("read", "invalid timeout")
				return 2
			}
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, d)
			defer cancel()
		}
	}
	for _, name := range names {
		if !syntax.ValidName(name) {
			s.builtinErrorf("read", "'%s': bad variable name", name)
			s.exit(2)
			return 2
		}
	}
	line, err := readLine(boundReader(ctx, s.fdReader(0)), raw, count)
	if len(names) == 0 {
		names = []string{"REPLY"}
	}
	values := expand.ReadFields(s.config(ctx), line, len(names), raw)
	for i, name := range names {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		s.assign(name, value)
	}
	return bit(err != nil)
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

// kill is kill [-l [n]] [-signal] pid...
func kill(_ context.Context, p *proc) int {
	args := p.args
	sig := podnet.SIGTERM
	if len(args) > 0 && args[0] == "-l" {
		return killList(p, args[1:])
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "--" {
		name := args[0][1:]
		args = args[1:]
		if name == "s" && len(args) > 0 {
			name, args = args[0], args[1:]
		}
		n, ok := signalNumber(name)
		if !ok {
			p.errorf("bad signal name '%s'", name)
			return 1
		}
		sig = podnet.Signal(n)
	} else if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		p.errorf("you need to specify whom to kill")
		return 1
	}
	code := 0
	for _, arg := range args {
		pid, err := parseUint(arg)
		if err != nil {
			p.errorf("invalid number '%s'", arg)
			code = 1
			continue
		}
		if err := p.Signal(pid, sig); err != nil {
			p.errorf("can't kill pid %d: %s", pid, strerror(err))
			code = 1
		}
	}
	return code
}

func killList(p *proc, args []string) int {
	if len(args) == 0 {
		for n, name := range signalNames[1:] {
			fmt.Fprintf(p.out, "%2d) %s\n", n+1, name)
		}
		return 0
	}
	for _, arg := range args {
		n, ok := signalNumber(arg)
		if m, err := parseUint(arg); err == nil && m > 128 {
			n, ok = m-128, m-128 < len(signalNames)
		}
		switch {
		case !ok:
			p.errorf("unknown signal '%s'", arg)
			return 1
		case arg[0] >= '0' && arg[0] <= '9':
			fmt.Fprintln(p.out, signalNames[n])
		default:
			fmt.Fprintln(p.out, n)
		}
	}
	return 0
}
