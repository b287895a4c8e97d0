package volume

import (
	"io"
	"io/fs"
	"time"
)

// nameStories tell how directories, names and attributes change.
var nameStories = []story{
	{"a directory is made once", func(r *rig) {
		r.err(r.fs.Mkdir(r.path("/d"), 0o700))
		r.err(r.fs.Mkdir(r.path("/d"), 0o700))
		r.err(r.fs.Mkdir(r.path("/d/"), 0o700))
		r.err(r.fs.Mkdir(r.path("/d/."), 0o700))
		r.err(r.fs.Mkdir(r.path("/d/.."), 0o700))
		r.err(r.fs.Mkdir(r.path("/e//"), 0o700))
		r.list("/")
	}, `
		ok
		mkdir /d: file exists
		mkdir /d/: file exists
		mkdir /d/.: file exists
		mkdir /d/..: file exists
		ok
		[d d/ d e/] ok`},
	{"a directory needs a parent", func(r *rig) {
		r.file("/f", "")
		r.err(r.fs.Mkdir(r.path("/no/d"), 0o700))
		r.err(r.fs.Mkdir(r.path("/f/d"), 0o700))
		r.err(r.fs.Mkdir(r.path("/f"), 0o700))
		r.err(r.fs.Mkdir(r.path("/f/"), 0o700))
		r.err(r.fs.Mkdir(r.path("/no/.."), 0o700))
	}, `
		mkdir /no/d: no such file or directory
		mkdir /f/d: not a directory
		mkdir /f: file exists
		mkdir /f/: file exists
		mkdir /no/..: no such file or directory`},
	{"a directory is not made through a link", func(r *rig) {
		r.link("target", "/l")
		r.err(r.fs.Mkdir(r.path("/l"), 0o700))
		r.err(r.fs.Mkdir(r.path("/l/"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/l"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/l/d"), 0o700))
	}, `
		mkdir /l: file exists
		mkdir /l/: file exists
		mkdir /l: file exists
		mkdir /l: file exists`},
	{"MkdirAll makes what is missing", func(r *rig) {
		r.err(r.fs.MkdirAll(r.path("/a/b/c"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/a/b/c"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/a//x///y//"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/a/new/."), 0o700))
		r.err(r.fs.MkdirAll(r.path("/a/other/../third"), 0o700))
		r.list("/a")
		r.list("/a/x")
	}, `
		ok
		ok
		ok
		ok
		ok
		[d b/ d new/ d other/ d third/ d x/] ok
		[d y/] ok`},
	{"MkdirAll stops at a file", func(r *rig) {
		r.dir("/d")
		r.file("/d/f", "")
		r.err(r.fs.MkdirAll(r.path("/d/f"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/d/f/"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/d/f/x/y"), 0o700))
	}, `
		mkdir /d/f: not a directory
		mkdir /d/f/: file exists
		mkdir /d/f: not a directory`},
	{"MkdirAll goes through links", func(r *rig) {
		r.dir("/d")
		r.link("/d", "/l")
		r.err(r.fs.MkdirAll(r.path("/l"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/l/a/b"), 0o700))
		r.list("/d")
	}, `
		ok
		ok
		[d a/] ok`},
	{"a directory lists its entries by name", func(r *rig) {
		r.dir("/b", "/empty")
		r.file("/c", "")
		r.file("/B", "")
		r.link("b", "/a")
		r.list("/")
		r.list("/a")
		r.list("/empty")
		r.list("/a/")
	}, `
		[- B L a d b/ - c d empty/] ok
		[] ok
		[] ok
		[] ok`},
	{"only a directory has entries", func(r *rig) {
		r.file("/f", "")
		r.link("f", "/l")
		r.list("/f")
		r.list("/l")
		r.list("/no")
		_, err := r.open("/f", rdonly).ReadDir(-1)
		r.err(err)
	}, `
		[] open /f: not a directory
		[] open /l: not a directory
		[] open /no: no such file or directory
		readdirent /f: not a directory`},
	{"a directory's handle reads its entries in parts", func(r *rig) {
		r.dir("/d", "/d/1", "/d/2", "/d/3")
		f := r.open("/d", rdonly)
		for range 3 {
			part, err := f.ReadDir(2)
			r.err(err, len(part))
		}
		rest, err := f.ReadDir(0)
		r.err(err, len(rest))
		r.note(f.Seek(0, io.SeekStart))
		rest, err = f.ReadDir(-1)
		r.err(err, len(rest))
	}, `
		2 ok
		1 ok
		0 EOF
		0 ok
		0 <nil>
		3 ok`},
	{"a directory's handle has no bytes", func(r *rig) {
		r.dir("/d")
		f := r.open("/d", rdonly)
		_, err := f.Read(make([]byte, 1))
		r.err(err)
		_, err = f.ReadAt(make([]byte, 1), 0)
		r.err(err)
		_, err = f.Write([]byte("x"))
		r.err(err)
		_, err = f.WriteAt([]byte("x"), 0)
		r.err(err)
		r.err(f.Truncate(0))
		r.read("/d")
	}, `
		read /d: is a directory
		read /d: is a directory
		write /d: bad file descriptor
		write /d: bad file descriptor
		truncate /d: invalid argument
		 read /d: is a directory`},

	{"Remove removes one thing", func(r *rig) {
		r.dir("/empty", "/full", "/full/d")
		r.file("/f", "")
		r.link("full", "/l")
		for _, name := range []string{"/f", "/f", "/empty", "/full", "/l", "/l", "/no/x", "/full/d/", "/full"} {
			r.err(r.fs.Remove(r.path(name)))
		}
		r.list("/")
	}, `
		ok
		remove /f: no such file or directory
		ok
		remove /full: directory not empty
		ok
		remove /l: no such file or directory
		remove /no/x: no such file or directory
		ok
		ok
		[] ok`},
	{"Remove refuses what is no name", func(r *rig) {
		r.dir("/d")
		r.file("/f", "")
		r.link("d", "/l")
		for _, name := range []string{"/d/.", "/d/..", "/f/", "/f/x", "/l/", "/no/", "/no/..", "/f/.."} {
			r.err(r.fs.Remove(r.path(name)))
		}
	}, `
		remove /d/.: invalid argument
		remove /d/..: directory not empty
		remove /f/: not a directory
		remove /f/x: not a directory
		remove /l/: not a directory
		remove /no/: no such file or directory
		remove /no/..: no such file or directory
		remove /f/..: not a directory`},
	{"RemoveAll removes all beneath", func(r *rig) {
		r.err(r.fs.MkdirAll(r.path("/d/a/b/c"), 0o700))
		r.dir("/keep")
		r.file("/keep/f", "")
		r.file("/d/a/f", "")
		r.link("/keep", "/d/a/l")
		r.err(r.fs.RemoveAll(r.path("/d")))
		r.err(r.fs.RemoveAll(r.path("/d")))
		r.list("/")
		r.list("/keep")
		r.err(r.fs.RemoveAll(r.path("/keep/f")))
		r.err(r.fs.RemoveAll(r.path("/keep///")))
		r.list("/")
	}, `
		ok
		ok
		ok
		[d keep/] ok
		[- f] ok
		ok
		ok
		[] ok`},
	{"RemoveAll of a link leaves its target", func(r *rig) {
		r.dir("/d")
		r.file("/d/f", "")
		r.link("d", "/l")
		r.err(r.fs.RemoveAll(r.path("/l")))
		r.list("/")
	}, `
		ok
		[d d/] ok`},
	{"RemoveAll refuses what is no name", func(r *rig) {
		r.dir("/d", "/d/e")
		r.file("/f", "")
		for _, name := range []string{"/d/.", "/f/x", "/f/x/y", "/f/", "/no/x", "/d/e/..", "/no/.."} {
			r.err(r.fs.RemoveAll(r.path(name)))
		}
		r.list("/")
		r.list("/d")
	}, `
		RemoveAll /d/.: invalid argument
		unlinkat /f/x: not a directory
		open /f/x: not a directory
		ok
		ok
		unlinkat /d/e/..: directory not empty
		ok
		[d d/] ok
		[] ok`},

	{"a file is renamed over a file", func(r *rig) {
		r.file("/a", "a")
		r.file("/b", "b")
		r.dir("/d")
		r.err(r.fs.Rename(r.path("/a"), r.path("/b")))
		r.err(r.fs.Rename(r.path("/b"), r.path("/d/c")))
		r.err(r.fs.Rename(r.path("/d/c"), r.path("/d/c")))
		r.list("/")
		r.read("/d/c")
	}, `
		ok
		ok
		ok
		[d d/] ok
		a ok`},
	{"a rename needs both ends", func(r *rig) {
		r.file("/f", "")
		r.err(r.fs.Rename(r.path("/no"), r.path("/x")))
		r.err(r.fs.Rename(r.path("/f"), r.path("/no/x")))
		r.err(r.fs.Rename(r.path("/f/x"), r.path("/x")))
		r.err(r.fs.Rename(r.path("/f"), r.path("/f/x")))
		r.err(r.fs.Rename(r.path("/f/"), r.path("/x")))
		r.err(r.fs.Rename(r.path("/f"), r.path("/x/")))
		r.err(r.fs.Rename(r.path("/no"), r.path("/")))
	}, `
		rename /no /x: no such file or directory
		rename /f /no/x: no such file or directory
		rename /f/x /x: not a directory
		rename /f /f/x: not a directory
		rename /f/ /x: not a directory
		rename /f /x/: not a directory
		rename /no /: no such file or directory`},
	{"a rename replaces no directory", func(r *rig) {
		r.file("/f", "")
		r.dir("/a", "/b", "/a/x")
		r.link("a", "/l")
		r.err(r.fs.Rename(r.path("/f"), r.path("/b")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/b")))
		r.err(r.fs.Rename(r.path("/b"), r.path("/a")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/f")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/a")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/a/")))
		r.err(r.fs.Rename(r.path("/a/x"), r.path("/a")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/l")))
	}, `
		rename /f /b: file exists
		rename /a /b: file exists
		rename /b /a: file exists
		rename /a /f: not a directory
		rename /a /a: file exists
		ok
		rename /a/x /a: file exists
		rename /a /l: not a directory`},
	{"a directory does not go into itself", func(r *rig) {
		r.dir("/a", "/a/b")
		r.err(r.fs.Rename(r.path("/a"), r.path("/a/c")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/a/b/c")))
		r.err(r.fs.Rename(r.path("/a/b"), r.path("/a/b/c")))
		r.err(r.fs.Rename(r.path("/a/b"), r.path("/c/")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/c/a")))
		r.list("/c")
		r.stat("/c/a/../a/..")
	}, `
		rename /a /a/c: invalid argument
		rename /a /a/b/c: invalid argument
		rename /a/b /a/b/c: invalid argument
		ok
		ok
		[d a/] ok
		drwx------ ..`},
	{"a rename of dots is refused", func(r *rig) {
		r.dir("/a", "/b")
		r.err(r.fs.Rename(r.path("/a/."), r.path("/c")))
		r.err(r.fs.Rename(r.path("/a/.."), r.path("/c")))
		r.err(r.fs.Rename(r.path("/a"), r.path("/b/.")))
	}, `
		rename /a/. /c: device or resource busy
		rename /a/.. /c: device or resource busy
		rename /a /b/.: file exists`},
	{"a link is renamed itself", func(r *rig) {
		r.file("/f", "f")
		r.file("/g", "g")
		r.link("f", "/l")
		r.err(r.fs.Rename(r.path("/l"), r.path("/m")))
		r.lstat("/m")
		r.err(r.fs.Rename(r.path("/g"), r.path("/m")))
		r.lstat("/m")
		r.read("/f")
		r.err(r.fs.Rename(r.path("/f"), r.path("/m/")))
	}, `
		ok
		Lrwxrwxrwx 1 m
		ok
		-rw------- 1 m
		f ok
		rename /f /m/: not a directory`},

	{"Stat and Lstat describe", func(r *rig) {
		r.file("/f", "12345")
		r.dir("/d")
		r.link("f", "/l")
		r.stat("/f")
		r.stat("/d")
		r.stat("/d///")
		r.stat("/d/.")
		r.stat("/l")
		r.lstat("/l")
		r.lstat("/no")
	}, `
		-rw------- 5 f
		drwx------ d
		drwx------ d
		drwx------ .
		-rw------- 5 l
		Lrwxrwxrwx 1 l
		lstat /no: no such file or directory`},
	{"Chmod sets a mode", func(r *rig) {
		r.file("/f", "")
		r.link("f", "/l")
		r.err(r.fs.Chmod(r.path("/f"), 0o400))
		r.stat("/f")
		r.err(r.fs.Chmod(r.path("/l"), 0o777|fs.ModeSetuid|fs.ModeSticky))
		r.stat("/f")
		r.dir("/d")
		r.err(r.fs.Chmod(r.path("/d"), 0o777|fs.ModeSticky))
		r.stat("/d")
		r.err(r.fs.Chmod(r.path("/no"), 0o777))
	}, `
		ok
		-r-------- 0 f
		ok
		utrwxrwxrwx 0 f
		ok
		dtrwxrwxrwx d
		chmod /no: no such file or directory`},
	{"Chtimes sets a time", func(r *rig) {
		r.file("/f", "")
		mtime := func() {
			info, err := r.fs.Stat(r.path("/f"))
			r.err(err, info.ModTime().UTC())
		}
		r.err(r.fs.Chtimes(r.path("/f"), noon, noon))
		mtime()
		r.err(r.fs.Chtimes(r.path("/f"), time.Time{}, noon.Add(time.Nanosecond)))
		mtime()
		r.err(r.fs.Chtimes(r.path("/f"), noon, time.Time{}))
		mtime()
		r.err(r.fs.Chtimes(r.path("/no"), noon, noon))
	}, `
		ok
		2026-01-02 12:00:00 +0000 UTC ok
		ok
		2026-01-02 12:00:00.000000001 +0000 UTC ok
		ok
		2026-01-02 12:00:00.000000001 +0000 UTC ok
		chtimes /no: no such file or directory`},
	{"a change sets the time", func(r *rig) {
		r.dir("/d")
		changes := func(name string, change func()) {
			r.err(r.fs.Chtimes(r.path(name), noon, noon))
			change()
			info, err := r.fs.Stat(r.path(name))
			r.err(err, !info.ModTime().Equal(noon))
		}
		changes("/d", func() { r.file("/d/f", "") })
		changes("/d", func() { r.file("/d/f", "again") })
		changes("/d/f", func() { r.file("/d/f", "more") })
		changes("/d/f", func() { r.err(r.fs.Chmod(r.path("/d/f"), 0o600)) })
		changes("/d/f", func() { r.open("/d/f", rdwr) })
		changes("/d/f", func() { r.err(r.open("/d/f", rdwr).Truncate(2)) })
		changes("/d", func() { r.err(r.fs.Rename(r.path("/d/f"), r.path("/d/g"))) })
		changes("/d", func() { r.err(r.fs.Remove(r.path("/d/g"))) })
		changes("/d", func() { r.link("x", "/d/l") })
	}, `
		ok
		true ok
		ok
		false ok
		ok
		true ok
		ok
		ok
		false ok
		ok
		false ok
		ok
		ok
		true ok
		ok
		ok
		true ok
		ok
		ok
		true ok
		ok
		true ok`},
}
