package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// filesystem is what a View and package os have in common.
type filesystem interface {
	OpenFile(name string, flag int, perm fs.FileMode) (file, error)
	Mkdir(name string, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	Remove(name string) error
	RemoveAll(name string) error
	Rename(oldname, newname string) error
	Symlink(oldname, newname string) error
	Readlink(name string) (string, error)
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	ReadDir(name string) ([]fs.DirEntry, error)
	ReadFile(name string) ([]byte, error)
	WriteFile(name string, data []byte, perm fs.FileMode) error
	Chmod(name string, mode fs.FileMode) error
	Chtimes(name string, atime, mtime time.Time) error
}

// file is what a File and an os.File have in common.
type file interface {
	fs.ReadDirFile
	io.ReadWriteSeeker
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Name() string
}

// viewFS is a View.
type viewFS struct{ *View }

func (v viewFS) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	f, err := v.View.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// hostFS is the machine's own file system.
type hostFS struct{}

func (hostFS) OpenFile(name string, flag int, perm fs.FileMode) (file, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (hostFS) Mkdir(name string, perm fs.FileMode) error         { return os.Mkdir(name, perm) }
func (hostFS) MkdirAll(name string, perm fs.FileMode) error      { return os.MkdirAll(name, perm) }
func (hostFS) Remove(name string) error                          { return os.Remove(name) }
func (hostFS) RemoveAll(name string) error                       { return os.RemoveAll(name) }
func (hostFS) Rename(oldname, newname string) error              { return os.Rename(oldname, newname) }
func (hostFS) Symlink(oldname, newname string) error             { return os.Symlink(oldname, newname) }
func (hostFS) Readlink(name string) (string, error)              { return os.Readlink(name) }
func (hostFS) Stat(name string) (fs.FileInfo, error)             { return os.Stat(name) }
func (hostFS) Lstat(name string) (fs.FileInfo, error)            { return os.Lstat(name) }
func (hostFS) ReadDir(name string) ([]fs.DirEntry, error)        { return os.ReadDir(name) }
func (hostFS) ReadFile(name string) ([]byte, error)              { return os.ReadFile(name) }
func (hostFS) Chmod(name string, mode fs.FileMode) error         { return os.Chmod(name, mode) }
func (hostFS) Chtimes(name string, a, m time.Time) error         { return os.Chtimes(name, a, m) }
func (hostFS) WriteFile(n string, d []byte, p fs.FileMode) error { return os.WriteFile(n, d, p) }

// rig runs a story on a filesystem, beneath a base directory, and notes what
// happened. The paths of its methods begin beneath the base.
type rig struct {
	t     testing.TB
	fs    filesystem
	base  string
	notes []string // for a reader: results and the texts of errors
	kinds []string // of each error: its type and what errors.Is says of it
}

// newRig returns a rig on a new View, whose root is not the base either.
func newRig(t testing.TB) *rig {
	r := &rig{t: t, fs: viewFS{New(0).View()}, base: "/tmp/base/of/rig"}
	require.NoError(t, r.fs.MkdirAll(r.base, 0o700))
	return r
}

// newHostRig returns a rig on a temporary directory.
func newHostRig(t testing.TB) *rig {
	r := &rig{t: t, fs: hostFS{}, base: t.TempDir() + "/base/of/rig"}
	require.NoError(t, r.fs.MkdirAll(r.base, 0o700))
	return r
}

// The modes beneath are the same whatever the umask of the host is.

func (r *rig) path(name string) string { return r.base + name }

func (r *rig) dir(names ...string) {
	for _, name := range names {
		require.NoError(r.t, r.fs.Mkdir(r.path(name), 0o700))
	}
}

func (r *rig) file(name, data string) {
	require.NoError(r.t, r.fs.WriteFile(r.path(name), []byte(data), 0o600))
}

// link makes a symbolic link; an absolute target begins beneath the base.
func (r *rig) link(target, name string) {
	if strings.HasPrefix(target, "/") {
		target = r.path(target)
	}
	require.NoError(r.t, r.fs.Symlink(target, r.path(name)))
}

// open opens a file for the rest of the test, which must work.
func (r *rig) open(name string, flag int) file {
	f, err := r.fs.OpenFile(r.path(name), flag, 0o600)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { f.Close() })
	return f
}

// tryOpen notes what comes of opening a file.
func (r *rig) tryOpen(name string, flag int) {
	f, err := r.fs.OpenFile(r.path(name), flag, 0o600)
	if err == nil {
		f.Close()
	}
	r.err(err)
}

// longName is as long as a name can be, and noted as "<255>".
var longName = strings.Repeat("n", maxName)

// note notes values in one line, with the base taken out and bytes that do not
// print quoted.
func (r *rig) note(values ...any) {
	line := strings.TrimSuffix(fmt.Sprintln(values...), "\n")
	line = strings.NewReplacer(r.base, "", longName, "<255>").Replace(line)
	r.notes = append(r.notes, strings.Trim(strconv.Quote(line), `"`))
}

// err notes an error, or "ok", after values.
func (r *rig) err(err error, values ...any) {
	r.kinds = append(r.kinds, kind(err))
	if err == nil {
		r.note(append(values, "ok")...)
		return
	}
	r.note(append(values, err)...)
}

// stat notes what Stat says, but for the size of a directory, which differs
// between file systems.
func (r *rig) stat(name string) { r.info(r.fs.Stat(r.path(name))) }

func (r *rig) lstat(name string) { r.info(r.fs.Lstat(r.path(name))) }

func (r *rig) info(info fs.FileInfo, err error) {
	switch {
	case err != nil:
		r.err(err)
	case info.IsDir():
		r.note(info.Mode(), info.Name())
	default:
		r.note(info.Mode(), info.Size(), info.Name())
	}
}

func (r *rig) read(name string) {
	data, err := r.fs.ReadFile(r.path(name))
	r.err(err, string(data))
}

func (r *rig) list(name string) {
	entries, err := r.fs.ReadDir(r.path(name))
	r.err(err, names(entries))
}

func names(entries []fs.DirEntry) []string {
	list := []string{}
	for _, e := range entries {
		list = append(list, fs.FormatDirEntry(e))
	}
	return list
}

var kindsOfErrors = []struct {
	name string
	err  error
}{
	{"ErrExist", fs.ErrExist}, {"ErrNotExist", fs.ErrNotExist}, {"ErrInvalid", fs.ErrInvalid},
	{"ErrPermission", fs.ErrPermission}, {"ErrClosed", fs.ErrClosed}, {"EOF", io.EOF},
	{"EBADF", syscall.EBADF}, {"EBUSY", syscall.EBUSY}, {"EEXIST", syscall.EEXIST},
	{"EINVAL", syscall.EINVAL}, {"EISDIR", syscall.EISDIR}, {"ELOOP", syscall.ELOOP},
	{"ENAMETOOLONG", syscall.ENAMETOOLONG}, {"ENOENT", syscall.ENOENT}, {"ENOTDIR", syscall.ENOTDIR},
	{"ENOTEMPTY", syscall.ENOTEMPTY}, {"EROFS", syscall.EROFS}, {"EXDEV", syscall.EXDEV},
}

// kind is all that a program can ask of an error.
func kind(err error) string {
	if err == nil {
		return "ok"
	}
	kind := ""
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		kind += " PathError:" + e.Op
	}
	if e := (*os.LinkError)(nil); errors.As(err, &e) {
		kind += " LinkError:" + e.Op
	}
	for _, k := range kindsOfErrors {
		if errors.Is(err, k.err) {
			kind += " " + k.name
		}
	}
	return strings.TrimSpace(kind)
}
