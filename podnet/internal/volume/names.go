package volume

import (
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// Mkdir creates a directory with mode perm, less the umask.
func (v *View) Mkdir(name string, perm fs.FileMode) error {
	return pathError("mkdir", name, v.create(name, newDirectory(perm)))
}

// MkdirAll creates a directory and the parents that it lacks, all with mode
// perm, less the umask. It is no error if the directory exists. The error names
// the path that could not be created.
func (v *View) MkdirAll(name string, perm fs.FileMode) error {
	failed, e := v.mkdirAll(name, perm)
	return pathError("mkdir", failed, e)
}

func (v *View) mkdirAll(name string, perm fs.FileMode) (failed string, e syscall.Errno) {
	if p, e := v.find(name, true); e == 0 {
		if !p.node.isDir() {
			e = syscall.ENOTDIR
		}
		return name, e
	}
	parent := name[:1+strings.LastIndexByte(strings.TrimRight(name, "/"), '/')]
	if len(parent) > 1 {
		if failed, e := v.mkdirAll(parent[:len(parent)-1], perm); e != 0 {
			return failed, e
		}
	}
	e = v.create(name, newDirectory(perm))
	if e != 0 {
		// A path such as "a/." is refused, but a is there now; and another
		// may have been faster.
		if p, e := v.find(name, false); e == 0 && p.node.isDir() {
			return "", 0
		}
	}
	return name, e
}

// Symlink creates a symbolic link at newname that points to oldname, which is
// taken as it is and need not exist.
func (v *View) Symlink(oldname, newname string) error {
	switch {
	case strings.IndexByte(oldname, 0) >= 0:
		return linkError("symlink", oldname, newname, syscall.EINVAL)
	case oldname == "":
		return linkError("symlink", oldname, newname, syscall.ENOENT)
	case len(oldname) >= maxPath:
		return linkError("symlink", oldname, newname, syscall.ENAMETOOLONG)
	}
	return linkError("symlink", oldname, newname, v.create(newname, newSymlink(oldname)))
}

// Mknod creates a device with mode perm, less the umask. The error has the Op
// "mknod".
func (v *View) Mknod(name string, perm fs.FileMode, d Device) error {
	return pathError("mknod", name, v.create(name, newDevice(perm, d)))
}

// create gives a node its name, as mkdir(2), symlink(2) and mknod(2) do. The
// order of the checks is that of Linux, fs/namei.c.
func (v *View) create(path string, n *Node) syscall.Errno {
	w, e := v.walk(path)
	if e != 0 {
		return e
	}
	if w.isDots() {
		return syscall.EEXIST
	}
	dir := w.dir()
	switch _, e := dir.node.lookup(w.last); {
	case e == 0:
		return syscall.EEXIST
	case e != syscall.ENOENT:
		return e
	case w.slash && !n.isDir():
		return syscall.ENOENT
	case dir.mount.readOnly:
		return syscall.EROFS
	}
	return dir.node.link(w.last, n)
}

// Readlink returns where a symbolic link points.
func (v *View) Readlink(name string) (string, error) {
	p, e := v.find(name, false)
	if e == 0 && !p.node.isSymlink() {
		e = syscall.EINVAL
	}
	if e != 0 {
		return "", pathError("readlink", name, e)
	}
	return p.node.target, nil
}

// Rename moves a file or directory, replacing a file that is at newname. As
// [os.Rename] does, it replaces no directory: that is EEXIST, though rename(2)
// would replace an empty one. A mount point is EBUSY, and between two mounts
// it is EXDEV, even if both show the same tree.
func (v *View) Rename(oldname, newname string) error {
	if at, e := v.find(newname, false); e == 0 && at.node.isDir() {
		old, e := v.find(oldname, false)
		if e == 0 && (oldname == newname || old.node != at.node) {
			e = syscall.EEXIST
		}
		if e != 0 {
			return linkError("rename", oldname, newname, e)
		}
	}
	return linkError("rename", oldname, newname, v.rename(oldname, newname))
}

// rename is rename(2).
func (v *View) rename(oldname, newname string) syscall.Errno {
	from, e := v.walk(oldname)
	if e != 0 {
		return e
	}
	to, e := v.walk(newname)
	if e != 0 {
		return e
	}
	mount := from.dir().mount
	switch {
	case mount != to.dir().mount:
		return syscall.EXDEV
	case from.isDots() || to.isDots():
		return syscall.EBUSY
	case mount.readOnly:
		return syscall.EROFS
	}
	return rename(side{from.dir().node, from.last, from.slash},
		side{to.dir().node, to.last, to.slash}, v.busy(mount))
}

// Stat describes a file, following a symbolic link. The Sys of what it returns
// is the file's [*Node].
func (v *View) Stat(name string) (fs.FileInfo, error) { return v.stat("stat", name, true) }

// Lstat is Stat that describes a symbolic link itself.
func (v *View) Lstat(name string) (fs.FileInfo, error) { return v.stat("lstat", name, false) }

func (v *View) stat(op, name string, follow bool) (fs.FileInfo, error) {
	p, e := v.find(name, follow)
	if e != 0 {
		return nil, pathError(op, name, e)
	}
	return p.node.info(name), nil
}

// Chmod sets the permissions and the setuid, setgid and sticky bits of a file.
func (v *View) Chmod(name string, mode fs.FileMode) error {
	p, e := v.findWritable(name)
	if e == 0 {
		p.node.chmod(mode)
	}
	return pathError("chmod", name, e)
}

// Chtimes sets the modification time of a file, unless it is the zero time.
// Access times are not kept, so atime is without effect.
func (v *View) Chtimes(name string, atime, mtime time.Time) error {
	p, e := v.findWritable(name)
	if e == 0 && !mtime.IsZero() {
		p.node.chtimes(mtime)
	}
	return pathError("chtimes", name, e)
}

// findWritable is find for a change of the file's own attributes.
func (v *View) findWritable(path string) (place, syscall.Errno) {
	p, e := v.find(path, true)
	if e == 0 && p.mount.readOnly {
		e = syscall.EROFS
	}
	return p, e
}
