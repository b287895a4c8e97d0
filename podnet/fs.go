package podnet

import (
	"io"
	"io/fs"
	"time"

	"podnet.dev/podnet/internal/volume"
)

// FS is a file system of a container, with the verbs of package os. Paths use
// slashes and are absolute or relative to "/". Errors are what os gives on
// Linux, on every operating system: an *fs.PathError, or an *os.LinkError of a
// call with two paths, around an errno.
//
// Permissions are recorded but not enforced, whoever the container runs as.
//
// An FS that a process got from its Container is that process's: when it ends,
// its open files are closed, and what it still writes is lost.
type FS struct {
	disk    *volume.View
	process *process // nil if it belongs to no process
}

// emptyFS is the file system of a container that never ran.
func emptyFS() *FS { return &FS{disk: volume.New(0).View()} }

// view returns what f works on: for a process that has ended, nothing that
// anybody else sees.
func (f *FS) view() *volume.View {
	if f.process != nil && f.process.hasEnded() {
		return volume.New(0).View()
	}
	return f.disk
}

// File is an open file of a container. Close it.
type File interface {
	fs.ReadDirFile
	io.Writer
	io.Seeker
	io.ReaderAt
	io.WriterAt

	// Name returns the name that the file was opened by.
	Name() string
	// Truncate changes the file's size.
	Truncate(size int64) error
	// Changed returns a channel that is closed when the file is next written,
	// truncated or removed. Who takes the channel, reads to the end and then
	// waits, misses nothing.
	Changed() <-chan struct{}
}

var _ File = (*volume.File)(nil)

// file makes an open file one of the process's.
func (f *FS) file(opened *volume.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	if f.process == nil {
		return opened, nil
	}
	owned := &processFile{opened, f.process}
	if !f.process.adoptFile(owned) {
		opened.Close() // it ended just now: every use says so
	}
	return owned, nil
}

// processFile is an open file that is closed when its process ends.
type processFile struct {
	*volume.File
	process *process
}

func (f *processFile) Close() error {
	f.process.releaseFile(f)
	return f.File.Close()
}

// Open opens a file or directory for reading.
func (f *FS) Open(name string) (File, error) { return f.file(f.view().Open(name)) }

// OpenFile opens a file with os's flags; perm is that of a file it creates.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	return f.file(f.view().OpenFile(name, flag, perm))
}

// Create makes an empty file, or empties the one that is there, and opens it.
func (f *FS) Create(name string) (File, error) { return f.file(f.view().Create(name)) }

// ReadFile returns the content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) { return f.view().ReadFile(name) }

// WriteFile makes data the content of a file, which it creates if there is none.
func (f *FS) WriteFile(name string, data []byte, perm fs.FileMode) error {
	return f.view().WriteFile(name, data, perm)
}

// ReadDir returns the entries of a directory by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) { return f.view().ReadDir(name) }

// Stat describes a file, following symbolic links.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.view().Stat(name) }

// Lstat describes a file or symbolic link.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.view().Lstat(name) }

// Mkdir makes a directory.
func (f *FS) Mkdir(name string, perm fs.FileMode) error { return f.view().Mkdir(name, perm) }

// MkdirAll makes a directory and what is missing above it.
func (f *FS) MkdirAll(name string, perm fs.FileMode) error { return f.view().MkdirAll(name, perm) }

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error { return f.view().Remove(name) }

// RemoveAll removes a file or a directory with all in it.
func (f *FS) RemoveAll(name string) error { return f.view().RemoveAll(name) }

// Rename renames a file, replacing one that has the new name.
func (f *FS) Rename(oldName, newName string) error { return f.view().Rename(oldName, newName) }

// Symlink makes newName a symbolic link to oldName.
func (f *FS) Symlink(oldName, newName string) error { return f.view().Symlink(oldName, newName) }

// Readlink returns what a symbolic link points to.
func (f *FS) Readlink(name string) (string, error) { return f.view().Readlink(name) }

// Chmod sets a file's mode.
func (f *FS) Chmod(name string, mode fs.FileMode) error { return f.view().Chmod(name, mode) }

// Chtimes sets a file's time of modification; access times are not kept.
func (f *FS) Chtimes(name string, atime, mtime time.Time) error {
	return f.view().Chtimes(name, atime, mtime)
}

// Sub returns a directory as an fs.FS, for http.FileServerFS and the like.
func (f *FS) Sub(dir string) (fs.FS, error) { return f.view().Sub(dir) }
