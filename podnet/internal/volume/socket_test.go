package volume

import (
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The behaviour of paths that package netstack can show through a socket is held
// against Linux there.

func TestSocketFile(t *testing.T) {
	v := New(0).View()
	require.NoError(t, v.Bind("/s", "the socket"))
	info, err := v.Lstat("/s")
	require.NoError(t, err)
	assert.Equal(t, "Srwxr-xr-x", info.Mode().String())
	assert.Zero(t, info.Size())
	require.NoError(t, v.Chmod("/s", 0o600))
	info, err = v.Stat("/s")
	require.NoError(t, err)
	assert.Equal(t, fs.ModeSocket|0o600, info.Mode())
	entries, err := v.ReadDir("/")
	require.NoError(t, err)
	assert.Equal(t, "S s", fs.FormatDirEntry(entries[0]))

	found, err := v.Lookup("/s")
	require.NoError(t, err)
	assert.Equal(t, "the socket", found)
	require.NoError(t, v.Rename("/s", "/t"))
	require.NoError(t, v.Symlink("t", "/link"))
	found, err = v.Lookup("/link")
	require.NoError(t, err)
	assert.Equal(t, "the socket", found)
	require.NoError(t, v.Remove("/t"))
	_, err = v.Lookup("/link")
	assert.EqualError(t, err, "connect /link: no such file or directory")
}

func TestSocketCannotBeOpened(t *testing.T) {
	v := New(0).View()
	require.NoError(t, v.Bind("/s", 1))
	for _, flag := range []int{rdonly, wronly, rdwr, wronly | trunc, wronly | create | trunc, rdwr | appnd} {
		_, err := v.OpenFile("/s", flag, 0o600)
		assert.EqualError(t, err, "open /s: no such device or address")
		assert.ErrorIs(t, err, syscall.ENXIO)
	}
	_, err := v.OpenFile("/s", wronly|create|excl, 0o600)
	assert.EqualError(t, err, "open /s: file exists")
	_, err = v.Open("/s/")
	assert.EqualError(t, err, "open /s/: not a directory")
}

func TestBindLookupAndUnlinkThatFail(t *testing.T) {
	root := filled(t, map[string]string{"/f": "", "/d/": ""})
	v := newView(t, root, Mount{"/ro", filled(t, map[string]string{"/f": ""}).Root(), true})
	require.NoError(t, v.Symlink("nowhere", "/dangling"))
	require.NoError(t, v.Bind("/s", 1))
	_, lookedUp := v.Lookup("/f")
	_, directory := v.Lookup("/d")
	_, nothing := v.Lookup("/d/no")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"bind to a file":                  {v.Bind("/f", 1), "bind /f: address already in use"},
		"bind to a directory":             {v.Bind("/d", 1), "bind /d: address already in use"},
		"bind to a socket":                {v.Bind("/s", 1), "bind /s: address already in use"},
		"bind to a dangling link":         {v.Bind("/dangling", 1), "bind /dangling: address already in use"},
		"bind to the root":                {v.Bind("/", 1), "bind /: address already in use"},
		"bind in no directory":            {v.Bind("/no/s", 1), "bind /no/s: no such file or directory"},
		"bind in a file":                  {v.Bind("/f/s", 1), "bind /f/s: not a directory"},
		"bind with a slash":               {v.Bind("/new/", 1), "bind /new/: no such file or directory"},
		"bind in a read-only mount":       {v.Bind("/ro/s", 1), "bind /ro/s: read-only file system"},
		"bind to what is there read-only": {v.Bind("/ro/f", 1), "bind /ro/f: address already in use"},
		"lookup of a file":                {lookedUp, "connect /f: connection refused"},
		"lookup of a directory":           {directory, "connect /d: connection refused"},
		"lookup of nothing":               {nothing, "connect /d/no: no such file or directory"},
		"unlink of nothing":               {v.Unlink("/no"), "unlink /no: no such file or directory"},
		"unlink of a directory":           {v.Unlink("/d"), "unlink /d: is a directory"},
		"unlink of a directory, slash":    {v.Unlink("/d/"), "unlink /d/: is a directory"},
		"unlink of a file with a slash":   {v.Unlink("/f/"), "unlink /f/: not a directory"},
		"unlink of nothing with a slash":  {v.Unlink("/no/"), "unlink /no/: no such file or directory"},
		"unlink of dots":                  {v.Unlink("/d/.."), "unlink /d/..: is a directory"},
		"unlink of the root":              {v.Unlink("/"), "unlink /: is a directory"},
		"unlink in a read-only mount":     {v.Unlink("/ro/f"), "unlink /ro/f: read-only file system"},
	} {
		t.Run(name, func(t *testing.T) { assert.EqualError(t, c.err, c.want) })
	}
	require.NoError(t, v.Unlink("/s"))
	require.NoError(t, v.Bind("/s", 2))
}

func TestSocketIsSeenWhereItsVolumeIsMounted(t *testing.T) {
	shared := New(0)
	a := newView(t, New(0), Mount{"/run/a", shared.Root(), false})
	b := newView(t, New(0), Mount{"/sockets", shared.Root(), true})
	require.NoError(t, a.Bind("/run/a/s", "of a"))
	found, err := b.Lookup("/sockets/s")
	require.NoError(t, err, "read-only mounts let one connect")
	assert.Equal(t, "of a", found)
	_, err = b.OpenFile("/sockets/s", os.O_WRONLY, 0)
	assert.ErrorIs(t, err, syscall.ENXIO, "not EROFS: it is no part of the file system")
	_, err = newView(t, New(0)).Lookup("/run/a/s")
	assert.ErrorIs(t, err, syscall.ENOENT)

	node, err := a.Node("/run/a/s")
	require.NoError(t, err)
	single := newView(t, New(0), Mount{"/var/run/docker.sock", node, false})
	found, err = single.Lookup("/var/run/docker.sock")
	require.NoError(t, err)
	assert.Equal(t, "of a", found)
}
