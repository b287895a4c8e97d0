// Package volume holds the file systems of containers and volumes in memory.
//
// There are four nouns. A [Tree] is a file system: what an emptyDir or a
// container's root layer is. A [Node] is a directory, file, symbolic link,
// device or socket in a tree. A [View] is a container's file system: a root tree with
// the nodes of other trees mounted in it, and the methods of package os on
// slash-separated paths. A [File] is an open file of a view.
//
// It behaves as tmpfs and mount(8) do on Linux, error for error: every error is
// an [*fs.PathError], or an [*os.LinkError] of a call with two paths, with the
// operation that package os names on Linux and the errno's text on Linux, on
// every operating system. It differs from Linux in this:
//
//   - Permissions are recorded and shown but not enforced: containers run as
//     root. The umask is 022.
//   - There are no hard links, owners, extended attributes or access times.
//   - A tree's size limit counts the bytes of its files. tmpfs counts pages of
//     4 KiB, and inodes.
package volume

import (
	"io/fs"
	"sync"
	"sync/atomic"
)

// A Tree is a file system in memory: directories, regular files, symbolic
// links and devices beneath one root directory. It is used through a [View],
// and it is safe for concurrent use by many. Nobody closes it: the garbage
// collector takes it when the last view and file are gone.
type Tree struct {
	root  *Node
	limit int64
	used  atomic.Int64 // bytes that files hold, at most limit if there is one

	// mu guards the names: the directory field of every node, and which nodes
	// are linked. It is taken before a node's own mutex, never two trees'
	// at once, and never held across anything that waits.
	mu sync.RWMutex
}

// New returns an empty tree. Its root directory has mode 0755; an emptyDir's
// is 0777 (kubelet, empty_dir.go), which Chmod makes it.
//
// The limit is in bytes, and 0 or less means none. A write beyond it stores
// the part that fits and fails with ENOSPC, as on a tmpfs with a size. Holes
// are free, and so is what was removed, once the last handle on it is closed.
func New(sizeLimit int64) *Tree {
	t := &Tree{limit: max(sizeLimit, 0)}
	t.root = newDirectory(0o755)
	t.root.tree = t
	t.root.linked = true
	return t
}

// Root returns the tree's root directory, to be mounted in a [View].
func (t *Tree) Root() *Node { return t.root }

// View returns a view of the tree alone, with nothing mounted in it: what the
// tree holds even where a container's mounts cover it.
func (t *Tree) View() *View {
	return &View{root: place{mount: &mount{root: t.root}, node: t.root}}
}

// Confined is View for paths that may not lead out of the tree, as openat2(2)
// resolves them with RESOLVE_BENEATH: an absolute symbolic link on the way, or a
// ".." in the root directory, is EXDEV.
func (t *Tree) Confined() *View {
	v := t.View()
	v.confined = true
	return v
}

// Usage returns the bytes that the tree's files hold and the limit, which is 0
// if there is none.
func (t *Tree) Usage() (used, limit int64) { return t.used.Load(), t.limit }

// reserve takes up to n bytes of the limit and returns how many it got.
func (t *Tree) reserve(n int) int {
	for {
		used := t.used.Load()
		if t.limit > 0 {
			n = int(min(int64(n), t.limit-used))
		}
		if t.used.CompareAndSwap(used, used+int64(n)) {
			return n
		}
	}
}

// release gives back what reserve took.
func (t *Tree) release(n int) { t.used.Add(-int64(n)) }

// umask is what a container runtime gives a process: runc's default.
const umask fs.FileMode = 0o022

// modeBits are the bits of a mode that can be set.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
