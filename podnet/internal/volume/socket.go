package volume

import (
	"io/fs"
	"syscall"
)

// newSocket returns a node of the type socket. Its mode is what bind(2) gives
// it: all but what the umask takes.
func newSocket(socket any) *Node {
	n := newNode(fs.ModeSocket | fs.ModePerm&^umask)
	n.socket = socket
	return n
}

func (n *Node) isSocket() bool { return n.socket != nil }

// Bind creates a file of the type socket, as bind(2) does: the name of a Unix
// socket. socket, which must not be nil, is what [View.Lookup] returns for the
// file, in every view and under every name that it comes to have. The file stays
// until it is removed, also if nobody listens any more; it cannot be opened
// (ENXIO).
//
// The error has the Op "bind". It is EADDRINUSE if there is anything at the path,
// also a dangling symbolic link.
func (v *View) Bind(name string, socket any) error {
	e := v.create(name, newSocket(socket))
	if e == syscall.EEXIST {
		e = syscall.EADDRINUSE
	}
	return pathError("bind", name, e)
}

// Lookup returns what Bind was given for the file at a path, which connect(2)
// asks for. Symbolic links are followed. The error has the Op "connect"; it is
// ECONNREFUSED if the file is no socket.
func (v *View) Lookup(name string) (any, error) {
	p, e := v.find(name, true)
	if e == 0 && !p.node.isSocket() {
		e = syscall.ECONNREFUSED
	}
	if e != 0 {
		return nil, pathError("connect", name, e)
	}
	return p.node.socket, nil
}

// Unlink removes a file that is no directory, as unlink(2) does. The error has
// the Op "unlink".
func (v *View) Unlink(name string) error {
	w, e := v.walk(name)
	if e == 0 {
		e = v.unlink(w)
	}
	return pathError("unlink", name, e)
}

func (v *View) unlink(w *walker) syscall.Errno {
	switch {
	case w.isDots():
		return syscall.EISDIR
	case w.slash:
		p, e := w.look()
		switch {
		case e != 0:
			return e
		case p.node.isDir():
			return syscall.EISDIR
		}
		return syscall.ENOTDIR
	}
	return v.removeAt(w.dir(), w.last, false)
}
