package image

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"podnet.dev/podnet"
)

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

// signalNames are Linux's, by number.
var signalNames = []string{
	"EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR", "SYS",
}

// signalNumber reads a signal's name, with or without SIG, or number.
func signalNumber(s string) (int, bool) {
	if n, err := parseUint(s); err == nil && n < len(signalNames) {
		return n, true
	}
	n := slices.Index(signalNames, strings.TrimPrefix(strings.ToUpper(s), "SIG"))
	return n, n >= 0
}
