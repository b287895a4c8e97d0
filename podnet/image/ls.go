package image

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// lister is ls's command line.
type lister struct {
	*proc
	set    map[byte]bool
	now    time.Time
	blocks bool // more than one directory is listed: name each
	shown  bool
	code   int
}

// lsEntry is a file to list, under the name to show.
type lsEntry struct {
	name, full string
	info       fs.FileInfo
}

// ls is ls [-1AadFhlnpRrSt] [file...]. Output is never in columns, as when it
// is not a terminal.
func ls(_ context.Context, p *proc) int {
	opts, names, ok := p.options("1aAdlRFhrStnpLHC", map[string]string{"color": "", "color=": "", "full-time": ""})
	if !ok {
		return 1
	}
	l := &lister{proc: p, set: map[byte]bool{}, now: time.Now()}
	for _, o := range opts {
		l.set[o.name[0]] = true
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var files, dirs []lsEntry
	for _, name := range names {
		e, err := l.entry(name, l.path(name), !l.set['l'] && !l.set['d'] || l.set['L'] || l.set['H'])
		switch {
		case err != nil:
			p.errorf("%s: %s", name, strerror(err))
			l.code = 1
		case e.info.IsDir() && !l.set['d']:
			dirs = append(dirs, e)
		default:
			files = append(files, e)
		}
	}
	l.sort(files)
	l.sort(dirs)
	l.blocks = len(files)+len(dirs) > 1 || l.set['R']
	if len(files) > 0 {
		l.print(files)
		l.shown = true
	}
	for _, d := range dirs {
		l.dir(d)
	}
	return l.code
}

func (l *lister) entry(name, full string, follow bool) (lsEntry, error) {
	stat := l.FS().Lstat
	if follow || strings.HasSuffix(name, "/") {
		stat = l.FS().Stat
	}
	info, err := stat(full)
	return lsEntry{name, full, info}, err
}

func (l *lister) sort(list []lsEntry) {
	slices.SortFunc(list, func(a, b lsEntry) int {
		c := 0
		switch {
		case l.set['S']:
			c = int(b.info.Size() - a.info.Size())
		case l.set['t']:
			c = b.info.ModTime().Compare(a.info.ModTime())
		}
		if c == 0 {
			c = strings.Compare(a.name, b.name)
		}
		if l.set['r'] {
			c = -c
		}
		return c
	})
}

func (l *lister) dir(d lsEntry) {
	if l.blocks {
		if l.shown {
			fmt.Fprintln(l.out)
		}
		fmt.Fprintf(l.out, "%s:\n", d.name)
	}
	l.shown = true
	found, err := l.FS().ReadDir(d.full)
	if err != nil {
		l.errorf("can't open '%s': %s", d.name, strerror(err))
		l.code = 1
		return
	}
	names := []string{}
	if l.set['a'] {
		names = append(names, ".", "..")
	}
	for _, e := range found {
		if !strings.HasPrefix(e.Name(), ".") || l.set['a'] || l.set['A'] {
			names = append(names, e.Name())
		}
	}
	list := make([]lsEntry, 0, len(names))
	for _, name := range names {
		// It may have been removed since it was read.
		if e, err := l.entry(name, d.full+"/"+name, l.set['L']); err == nil {
			list = append(list, e)
		}
	}
	l.sort(list)
	if l.set['l'] {
		l.total(list)
	}
	l.print(list)
	if !l.set['R'] {
		return
	}
	for _, e := range list {
		if e.info.IsDir() && e.name != "." && e.name != ".." {
			e.name = strings.TrimSuffix(d.name, "/") + "/" + e.name
			l.dir(e)
		}
	}
}

// total is the disk space in KiB: here files take whole pages, as on tmpfs.
func (l *lister) total(list []lsEntry) {
	pages := int64(0)
	for _, e := range list {
		if e.info.Mode().IsRegular() {
			pages += (e.info.Size() + 4095) / 4096
		}
	}
	if l.set['h'] {
		fmt.Fprintf(l.out, "total %-6s\n", humanSize(pages*4096))
		return
	}
	fmt.Fprintf(l.out, "total %d\n", pages*4)
}

func (l *lister) print(list []lsEntry) {
	for _, e := range list {
		name := e.name + l.mark(e)
		if !l.set['l'] && !l.set['n'] {
			if _, err := fmt.Fprintln(l.out, name); err != nil {
				return
			}
			continue
		}
		size := fmt.Sprint(e.info.Size())
		if l.set['h'] {
			size = humanSize(e.info.Size())
		}
		owner := "root     root    "
		if l.set['n'] {
			owner = "0        0       "
		}
		links := 1
		if e.info.IsDir() {
			links = 2
		}
		if e.info.Mode()&fs.ModeSymlink != 0 {
			if to, err := l.FS().Readlink(e.full); err == nil {
				name += " -> " + to
			}
		}
		if _, err := fmt.Fprintf(l.out, "%s %4d %s %9s %s %s\n", modeString(e.info.Mode()), links, owner, size, l.when(e.info.ModTime()), name); err != nil {
			return
		}
	}
}

// mark is what -F and -p put after a name.
func (l *lister) mark(e lsEntry) string {
	mode := e.info.Mode()
	switch {
	case !l.set['F'] && !l.set['p']:
		return ""
	case mode.IsDir():
		return "/"
	case !l.set['F']:
		return ""
	case mode&fs.ModeSymlink != 0 && !l.set['l']:
		return "@"
	case mode.IsRegular() && mode.Perm()&0o111 != 0:
		return "*"
	}
	return ""
}

// when shows the year of what is not within the last six months.
func (l *lister) when(t time.Time) string {
	t = t.UTC()
	if age := l.now.Sub(t); age > 365*24*time.Hour/2 || age < -15*time.Minute {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

// modeString shows a mode as ls does.
func modeString(m fs.FileMode) string {
	b := []byte("-rwxrwxrwx")
	for i := range 9 {
		if m.Perm()&(1<<(8-i)) == 0 {
			b[i+1] = '-'
		}
	}
	switch {
	case m.IsDir():
		b[0] = 'd'
	case m&fs.ModeSymlink != 0:
		return "lrwxrwxrwx"
	case m&fs.ModeCharDevice != 0:
		b[0] = 'c'
	case m&fs.ModeNamedPipe != 0:
		b[0] = 'p'
	}
	if m&fs.ModeSticky != 0 {
		b[9] = 't'
		if m.Perm()&1 == 0 {
			b[9] = 'T'
		}
	}
	return string(b)
}

// humanSize is busybox's: one decimal, from 1K on.
func humanSize(n int64) string {
	if n < 1024 {
		return fmt.Sprint(n)
	}
	f := float64(n)
	unit := -1
	for f >= 1024 && unit < 4 {
		f /= 1024
		unit++
	}
	return fmt.Sprintf("%.1f%c", f, "KMGTP"[unit])
}

// find is find [path...] [-name pattern] [-type f|d|l] [-maxdepth N] [-print].
func find(_ context.Context, p *proc) int {
	args := p.args
	var roots []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		roots, args = append(roots, args[0]), args[1:]
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	name, kind, depth := "", "", 1<<30
	for len(args) > 0 {
		test := args[0]
		if test == "-print" {
			args = args[1:]
			continue
		}
		if test != "-name" && test != "-type" && test != "-maxdepth" {
			p.errorf("unrecognized: %s", test)
			return p.usageError()
		}
		if len(args) < 2 {
			p.errorf("option requires an argument: %s", test)
			return 1
		}
		switch test {
		case "-name":
			name = args[1]
		case "-type":
			kind = args[1]
		case "-maxdepth":
			depth = atoi(args[1])
		}
		args = args[2:]
	}
	code := 0
	var walk func(shown string, level int)
	walk = func(shown string, level int) {
		info, err := p.FS().Lstat(p.path(shown))
		if err != nil {
			p.errorf("%s: %s", shown, strerror(err))
			code = 1
			return
		}
		if (name == "" || matches(name, path.Base(shown))) && (kind == "" || kind == findKind(info.Mode())) {
			fmt.Fprintln(p.out, shown)
		}
		if !info.IsDir() || level >= depth || p.out.failed() != nil {
			return
		}
		entries, err := p.FS().ReadDir(p.path(shown))
		if err != nil {
			p.errorf("%s: %s", shown, strerror(err))
			code = 1
		}
		for _, e := range entries {
			walk(strings.TrimSuffix(shown, "/")+"/"+e.Name(), level+1)
		}
	}
	for _, root := range roots {
		walk(root, 0)
	}
	return code
}

func findKind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "d"
	case m&fs.ModeSymlink != 0:
		return "l"
	case m&fs.ModeCharDevice != 0:
		return "c"
	}
	return "f"
}

// sameFile reports whether two infos are of one file of a container.
func sameFile(a, b fs.FileInfo) bool { return a.Sys() != nil && a.Sys() == b.Sys() }
