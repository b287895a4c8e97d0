package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mkdir is mkdir [-p] [-m mode] dir...
func mkdir(_ context.Context, p *proc) int {
	opts, names, ok := p.options("pm:v", map[string]string{"parents": "p", "mode=": "m"})
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.usageError()
	}
	make, mode := p.FS().Mkdir, fs.FileMode(0o755)
	for _, o := range opts {
		switch o.name {
		case "p":
			make = p.FS().MkdirAll
		case "m":
			m, err := strconv.ParseUint(o.value, 8, 12)
			if err != nil {
				p.errorf("invalid mode '%s'", o.value)
				return 1
			}
			mode = fs.FileMode(m)
		}
	}
	code := 0
	for _, name := range names {
		if err := make(p.path(name), mode); err != nil {
			p.errorf("can't create directory '%s': %s", name, strerror(err))
			code = 1
		}
	}
	return code
}

// rmdir is rmdir [-p] dir...
func rmdir(_ context.Context, p *proc) int {
	set, names, ok := p.flags("p")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.usageError()
	}
	code := 0
	for _, name := range names {
		for name != "" && name != "." && name != "/" {
			info, err := p.FS().Lstat(p.path(name))
			if err == nil && !info.IsDir() {
				err = syscall.ENOTDIR
			}
			if err == nil {
				err = p.FS().Remove(p.path(name))
			}
			if err != nil {
				p.errorf("'%s': %s", name, strerror(err))
				code = 1
				break
			}
			if !set['p'] {
				break
			}
			name = path.Dir(name)
		}
	}
	return code
}

// rm is rm [-rf] file...
func rm(_ context.Context, p *proc) int {
	set, names, ok := p.flags("rRfi")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		if set['f'] {
			return 0
		}
		return p.usageError()
	}
	code := 0
	for _, name := range names {
		full := p.path(name)
		info, err := p.FS().Lstat(full)
		switch {
		case err != nil:
			if errors.Is(err, fs.ErrNotExist) && set['f'] {
				continue
			}
			p.errorf("can't remove '%s': %s", name, strerror(err))
			code = 1
			continue
		case path.Base(name) == "." || path.Base(name) == "..":
			p.errorf("can't remove '.' or '..'")
			code = 1
			continue
		case !info.IsDir():
			err = p.FS().Remove(full)
		case !set['r'] && !set['R']:
			p.errorf("'%s' is a directory", name)
			code = 1
			continue
		default:
			err = p.FS().RemoveAll(full)
		}
		if err != nil {
			p.errorf("can't remove '%s': %s", name, strerror(err))
			code = 1
		}
	}
	return code
}

// target is where cp, mv and ln put name: dest, or in it if it is a directory.
func (p *proc) target(name, dest string, many bool) (string, bool) {
	info, err := p.FS().Stat(p.path(dest))
	isDir := err == nil && info.IsDir()
	if many && !isDir {
		p.errorf("'%s' is not a directory", dest)
		return "", false
	}
	if isDir {
		return strings.TrimSuffix(dest, "/") + "/" + path.Base(name), true
	}
	return dest, true
}

// cp is cp [-arRfp] source... dest.
func cp(_ context.Context, p *proc) int {
	set, names, ok := p.flags("arRfpdLi")
	if !ok {
		return 1
	}
	if len(names) < 2 {
		return p.usageError()
	}
	deep := set['a'] || set['r'] || set['R']
	dest := names[len(names)-1]
	code := 0
	for _, name := range names[:len(names)-1] {
		to, ok := p.target(name, dest, len(names) > 2)
		if !ok || !p.copy(name, to, deep, set['a'] || set['d']) {
			code = 1
		}
	}
	return code
}

func (p *proc) copy(from, to string, deep, links bool) bool {
	stat := p.FS().Stat
	if links || deep {
		stat = p.FS().Lstat
	}
	info, err := stat(p.path(from))
	if err != nil {
		p.errorf("can't stat '%s': %s", from, strerror(err))
		return false
	}
	if now, err := p.FS().Stat(p.path(to)); err == nil && sameFile(info, now) {
		p.errorf("'%s' and '%s' are the same file", from, to)
		return false
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return p.copyLink(from, to)
	case !info.IsDir():
		return p.copyFile(from, to, info)
	case !deep:
		p.errorf("omitting directory '%s'", from)
		return false
	case path.Clean(p.path(to)) == path.Clean(p.path(from)) || strings.HasPrefix(path.Clean(p.path(to)), path.Clean(p.path(from))+"/"):
		p.errorf("recursion detected, omitting directory '%s'", from)
		return false
	}
	if err := p.FS().Mkdir(p.path(to), info.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
		p.errorf("can't create directory '%s': %s", to, strerror(err))
		return false
	}
	entries, err := p.FS().ReadDir(p.path(from))
	if err != nil {
		p.errorf("can't open '%s': %s", from, strerror(err))
		return false
	}
	good := true
	for _, e := range entries {
		good = p.copy(from+"/"+e.Name(), to+"/"+e.Name(), deep, links) && good
	}
	return good
}

func (p *proc) copyLink(from, to string) bool {
	target, err := p.FS().Readlink(p.path(from))
	if err == nil {
		err = p.FS().Symlink(target, p.path(to))
	}
	if err != nil {
		p.errorf("can't create symlink '%s' to '%s': %s", to, target, strerror(err))
	}
	return err == nil
}

func (p *proc) copyFile(from, to string, info fs.FileInfo) bool {
	src, err := p.FS().Open(p.path(from))
	if err != nil {
		p.errorf("can't open '%s': %s", from, strerror(err))
		return false
	}
	defer src.Close()
	dst, err := p.FS().OpenFile(p.path(to), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		p.errorf("can't create '%s': %s", to, strerror(err))
		return false
	}
	_, err = io.Copy(dst, src)
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		p.errorf("write error: %s", strerror(err))
	}
	return err == nil
}

// mv is mv [-f] source... dest. Between volumes it copies, as on Linux.
func mv(_ context.Context, p *proc) int {
	_, names, ok := p.flags("fin")
	if !ok {
		return 1
	}
	if len(names) < 2 {
		return p.usageError()
	}
	dest := names[len(names)-1]
	code := 0
	for _, name := range names[:len(names)-1] {
		to, ok := p.target(name, dest, len(names) > 2)
		if !ok {
			code = 1
			continue
		}
		err := p.FS().Rename(p.path(name), p.path(to))
		if errors.Is(err, syscall.EXDEV) {
			if p.copy(name, to, true, true) {
				err = p.FS().RemoveAll(p.path(name))
			} else {
				code, err = 1, nil
			}
		}
		if err != nil {
			p.errorf("can't rename '%s': %s", name, strerror(err))
			code = 1
		}
	}
	return code
}

// ln is ln -s [-fn] target... link. A container's file system here has no hard
// links, so without -s it fails with EPERM, as on a file system like that.
func ln(_ context.Context, p *proc) int {
	set, names, ok := p.flags("sfnT")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.usageError()
	}
	dest := "."
	if len(names) > 1 {
		dest, names = names[len(names)-1], names[:len(names)-1]
	}
	code := 0
	for _, name := range names {
		to := dest
		if info, err := p.FS().Lstat(p.path(dest)); !set['n'] || err != nil || info.Mode()&fs.ModeSymlink == 0 {
			if to, ok = p.target(name, dest, len(names) > 1); !ok {
				return 1
			}
		}
		var err error = syscall.EPERM
		if set['s'] {
			if set['f'] {
				p.FS().Remove(p.path(to))
			}
			err = p.FS().Symlink(name, p.path(to))
		}
		if err != nil {
			p.errorf("%s: %s", to, strerror(err))
			code = 1
		}
	}
	return code
}

// touch is touch [-c] file...
func touch(_ context.Context, p *proc) int {
	set, names, ok := p.flags("cam")
	if !ok {
		return 1
	}
	if len(names) == 0 {
		return p.usageError()
	}
	code := 0
	for _, name := range names {
		now := time.Now()
		err := p.FS().Chtimes(p.path(name), now, now)
		if errors.Is(err, fs.ErrNotExist) {
			if set['c'] {
				continue
			}
			var f io.Closer
			if f, err = p.FS().OpenFile(p.path(name), os.O_WRONLY|os.O_CREATE, 0o644); err == nil {
				f.Close()
			}
		}
		if err != nil {
			p.errorf("%s: %s", name, strerror(err))
			code = 1
		}
	}
	return code
}

// readlink is readlink [-fn] file.
func readlink(_ context.Context, p *proc) int {
	set, names, ok := p.flags("fnv")
	if !ok {
		return 1
	}
	if len(names) != 1 {
		return p.usageError()
	}
	var to string
	if set['f'] {
		if _, err := p.FS().Stat(path.Dir(p.path(names[0]))); err != nil {
			return 1
		}
		to = realpath(p.FS(), p.path(names[0]))
	} else {
		var err error
		if to, err = p.FS().Readlink(p.path(names[0])); err != nil {
			return 1
		}
	}
	if !set['n'] {
		to += "\n"
	}
	io.WriteString(p.out, to)
	return 0
}
