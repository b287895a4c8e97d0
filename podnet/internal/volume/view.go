package volume

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"podnet.dev/podnet/internal/errno"
)

// A Mount shows a node of a tree at a path of a view, in place of what is
// there and beneath.
type Mount struct {
	// Path is where, absolute or relative to "/". A directory is mounted on a
	// directory and anything else on a file.
	Path string

	// Node is what: a [Tree.Root], or what [View.Node] found, for a part of
	// a volume or a single file. Removing it elsewhere does not end the mount.
	Node *Node

	// ReadOnly makes every change beneath Path fail with EROFS. Devices can
	// be written nevertheless, as on Linux.
	ReadOnly bool
}

// A View is a container's file system: a root tree and what is mounted in it.
//
// Paths are separated by slashes and absolute or relative to "/". They resolve
// as on Linux, across mounts and symbolic links, and an absolute symbolic link
// or a ".." leads no further than the view's own root. The methods are named
// and behave as the functions of package os on Linux.
//
// A View is safe for concurrent use and needs no closing. The mounts are fixed
// when it is made.
type View struct {
	root     place
	mounts   map[place]*mount // by what they cover
	confined bool             // see Tree.Confined
}

// NewView returns a view of a root tree with mounts in it. Shorter paths are
// mounted first, so that mounts nest whatever their order; of two with one
// path, the later covers the earlier.
//
// A mount point that does not exist is created, as a container runtime does:
// its parents too, with mode 0755, and inside other mounts as well. One that
// cannot be is the error, an [*fs.PathError] with the Op "mount": EROFS inside
// a read-only mount, ENOTDIR where a file should be mounted on a directory.
func NewView(root *Tree, mounts ...Mount) (*View, error) {
	v := root.View()
	v.mounts = make(map[place]*mount, len(mounts))
	base := v.root
	sorted := slices.Clone(mounts)
	slices.SortStableFunc(sorted, func(a, b Mount) int { return cmp.Compare(depth(a.Path), depth(b.Path)) })
	for _, m := range sorted {
		if e := v.mount(m); e != 0 {
			return nil, pathError("mount", m.Path, e)
		}
		v.root = v.cover(base)
	}
	return v, nil
}

// depth returns how many elements a mount's path has.
func depth(name string) int {
	clean := path.Clean("/" + name)
	return len(strings.FieldsFunc(clean, func(r rune) bool { return r == '/' }))
}

func (v *View) mount(m Mount) syscall.Errno {
	if m.Node == nil {
		return syscall.EINVAL
	}
	at, e := v.find(m.Path, true)
	if e == syscall.ENOENT {
		if e := v.makeMountPoint(m); e != 0 {
			return e
		}
		at, e = v.find(m.Path, true)
	}
	switch {
	case e != 0:
		return e
	case at.node.isDir() != m.Node.isDir():
		return syscall.ENOTDIR
	case !m.Node.open(): // and never closed: a view may use it for ever
		return syscall.ENOENT
	}
	v.mounts[at] = &mount{root: m.Node, readOnly: m.ReadOnly}
	return 0
}

func (v *View) makeMountPoint(m Mount) syscall.Errno {
	if m.Node.isDir() {
		_, e := v.mkdirAll(m.Path, 0o755)
		return e
	}
	if _, e := v.mkdirAll(path.Dir("/"+m.Path), 0o755); e != 0 {
		return e
	}
	p, _, e := v.open(m.Path, os.O_CREATE, 0o644)
	if e == 0 {
		p.node.close()
	}
	return e
}

// Node returns the node at a path, to be mounted elsewhere. Symbolic links are
// followed. The error has the Op "node".
func (v *View) Node(name string) (*Node, error) {
	p, e := v.find(name, true)
	if e != 0 {
		return nil, pathError("node", name, e)
	}
	return p.node, nil
}

// pathError returns an errno as package os returns it, and nil for none.
func pathError(op, path string, e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: errno.Of(e)}
}

// linkError is pathError for a call with two paths.
func linkError(op, oldname, newname string, e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return &os.LinkError{Op: op, Old: oldname, New: newname, Err: errno.Of(e)}
}
