package volume

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkTree checks what must hold in a tree that nobody uses at the moment.
func checkTree(t testing.TB, tree *Tree) {
	held := 0
	var check func(n *Node)
	check = func(n *Node) {
		require.Same(t, tree, n.tree)
		require.True(t, n.linked)
		require.False(t, n.freed)
		if n.file != nil {
			last := int64(-1)
			for _, p := range n.file.pages {
				require.Greater(t, p.index, last, "pages are sorted")
				require.LessOrEqual(t, len(p.data), pageSize)
				require.NotEmpty(t, p.data)
				require.LessOrEqual(t, p.index*pageSize+int64(len(p.data)), n.file.size)
				last = p.index
				held += len(p.data)
			}
		}
		if !n.isDir() {
			return
		}
		require.False(t, n.dir.removed)
		require.True(t, slices.IsSortedFunc(n.dir.entries, func(a, b entry) int { return strings.Compare(a.name, b.name) }))
		for _, e := range n.dir.entries {
			require.NotContains(t, []string{"", ".", ".."}, e.name)
			require.NotContains(t, e.name, "/")
			if e.node.isDir() {
				require.Same(t, n, e.node.dir.parent)
			}
			check(e.node)
		}
	}
	check(tree.root)
	used, limit := tree.Usage()
	require.EqualValues(t, held, used, "the bytes in use are those of the files")
	require.True(t, limit == 0 || used <= limit)
}

// snapshot describes all of a tree.
func snapshot(t testing.TB, tree *Tree) (all []string) {
	root, err := tree.View().Sub("/")
	require.NoError(t, err)
	require.NoError(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		line := fmt.Sprint(name, info.Mode(), info.Size(), info.ModTime())
		if info.Mode().IsRegular() {
			data, err := fs.ReadFile(root, name)
			require.NoError(t, err)
			line += string(data)
		}
		all = append(all, line)
		return nil
	}))
	return all
}

// FuzzPaths does what the input says to a view in which a directory and a file
// of a tree are mounted, and checks that the rest of that tree was never
// reached. Each line of the input is a letter for what to do, a path and, for
// some, another, all separated by blanks.
func FuzzPaths(f *testing.F) {
	f.Add("r /vol/../secret\nr /vol/../../secret\nw /vol/f\nl ../../secret /vol/l\nr /vol/l")
	f.Add("l /vol/.. /up\nr up/secret\nm up/x\nv /vol /gone\nx /\nR /vol/dir /vol/../x")
	f.Add("l . /vol/self\nr vol/self/self/self/../secret\nl /vol/self/.. /vol/l2\nx /vol/l2/")
	f.Add("M vol/a/b/c/d\nv vol/a/b vol/e\nr vol/a/../e/../../secret\nd vol/e\nd file\nw file\nv file x")
	f.Add("l a b\nl b a\nr a/x\nw a\nx a\nd b/")
	f.Fuzz(func(t *testing.T, script string) {
		const secret = "the secret beside what is mounted"
		if strings.Contains(script, secret) {
			t.Skip("the script knows the secret")
		}
		outside := filled(t, map[string]string{"/secret": "read only", "/dir/secret": "", "/x": ""})
		part := New(1 << 10)
		require.NoError(t, part.View().MkdirAll("/shared/dir", 0o755))
		require.NoError(t, part.View().WriteFile("/secret", []byte(secret), 0o644))
		require.NoError(t, part.View().WriteFile("/file", []byte("mounted alone"), 0o644))
		shared, file := nodeOf(t, part, "/shared"), nodeOf(t, part, "/file")
		root := New(0)
		v := newView(t, root, Mount{Path: "/vol", Node: shared}, Mount{Path: "/file", Node: file},
			Mount{Path: "/ro", Node: outside.Root(), ReadOnly: true})
		before := snapshot(t, outside)

		for i, line := range strings.Split(script, "\n") {
			if i == 100 {
				break
			}
			do, rest, _ := strings.Cut(line, " ")
			a, b, _ := strings.Cut(rest, " ")
			switch do {
			case "r":
				data, _ := v.ReadFile(a)
				assert.NotContains(t, string(data), secret)
				v.ReadDir(a)
			case "w":
				v.WriteFile(a, []byte(b), 0o644)
			case "a":
				if f, err := v.OpenFile(a, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644); err == nil {
					f.Write([]byte(b))
					f.Truncate(int64(len(b) / 2))
					require.NoError(t, f.Close())
				}
			case "m":
				v.Mkdir(a, 0o755)
			case "M":
				v.MkdirAll(a, 0o755)
			case "l":
				v.Symlink(a, b)
			case "d":
				v.Remove(a)
			case "x":
				v.RemoveAll(a)
			case "v":
				v.Rename(a, b)
			case "R":
				v.rename(a, b)
			case "c":
				v.Chmod(a, 0o777)
				v.Readlink(b)
			case "s":
				v.Stat(a)
				v.Lstat(b)
			}
		}

		require.Equal(t, before, snapshot(t, outside), "a read-only mount was changed")
		assert.Equal(t, []string{"- file", "- secret", "d shared/"}, entriesOf(t, part.View(), "/"))
		assert.Equal(t, secret, contents(t, part.View(), "/secret"))
		_, err := v.Stat("/vol/.")
		assert.NoError(t, err, "a mount point was removed")
		_, err = v.Stat("/file")
		assert.NoError(t, err, "a mount point was removed")
		for _, tree := range []*Tree{root, part, outside} {
			checkTree(t, tree)
		}
	})
}
