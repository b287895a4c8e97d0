package netstack

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
)

// Files is the file system of a process, as far as Unix sockets need it. Paths
// are absolute or relative to the process's working directory. Errors are
// errnos, or wrap them.
type Files interface {
	// Bind makes a file of the type socket that stands for socket, as bind(2)
	// does. It fails with EADDRINUSE if there is anything at the path.
	Bind(path string, socket any) error
	// Lookup returns what Bind was given for the file at path, following
	// symbolic links. It fails with ECONNREFUSED if that is no socket.
	Lookup(path string) (any, error)
	// Unlink removes the file, as unlink(2) does.
	Unlink(path string) error
}

// errNoFiles is why a process without files cannot use a path.
var errNoFiles = errors.New("the process has no file system, only abstract names such as \"@name\"")

// unixNames are the abstract names of a namespace. Each type of socket has its
// own, as on Linux.
type unixNames struct {
	mu    sync.Mutex // guards bound
	bound map[unixKey]*unixSock
}

type unixKey struct {
	kind unixKind
	name unixName
}

// bind gives s a name. It reports false if that is taken.
func (t *unixNames) bind(s *unixSock, name unixName) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := unixKey{s.kind, name}
	if t.bound[key] != nil {
		return false
	}
	if t.bound == nil {
		t.bound = make(map[unixKey]*unixSock)
	}
	t.bound[key] = s
	s.name, s.names = name, t
	return true
}

// autobind gives s a name of five hexadecimal digits that is free, starting at a
// random one, as bind(2) without a name does. It reports false if none is.
func (t *unixNames) autobind(s *unixSock, random uint32) bool {
	const all = 1 << 20
	for i := range uint32(all) {
		if t.bind(s, unixName(fmt.Sprintf("@%05x", (random+i)%all))) {
			return true
		}
	}
	return false
}

func (t *unixNames) lookup(kind unixKind, name unixName) *unixSock {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bound[unixKey{kind, name}]
}

func (t *unixNames) release(s *unixSock) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.bound, unixKey{s.kind, s.name})
}

// bindUnix gives s the name that address means.
func (o *Owner) bindUnix(s *unixSock, address string) error {
	name, ok := parseUnixName(address)
	switch {
	case !ok:
		return syscall.EINVAL
	case name == "":
		random := o.ns.stack.SecureRNG()
		if !o.ns.unix.autobind(s, random.Uint32()) {
			return syscall.ENOSPC
		}
		return nil
	case name.isAbstract():
		if !o.ns.unix.bind(s, name) {
			return syscall.EADDRINUSE
		}
		return nil
	case o.files == nil:
		return errNoFiles
	}
	s.name = name
	return o.files.Bind(string(name), s)
}

// findUnix returns the socket that address names, for one of a kind to talk to.
// It may be closed already.
func (o *Owner) findUnix(kind unixKind, address string) (*unixSock, error) {
	name, ok := parseUnixName(address)
	switch {
	case !ok, name == "":
		return nil, syscall.EINVAL
	case name.isAbstract():
		if s := o.ns.unix.lookup(kind, name); s != nil {
			return s, nil
		}
		return nil, syscall.ECONNREFUSED
	case o.files == nil:
		return nil, errNoFiles
	}
	found, err := o.files.Lookup(string(name))
	if err != nil {
		return nil, err
	}
	s, ok := found.(*unixSock)
	switch {
	case !ok, s.isClosed(): // nothing behind the file
		return nil, syscall.ECONNREFUSED
	case s.kind != kind:
		return nil, syscall.EPROTOTYPE
	}
	return s, nil
}
