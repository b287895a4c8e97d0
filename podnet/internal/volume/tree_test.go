package volume

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// containerRoot makes what a small container has in its root.
func containerRoot(t testing.TB) *Tree {
	tree := New(0)
	v := tree.View()
	for _, dir := range []string{"/dev", "/etc", "/tmp", "/var", "/var/log", "/bin"} {
		require.NoError(t, v.Mkdir(dir, 0o755))
	}
	for _, dev := range []string{"/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"} {
		require.NoError(t, v.Mknod(dev, 0o666, Device{}))
	}
	for _, name := range []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} {
		require.NoError(t, v.WriteFile(name, nil, 0o644))
	}
	require.NoError(t, v.Symlink("/etc", "/var/etc"))
	return tree
}

func TestUnusedTreeIsSmall(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	trees := make([]*Tree, 1000)
	before := heap()
	for i := range trees {
		trees[i] = containerRoot(t)
	}
	after := heap()
	runtime.KeepAlive(trees)
	assert.Less(t, int(after-before)/len(trees), 3500, "bytes of a tree of 15 nodes")
}

func BenchmarkContainerRoot(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		containerRoot(b)
	}
}

func BenchmarkNewView(b *testing.B) {
	root, hosts, dir := containerRoot(b), New(0), New(0)
	require.NoError(b, hosts.View().WriteFile("/hosts", nil, 0o644))
	file, err := hosts.View().Node("/hosts")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := NewView(root, Mount{Path: "/etc/hosts", Node: file}, Mount{Path: "/var/log", Node: dir.Root()})
		require.NoError(b, err)
	}
}

func BenchmarkReadFile(b *testing.B) {
	v := containerRoot(b).View()
	require.NoError(b, v.WriteFile("/etc/hosts", make([]byte, 1000), 0o644))
	b.ReportAllocs()
	for b.Loop() {
		_, err := v.ReadFile("/var/etc/hosts")
		require.NoError(b, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			v := New(0).View()
			f, err := v.OpenFile("/f", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
			require.NoError(b, err)
			defer f.Close()
			p := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				if end, _ := f.Write(p); end != size {
					b.Fatal(io.ErrShortWrite)
				}
				if f.offset > 64<<20 {
					require.NoError(b, v.WriteFile("/f", nil, 0))
				}
			}
		})
	}
}
