package volume

import (
	"bytes"
	"io/fs"
	"os"
	"syscall"
)

// Open opens a file or directory for reading.
func (v *View) Open(name string) (*File, error) {
	return v.OpenFile(name, os.O_RDONLY, 0)
}

// Create creates a file with mode 0644, or empties the one that is there, and
// opens it for reading and writing.
func (v *View) Create(name string) (*File, error) {
	return v.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens a file with the flags of [os.OpenFile]; perm, less the umask,
// is the mode of one that O_CREATE creates. O_SYNC means nothing in memory.
func (v *View) OpenFile(name string, flag int, perm fs.FileMode) (*File, error) {
	p, access, e := v.open(name, flag, perm)
	if e != 0 {
		return nil, pathError("open", name, e)
	}
	return &File{name: name, view: v, at: p, access: access}, nil
}

// access says what a handle may do.
type access struct {
	read, write, append bool
}

func accessOf(flag int) access {
	how := flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
	return access{
		read:   how == os.O_RDONLY || how == os.O_RDWR,
		write:  how == os.O_WRONLY || how == os.O_RDWR,
		append: flag&os.O_APPEND != 0,
	}
}

// open is open(2). It returns a node that it opened. The order of the checks
// is that of Linux, fs/namei.c.
func (v *View) open(path string, flag int, perm fs.FileMode) (place, access, syscall.Errno) {
	access := accessOf(flag)
	create := flag&os.O_CREATE != 0
	exclusive := create && flag&os.O_EXCL != 0
	change := access.write || !access.read || flag&os.O_TRUNC != 0

	w, e := v.walk(path)
	for e == 0 {
		if create && w.slash && !w.isDots() {
			return place{}, access, syscall.EISDIR
		}
		var p place
		p, e = w.look()
		if e == syscall.ENOENT && create {
			if p, e = w.createFile(perm); e == 0 {
				return p, access, 0
			}
			if e == syscall.EEXIST && !exclusive {
				e = 0 // another was faster: open that one
				continue
			}
		}
		switch {
		case e != 0:
			return place{}, access, e
		case exclusive:
			return place{}, access, syscall.EEXIST
		case p.node.isSymlink():
			e = w.follow(p.node)
			continue
		case create && p.node.isDir():
			return place{}, access, syscall.EISDIR
		case w.slash && !p.node.isDir():
			return place{}, access, syscall.ENOTDIR
		case change && p.node.isDir():
			return place{}, access, syscall.EISDIR
		case change && p.mount.readOnly && p.node.device == nil && !p.node.isSocket():
			return place{}, access, syscall.EROFS
		case p.node.isSocket():
			return place{}, access, syscall.ENXIO
		}
		if !p.node.open() {
			continue // removed since it was looked up: see what is there now
		}
		if flag&os.O_TRUNC != 0 && p.node.file != nil {
			p.node.truncate(0)
		}
		return p, access, 0
	}
	return place{}, access, e
}

// createFile creates the file that look did not find, and opens it.
func (w *walker) createFile(perm fs.FileMode) (place, syscall.Errno) {
	dir := w.dir()
	if dir.mount.readOnly {
		return place{}, syscall.EROFS
	}
	n := newFile(perm)
	n.opens = 1
	return place{dir.mount, n}, dir.node.link(w.last, n)
}

// ReadFile returns what a file holds.
func (v *View) ReadFile(name string) ([]byte, error) {
	f, err := v.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	if f.at.node.file != nil {
		b.Grow(int(min(f.at.node.size(), 1<<20)) + bytes.MinRead)
	}
	_, err = b.ReadFrom(f)
	return b.Bytes(), err
}

// WriteFile makes a file hold data and nothing else, creating it if it does
// not exist. If data does not fit, what fits is written.
func (v *View) WriteFile(name string, data []byte, perm fs.FileMode) error {
	f, err := v.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err1 := f.Close(); err == nil {
		err = err1
	}
	return err
}

// ReadDir returns the entries of a directory, sorted by name.
func (v *View) ReadDir(name string) ([]fs.DirEntry, error) {
	p, e := v.findDir(name)
	if e != 0 {
		return nil, pathError("open", name, e)
	}
	entries, e := v.entries(p)
	return entries, pathError("readdirent", name, e)
}

// entries lists a directory as the view shows it.
func (v *View) entries(dir place) ([]fs.DirEntry, syscall.Errno) {
	list, e := dir.node.list()
	entries := make([]fs.DirEntry, len(list))
	for i, e := range list {
		entries[i] = dirEntry{e.name, v.cover(place{dir.mount, e.node}).node}
	}
	return entries, e
}
