package volume

import (
	"path"
	"strings"
	"syscall"
)

// Remove removes a file or an empty directory. Open files of it stay usable.
func (v *View) Remove(name string) error {
	return pathError("remove", name, v.remove(name))
}

// remove is unlink(2), or rmdir(2) of a directory, as os.Remove combines them.
func (v *View) remove(path string) syscall.Errno {
	w, e := v.walk(path)
	if e != 0 {
		return e
	}
	switch w.last {
	case "":
		return syscall.EBUSY
	case ".":
		return syscall.EINVAL
	case "..":
		return syscall.ENOTEMPTY
	}
	e = v.removeAt(w.dir(), w.last, w.slash)
	if e == syscall.EISDIR {
		e = v.removeAt(w.dir(), w.last, true)
	}
	return e
}

// removeAt is unlink(2) or rmdir(2) of a name in a directory.
func (v *View) removeAt(dir place, name string, rmdir bool) syscall.Errno {
	if dir.mount.readOnly {
		return syscall.EROFS
	}
	return dir.node.remove(name, rmdir, v.busy(dir.mount))
}

// RemoveAll removes a file or a directory with all that is in it, also what is
// mounted there. It removes what it can and returns the first error, which has
// the Op "unlinkat", as that of [os.RemoveAll]. It is no error if the path does
// not exist.
func (v *View) RemoveAll(name string) error {
	switch {
	case name == "":
		return nil // as os.RemoveAll
	case path.Base(name) == ".":
		return pathError("RemoveAll", name, syscall.EINVAL)
	}
	e := v.remove(name)
	if e == 0 || e == syscall.ENOENT {
		return nil
	}
	whole := strings.TrimRight(name, "/")
	slash := strings.LastIndexByte(whole, '/')
	parent, base := whole[:max(slash, 0)], whole[slash+1:]
	if base == "" || base == ".." {
		// The directory itself cannot go; what is in it can.
		p, e1 := v.findDir(name)
		if e1 != 0 {
			return pathError("open", name, e1)
		}
		if err := v.removeEntries(p, whole); err != nil {
			return err
		}
		return pathError("unlinkat", name, e)
	}
	if parent == "" {
		parent = "/"
	}
	p, e := v.find(parent, true)
	switch e {
	case 0:
		return v.removeTree(p, base, whole)
	case syscall.ENOENT:
		return nil
	}
	return pathError("open", parent, e)
}

// removeTree removes a name in a directory and all beneath. It goes from node
// to node, so that no symbolic link made meanwhile leads it elsewhere.
func (v *View) removeTree(dir place, name, path string) error {
	e := v.removeAt(dir, name, false)
	if e == syscall.EISDIR {
		p, e1 := v.child(dir, name)
		if e1 == syscall.ENOENT || e1 == 0 && !p.node.isDir() {
			return nil // another removed it
		}
		err := v.removeEntries(p, path)
		e = v.removeAt(dir, name, true)
		if e != 0 && e != syscall.ENOENT && err != nil {
			return err
		}
	}
	if e == syscall.ENOENT {
		return nil
	}
	return pathError("unlinkat", path, e)
}

// removeEntries empties a directory and returns the first error.
func (v *View) removeEntries(dir place, path string) (first error) {
	list, _ := dir.node.list() // if another removed the directory, there is nothing to do
	for _, entry := range list {
		if err := v.removeTree(dir, entry.name, path+"/"+entry.name); first == nil {
			first = err
		}
	}
	return first
}
