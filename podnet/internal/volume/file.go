package volume

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"sync"
	"syscall"
)

// A File is an open file, directory or device of a [View]. It behaves as
// [os.File] does on Linux and is safe for concurrent use. Whoever opened it
// closes it; the bytes of a removed file count against its tree's size limit
// until then.
type File struct {
	name   string
	view   *View
	at     place
	access access

	mu     sync.Mutex // guards what follows; not held while a device works
	closed bool
	offset int64
	listed bool          // unread was filled
	unread []fs.DirEntry // of a directory
}

var _ interface {
	fs.ReadDirFile
	io.ReadWriteSeeker
	io.ReaderAt
	io.WriterAt
} = (*File)(nil)

var (
	errNegativeOffset = errors.New("negative offset")
	errWriteAtAppend  = errors.New("os: invalid use of WriteAt on file opened with O_APPEND")
)

// Name returns the name as given to Open.
func (f *File) Name() string { return f.name }

// fail wraps an errno for an operation on the file.
func (f *File) fail(op string, e syscall.Errno) error { return pathError(op, f.name, e) }

// wrap does the same for any error.
func (f *File) wrap(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

// lock locks the file for an operation, unless it is closed.
func (f *File) lock(op string) error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return f.wrap(op, fs.ErrClosed)
	}
	return nil
}

// check reports a closed file.
func (f *File) check(op string) error {
	err := f.lock(op)
	if err == nil {
		f.mu.Unlock()
	}
	return err
}

// Close ends the use of the file. A device's function that is waiting is not
// woken.
func (f *File) Close() error {
	if err := f.lock("close"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	f.closed = true
	f.unread = nil
	f.at.node.close()
	return nil
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) {
	if err := f.check("stat"); err != nil {
		return nil, err
	}
	return f.at.node.info(f.name), nil
}

// Changed returns a channel that is closed at the file's next change: a write,
// a truncation, or the loss of its name by removal or rename. A directory
// changes when a name in it does. A device never does.
//
// To follow a file, take the channel, then read to the end, then wait on the
// channel: no change is missed. To follow a name, also compare the Sys of Stat
// of the name with that of the file between taking the channel and waiting.
// Closing the file does not close the channel.
func (f *File) Changed() <-chan struct{} { return f.at.node.changes() }

// Read reads from the file's offset on.
func (f *File) Read(p []byte) (int, error) {
	if err := f.lock("read"); err != nil {
		return 0, err
	}
	if d := f.at.node.device; d != nil {
		f.mu.Unlock()
		return f.readDevice(d, p)
	}
	defer f.mu.Unlock()
	n, err := f.read(p, f.offset)
	f.offset += int64(n)
	if n > 0 {
		err = nil // the end is the next call's to find
	}
	return n, err
}

// ReadAt reads from an offset on and leaves the file's own as it is.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if err := f.check("read"); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, f.wrap("readat", errNegativeOffset)
	}
	if d := f.at.node.device; d != nil {
		if !d.isNull() && len(p) > 0 {
			return 0, f.fail("read", syscall.ESPIPE)
		}
		return f.readDevice(d, p)
	}
	return f.read(p, off)
}

// read reads at an offset, with io.EOF if there is less than p takes.
func (f *File) read(p []byte, off int64) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case !f.access.read:
		return 0, f.fail("read", syscall.EBADF)
	case f.at.node.isDir():
		return 0, f.fail("read", syscall.EISDIR)
	}
	n := f.at.node.read(p, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *File) readDevice(d *Device, p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case !f.access.read:
		return 0, f.fail("read", syscall.EBADF)
	case d.Read == nil:
		return 0, io.EOF
	}
	n, err := d.Read(p)
	if err != nil && err != io.EOF {
		err = f.wrap("read", err)
	}
	return n, err
}

// Write writes at the file's offset, or at the file's end if it was opened
// with O_APPEND: then writes of several handles do not mix and none is lost.
// What fits is written even if the error is ENOSPC.
func (f *File) Write(p []byte) (int, error) {
	if err := f.lock("write"); err != nil {
		return 0, err
	}
	if d := f.at.node.device; d != nil {
		f.mu.Unlock()
		return f.writeDevice(d, p)
	}
	defer f.mu.Unlock()
	if !f.access.write {
		return 0, f.fail("write", syscall.EBADF)
	}
	off := f.offset
	if f.access.append {
		off = -1
	}
	n, end, e := f.at.node.write(p, off)
	if n > 0 {
		f.offset = end
	}
	return n, f.fail("write", e)
}

// WriteAt writes at an offset and leaves the file's own as it is. A file
// opened with O_APPEND refuses it.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.check("write"); err != nil {
		return 0, err
	}
	switch d := f.at.node.device; {
	case f.access.append:
		return 0, errWriteAtAppend
	case off < 0:
		return 0, f.wrap("writeat", errNegativeOffset)
	case len(p) == 0:
		return 0, nil
	case d != nil && d.isNull():
		return f.writeDevice(d, p)
	case d != nil:
		return 0, f.fail("write", syscall.ESPIPE)
	case !f.access.write:
		return 0, f.fail("write", syscall.EBADF)
	}
	n, _, e := f.at.node.write(p, off)
	return n, f.fail("write", e)
}

func (f *File) writeDevice(d *Device, p []byte) (int, error) {
	switch {
	case !f.access.write:
		return 0, f.fail("write", syscall.EBADF)
	case d.Write == nil:
		return len(p), nil
	}
	n, err := d.Write(p)
	if err != nil {
		err = f.wrap("write", err)
	}
	return n, err
}

// Seek sets the file's offset. A directory can only be rewound, a device that
// has functions cannot be sought in (ESPIPE), and one that has none stays at 0.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if err := f.lock("seek"); err != nil {
		return 0, err
	}
	defer f.mu.Unlock()
	node := f.at.node
	switch {
	case node.device != nil && node.device.isNull():
		return 0, nil
	case node.device != nil:
		return 0, f.fail("seek", syscall.ESPIPE)
	case node.isDir():
		if offset != 0 || whence != io.SeekStart {
			return 0, f.fail("seek", syscall.EINVAL)
		}
		f.listed, f.unread = false, nil
		return 0, nil
	}
	var base int64
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = f.offset
	case io.SeekEnd:
		base = node.size()
	default:
		return 0, f.fail("seek", syscall.EINVAL)
	}
	if offset < -base || offset > math.MaxInt64-base {
		return 0, f.fail("seek", syscall.EINVAL)
	}
	f.offset = base + offset
	return f.offset, nil
}

// Truncate sets the file's size. What is beyond the old one is a hole: it
// reads as zeros and takes no space. The offset stays.
func (f *File) Truncate(size int64) error {
	if err := f.lock("truncate"); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if size < 0 || !f.access.write || f.at.node.file == nil {
		return f.fail("truncate", syscall.EINVAL)
	}
	f.at.node.truncate(size)
	return nil
}

// ReadDir returns the next n entries of a directory and io.EOF at its end, or
// all that are left if n is 0 or less. They are those of the first call's
// time, and unlike those of [os.File.ReadDir] they are sorted by name. A
// removed directory is ENOENT.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	if err := f.lock("readdirent"); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if !f.at.node.isDir() {
		return nil, f.fail("readdirent", syscall.ENOTDIR)
	}
	if !f.listed {
		entries, e := f.view.entries(f.at)
		if e != 0 {
			return nil, f.fail("readdirent", e)
		}
		f.listed, f.unread = true, entries
	}
	if n <= 0 {
		n = len(f.unread)
	} else if len(f.unread) == 0 {
		return nil, io.EOF
	}
	next := f.unread[:min(n, len(f.unread)):min(n, len(f.unread))]
	f.unread = f.unread[len(next):]
	return next, nil
}
