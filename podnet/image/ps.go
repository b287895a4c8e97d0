package image

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"podnet.dev/podnet"
)

// ps is ps, with busybox's columns. TIME is always zero: a goroutine's share of
// the processor is not known.
func ps(_ context.Context, p *proc) int {
	if _, _, ok := p.options("o:TlwW", nil); !ok {
		return 1
	}
	fmt.Fprintln(p.out, "PID   USER     TIME  COMMAND")
	users := p.accounts("/etc/passwd")
	for _, q := range p.Processes() {
		user := users.name(q.UID)
		if user == "" {
			user = fmt.Sprint(q.UID)
		}
		fmt.Fprintf(p.out, "%5d %-8.8s  0:00 %s\n", q.PID, user, strings.Join(q.Args, " "))
	}
	return 0
}

// pidof is pidof [-s] name...: the newest first.
func pidof(_ context.Context, p *proc) int {
	set, names, ok := p.flags("s")
	if !ok {
		return 1
	}
	var pids []string
	for _, name := range names {
		for _, q := range slices.Backward(p.Processes()) {
			if processName(q) == base(name) && len(q.Args) > 0 {
				pids = append(pids, fmt.Sprint(q.PID))
				if set['s'] {
					break
				}
			}
		}
	}
	if len(pids) == 0 {
		return 1
	}
	fmt.Fprintln(p.out, strings.Join(pids, " "))
	return 0
}

// processName is what /proc/PID/comm has.
func processName(q podnet.Process) string {
	if len(q.Args) == 0 {
		return ""
	}
	return strings.TrimSuffix(base(q.Args[0]), ":")
}

// pgrep is pgrep [-flx] pattern.
func pgrep(_ context.Context, p *proc) int {
	set, args, ok := p.flags("flxon")
	if !ok {
		return 2
	}
	if len(args) != 1 {
		p.usageError()
		return 2
	}
	expr := args[0]
	if set['x'] {
		expr = "^(?:" + expr + ")$"
	}
	re, err := regexp.CompilePOSIX(expr)
	if err != nil {
		p.errorf("bad regex '%s'", args[0])
		return 2
	}
	var found []podnet.Process
	for _, q := range p.Processes() {
		text := processName(q)
		if set['f'] {
			text = strings.Join(q.Args, " ")
		}
		if q.PID != p.PID() && re.MatchString(text) {
			found = append(found, q)
		}
	}
	if len(found) == 0 {
		return 1
	}
	switch {
	case set['o']:
		found = found[:1]
	case set['n']:
		found = found[len(found)-1:]
	}
	for _, q := range found {
		if set['l'] {
			fmt.Fprintf(p.out, "%d %s\n", q.PID, strings.Join(q.Args, " "))
		} else {
			fmt.Fprintln(p.out, q.PID)
		}
	}
	return 0
}

// parentPID is the process's parent, as getppid has it.
func (p *proc) parentPID() int {
	for _, q := range p.Processes() {
		if q.PID == p.PID() {
			return q.PPID
		}
	}
	return 0
}

// multicall is busybox without a command's name, or with one that it lacks.
func multicall(_ context.Context, p *proc) int {
	if len(p.args) > 0 && p.args[0] != "--list" && p.args[0] != "--help" {
		fmt.Fprintf(p.err, "%s: applet not found\n", p.args[0])
		return 127
	}
	names := make([]string, 0, len(applets))
	for name := range applets {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(p.args) > 0 && p.args[0] == "--list" {
		fmt.Fprintln(p.out, strings.Join(names, "\n"))
		return 0
	}
	fmt.Fprintf(p.out, "BusyBox v1.37.0 (podnet) multi-call binary.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n   or: function [arguments]...\n\nCurrently defined functions:\n\t%s\n", strings.Join(names, ", "))
	return 0
}
