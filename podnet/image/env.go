package image

import (
	"context"
	"fmt"
	"path"
	"strings"

	"podnet.dev/podnet"
)

// env is env [-i] [-u name] [name=value...] [command...].
func env(ctx context.Context, p *proc) int {
	opts, args, ok := p.options("+iu:", map[string]string{"ignore-environment": "i", "unset=": "u"})
	if !ok {
		return 125
	}
	list := append([]string(nil), p.Env()...)
	for _, o := range opts {
		if o.name == "i" {
			list = nil
		} else {
			list = unsetEnv(list, o.value)
		}
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		name, _, _ := strings.Cut(args[0], "=")
		list = append(unsetEnv(list, name), args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		for _, e := range list {
			fmt.Fprintln(p.out, e)
		}
		return 0
	}
	p.env = list
	return p.become(ctx, args)
}

func unsetEnv(list []string, name string) []string {
	kept := list[:0]
	for _, e := range list {
		if !strings.HasPrefix(e, name+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}

// become runs a program in place of this one, as execvp does.
func (p *proc) become(ctx context.Context, argv []string) int {
	x, err := p.img.find(p.FS(), p.dir, p.searchPath(), argv[0])
	if err != nil {
		p.errorf("can't execute '%s': %s", argv[0], strerror(err))
		return execFailed(err)
	}
	return programStatus(p.img.exec(ctx, p.Container, x, argv, startup{p.in, p.out.w, p.err.w, p.env, p.dir}))
}

// child runs a program as a child process and waits for it. It reports false,
// after a message, if there is no such program.
func (p *proc) child(ctx context.Context, argv []string, st startup) (status int, ok bool) {
	x, err := p.img.find(p.FS(), p.dir, p.searchPath(), argv[0])
	if err != nil {
		p.errorf("can't execute '%s': %s", argv[0], strerror(err))
		return execFailed(err), false
	}
	return exitStatus(p.Run(ctx, podnet.Cmd{
		Args: argv, Env: st.env, Dir: st.dir, Stdin: st.in, Stdout: st.out, Stderr: st.err,
		Program: func(ctx context.Context, c *podnet.Container) error { return p.img.exec(ctx, c, x, argv, st) },
	})), true
}

// searchPath is where execvp looks: without PATH in the C library's default.
func (p *proc) searchPath() string {
	for _, e := range p.env {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			return value
		}
	}
	return "/usr/local/bin:/bin:/usr/bin"
}

func (p *proc) startup() startup { return startup{p.in, p.out.w, p.err.w, p.env, p.dir} }

// printenv is printenv [name...].
func printenv(_ context.Context, p *proc) int {
	if len(p.args) == 0 {
		for _, e := range p.Env() {
			fmt.Fprintln(p.out, e)
		}
		return 0
	}
	code := 0
	for _, name := range p.args {
		found := false
		for _, e := range p.Env() {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				fmt.Fprintln(p.out, value)
				found = true
			}
		}
		if !found {
			code = 1
		}
	}
	return code
}

// which is which [-a] command...
func which(_ context.Context, p *proc) int {
	set, names, ok := p.flags("a")
	if !ok {
		return 1
	}
	code := 0
	for _, name := range names {
		found := false
		dirs := strings.Split(p.Getenv("PATH"), ":")
		if strings.Contains(name, "/") {
			dirs = []string{""}
		}
		for _, d := range dirs {
			file := name
			if d != "" {
				file = path.Join(d, name)
			}
			if _, err := p.img.findFile(p.FS(), p.path(file)); err == nil {
				fmt.Fprintln(p.out, file)
				if found = true; !set['a'] {
					break
				}
			}
		}
		if !found {
			code = 1
		}
	}
	return code
}

// pwd is pwd.
func pwd(_ context.Context, p *proc) int {
	fmt.Fprintln(p.out, p.dir)
	return 0
}

// basename is basename path [suffix].
func basename(_ context.Context, p *proc) int {
	if len(p.args) < 1 || len(p.args) > 2 {
		return p.usageError()
	}
	name := path.Base(p.args[0])
	if p.args[0] == "" {
		name = ""
	}
	if len(p.args) == 2 && name != p.args[1] {
		name = strings.TrimSuffix(name, p.args[1])
	}
	fmt.Fprintln(p.out, name)
	return 0
}

// dirname is dirname path.
func dirname(_ context.Context, p *proc) int {
	if len(p.args) != 1 {
		return p.usageError()
	}
	name := strings.TrimRight(p.args[0], "/")
	if name == "" && p.args[0] != "" {
		name = "/"
	}
	fmt.Fprintln(p.out, path.Dir(name))
	return 0
}

// xargs is xargs [-r0t] [-n N] [-I replacement] [command...]. Words are
// separated by blanks, with quotes and backslashes as POSIX has them.
func xargs(ctx context.Context, p *proc) int {
	opts, command, ok := p.options("+r0tn:I:L:", map[string]string{"no-run-if-empty": "r", "null": "0"})
	if !ok {
		return 1
	}
	most, replace, null, trace, skip := 0, "", false, false, false
	for _, o := range opts {
		switch o.name {
		case "n", "L":
			n, ok := p.number(o.value)
			if !ok || n == 0 {
				return 1
			}
			most = int(n)
		case "I":
			replace = o.value
		case "0":
			null = true
		case "t":
			trace = true
		case "r":
			skip = true
		}
	}
	if len(command) == 0 {
		command = []string{"echo"}
	}
	words, err := readWords(p.in, null, replace != "")
	if err != nil {
		p.errorf("%s", err)
		return 1
	}
	code := 0
	run := func(argv []string) bool {
		if trace {
			fmt.Fprintln(p.err, strings.Join(argv, " "))
		}
		st := p.startup()
		st.in = strings.NewReader("")
		status, ok := p.child(ctx, argv, st)
		switch {
		case !ok:
			code = status
			return false
		case ctx.Err() != nil:
			return false
		case status == 255:
			p.errorf("%s: exited with status 255; aborting", argv[0])
			code = 124
			return false
		case status != 0:
			code = 123
		}
		return true
	}
	if replace != "" {
		for _, w := range words {
			argv := make([]string, len(command))
			for i, c := range command {
				argv[i] = strings.ReplaceAll(c, replace, w)
			}
			if !run(argv) {
				break
			}
		}
		return code
	}
	if len(words) == 0 {
		if !skip {
			run(command)
		}
		return code
	}
	for len(words) > 0 {
		n := len(words)
		if most > 0 {
			n = min(n, most)
		}
		if !run(append(command[:len(command):len(command)], words[:n]...)) {
			break
		}
		words = words[n:]
	}
	return code
}
