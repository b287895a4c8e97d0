package volume

import (
	"io/fs"
	"path"
	"sync"
	"syscall"
	"time"
)

// A Node is a directory, regular file, device or socket of a [Tree], found by its
// path once and then independent of it: what a [Mount] mounts. A single file, such
// as /etc/hosts, can be mounted like a directory.
//
// A Node has no methods of its own; it is comparable, and equal to another if
// both are the same file.
type Node struct {
	tree *Tree

	// One of these says what the node is, and does not change.
	dir    *directory // guarded by tree.mu
	file   *content   // guarded by mu
	device *Device
	target string // of a symbolic link, never empty
	socket any    // of a socket, never nil

	// linked says that a directory names the node, or that it is the root. It
	// is written under tree.mu and mu both.
	linked bool

	mu      sync.Mutex // guards what follows
	freed   bool       // neither linked nor open: its bytes were given back
	opens   int32      // handles and mounts
	mode    fs.FileMode
	modTime time.Time
	changed chan struct{} // closed at the next change; nil if nobody waits
}

func newNode(mode fs.FileMode) *Node {
	return &Node{mode: mode, modTime: now()}
}

func newDirectory(perm fs.FileMode) *Node {
	// mkdir(2) keeps the sticky bit and drops setuid and setgid.
	n := newNode(fs.ModeDir | perm&(fs.ModePerm|fs.ModeSticky)&^umask)
	n.dir = &directory{}
	return n
}

func newFile(perm fs.FileMode) *Node {
	n := newNode(perm & modeBits &^ umask)
	n.file = &content{}
	return n
}

func newSymlink(target string) *Node {
	n := newNode(fs.ModeSymlink | fs.ModePerm)
	n.target = target
	return n
}

func newDevice(perm fs.FileMode, d Device) *Node {
	n := newNode(fs.ModeDevice | fs.ModeCharDevice | perm&modeBits&^umask)
	n.device = &d
	return n
}

// now is the time as a file records it: without the monotonic clock's reading.
func now() time.Time { return time.Now().Round(0) }

func (n *Node) isDir() bool     { return n.dir != nil }
func (n *Node) isSymlink() bool { return n.target != "" }

// open counts a handle or mount. It reports false for a node that was freed
// since it was looked up.
func (n *Node) open() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.freed {
		return false
	}
	n.opens++
	return true
}

// close ends what open began.
func (n *Node) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opens--
	n.free()
}

// unlink says that no directory names the node any more. The caller holds
// tree.mu.
func (n *Node) unlink() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.linked = false
	n.notify()
	n.free()
}

// free gives the bytes of a node back that can no longer be reached. The
// caller holds mu.
func (n *Node) free() {
	if n.linked || n.opens > 0 || n.freed {
		return
	}
	n.freed = true
	if n.file != nil {
		n.file.truncate(n.tree, 0)
	}
}

// notify wakes those who wait for a change. The caller holds mu.
func (n *Node) notify() {
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// changes returns the channel that the next change closes.
func (n *Node) changes() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed == nil {
		n.changed = make(chan struct{})
	}
	return n.changed
}

// touch records that the node changed now.
func (n *Node) touch() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.modTime = now()
	n.notify()
}

// moved tells those who wait that the node's name changed, which leaves its
// time as it is.
func (n *Node) moved() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notify()
}

func (n *Node) chmod(mode fs.FileMode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mode = n.mode.Type() | mode&modeBits
}

func (n *Node) chtimes(modTime time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.modTime = modTime.Round(0)
}

// read reads from a regular file; 0 bytes are its end.
func (n *Node) read(p []byte, off int64) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.file.readAt(p, off)
}

// write writes to a regular file, at its end if off is negative, and returns
// where it ended. What fits is written whatever the error.
func (n *Node) write(p []byte, off int64) (written int, end int64, e syscall.Errno) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if off < 0 {
		off = n.file.size
	}
	if len(p) == 0 {
		return 0, off, 0
	}
	written, e = n.file.writeAt(n.tree, p, off)
	if written > 0 {
		n.modTime = now()
		n.notify()
	}
	return written, off + int64(written), e
}

// truncate sets a regular file's size.
func (n *Node) truncate(size int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.file.truncate(n.tree, size)
	n.modTime = now()
	n.notify()
}

// size returns a regular file's size.
func (n *Node) size() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.file.size
}

// directorySize is what a directory's size is shown as: a block, as on an
// ordinary disk.
const directorySize = 4096

// info describes the node as it is now, under the last element of name.
func (n *Node) info(name string) *fileInfo {
	n.mu.Lock()
	defer n.mu.Unlock()
	info := &fileInfo{name: path.Base(name), node: n, mode: n.mode, modTime: n.modTime}
	switch {
	case n.isDir():
		info.size = directorySize
	case n.isSymlink():
		info.size = int64(len(n.target))
	case n.file != nil:
		info.size = n.file.size
	}
	return info
}

// fileInfo is an fs.FileInfo.
type fileInfo struct {
	name    string
	node    *Node
	size    int64
	mode    fs.FileMode
	modTime time.Time
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.size }
func (i *fileInfo) Mode() fs.FileMode  { return i.mode }
func (i *fileInfo) ModTime() time.Time { return i.modTime }
func (i *fileInfo) IsDir() bool        { return i.mode.IsDir() }

// Sys returns the *Node, so two infos are of the same file if theirs are equal.
func (i *fileInfo) Sys() any { return i.node }

// dirEntry is an fs.DirEntry. Unlike one of package os it describes the file
// that was listed, even if it was removed or replaced since.
type dirEntry struct {
	name string
	node *Node
}

func (e dirEntry) Name() string               { return e.name }
func (e dirEntry) IsDir() bool                { return e.node.isDir() }
func (e dirEntry) Type() fs.FileMode          { return e.node.info(e.name).mode.Type() }
func (e dirEntry) Info() (fs.FileInfo, error) { return e.node.info(e.name), nil }
func (e dirEntry) String() string             { return fs.FormatDirEntry(e) }
