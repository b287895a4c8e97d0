package volume

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// filled returns a tree with some files; names that end in a slash are
// directories.
func filled(t testing.TB, files map[string]string) *Tree {
	tree := New(0)
	v := tree.View()
	for name, data := range files {
		if name[len(name)-1] == '/' {
			require.NoError(t, v.MkdirAll(name, 0o755))
			continue
		}
		if i := len(name) - len(baseOf(name)); i > 0 {
			require.NoError(t, v.MkdirAll(name[:i], 0o755))
		}
		require.NoError(t, v.WriteFile(name, []byte(data), 0o644))
	}
	return tree
}

func baseOf(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

func newView(t testing.TB, root *Tree, mounts ...Mount) *View {
	v, err := NewView(root, mounts...)
	require.NoError(t, err)
	return v
}

func nodeOf(t testing.TB, tree *Tree, name string) *Node {
	n, err := tree.View().Node(name)
	require.NoError(t, err)
	return n
}

func contents(t testing.TB, v *View, name string) string {
	data, err := v.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

func entriesOf(t testing.TB, v *View, name string) []string {
	entries, err := v.ReadDir(name)
	require.NoError(t, err)
	return names(entries)
}

func TestMountCoversWhatIsBeneath(t *testing.T) {
	root := filled(t, map[string]string{"/data/old": "root's", "/keep": ""})
	volume := filled(t, map[string]string{"/new": "volume's"})
	v := newView(t, root, Mount{Path: "/data", Node: volume.Root()})

	assert.Equal(t, []string{"- new"}, entriesOf(t, v, "/data"))
	assert.Equal(t, []string{"d data/", "- keep"}, entriesOf(t, v, "/data/.."))
	_, err := v.ReadFile("/data/old")
	assert.EqualError(t, err, "open /data/old: no such file or directory")
	require.NoError(t, v.WriteFile("data/more", nil, 0o644), "a path may be relative to the root")
	assert.Equal(t, []string{"- more", "- new"}, entriesOf(t, volume.View(), "/"))
	assert.Equal(t, []string{"- old"}, entriesOf(t, root.View(), "/data"), "the root's own view")
}

func TestMountPointsAreMade(t *testing.T) {
	root, outer, inner := New(0), New(0), New(0)
	hosts := nodeOf(t, filled(t, map[string]string{"/hosts": "127.0.0.1\tlocalhost\n"}), "/hosts")
	v := newView(t, root,
		Mount{Path: "/a/b/c/d", Node: inner.Root()}, // deeper, so it is mounted last
		Mount{Path: "a//b/", Node: outer.Root()},
		Mount{Path: "/etc/hosts", Node: hosts},
		Mount{Path: "bare", Node: hosts})

	assert.Equal(t, []string{"d a/", "- bare", "d etc/"}, entriesOf(t, root.View(), "/"))
	assert.Equal(t, []string{"d b/"}, entriesOf(t, root.View(), "/a"))
	assert.Empty(t, entriesOf(t, root.View(), "/a/b"))
	assert.Equal(t, []string{"d c/"}, entriesOf(t, outer.View(), "/"))
	assert.Empty(t, contents(t, root.View(), "/etc/hosts"))

	assert.Equal(t, "127.0.0.1\tlocalhost\n", contents(t, v, "/etc/hosts"))
	assert.Equal(t, "127.0.0.1\tlocalhost\n", contents(t, v, "/bare"))
	require.NoError(t, v.WriteFile("/a/b/c/d/f", nil, 0o644))
	assert.Equal(t, []string{"- f"}, entriesOf(t, inner.View(), "/"))
}

func TestMountThatCannotBe(t *testing.T) {
	gone := filled(t, map[string]string{"/f": ""})
	goneNode := nodeOf(t, gone, "/f")
	require.NoError(t, gone.View().Remove("/f"))

	for name, c := range map[string]struct {
		mounts []Mount
		want   string
	}{
		"inside a read-only mount":      {[]Mount{{"/a", New(0).Root(), true}, {"/a/b", New(0).Root(), false}}, "mount /a/b: read-only file system"},
		"a directory on a file":         {[]Mount{{"/file", New(0).Root(), false}}, "mount /file: not a directory"},
		"a file on a directory":         {[]Mount{{"/dir", nodeOf(t, filled(t, map[string]string{"/f": ""}), "/f"), false}}, "mount /dir: not a directory"},
		"beneath a file":                {[]Mount{{"/file/x", New(0).Root(), false}}, "mount /file/x: not a directory"},
		"a file beneath a file":         {[]Mount{{"/file/x", nodeOf(t, filled(t, map[string]string{"/f": ""}), "/f"), false}}, "mount /file/x: not a directory"},
		"in the place of a broken link": {[]Mount{{"/link", New(0).Root(), false}}, "mount /link: file exists"},
		"of nothing":                    {[]Mount{{"/dir", nil, false}}, "mount /dir: invalid argument"},
		"of a removed file":             {[]Mount{{"/file", goneNode, false}}, "mount /file: no such file or directory"},
		"at no path":                    {[]Mount{{"", New(0).Root(), false}}, "mount : no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			root := filled(t, map[string]string{"/dir/": "", "/file": ""})
			require.NoError(t, root.View().Symlink("nowhere", "/link"))
			v, err := NewView(root, c.mounts...)
			assert.EqualError(t, err, c.want)
			assert.Nil(t, v)
		})
	}
}

func TestMountPathGoesThroughLinks(t *testing.T) {
	root := filled(t, map[string]string{"/var/run/": ""})
	require.NoError(t, root.View().Symlink("/var/run", "/run"))
	v := newView(t, root, Mount{Path: "/run/secrets", Node: filled(t, map[string]string{"/token": "x"}).Root()})
	assert.Equal(t, "x", contents(t, v, "/var/run/secrets/token"))
	assert.Equal(t, "x", contents(t, v, "/run/secrets/token"))
}

func TestReadOnlyMountRefusesChanges(t *testing.T) {
	volume := filled(t, map[string]string{"/f": "data", "/d/": "", "/g": ""})
	require.NoError(t, volume.View().Mknod("/null", 0o666, Device{}))
	mtime := nodeOf(t, volume, "/f").info("f").ModTime()
	v := newView(t, New(0), Mount{"/ro", volume.Root(), true}, Mount{"/rw", volume.Root(), false})

	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"create":                 {v.WriteFile("/ro/new", nil, 0o644), "open /ro/new: read-only file system"},
		"write":                  {v.WriteFile("/ro/f", nil, 0o644), "open /ro/f: read-only file system"},
		"truncate":               {second(v.OpenFile("/ro/f", os.O_RDONLY|os.O_TRUNC, 0)), "open /ro/f: read-only file system"},
		"mkdir":                  {v.Mkdir("/ro/new", 0o755), "mkdir /ro/new: read-only file system"},
		"mkdir of what exists":   {v.Mkdir("/ro/d", 0o755), "mkdir /ro/d: file exists"},
		"mkdirall":               {v.MkdirAll("/ro/d/e/f", 0o755), "mkdir /ro/d/e: read-only file system"},
		"symlink":                {v.Symlink("x", "/ro/l"), "symlink x /ro/l: read-only file system"},
		"symlink with a slash":   {v.Symlink("x", "/ro/l/"), "symlink x /ro/l/: no such file or directory"},
		"remove":                 {v.Remove("/ro/f"), "remove /ro/f: read-only file system"},
		"remove of a directory":  {v.Remove("/ro/d"), "remove /ro/d: read-only file system"},
		"remove of nothing":      {v.Remove("/ro/no"), "remove /ro/no: read-only file system"},
		"removeall":              {v.RemoveAll("/ro/d"), "unlinkat /ro/d: read-only file system"},
		"removeall of the mount": {v.RemoveAll("/ro"), "unlinkat /ro/d: read-only file system"},
		"rename":                 {v.Rename("/ro/f", "/ro/h"), "rename /ro/f /ro/h: read-only file system"},
		"rename of nothing":      {v.Rename("/ro/no", "/ro/h"), "rename /ro/no /ro/h: read-only file system"},
		"chmod":                  {v.Chmod("/ro/f", 0o600), "chmod /ro/f: read-only file system"},
		"chmod of the mount":     {v.Chmod("/ro", 0o777), "chmod /ro: read-only file system"},
		"chmod of nothing":       {v.Chmod("/ro/no", 0o600), "chmod /ro/no: no such file or directory"},
		"chtimes":                {v.Chtimes("/ro/f", time.Time{}, noon), "chtimes /ro/f: read-only file system"},
		"write of a directory":   {v.WriteFile("/ro/d", nil, 0o644), "open /ro/d: is a directory"},
		"mknod":                  {v.Mknod("/ro/n", 0o644, Device{}), "mknod /ro/n: read-only file system"},
		"exclusive create":       {second(v.OpenFile("/ro/f", os.O_CREATE|os.O_EXCL, 0)), "open /ro/f: file exists"},
	} {
		t.Run(name, func(t *testing.T) { assert.EqualError(t, c.err, c.want) })
	}

	assert.Equal(t, "data", contents(t, v, "/ro/f"))
	assert.Equal(t, mtime, nodeOf(t, volume, "/f").info("f").ModTime())
	f, err := v.OpenFile("/ro/f", os.O_RDONLY|os.O_CREATE, 0)
	require.NoError(t, err, "O_CREATE of what exists changes nothing")
	require.NoError(t, f.Close())
	assert.NoError(t, v.WriteFile("/ro/null", []byte("x"), 0o644), "a device is no part of the file system")
	assert.NoError(t, v.WriteFile("/rw/f", []byte("other"), 0o644))
	assert.Equal(t, "other", contents(t, v, "/ro/f"), "read-only is the mount, not the volume")
}

func second(_ *File, err error) error { return err }

func TestMountPointIsBusy(t *testing.T) {
	root := filled(t, map[string]string{"/f": "", "/d/": ""})
	hosts := nodeOf(t, filled(t, map[string]string{"/hosts": "x"}), "/hosts")
	volume := filled(t, map[string]string{"/f": ""})
	v := newView(t, root, Mount{Path: "/v", Node: volume.Root()}, Mount{Path: "/etc/hosts", Node: hosts})

	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"remove of a directory": {v.Remove("/v"), "remove /v: device or resource busy"},
		"remove of a file":      {v.Remove("/etc/hosts"), "remove /etc/hosts: device or resource busy"},
		"remove of the root":    {v.Remove("/"), "remove /: device or resource busy"},
		"rename of a directory": {v.Rename("/v", "/w"), "rename /v /w: device or resource busy"},
		"rename of a file":      {v.Rename("/etc/hosts", "/w"), "rename /etc/hosts /w: device or resource busy"},
		"rename over a file":    {v.Rename("/f", "/etc/hosts"), "rename /f /etc/hosts: device or resource busy"},
		"rename over a volume":  {v.Rename("/d", "/v"), "rename /d /v: file exists"},
		"rename(2) over it":     {pathError("rename", "/v", v.rename("/d", "/v")), "rename /v: device or resource busy"},
		"rename out of a mount": {v.Rename("/v/f", "/g"), "rename /v/f /g: invalid cross-device link"},
		"rename into a mount":   {v.Rename("/f", "/v/g"), "rename /f /v/g: invalid cross-device link"},
		"removeall of the file": {v.RemoveAll("/etc/hosts"), "unlinkat /etc/hosts: device or resource busy"},
		"removeall above it":    {v.RemoveAll("/etc"), "unlinkat /etc/hosts: device or resource busy"},
	} {
		t.Run(name, func(t *testing.T) { assert.EqualError(t, c.err, c.want) })
	}
	require.NoError(t, v.Rename("/etc", "/moved"), "a mount moves with a directory above it")
	assert.Equal(t, "x", contents(t, v, "/moved/hosts"))
}

func TestRemoveAllEmptiesMounts(t *testing.T) {
	volume := filled(t, map[string]string{"/a/b": "", "/c": ""})
	root := filled(t, map[string]string{"/x/f": "", "/y": ""})
	v := newView(t, root, Mount{Path: "/x/v", Node: volume.Root()})
	assert.EqualError(t, v.RemoveAll("/"), "unlinkat /x/v: device or resource busy")
	assert.Empty(t, entriesOf(t, volume.View(), "/"))
	assert.Equal(t, []string{"d x/"}, entriesOf(t, v, "/"))
	assert.Equal(t, []string{"d v/"}, entriesOf(t, v, "/x"))

	bare := filled(t, map[string]string{"/x/f": "", "/y": ""}).View()
	assert.EqualError(t, bare.RemoveAll("//"), "unlinkat //: device or resource busy")
	assert.Empty(t, entriesOf(t, bare, "/"))
}

func TestTwoMountsOfOneTreeAreTwo(t *testing.T) {
	volume := filled(t, map[string]string{"/f": "x"})
	v := newView(t, New(0), Mount{Path: "/a", Node: volume.Root()}, Mount{Path: "/b", Node: volume.Root()})
	assert.EqualError(t, v.Rename("/a/f", "/b/g"), "rename /a/f /b/g: invalid cross-device link")
	require.NoError(t, v.Rename("/a/f", "/a/g"))
	assert.Equal(t, "x", contents(t, v, "/b/g"))
}

func TestLaterMountOnOnePathCoversTheEarlier(t *testing.T) {
	one, two := filled(t, map[string]string{"/1": ""}), filled(t, map[string]string{"/2": ""})
	v := newView(t, New(0), Mount{Path: "/v", Node: one.Root()}, Mount{Path: "/v/", Node: two.Root()})
	assert.Equal(t, []string{"- 2"}, entriesOf(t, v, "/v"))
	v = newView(t, New(0), Mount{Path: "/", Node: one.Root()}, Mount{Path: "/1x", Node: two.Root()})
	assert.Equal(t, []string{"- 1", "d 1x/"}, entriesOf(t, v, "/"))
	assert.Equal(t, []string{"- 2"}, entriesOf(t, v, "/../1x/../1x"))
}

func TestNothingLeadsOutOfARoot(t *testing.T) {
	volume := filled(t, map[string]string{"/secret": "s", "/part/f": "f"})
	part := nodeOf(t, volume, "/part")
	require.NoError(t, volume.View().Symlink("/secret", "/part/absolute"))
	require.NoError(t, volume.View().Symlink("../secret", "/part/relative"))
	v := newView(t, filled(t, map[string]string{"/secret": "root's"}), Mount{Path: "/part", Node: part})

	assert.Equal(t, "f", contents(t, v, "/part/../../../part/f"), "beneath the root is the root")
	assert.Equal(t, "root's", contents(t, v, "/part/absolute"), "a link begins at the view's root")
	assert.Equal(t, "root's", contents(t, v, "/part/relative"), ".. leaves the mount, not into its volume")
	assert.Equal(t, "root's", contents(t, v, "../secret"))

	// Even if the directory moves in its volume while it is in use.
	require.NoError(t, volume.View().Mkdir("/part/sub", 0o755))
	sub := nodeOf(t, volume, "/part/sub")
	v = newView(t, New(0), Mount{Path: "/mnt", Node: sub})
	require.NoError(t, volume.View().Rename("/part/sub", "/elsewhere"))
	assert.Equal(t, []string{"d mnt/"}, entriesOf(t, v, "/mnt/.."))
}

func TestMountOutlivesTheNameOfItsNode(t *testing.T) {
	volume := New(10)
	require.NoError(t, volume.View().WriteFile("/f", []byte("12345"), 0o644))
	v := newView(t, New(0), Mount{Path: "/f", Node: nodeOf(t, volume, "/f")})
	require.NoError(t, volume.View().Remove("/f"))
	assert.Equal(t, "12345", contents(t, v, "/f"))
	require.NoError(t, v.WriteFile("/f", []byte("1234567890"), 0o644))
	assert.Equal(t, "1234567890", contents(t, v, "/f"))

	// A mounted directory that was removed is empty and takes nothing.
	require.NoError(t, volume.View().Mkdir("/d", 0o755))
	v = newView(t, New(0), Mount{Path: "/d", Node: nodeOf(t, volume, "/d")})
	require.NoError(t, volume.View().Remove("/d"))
	assert.EqualError(t, v.Mkdir("/d/e", 0o755), "mkdir /d/e: no such file or directory")
	assert.EqualError(t, second(v.Create("/d/f")), "open /d/f: no such file or directory")
	_, err := v.ReadDir("/d")
	assert.EqualError(t, err, "readdirent /d: no such file or directory")
}

// Between the walk to a directory and the change in it, another may remove it.
func TestRemovedDirectoryTakesNothing(t *testing.T) {
	tree := filled(t, map[string]string{"/f": "", "/d/": ""})
	d := nodeOf(t, tree, "/d")
	require.NoError(t, tree.View().Remove("/d"))
	assert.Equal(t, syscall.ENOENT, d.link("f", newFile(0)))
	assert.Equal(t, syscall.ENOENT, d.remove("f", false, func(*Node) bool { return false }))
	assert.Equal(t, syscall.ENOENT, rename(side{tree.Root(), "f", false}, side{d, "f", false}, func(*Node) bool { return false }))
	assert.Equal(t, []string{"- f"}, entriesOf(t, tree.View(), "/"))
}

func TestMountPointRemovedElsewhereTakesItsMountAlong(t *testing.T) {
	volume, inner := New(0), filled(t, map[string]string{"/f": ""})
	v := newView(t, New(0), Mount{Path: "/v", Node: volume.Root()}, Mount{Path: "/v/in", Node: inner.Root()})
	require.NoError(t, volume.View().Rename("/in", "/moved"))
	assert.Equal(t, []string{"- f"}, entriesOf(t, v, "/v/moved"))
	require.NoError(t, volume.View().Remove("/moved"))
	assert.Empty(t, entriesOf(t, v, "/v"))
}

func TestMknodReplacesNothing(t *testing.T) {
	v := filled(t, map[string]string{"/f": ""}).View()
	assert.EqualError(t, v.Mknod("/f", 0o666, Device{}), "mknod /f: file exists")
	assert.EqualError(t, v.Mknod("/n/", 0o666, Device{}), "mknod /n/: no such file or directory")
	_, err := v.Node("/no")
	assert.EqualError(t, err, "node /no: no such file or directory")
}

func TestUmask(t *testing.T) {
	v := New(0).View()
	require.NoError(t, v.Mkdir("/d", 0o777))
	require.NoError(t, v.WriteFile("/f", nil, 0o666))
	require.NoError(t, v.Mknod("/n", 0o666, Device{}))
	for name, want := range map[string]string{"/": "drwxr-xr-x", "/d": "drwxr-xr-x", "/f": "-rw-r--r--", "/n": "Dcrw-r--r--"} {
		info, err := v.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode().String(), name)
	}
}

func TestSysTellsFilesApart(t *testing.T) {
	v := filled(t, map[string]string{"/f": "", "/g": ""}).View()
	require.NoError(t, v.Symlink("f", "/l"))
	f, g, l := sys(t, v, "/f"), sys(t, v, "/g"), sys(t, v, "/l")
	assert.True(t, f == l)
	assert.False(t, f == g)
}

func sys(t *testing.T, v *View, name string) any {
	info, err := v.Stat(name)
	require.NoError(t, err)
	return info.Sys()
}

func TestSubIsAnFS(t *testing.T) {
	volume := filled(t, map[string]string{"/index.html": "hi", "/css/site.css": "{}"})
	v := newView(t, filled(t, map[string]string{"/etc/passwd": "root"}), Mount{Path: "/srv/www", Node: volume.Root()})
	require.NoError(t, v.Symlink("index.html", "/srv/www/link"))

	root, err := v.Sub("/")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(root, "etc/passwd", "srv/www/index.html", "srv/www/css/site.css", "srv/www/link"))
	www, err := v.Sub("srv/www/")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(www, "index.html", "css/site.css", "link"))
	css, err := fs.Sub(www, "css")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(css, "site.css"))

	_, err = fs.ReadFile(www, "no")
	assert.EqualError(t, err, "open no: no such file or directory", "the error names what was asked for")
	_, err = fs.ReadFile(www, "../../etc/passwd")
	assert.EqualError(t, err, "open ../../etc/passwd: invalid argument")
	_, err = www.Open("no")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = v.Sub("/etc/passwd")
	assert.EqualError(t, err, "sub /etc/passwd: not a directory")
	_, err = v.Sub("/no")
	assert.EqualError(t, err, "sub /no: no such file or directory")
	_, err = fs.Sub(www, "no")
	assert.EqualError(t, err, "sub no: no such file or directory")
}
