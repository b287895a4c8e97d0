package image

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/pattern"

	"podnet.dev/podnet"
)

// patternRegexp compiles a shell pattern that has to match a whole word.
func patternRegexp(pat string) (*regexp.Regexp, error) {
	expr, err := pattern.Regexp(pat, pattern.EntireString)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(expr)
}

// matches is fnmatch(3).
func matches(pat, word string) bool {
	re, err := patternRegexp(pat)
	return err == nil && re.MatchString(word)
}

// A cond evaluates the tests of test, [ and [[ on a container's files.
type cond struct {
	fsys *podnet.FS
	path func(string) string
}

// testCmd is test and [.
func testCmd(_ context.Context, p *proc) int {
	args := p.args
	if p.bracket {
		if len(args) == 0 || args[len(args)-1] != "]" {
			p.errorf("missing ]")
			return 2
		}
		args = args[:len(args)-1]
	}
	t := &testParser{cond: cond{p.FS(), p.path}, args: args}
	ok, err := t.parse()
	if err != nil {
		p.errorf("%s", err)
		return 2
	}
	return bit(!ok)
}

// testParser reads a test's words by POSIX's rules for their number, and longer
// ones with -a and -o as ash does.
type testParser struct {
	cond
	args []string
}

func (t *testParser) parse() (bool, error) {
	if len(t.args) == 0 {
		return false, nil
	}
	ok, err := t.or()
	if err == nil && len(t.args) > 0 {
		err = errors.New(t.args[0] + ": unknown operand")
	}
	return ok, err
}

func (t *testParser) or() (bool, error) {
	ok, err := t.and()
	for err == nil && len(t.args) > 1 && t.args[0] == "-o" {
		t.args = t.args[1:]
		var right bool
		right, err = t.and()
		ok = ok || right
	}
	return ok, err
}

func (t *testParser) and() (bool, error) {
	ok, err := t.not()
	for err == nil && len(t.args) > 1 && t.args[0] == "-a" {
		t.args = t.args[1:]
		var right bool
		right, err = t.not()
		ok = ok && right
	}
	return ok, err
}

func (t *testParser) not() (bool, error) {
	if len(t.args) > 1 && t.args[0] == "!" && !(len(t.args) == 3 && binaryTests[t.args[1]]) {
		t.args = t.args[1:]
		ok, err := t.not()
		return !ok, err
	}
	return t.primary()
}

func (t *testParser) primary() (bool, error) {
	if len(t.args) == 0 {
		return false, errors.New("argument expected")
	}
	first := t.args[0]
	switch {
	case len(t.args) >= 3 && binaryTests[t.args[1]]:
		ok, err := t.binary(first, t.args[1], t.args[2])
		t.args = t.args[3:]
		return ok, err
	case first == "(" && len(t.args) > 2:
		t.args = t.args[1:]
		ok, err := t.or()
		if err == nil {
			if len(t.args) == 0 || t.args[0] != ")" {
				return false, errors.New("closing paren expected")
			}
			t.args = t.args[1:]
		}
		return ok, err
	case len(t.args) >= 2 && len(first) == 2 && first[0] == '-' && strings.IndexByte("bcdefgGhkLnoOprsStuwxz", first[1]) >= 0:
		ok := t.unary(first, t.args[1])
		t.args = t.args[2:]
		return ok, nil
	}
	t.args = t.args[1:]
	return first != "", nil
}

var binaryTests = map[string]bool{
	"=": true, "==": true, "!=": true, "<": true, ">": true, "=~": true, "-eq": true, "-ne": true, "-lt": true, "-le": true,
	"-gt": true, "-ge": true, "-nt": true, "-ot": true, "-ef": true,
}

func (c cond) binary(x, op, y string) (bool, error) {
	switch op {
	case "=", "==":
		return x == y, nil
	case "!=":
		return x != y, nil
	case "<":
		return x < y, nil
	case ">":
		return x > y, nil
	case "=~":
		re, err := regexp.CompilePOSIX(y)
		if err != nil {
			return false, errors.New("bad regex '" + y + "'")
		}
		return re.MatchString(x), nil
	case "-nt", "-ot":
		a, errA := c.fsys.Stat(c.path(x))
		b, errB := c.fsys.Stat(c.path(y))
		if errA != nil || errB != nil {
			return false, nil
		}
		if op == "-nt" {
			return a.ModTime().After(b.ModTime()), nil
		}
		return a.ModTime().Before(b.ModTime()), nil
	case "-ef":
		if _, err := c.fsys.Stat(c.path(x)); err != nil {
			return false, nil
		}
		return realpath(c.fsys, c.path(x)) == realpath(c.fsys, c.path(y)), nil
	}
	a, err := testNumber(x)
	if err != nil {
		return false, err
	}
	b, err := testNumber(y)
	if err != nil {
		return false, err
	}
	switch op {
	case "-eq":
		return a == b, nil
	case "-ne":
		return a != b, nil
	case "-lt":
		return a < b, nil
	case "-le":
		return a <= b, nil
	case "-gt":
		return a > b, nil
	default:
		return a >= b, nil
	}
}

func testNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, errors.New(s + ": bad number")
	}
	return n, nil
}

func (c cond) unary(op, x string) bool {
	switch op {
	case "-n":
		return x != ""
	case "-z":
		return x == ""
	case "-t": // nothing here is a terminal
		return false
	case "-h", "-L":
		info, err := c.fsys.Lstat(c.path(x))
		return x != "" && err == nil && info.Mode()&fs.ModeSymlink != 0
	}
	if x == "" {
		return false
	}
	info, err := c.fsys.Stat(c.path(x))
	if err != nil {
		return false
	}
	mode := info.Mode()
	switch op {
	case "-f":
		return mode.IsRegular()
	case "-d":
		return mode.IsDir()
	case "-s":
		return info.Size() > 0
	case "-x": // root may run what anyone may, and enter every directory
		return mode.IsDir() || mode.Perm()&0o111 != 0
	case "-c":
		return mode&fs.ModeCharDevice != 0
	case "-b":
		return mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
	case "-p":
		return mode&fs.ModeNamedPipe != 0
	case "-S":
		return mode&fs.ModeSocket != 0
	case "-k":
		return mode&fs.ModeSticky != 0
	case "-u":
		return mode&fs.ModeSetuid != 0
	case "-g":
		return mode&fs.ModeSetgid != 0
	case "-e", "-r", "-w", "-O", "-G": // the container's user is root
		return true
	}
	return false
}
