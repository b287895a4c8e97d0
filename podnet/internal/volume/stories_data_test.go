package volume

import (
	"io"
	"strings"
)

// dataStories tell how open files are read and written.
var dataStories = []story{
	{"a handle has an offset", func(r *rig) {
		f := r.open("/f", rdwr|create)
		n, err := f.Write([]byte("hello"))
		r.err(err, n)
		n, err = f.Read(make([]byte, 5))
		r.err(err, n)
		r.note(f.Seek(1, io.SeekStart))
		p := make([]byte, 3)
		n, err = f.Read(p)
		r.err(err, n, string(p))
		n, err = f.Read(p)
		r.err(err, n)
		n, err = f.Read(nil)
		r.err(err, n)
		n, err = f.Read(p)
		r.err(err, n)
	}, `
		5 ok
		0 EOF
		1 <nil>
		3 ell ok
		1 ok
		0 ok
		0 EOF`},
	{"a seek goes anywhere but before the start", func(r *rig) {
		r.file("/f", "hello")
		f := r.open("/f", rdonly)
		for _, s := range []struct {
			offset int64
			whence int
		}{{2, io.SeekStart}, {-1, io.SeekCurrent}, {-2, io.SeekEnd}, {100, io.SeekEnd}, {-1, io.SeekStart}, {-6, io.SeekEnd}, {0, io.SeekCurrent}} {
			n, err := f.Seek(s.offset, s.whence)
			r.err(err, n)
		}
	}, `
		2 ok
		1 ok
		3 ok
		105 ok
		0 seek /f: invalid argument
		0 seek /f: invalid argument
		105 ok`},
	{"an unknown whence is refused", func(r *rig) {
		_, err := r.open("/f", rdwr|create).Seek(0, 77)
		r.err(err)
	}, `
		seek /f: invalid argument`},
	{"a hole reads as zeros", func(r *rig) {
		f := r.open("/f", rdwr|create)
		n, err := f.WriteAt([]byte("end"), 200_000)
		r.err(err, n)
		n, err = f.WriteAt([]byte("mid"), 70_000)
		r.err(err, n)
		r.stat("/f")
		data, err := r.fs.ReadFile(r.path("/f"))
		r.err(err, len(data), strings.Trim(string(data[:100_000]), "\x00"), string(data[199_998:]))
	}, `
		3 ok
		3 ok
		-rw------- 200003 f
		200003 mid \x00\x00end ok`},
	{"a truncated file forgets", func(r *rig) {
		r.file("/f", strings.Repeat("x", 200_000))
		f := r.open("/f", rdwr)
		for _, size := range []int64{150_000, 65_536, 5, 10, 0, 3} {
			r.err(f.Truncate(size))
			data, err := r.fs.ReadFile(r.path("/f"))
			r.err(err, len(data), strings.Count(string(data), "x"))
		}
		r.err(f.Truncate(-1))
		r.note(f.Seek(0, io.SeekCurrent))
	}, `
		ok
		150000 150000 ok
		ok
		65536 65536 ok
		ok
		5 5 ok
		ok
		10 5 ok
		ok
		0 0 ok
		ok
		3 0 ok
		truncate /f: invalid argument
		0 <nil>`},
	{"a write after a truncation leaves a hole", func(r *rig) {
		f := r.open("/f", rdwr|create)
		n, err := f.Write([]byte("abc"))
		r.err(err, n)
		r.err(f.Truncate(2))
		n, err = f.Write([]byte("d"))
		r.err(err, n)
		data, err := r.fs.ReadFile(r.path("/f"))
		r.err(err, data)
	}, `
		3 ok
		ok
		1 ok
		[97 98 0 100] ok`},
	{"ReadAt and WriteAt leave the offset", func(r *rig) {
		r.file("/f", "hello")
		f := r.open("/f", rdwr)
		p := make([]byte, 3)
		n, err := f.ReadAt(p, 1)
		r.err(err, n, string(p))
		n, err = f.ReadAt(p, 3)
		r.err(err, n, string(p[:n]))
		n, err = f.ReadAt(p, 9)
		r.err(err, n)
		n, err = f.WriteAt([]byte("J"), 0)
		r.err(err, n)
		r.note(f.Seek(0, io.SeekCurrent))
		r.read("/f")
	}, `
		3 ell ok
		2 lo EOF
		0 EOF
		1 ok
		0 <nil>
		Jello ok`},
	{"a negative offset is refused", func(r *rig) {
		f := r.open("/f", rdwr|create)
		_, err := f.ReadAt(make([]byte, 1), -1)
		r.err(err)
		_, err = f.WriteAt([]byte("x"), -1)
		r.err(err)
	}, `
		readat /f: negative offset
		writeat /f: negative offset`},
	{"a handle does what it was opened for", func(r *rig) {
		w := r.open("/f", wronly|create)
		_, err := w.Read(make([]byte, 1))
		r.err(err)
		_, err = w.Read(nil)
		r.err(err)
		_, err = w.ReadAt(make([]byte, 1), 0)
		r.err(err)
		f := r.open("/f", rdonly)
		_, err = f.Write([]byte("x"))
		r.err(err)
		_, err = f.Write(nil)
		r.err(err)
		_, err = f.WriteAt([]byte("x"), 0)
		r.err(err)
		r.err(f.Truncate(0))
	}, `
		read /f: bad file descriptor
		ok
		read /f: bad file descriptor
		write /f: bad file descriptor
		write /f: bad file descriptor
		write /f: bad file descriptor
		truncate /f: invalid argument`},
	{"appending writes go to the end", func(r *rig) {
		r.file("/f", "one")
		a, b := r.open("/f", wronly|appnd), r.open("/f", rdwr|appnd)
		for _, f := range []file{a, b, a} {
			n, err := f.Write([]byte("+x"))
			r.err(err, n)
		}
		r.note(b.Seek(0, io.SeekCurrent))
		_, err := b.WriteAt([]byte("x"), 0)
		r.err(err)
		r.read("/f")
	}, `
		2 ok
		2 ok
		2 ok
		7 <nil>
		os: invalid use of WriteAt on file opened with O_APPEND
		one+x+x+x ok`},
	{"a removed file stays usable", func(r *rig) {
		r.file("/f", "old")
		f := r.open("/f", rdwr|appnd)
		r.err(r.fs.Remove(r.path("/f")))
		r.file("/f", "new")
		n, err := f.Write([]byte("er"))
		r.err(err, n)
		p := make([]byte, 9)
		n, err = f.ReadAt(p, 0)
		r.err(err, string(p[:n]))
		r.info(f.Stat())
		r.read("/f")
	}, `
		ok
		2 ok
		older EOF
		-rw------- 5 f
		new ok`},
	{"a file that was renamed over stays usable", func(r *rig) {
		r.file("/f", "old")
		r.file("/g", "new")
		f := r.open("/f", rdonly)
		r.err(r.fs.Rename(r.path("/g"), r.path("/f")))
		data, err := io.ReadAll(f)
		r.err(err, string(data))
		r.read("/f")
	}, `
		ok
		old ok
		new ok`},
	{"a removed directory has no entries", func(r *rig) {
		r.dir("/d")
		f := r.open("/d", rdonly)
		r.err(r.fs.Remove(r.path("/d")))
		entries, err := f.ReadDir(-1)
		r.err(err, len(entries))
		r.info(f.Stat())
	}, `
		ok
		0 readdirent /d: no such file or directory
		drwx------ d`},
	{"a closed file is of no use", func(r *rig) {
		f := r.open("/f", rdwr|create)
		r.err(f.Close())
		r.err(f.Close())
		_, err := f.Read(make([]byte, 1))
		r.err(err)
		_, err = f.Read(nil)
		r.err(err)
		_, err = f.Write([]byte("x"))
		r.err(err)
		_, err = f.ReadAt(make([]byte, 1), 0)
		r.err(err)
		_, err = f.WriteAt([]byte("x"), 0)
		r.err(err)
		_, err = f.Seek(0, io.SeekStart)
		r.err(err)
		_, err = f.Stat()
		r.err(err)
		r.err(f.Truncate(0))
		r.note(f.Name())
	}, `
		ok
		close /f: file already closed
		read /f: file already closed
		read /f: file already closed
		write /f: file already closed
		read /f: file already closed
		write /f: file already closed
		seek /f: file already closed
		stat /f: file already closed
		truncate /f: file already closed
		/f`},
	{"WriteFile replaces what a file holds", func(r *rig) {
		r.file("/f", "longer")
		r.file("/f", "short")
		r.read("/f")
		r.file("/f", "")
		r.read("/f")
		r.dir("/d")
		r.err(r.fs.WriteFile(r.path("/d"), nil, 0o644))
		r.err(r.fs.WriteFile(r.path("/no/f"), nil, 0o644))
	}, `
		short ok
		 ok
		open /d: is a directory
		open /no/f: no such file or directory`},
	{"a name is any bytes", func(r *rig) {
		r.file("/\xff\xfe", "bytes")
		r.file("/...", "dots")
		r.file("/ü\n", "ü")
		r.read("/\xff\xfe")
		r.read("/...")
		r.read("/ü\n")
		r.err(r.fs.Remove(r.path("/...")))
	}, `
		bytes ok
		dots ok
		ü ok
		ok`},
}
