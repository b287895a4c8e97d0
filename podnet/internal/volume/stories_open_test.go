package volume

import (
	"io/fs"
	"strings"
)

// openStories tell how files are opened and paths resolved.
var openStories = []story{
	{"opening a missing file fails", func(r *rig) { r.tryOpen("/a", rdonly) }, `
		open /a: no such file or directory`},
	{"opening beneath a missing directory fails", func(r *rig) { r.tryOpen("/a/b", wronly|create) }, `
		open /a/b: no such file or directory`},
	{"opening beneath a file fails", func(r *rig) {
		r.file("/f", "")
		r.tryOpen("/f/b", rdonly)
		r.tryOpen("/f/b", wronly|create)
		r.tryOpen("/f/.", rdonly)
		r.tryOpen("/f/..", rdonly)
	}, `
		open /f/b: not a directory
		open /f/b: not a directory
		open /f/.: not a directory
		open /f/..: not a directory`},
	{"a slash after a file fails", func(r *rig) {
		r.file("/f", "")
		r.tryOpen("/f/", rdonly)
		r.tryOpen("/f/", wronly)
		r.tryOpen("/f//", wronly|create)
		r.tryOpen("/new/", wronly|create)
		r.stat("/f/")
		r.lstat("/f/")
	}, `
		open /f/: not a directory
		open /f/: not a directory
		open /f//: is a directory
		open /new/: is a directory
		stat /f/: not a directory
		lstat /f/: not a directory`},
	{"a directory can be read only", func(r *rig) {
		r.dir("/d")
		r.tryOpen("/d", rdonly)
		r.tryOpen("/d/", rdonly)
		r.tryOpen("/d", wronly)
		r.tryOpen("/d", rdwr)
		r.tryOpen("/d", rdonly|trunc)
		r.tryOpen("/d", rdonly|create)
		r.tryOpen("/d/.", rdonly|create)
		r.tryOpen("/d", wronly|create|excl)
		r.tryOpen("/d/..", rdonly|create|excl)
	}, `
		ok
		ok
		open /d: is a directory
		open /d: is a directory
		open /d: is a directory
		open /d: is a directory
		open /d/.: is a directory
		open /d: file exists
		open /d/..: file exists`},
	{"O_EXCL creates or fails", func(r *rig) {
		r.tryOpen("/f", wronly|create|excl)
		r.tryOpen("/f", wronly|create|excl)
		r.link("nowhere", "/l")
		r.tryOpen("/l", wronly|create|excl)
		r.list("/")
	}, `
		ok
		open /f: file exists
		open /l: file exists
		[- f L l] ok`},
	{"O_EXCL without O_CREATE means nothing", func(r *rig) {
		r.file("/f", "")
		r.tryOpen("/f", rdonly|excl)
		r.tryOpen("/g", rdonly|excl)
	}, `
		ok
		open /g: no such file or directory`},
	{"O_CREATE goes through a dangling link", func(r *rig) {
		r.link("target", "/l")
		r.tryOpen("/l", wronly|create)
		r.list("/")
		r.link("missing/target", "/m")
		r.tryOpen("/m", wronly|create)
		r.link("slash/", "/s")
		r.tryOpen("/s", wronly|create)
	}, `
		ok
		[L l - target] ok
		open /m: no such file or directory
		open /s: is a directory`},
	{"O_TRUNC empties a file, even of a reader", func(r *rig) {
		r.file("/f", "data")
		r.tryOpen("/f", wronly)
		r.stat("/f")
		r.tryOpen("/f", rdonly|trunc)
		r.stat("/f")
	}, `
		ok
		-rw------- 4 f
		ok
		-rw------- 0 f`},
	{"a mode is kept", func(r *rig) {
		f, err := r.fs.OpenFile(r.path("/f"), wronly|create, 0o600)
		r.err(err)
		f.Close()
		r.stat("/f")
		r.tryOpen("/f", wronly|create)
		r.stat("/f")
		r.err(r.fs.Mkdir(r.path("/d"), 0o700|fs.ModeSticky|fs.ModeSetuid))
		r.stat("/d")
	}, `
		ok
		-rw------- 0 f
		ok
		-rw------- 0 f
		ok
		dtrwx------ d`},
	{"a path without a name fails", func(r *rig) {
		_, err := r.fs.Stat("")
		r.err(err)
		_, err = r.fs.OpenFile("", wronly|create, 0o644)
		r.err(err)
		r.err(r.fs.Mkdir("", 0o700))
		r.err(r.fs.MkdirAll("", 0o700))
		r.err(r.fs.Remove(""))
		r.err(r.fs.RemoveAll(""))
		r.err(r.fs.Rename("", ""))
		r.err(r.fs.Symlink("", r.path("/l")))
		r.err(r.fs.Symlink("target", ""))
		r.err(r.fs.Chmod("", 0o644))
	}, `
		stat : no such file or directory
		open : no such file or directory
		mkdir : no such file or directory
		mkdir : no such file or directory
		remove : no such file or directory
		ok
		rename  : no such file or directory
		symlink  /l: no such file or directory
		symlink target : no such file or directory
		chmod : no such file or directory`},
	{"a path with a NUL fails", func(r *rig) {
		r.tryOpen("/a\x00b", rdonly)
		r.err(r.fs.Mkdir(r.path("/a\x00b"), 0o700))
		r.err(r.fs.Symlink("a\x00b", r.path("/l")))
		r.err(r.fs.Rename(r.path("/a\x00b"), r.path("/c")))
	}, `
		open /a\x00b: invalid argument
		mkdir /a\x00b: invalid argument
		symlink a\x00b /l: invalid argument
		rename /a\x00b /c: invalid argument`},

	{"slashes and dots mean nothing", func(r *rig) {
		r.dir("/d", "/d/e")
		r.file("/d/f", "x")
		r.read("//d///f")
		r.read("/./d/./f")
		r.read("/d/e/../f")
		r.read("/d/../d/e/../../d/f")
	}, `
		x ok
		x ok
		x ok
		x ok`},
	{"dots after a missing directory fail", func(r *rig) {
		r.dir("/d")
		r.stat("/no/..")
		r.stat("/no/../d")
		r.stat("/d/.")
		r.stat("/d/..")
	}, `
		stat /no/..: no such file or directory
		stat /no/../d: no such file or directory
		drwx------ .
		drwx------ ..`},
	{"a name has at most 255 bytes", func(r *rig) {
		r.file("/"+longName, "x")
		r.tryOpen("/"+longName+"n", rdonly)
		r.tryOpen("/"+longName+"n", wronly|create)
		r.tryOpen("/missing/"+longName+"n", rdonly)
		r.tryOpen("/"+longName+"/"+longName+"n", rdonly)
		r.err(r.fs.Mkdir(r.path("/"+longName+"n"), 0o700))
		r.err(r.fs.Remove(r.path("/" + longName + "n")))
		r.err(r.fs.RemoveAll(r.path("/" + longName + "n")))
		r.err(r.fs.Symlink("target", r.path("/"+longName+"n")))
		r.err(r.fs.Rename(r.path("/"+longName), r.path("/"+longName+"n")))
		r.err(r.fs.Rename(r.path("/"+longName+"n"), r.path("/"+longName)))
	}, `
		open /<255>n: file name too long
		open /<255>n: file name too long
		open /missing/<255>n: no such file or directory
		open /<255>/<255>n: not a directory
		mkdir /<255>n: file name too long
		remove /<255>n: file name too long
		unlinkat /<255>n: file name too long
		symlink target /<255>n: file name too long
		rename /<255> /<255>n: file name too long
		rename /<255>n /<255>: file name too long`},
	{"a path has at most 4095 bytes", func(r *rig) {
		r.dir("/dd")
		for _, size := range []int{4095, 4096} {
			path := r.base + "/dd"
			if (size-len(path))%2 == 1 {
				path += "/"
			}
			path += strings.Repeat("/.", (size-len(path))/2)
			_, err := r.fs.Stat(path)
			r.note(len(path), kind(err))
			r.note(kind(r.fs.Symlink(path, r.path("/l"))))
		}
	}, `
		4095 ok
		ok
		4096 PathError:stat ENAMETOOLONG
		LinkError:symlink ENAMETOOLONG`},
	{"links are followed", func(r *rig) {
		r.dir("/d", "/d/e")
		r.file("/d/e/f", "x")
		r.link("d", "/relative")
		r.link("/d/e", "/d/absolute")
		r.link("../e/./f", "/d/e/up")
		r.link("relative/absolute", "/both")
		r.read("/relative/e/f")
		r.read("/d/absolute/f")
		r.read("/d/e/up")
		r.read("/both/f")
		r.read("/both/../e/f")
		r.stat("/both")
		r.lstat("/relative")
		r.stat("/both/../../d")
	}, `
		x ok
		x ok
		x ok
		x ok
		x ok
		drwx------ both
		Lrwxrwxrwx 1 relative
		drwx------ d`},
	{"a slash after a link leads through it", func(r *rig) {
		r.dir("/d")
		r.file("/f", "")
		r.link("d", "/ld")
		r.link("f", "/lf")
		r.link("f/", "/ls")
		r.link("no", "/ln")
		r.lstat("/ld")
		r.lstat("/ld/")
		r.lstat("/lf/")
		r.lstat("/ln/")
		r.lstat("/ls")
		r.stat("/ls")
		_, err := r.fs.Readlink(r.path("/ld/"))
		r.err(err)
	}, `
		Lrwxrwxrwx 1 ld
		drwx------ ld
		lstat /lf/: not a directory
		lstat /ln/: no such file or directory
		Lrwxrwxrwx 2 ls
		stat /ls: not a directory
		readlink /ld/: invalid argument`},
	{"forty links are the most", func(r *rig) {
		r.dir("/0")
		for i := range 41 {
			r.link(string(rune('0'+i)), "/"+string(rune('1'+i)))
		}
		r.stat("/" + string(rune('0'+40)))
		r.stat("/" + string(rune('0'+41)))
		r.lstat("/" + string(rune('0'+41)))
	}, `
		drwx------ X
		stat /Y: too many levels of symbolic links
		Lrwxrwxrwx 1 Y`},
	{"links in a circle fail", func(r *rig) {
		r.link("b", "/a")
		r.link("a", "/b")
		r.stat("/a")
		r.stat("/a/x")
		r.tryOpen("/a", wronly|create)
		r.lstat("/a")
		r.err(r.fs.Mkdir(r.path("/a"), 0o700))
		r.err(r.fs.MkdirAll(r.path("/a"), 0o700))
		r.err(r.fs.Remove(r.path("/a/x")))
		r.err(r.fs.RemoveAll(r.path("/a/x")))
		r.err(r.fs.Remove(r.path("/a")))
	}, `
		stat /a: too many levels of symbolic links
		stat /a/x: too many levels of symbolic links
		open /a: too many levels of symbolic links
		Lrwxrwxrwx 1 a
		mkdir /a: file exists
		mkdir /a: file exists
		remove /a/x: too many levels of symbolic links
		open /a: too many levels of symbolic links
		ok`},
	{"a dangling link fails where it is followed", func(r *rig) {
		r.link("no/where", "/l")
		r.stat("/l")
		r.lstat("/l")
		r.tryOpen("/l", rdonly)
		r.read("/l/x")
		r.err(r.fs.Chmod(r.path("/l"), 0o600))
		target, err := r.fs.Readlink(r.path("/l"))
		r.err(err, target)
	}, `
		stat /l: no such file or directory
		Lrwxrwxrwx 8 l
		open /l: no such file or directory
		 open /l/x: no such file or directory
		chmod /l: no such file or directory
		no/where ok`},
	{"only a link has a target", func(r *rig) {
		r.file("/f", "")
		for _, name := range []string{"/f", "/", "/no"} {
			target, err := r.fs.Readlink(r.path(name))
			r.err(err, target)
		}
	}, `
		 readlink /f: invalid argument
		 readlink /: invalid argument
		 readlink /no: no such file or directory`},
	{"a link replaces nothing", func(r *rig) {
		r.file("/f", "")
		r.dir("/d")
		r.err(r.fs.Symlink("x", r.path("/f")))
		r.err(r.fs.Symlink("x", r.path("/d")))
		r.err(r.fs.Symlink("x", r.path("/d/")))
		r.err(r.fs.Symlink("x", r.path("/d/..")))
		r.err(r.fs.Symlink("x", r.path("/new/")))
		r.err(r.fs.Symlink("x", r.path("/no/l")))
		r.err(r.fs.Symlink("x", r.path("/f/l")))
	}, `
		symlink x /f: file exists
		symlink x /d: file exists
		symlink x /d/: file exists
		symlink x /d/..: file exists
		symlink x /new/: no such file or directory
		symlink x /no/l: no such file or directory
		symlink x /f/l: not a directory`},
}
