package volume

import (
	"slices"
	"strings"
	"syscall"
)

// maxName is the longest name of a file, in bytes: NAME_MAX of Linux.
const maxName = 255

// directory is what a directory holds. Its tree's mutex guards it.
type directory struct {
	parent  *Node // nil for a tree's root
	entries []entry
	removed bool // nothing can be created in it any more
}

// entry is a name in a directory. The entries are sorted by it.
type entry struct {
	name string
	node *Node
}

func (d *directory) find(name string) (int, bool) {
	return slices.BinarySearchFunc(d.entries, name, func(e entry, name string) int {
		return strings.Compare(e.name, name)
	})
}

// get returns the node of a name, or nil. The caller holds tree.mu.
func (n *Node) get(name string) *Node {
	if i, ok := n.dir.find(name); ok {
		return n.dir.entries[i].node
	}
	return nil
}

// put makes a directory name child, in the place of what it named so far. The
// caller holds tree.mu.
func (n *Node) put(name string, child *Node) {
	i, ok := n.dir.find(name)
	if ok {
		n.dir.entries[i].node = child
	} else {
		n.dir.entries = slices.Insert(n.dir.entries, i, entry{name, child})
	}
	if child.isDir() {
		child.dir.parent = n
	}
}

// drop takes a name out of a directory. The caller holds tree.mu.
func (n *Node) drop(name string) {
	if i, ok := n.dir.find(name); ok {
		n.dir.entries = slices.Delete(n.dir.entries, i, i+1)
	}
}

// isWithin reports whether a directory is another or lies beneath it. The
// caller holds tree.mu.
func (n *Node) isWithin(other *Node) bool {
	for ; n != nil; n = n.dir.parent {
		if n == other {
			return true
		}
	}
	return false
}

// accepts says whether a node may have a file with this name in it.
func (n *Node) accepts(name string) syscall.Errno {
	switch {
	case !n.isDir():
		return syscall.ENOTDIR
	case len(name) > maxName:
		return syscall.ENAMETOOLONG
	}
	return 0
}

// lookup returns what a directory names so.
func (n *Node) lookup(name string) (*Node, syscall.Errno) {
	if e := n.accepts(name); e != 0 {
		return nil, e
	}
	n.tree.mu.RLock()
	defer n.tree.mu.RUnlock()
	if child := n.get(name); child != nil {
		return child, 0
	}
	return nil, syscall.ENOENT
}

// list returns a directory's entries, sorted by name. A removed directory has
// none, not even no entries.
func (n *Node) list() ([]entry, syscall.Errno) {
	n.tree.mu.RLock()
	defer n.tree.mu.RUnlock()
	if n.dir.removed {
		return nil, syscall.ENOENT
	}
	return slices.Clone(n.dir.entries), 0
}

// link gives a new node its name in a directory. The name was looked up
// before, so its length is right.
func (n *Node) link(name string, child *Node) syscall.Errno {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	switch {
	case n.dir.removed:
		return syscall.ENOENT
	case n.get(name) != nil:
		return syscall.EEXIST
	}
	child.tree, child.linked = n.tree, true
	n.put(name, child)
	n.touch()
	return 0
}

// remove takes a name out of a directory as unlink(2) does, or as rmdir(2)
// does. It leaves what is busy.
func (n *Node) remove(name string, rmdir bool, busy func(*Node) bool) syscall.Errno {
	if e := n.accepts(name); e != 0 {
		return e
	}
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	child := n.get(name)
	switch {
	case child == nil:
		return syscall.ENOENT
	case child.isDir() && !rmdir:
		return syscall.EISDIR
	case !child.isDir() && rmdir:
		return syscall.ENOTDIR
	case busy(child):
		return syscall.EBUSY
	case rmdir && len(child.dir.entries) > 0:
		return syscall.ENOTEMPTY
	}
	n.drop(name)
	child.gone()
	n.touch()
	return 0
}

// gone says that a node lost its name. The caller holds tree.mu.
func (n *Node) gone() {
	if n.isDir() {
		n.dir.removed, n.dir.parent = true, nil
	}
	n.unlink()
}

// side is one side of a rename: a name in a directory. slash says that a slash
// followed it, so that it must be a directory.
type side struct {
	dir   *Node
	last  string
	slash bool
}

// rename does what rename(2) does between two directories of one tree. The
// order of the checks is that of Linux, fs/namei.c.
func rename(from, to side, busy func(*Node) bool) syscall.Errno {
	tree := from.dir.tree
	tree.mu.Lock()
	defer tree.mu.Unlock()

	node, over := from.dir.get(from.last), to.dir.get(to.last)
	switch {
	case len(from.last) > maxName:
		return syscall.ENAMETOOLONG
	case node == nil:
		return syscall.ENOENT
	case len(to.last) > maxName:
		return syscall.ENAMETOOLONG
	case !node.isDir() && (from.slash || to.slash):
		return syscall.ENOTDIR
	case node.isDir() && to.dir.isWithin(node):
		return syscall.EINVAL
	case node == over:
		return 0
	case to.dir.dir.removed:
		return syscall.ENOENT
	case over != nil && node.isDir() && !over.isDir():
		return syscall.ENOTDIR
	case over != nil && !node.isDir() && over.isDir():
		return syscall.EISDIR
	case busy(node) || over != nil && busy(over):
		return syscall.EBUSY
	case over != nil && over.isDir() && len(over.dir.entries) > 0:
		return syscall.ENOTEMPTY
	}
	if over != nil {
		over.gone()
	}
	from.dir.drop(from.last)
	to.dir.put(to.last, node)
	node.moved()
	from.dir.touch()
	if to.dir != from.dir {
		to.dir.touch()
	}
	return 0
}
