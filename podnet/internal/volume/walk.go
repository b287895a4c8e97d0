package volume

import (
	"strings"
	"syscall"
)

const (
	maxPath  = 4096 // with the NUL at its end, as PATH_MAX of Linux
	maxLinks = 40   // symbolic links in one path, as MAXSYMLINKS of Linux
)

// mount is a node shown in a view. Each mount of a node is another one.
type mount struct {
	root     *Node
	readOnly bool
}

// place is a node and the mount through which it was reached.
type place struct {
	mount *mount
	node  *Node
}

// walker resolves a path as Linux does in fs/namei.c: component by component,
// following symbolic links and entering mounts.
//
// It remembers the way that it came, so ".." leads back along it, never out of
// a mount by what another view renamed meanwhile.
type walker struct {
	view  *View
	trail []place // the directories from the root on; never empty
	links int     // followed so far

	last  string // the component yet to look up; "" for the root itself
	slash bool   // a slash follows last, so it must be a directory
}

// walk resolves a path up to its last component.
func (v *View) walk(path string) (*walker, syscall.Errno) {
	switch {
	case strings.IndexByte(path, 0) >= 0:
		return nil, syscall.EINVAL // as package syscall answers, before Linux could
	case path == "":
		return nil, syscall.ENOENT
	case len(path) >= maxPath:
		return nil, syscall.ENAMETOOLONG
	}
	w := &walker{view: v, trail: make([]place, 1, 8)}
	w.trail[0] = v.root
	return w, w.run(path)
}

// dir is the directory that was reached.
func (w *walker) dir() place { return w.trail[len(w.trail)-1] }

// isDots reports whether the last component is no name of its directory.
func (w *walker) isDots() bool { return w.last == "" || w.last == "." || w.last == ".." }

// run walks on along a path or a link's target, up to its last component.
func (w *walker) run(path string) syscall.Errno {
	if path[0] == '/' {
		w.trail = w.trail[:1]
	}
	rest := strings.TrimLeft(path, "/")
	for {
		name, after, slash := strings.Cut(rest, "/")
		rest = strings.TrimLeft(after, "/")
		if rest == "" {
			w.last, w.slash = name, slash
			return 0
		}
		if e := w.enter(name); e != 0 {
			return e
		}
	}
}

// enter goes into a directory, through a symbolic link if name is one.
func (w *walker) enter(name string) syscall.Errno {
	w.last = name
	p, e := w.look()
	switch {
	case e != 0:
		return e
	case p.node.isSymlink():
		if e := w.follow(p.node); e != 0 {
			return e
		}
		return w.enter(w.last)
	case !p.node.isDir():
		return syscall.ENOTDIR
	}
	switch name {
	case "", ".":
	case "..":
		w.trail = w.trail[:max(1, len(w.trail)-1)]
	default:
		w.trail = append(w.trail, p)
	}
	return 0
}

// look looks the last component up. A symbolic link is not followed.
func (w *walker) look() (place, syscall.Errno) {
	switch w.last {
	case "", ".":
		return w.dir(), 0
	case "..":
		if len(w.trail) == 1 && w.view.confined {
			return place{}, syscall.EXDEV
		}
		return w.trail[max(0, len(w.trail)-2)], 0
	}
	return w.view.child(w.dir(), w.last)
}

// follow walks along the target of the symbolic link that look found.
func (w *walker) follow(link *Node) syscall.Errno {
	if w.links == maxLinks {
		return syscall.ELOOP
	}
	if w.view.confined && link.target[0] == '/' {
		return syscall.EXDEV
	}
	w.links++
	slash := w.slash
	e := w.run(link.target)
	w.slash = w.slash || slash
	return e
}

// find resolves a path. A symbolic link at its end is followed if a slash
// comes after it or follow says so.
func (v *View) find(path string, follow bool) (place, syscall.Errno) {
	w, e := v.walk(path)
	for e == 0 {
		var p place
		if p, e = w.look(); e != 0 {
			break
		}
		if !p.node.isSymlink() || !follow && !w.slash {
			if w.slash && !p.node.isDir() {
				return place{}, syscall.ENOTDIR
			}
			return p, 0
		}
		e = w.follow(p.node)
	}
	return place{}, e
}

// findDir is find for a path that must lead to a directory.
func (v *View) findDir(path string) (place, syscall.Errno) {
	p, e := v.find(path, true)
	if e == 0 && !p.node.isDir() {
		return place{}, syscall.ENOTDIR
	}
	return p, e
}

// child looks a name of a directory up and enters what is mounted on it.
func (v *View) child(dir place, name string) (place, syscall.Errno) {
	n, e := dir.node.lookup(name)
	if e != 0 {
		return place{}, e
	}
	return v.cover(place{dir.mount, n}), 0
}

// cover returns what a view shows at a place: the root of the mount that
// covers it, or the place itself.
func (v *View) cover(p place) place {
	for {
		m, ok := v.mounts[p]
		if !ok {
			return p
		}
		p = place{m, m.root}
	}
}

// busy returns what tells whether a node reached through m is a mount point.
func (v *View) busy(m *mount) func(*Node) bool {
	return func(n *Node) bool {
		_, ok := v.mounts[place{m, n}]
		return ok
	}
}
