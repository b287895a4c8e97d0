package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"podnet.dev/podnet"
)

// netfilterTools are iptables and what belongs to it, as Alpine's packages
// iptables and ip6tables have them.
func netfilterTools() map[string]command {
	tools := make(map[string]command)
	for _, six := range []bool{false, true} {
		name := "iptables"
		if six {
			name = "ip6tables"
		}
		tools[name] = command{run: func(_ context.Context, p *proc) int { return p.iptables(six) }, dir: "/usr/sbin"}
		tools[name+"-save"] = command{run: func(_ context.Context, p *proc) int { return p.iptablesSave(six) }, dir: "/usr/sbin"}
		tools["tcpdump"] = command{run: tcpdump, dir: "/usr/bin"}
		tools["conntrack"] = command{run: conntrack, dir: "/usr/sbin"}
		tools[name+"-restore"] = command{run: func(_ context.Context, p *proc) int { return p.iptablesRestore(six) }, dir: "/usr/sbin"}
	}
	return tools
}

func (p *proc) iptables(six bool) int {
	out, err := p.IPTables(six, p.args...)
	fmt.Fprint(p.out, out)
	return p.failed(err)
}

// iptablesSave is iptables-save [-t table].
func (p *proc) iptablesSave(six bool) int {
	table := ""
	switch {
	case len(p.args) == 2 && p.args[0] == "-t":
		table = p.args[1]
	case len(p.args) > 0:
		p.errorf("podnet does not support %s here: iptables-save [-t table]", p.args[0])
		return 1
	}
	out, err := p.IPTablesSave(six)
	if table != "" {
		out = tableOf(out, table)
	}
	fmt.Fprint(p.out, out)
	return p.failed(err)
}

// tableOf returns the part of iptables-save's text that is one table.
func tableOf(text, table string) string {
	var b strings.Builder
	comment, inside := "", false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "# Generated"):
			comment = line
		case line == "*"+table+"\n":
			inside = true
			b.WriteString(comment + line)
		case inside:
			b.WriteString(line)
			inside = !strings.HasPrefix(line, "# Completed")
		}
	}
	return b.String()
}

// iptablesRestore is iptables-restore [-n] [-w [seconds]] [file].
func (p *proc) iptablesRestore(six bool) int {
	noflush := false
	var files []string
	for i, arg := range p.args {
		switch {
		case arg == "-n" || arg == "--noflush":
			noflush = true
		case arg == "-w" || arg == "--wait" || strings.HasPrefix(arg, "-w") || strings.HasPrefix(arg, "--wait="):
		case strings.HasPrefix(arg, "-"):
			p.errorf("podnet does not support %s here: iptables-restore [-n] [-w [seconds]] [file]", arg)
			return 1
		case i > 0 && (p.args[i-1] == "-w" || p.args[i-1] == "--wait"):
		default:
			files = append(files, arg)
		}
	}
	if len(files) > 1 {
		fmt.Fprintln(p.err, "Unknown arguments found on commandline")
		return 1
	}
	in := io.NopCloser(p.in)
	if len(files) > 0 {
		var err error
		if in, err = p.open(files[0]); err != nil {
			fmt.Fprintf(p.err, "Can't open %s: %s\n", files[0], strerror(err))
			return 1
		}
	}
	text, err := io.ReadAll(in)
	if errClose := in.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = p.IPTablesRestore(six, string(text), noflush)
	}
	return p.failed(err)
}

// failed prints what a command of the front door says when it fails, and returns
// the exit code: 0 without an error.
func (p *proc) failed(err error) int {
	var e *podnet.CommandError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		fmt.Fprint(p.err, e.Stderr)
		return e.Code
	}
	p.errorf("%s", err)
	return 1
}
