package volume

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listing shows all of a tree: each path with its mode, and what it holds or
// leads to.
func listing(t *testing.T, tree *Tree) string {
	t.Helper()
	v := tree.View()
	sub, err := v.Sub("/")
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, fs.WalkDir(sub, ".", func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s %s", info.Mode(), name)
		switch {
		case d.Type() == fs.ModeSymlink:
			to, err := v.Readlink(name)
			require.NoError(t, err)
			fmt.Fprintf(&b, " -> %s", to)
		case d.Type().IsRegular():
			data, err := v.ReadFile(name)
			require.NoError(t, err)
			fmt.Fprintf(&b, " %q", data)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

func files(pairs ...string) map[string]ProjectedFile {
	m := make(map[string]ProjectedFile)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = ProjectedFile{[]byte(pairs[i+1]), 0o644}
	}
	return m
}

func TestProjectionStories(t *testing.T) {
	type step struct {
		files   map[string]ProjectedFile
		changed bool
		want    string
	}
	for name, steps := range map[string][]step{
		"modes and nested paths": {{
			map[string]ProjectedFile{"a": {[]byte("1"), 0o400}, "user/labels": {[]byte("2"), 0o666}, "./user//sub/x": {nil, 0o777}}, true, `drwxr-xr-x .
Lrwxrwxrwx ..data -> ..0
drwxr-xr-x ..0
-r-------- ..0/a "1"
drwxr-xr-x ..0/user
-rw-rw-rw- ..0/user/labels "2"
drwxr-xr-x ..0/user/sub
-rwxrwxrwx ..0/user/sub/x ""
Lrwxrwxrwx a -> ..data/a
Lrwxrwxrwx user -> ..data/user
`}},
		"no files at all": {{nil, true, "drwxr-xr-x .\ndrwxr-xr-x ..0\nLrwxrwxrwx ..data -> ..0\n"}, {nil, false, "drwxr-xr-x .\ndrwxr-xr-x ..0\nLrwxrwxrwx ..data -> ..0\n"}},
		"nothing is new": {
			{files("a", "1"), true, "drwxr-xr-x .\ndrwxr-xr-x ..0\n-rw-r--r-- ..0/a \"1\"\nLrwxrwxrwx ..data -> ..0\nLrwxrwxrwx a -> ..data/a\n"},
			{files("a", "1"), false, "drwxr-xr-x .\ndrwxr-xr-x ..0\n-rw-r--r-- ..0/a \"1\"\nLrwxrwxrwx ..data -> ..0\nLrwxrwxrwx a -> ..data/a\n"},
		},
		"other content": {
			{files("a", "1", "b", "2"), true, ""},
			{files("a", "1", "b", "3"), true, "drwxr-xr-x .\ndrwxr-xr-x ..1\n-rw-r--r-- ..1/a \"1\"\n-rw-r--r-- ..1/b \"3\"\nLrwxrwxrwx ..data -> ..1\nLrwxrwxrwx a -> ..data/a\nLrwxrwxrwx b -> ..data/b\n"},
		},
		"one comes, one goes": {
			{files("a", "1", "d/x", "2", "d/y", "3"), true, ""},
			{files("b", "1", "d/x", "2"), true, "drwxr-xr-x .\ndrwxr-xr-x ..1\n-rw-r--r-- ..1/b \"1\"\ndrwxr-xr-x ..1/d\n-rw-r--r-- ..1/d/x \"2\"\nLrwxrwxrwx ..data -> ..1\nLrwxrwxrwx b -> ..data/b\nLrwxrwxrwx d -> ..data/d\n"},
			{files("b", "1"), true, "drwxr-xr-x .\ndrwxr-xr-x ..2\n-rw-r--r-- ..2/b \"1\"\nLrwxrwxrwx ..data -> ..2\nLrwxrwxrwx b -> ..data/b\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := New(0)
			for i, s := range steps {
				changed, err := tree.Project(fmt.Sprintf("..%d", i), s.files)
				require.NoError(t, err)
				assert.Equal(t, s.changed, changed)
				if s.want != "" {
					assert.ElementsMatch(t, strings.Split(s.want, "\n"), strings.Split(listing(t, tree), "\n"))
				}
			}
		})
	}
}

func TestAProjectionLeavesWhatIsThere(t *testing.T) {
	tree := New(0)
	require.NoError(t, tree.View().Mkdir("/a", 0o755)) // a mount point, or a subPath before the file came
	_, err := tree.Project("..0", files("a", "1", "b", "2"))
	require.NoError(t, err)
	info, err := tree.View().Lstat("/a")
	require.NoError(t, err)
	assert.True(t, info.IsDir())
	text, err := tree.View().ReadFile("/b")
	require.NoError(t, err)
	assert.Equal(t, "2", string(text))
}

func TestAProjectionThatCannotBe(t *testing.T) {
	tree := New(0)
	_, err := tree.Project("..0", files("a", "1", "a/b", "2"))
	assert.ErrorContains(t, err, "not a directory")
	assert.Equal(t, "drwxr-xr-x .\n", listing(t, tree), "nothing is half done")
	_, err = tree.Project("..1", files("a", "1"))
	require.NoError(t, err)
	_, err = tree.Project("..2", files("a", "1", "a/b", "2"))
	assert.Error(t, err)
	text, err := tree.View().ReadFile("/a")
	require.NoError(t, err)
	assert.Equal(t, "1", string(text), "the old one stays")
}

// Whoever reads through one directory sees files that belong together.
func TestAProjectionIsSwappedAtOnce(t *testing.T) {
	tree := New(0)
	project := func(i int) {
		_, err := tree.Project(fmt.Sprintf("..%d", i), files("a", fmt.Sprint(i), "b", fmt.Sprint(i)))
		assert.NoError(t, err)
	}
	project(0)
	old, err := tree.View().Open("/a")
	require.NoError(t, err)
	defer old.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 500 {
			project(i + 1)
		}
	})
	for range 500 {
		at, err := tree.View().Readlink(dataLink)
		require.NoError(t, err)
		a, errA := tree.View().ReadFile(at + "/a")
		b, errB := tree.View().ReadFile(at + "/b")
		if errA == nil && errB == nil { // else it was removed meanwhile
			assert.Equal(t, at, ".."+string(a))
			assert.Equal(t, a, b)
		}
	}
	wg.Wait()
	buf := make([]byte, 8)
	n, err := old.Read(buf)
	require.NoError(t, err)
	assert.Equal(t, "0", string(buf[:n]), "an open file is that of its time")
	entries, err := tree.View().ReadDir("/")
	require.NoError(t, err)
	assert.Len(t, entries, 4, "old directories are gone")
}

func TestConfinedPathsStayInTheTree(t *testing.T) {
	tree := New(0)
	v := tree.View()
	require.NoError(t, v.MkdirAll("/dir/sub", 0o755))
	require.NoError(t, v.WriteFile("/dir/file", []byte("in"), 0o644))
	for name, to := range map[string]string{"in": "dir/file", "up": "../dir", "root": "/dir", "back": "dir/../dir/file", "deep": "dir/sub/../../../dir", "dangling": "nowhere"} {
		require.NoError(t, v.Symlink(to, "/"+name))
	}
	c := tree.Confined()
	for path, want := range map[string]string{
		"dir/file": "", "/dir/file": "", "in": "", "back": "", "dir/../in": "",
		"up":        "node up: invalid cross-device link",
		"root":      "node root: invalid cross-device link",
		"root/file": "node root/file: invalid cross-device link",
		"deep":      "node deep: invalid cross-device link",
		"../dir":    "node ../dir: invalid cross-device link",
		"dangling":  "node dangling: no such file or directory",
	} {
		_, err := c.Node(path)
		if want == "" {
			assert.NoError(t, err, path)
		} else {
			assert.EqualError(t, err, want, path)
		}
	}
	assert.Error(t, c.MkdirAll("root/new", 0o755))
	assert.NoError(t, v.MkdirAll("root/new", 0o755), "of another view, it is the root")
}
