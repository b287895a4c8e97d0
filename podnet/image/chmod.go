package image

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// chmod is chmod [-R] mode file..., with an octal mode or one as u+x,go-w.
func chmod(_ context.Context, p *proc) int {
	deep := false
	args := p.args
	if len(args) > 0 && args[0] == "-R" { // "-x" is a mode
		deep, args = true, args[1:]
	}
	if len(args) < 2 {
		return p.usageError()
	}
	code := 0
	var change func(name string)
	change = func(name string) {
		info, err := p.FS().Stat(p.path(name))
		if err == nil {
			mode, ok := chmodMode(args[0], info.Mode())
			if !ok {
				p.errorf("invalid mode '%s'", args[0])
				code = 1
				return
			}
			err = p.FS().Chmod(p.path(name), mode)
		}
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			code = 1
			return
		}
		if deep && info.IsDir() {
			entries, _ := p.FS().ReadDir(p.path(name))
			for _, e := range entries {
				change(name + "/" + e.Name())
			}
		}
	}
	for _, name := range args[1:] {
		change(name)
	}
	return code
}

func chmodMode(s string, old fs.FileMode) (fs.FileMode, bool) {
	if n, err := strconv.ParseUint(s, 8, 12); err == nil {
		mode := fs.FileMode(n & 0o777)
		if n&0o1000 != 0 {
			mode |= fs.ModeSticky
		}
		return mode, true
	}
	mode := old & (fs.ModePerm | fs.ModeSticky)
	for _, clause := range strings.Split(s, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 {
			return 0, false
		}
		who := fs.FileMode(0)
		for _, c := range clause[:i] {
			m, ok := map[rune]fs.FileMode{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[c]
			if !ok {
				return 0, false
			}
			who |= m
		}
		if i == 0 {
			who = 0o777
		}
		bits := fs.FileMode(0)
		for _, c := range clause[i+1:] {
			m, ok := map[rune]fs.FileMode{'r': 0o444, 'w': 0o222, 'x': 0o111}[c]
			if !ok {
				return 0, false
			}
			bits |= m
		}
		switch clause[i] {
		case '+':
			mode |= bits & who
		case '-':
			mode &^= bits & who
		default:
			mode = mode&^who | bits&who
		}
	}
	return mode, true
}

// statCmd is stat -c format file...: %n name, %s size, %a mode, %A mode as ls
// shows it, %F kind, %Y time of the last change.
func statCmd(_ context.Context, p *proc) int {
	opts, names, ok := p.options("Lc:", nil)
	if !ok {
		return 1
	}
	format := ""
	for _, o := range opts {
		if o.name == "c" {
			format = o.value
		}
	}
	if len(names) == 0 || format == "" {
		return p.usageError()
	}
	code := 0
	for _, name := range names {
		info, err := p.FS().Lstat(p.path(name))
		if err != nil {
			p.errorf("can't stat '%s': %s", name, strerror(err))
			code = 1
			continue
		}
		kind := map[string]string{"d": "directory", "l": "symbolic link", "c": "character special file", "f": "regular file"}[findKind(info.Mode())]
		if kind == "regular file" && info.Size() == 0 {
			kind = "regular empty file"
		}
		text := strings.NewReplacer("%%", "%", "%n", name, "%s", fmt.Sprint(info.Size()), "%a", fmt.Sprintf("%o", unixMode(info.Mode())),
			"%A", modeString(info.Mode()), "%F", kind, "%Y", fmt.Sprint(info.ModTime().Unix()), "%u", "0", "%g", "0", "%U", "root", "%G", "root").Replace(format)
		fmt.Fprintln(p.out, text)
	}
	return code
}

// unixMode is the mode's lower twelve bits.
func unixMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	if m&fs.ModeSymlink != 0 {
		mode = 0o777
	}
	if m&fs.ModeSticky != 0 {
		mode |= 0o1000
	}
	return mode
}
