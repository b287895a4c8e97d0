package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// grepper is grep's command line.
type grepper struct {
	*proc
	re    *regexp.Regexp
	set   map[byte]bool
	max   int
	names bool // say which file a line is from
	found bool
	bad   bool
}

// grep is grep [-EFivqcnrowlhHLsx] [-m N] {pattern | -e pattern...} [file...].
// An expression is translated to package regexp's: one with a back-reference is
// refused.
func grep(_ context.Context, p *proc) int {
	opts, names, ok := p.options("EFGivqcnrRowlLhHsxe:m:", nil)
	if !ok {
		return 2
	}
	g := &grepper{proc: p, set: map[byte]bool{}, max: -1}
	var patterns []string
	for _, o := range opts {
		switch o.name {
		case "e":
			patterns = append(patterns, strings.Split(o.value, "\n")...)
		case "m":
			n, ok := p.number(o.value)
			if !ok {
				return 2
			}
			g.max = int(n)
		case "R":
			g.set['r'] = true
		default:
			g.set[o.name[0]] = true
		}
	}
	if patterns == nil {
		if len(names) == 0 {
			p.usageError()
			return 2
		}
		patterns, names = strings.Split(names[0], "\n"), names[1:]
	}
	for i, pat := range patterns {
		expr, err := grepExpr(pat, g.set['E'], g.set['F'])
		if err == nil {
			_, err = regexp.Compile(expr)
		}
		if err != nil {
			p.errorf("bad regex '%s'", pat)
			return 2
		}
		patterns[i] = "(?:" + expr + ")"
	}
	expr := strings.Join(patterns, "|")
	switch {
	case g.set['x']:
		expr = "^(?:" + expr + ")$"
	case g.set['w']:
		expr = `\b(?:` + expr + `)\b`
	}
	if g.set['i'] {
		expr = "(?i)" + expr
	}
	var err error
	if g.re, err = regexp.Compile(expr); err != nil { // too large together
		p.errorf("bad regex '%s'", strings.Join(patterns, "|"))
		return 2
	}
	g.re.Longest()
	return g.run(names)
}

func (g *grepper) run(names []string) int {
	switch {
	case g.set['r'] && len(names) == 0:
		names = []string{"."}
	case len(names) == 0:
		names = []string{"-"}
	}
	g.names = (len(names) > 1 || g.set['r'] || g.set['H']) && !g.set['h']
	for _, name := range names {
		if g.walk(name); g.found && g.set['q'] {
			return 0
		}
	}
	switch {
	case g.bad:
		return 2
	case g.found:
		return 0
	}
	return 1
}

// walk searches a file or, with -r, what is below a directory.
func (g *grepper) walk(name string) {
	if g.set['r'] && name != "-" {
		if info, err := g.FS().Stat(g.path(name)); err == nil && info.IsDir() {
			entries, err := g.FS().ReadDir(g.path(name))
			if err != nil {
				g.openError(name, err)
			}
			for _, e := range entries {
				below := path.Join(name, e.Name())
				if name == "." || strings.HasPrefix(name, "./") {
					below = "./" + strings.TrimPrefix(below, "./")
				}
				g.walk(below)
			}
			return
		}
	}
	f, err := g.open(name)
	if err != nil {
		g.openError(name, err)
		return
	}
	defer f.Close()
	if name == "-" {
		name = "(standard input)"
	}
	g.search(name, f)
}

func (g *grepper) openError(name string, err error) {
	g.bad = true
	if !g.set['s'] {
		g.errorf("%s: %s", name, strerror(err))
	}
}

var errEnough = errors.New("enough")

func (g *grepper) search(name string, r io.Reader) {
	number, count := 0, 0
	err := eachLine(r, func(line string) error {
		number++
		line = strings.TrimSuffix(line, "\n")
		if g.re.MatchString(line) == g.set['v'] {
			return nil
		}
		count++
		g.found = true
		switch {
		case g.set['q'] || g.set['l'] || g.set['L']:
			return errEnough
		case !g.set['c']:
			g.show(name, number, line)
		}
		if count == g.max {
			return errEnough
		}
		return g.out.failed()
	})
	switch {
	case err != nil && err != errEnough && g.out.failed() == nil && !errors.Is(err, context.Canceled):
		g.openError(name, err)
	case g.set['q']:
	case g.set['l'] && count > 0, g.set['L'] && count == 0:
		fmt.Fprintln(g.out, name)
	case g.set['c'] && !g.set['l'] && !g.set['L']:
		if g.names {
			fmt.Fprint(g.out, name, ":")
		}
		fmt.Fprintln(g.out, count)
	}
}

func (g *grepper) show(name string, number int, line string) {
	prefix := ""
	if g.names {
		prefix = name + ":"
	}
	if g.set['n'] {
		prefix += fmt.Sprint(number) + ":"
	}
	if !g.set['o'] {
		fmt.Fprintln(g.out, prefix+line)
		return
	}
	for _, m := range g.re.FindAllString(line, -1) {
		if m != "" && !g.set['v'] {
			fmt.Fprintln(g.out, prefix+m)
		}
	}
}

// grepExpr translates a POSIX expression to package regexp's syntax: the two
// differ in what a backslash does, and extended in nothing else that matters.
func grepExpr(pat string, extended, fixed bool) (string, error) {
	if fixed {
		return regexp.QuoteMeta(pat), nil
	}
	var b strings.Builder
	special := "(){}+?|" // for a basic expression: with a backslash only
	for i := 0; i < len(pat); i++ {
		c := pat[i]
		switch {
		case c == '[':
			end := bracketEnd(pat, i)
			if end < 0 {
				return "", fs.ErrInvalid
			}
			b.WriteString(strings.ReplaceAll(pat[i:end], `\`, `\\`))
			i = end - 1
		case c == '\\' && i+1 == len(pat):
			return "", fs.ErrInvalid
		case c == '\\':
			i++
			c = pat[i]
			switch {
			case c >= '1' && c <= '9':
				return "", errors.New("back-references are not supported")
			case c == '<' || c == '>':
				b.WriteString(`\b`)
			case !extended && strings.IndexByte(special, c) >= 0:
				b.WriteByte(c)
			case strings.IndexByte("wWsSbB", c) >= 0:
				b.WriteString(`\` + string(c))
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		case !extended && strings.IndexByte(special, c) >= 0:
			b.WriteString(`\` + string(c))
		case !extended && c == '*' && (i == 0 || pat[i-1] == '^' && i == 1):
			b.WriteString(`\*`)
		case extended && c == '{' && !interval(pat[i:]):
			b.WriteString(`\{`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

var intervalRE = regexp.MustCompile(`^\{[0-9]*(,[0-9]*)?\}`)

func interval(s string) bool { return intervalRE.MatchString(s) }

// bracketEnd returns where the bracket expression at i ends, or -1.
func bracketEnd(pat string, i int) int {
	j := i + 1
	if j < len(pat) && pat[j] == '^' {
		j++
	}
	if j < len(pat) && pat[j] == ']' {
		j++
	}
	for ; j < len(pat); j++ {
		if strings.HasPrefix(pat[j:], "[:") {
			if k := strings.Index(pat[j:], ":]"); k > 0 {
				j += k + 1
				continue
			}
		}
		if pat[j] == ']' {
			return j + 1
		}
	}
	return -1
}
