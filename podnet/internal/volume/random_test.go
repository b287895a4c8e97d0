package volume

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRandomOperationsBehaveAsLinux does the same random things to a View and
// to the machine's own file system.
func TestRandomOperationsBehaveAsLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the host is not Linux")
	}
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			view, host := newRig(t), newHostRig(t)
			rnd := rand.New(rand.NewPCG(seed, 0))
			var log []string
			for range 300 {
				op := randomOperation(rnd)
				log = append(log, op.name)
				op.run(view)
				op.run(host)
				require.Equal(t, host.notes, view.notes, "after %s", strings.Join(log, "\n"))
				require.Equal(t, host.kinds, view.kinds, "after %s", strings.Join(log, "\n"))
				view.notes, view.kinds, host.notes, host.kinds = nil, nil, nil, nil
			}
		})
	}
}

type operation struct {
	name string
	run  func(r *rig)
}

// randomOperation returns something to do. Whatever it is, it stays within the
// three directories that lead to a rig's base: at most two ".." are in a path
// of an operation that only looks or makes, none in one that removes or moves,
// and none in a link's target.
func randomOperation(rnd *rand.Rand) operation {
	p, q := randomPath(rnd, false), randomPath(rnd, false)
	dots := randomPath(rnd, true)
	op := func(run func(r *rig), words ...any) operation { return operation{fmt.Sprintln(words...), run} }
	switch rnd.IntN(13) {
	case 0:
		return op(func(r *rig) { r.err(r.fs.Mkdir(r.path(dots), 0o700)) }, "mkdir", dots)
	case 1:
		return op(func(r *rig) { r.err(r.fs.MkdirAll(r.path(p), 0o700)) }, "mkdirall", p)
	case 2:
		return op(func(r *rig) { r.err(r.fs.Remove(r.path(p))) }, "remove", p)
	case 3:
		if rnd.IntN(3) > 0 {
			return op(func(r *rig) { r.list(dots) }, "readdir", dots)
		}
		return op(func(r *rig) { r.err(r.fs.RemoveAll(r.path(p))) }, "removeall", p)
	case 4, 5:
		return op(func(r *rig) { r.err(r.fs.Rename(r.path(p), r.path(q))) }, "rename", p, q)
	case 6, 7:
		target := q
		if rnd.IntN(2) == 0 {
			target = strings.TrimLeft(q, "/")
		}
		return op(func(r *rig) {
			target := target
			if strings.HasPrefix(target, "/") {
				target = r.path(target)
			}
			r.err(r.fs.Symlink(target, r.path(p)))
		}, "symlink", target, p)
	case 8:
		return op(func(r *rig) {
			target, err := r.fs.Readlink(r.path(p))
			r.err(err, target)
		}, "readlink", p)
	case 9:
		return op(func(r *rig) { r.stat(dots) }, "stat", dots)
	case 10:
		return op(func(r *rig) {
			// A link's size depends on the length of the base.
			info, err := r.fs.Lstat(r.path(dots))
			if err == nil && info.Mode().Type() == fs.ModeSymlink {
				r.note(info.Mode())
				return
			}
			r.info(info, err)
		}, "lstat", dots)
	default:
		flag := rnd.IntN(3) // the access modes
		for _, bit := range []int{os.O_CREATE, os.O_EXCL, os.O_TRUNC, os.O_APPEND} {
			if rnd.IntN(3) == 0 {
				flag |= bit
			}
		}
		seed := rnd.Uint64()
		return op(func(r *rig) { useFile(r, dots, flag, rand.New(rand.NewPCG(seed, 1))) }, "use", dots, flag, seed)
	}
}

func randomPath(rnd *rand.Rand, dots bool) string {
	names := []string{"a", "b", "c", "c", "a", "b", "."}
	var b strings.Builder
	climbs := 0
	for range 1 + rnd.IntN(4) {
		name := names[rnd.IntN(len(names))]
		if dots && climbs < 2 && rnd.IntN(6) == 0 {
			name = ".."
			climbs++
		}
		b.WriteString("/" + name)
	}
	if rnd.IntN(6) == 0 {
		b.WriteByte('/')
	}
	path := b.String()
	if !dots && strings.HasSuffix(strings.TrimRight(path, "/"), ".") {
		path += "a" // Remove, RemoveAll and Rename of dots are in the stories
		path = strings.ReplaceAll(path, "./a", "./b")
	}
	return path
}

// useFile opens a file and does some things with it.
func useFile(r *rig, name string, flag int, rnd *rand.Rand) {
	f, err := r.fs.OpenFile(r.path(name), flag, 0o600)
	r.err(err)
	if err != nil {
		return
	}
	defer func() { r.err(f.Close()) }()
	for range rnd.IntN(6) {
		off := rnd.Int64N(100_000) - 20
		p := bytes.Repeat([]byte("?"), rnd.IntN(50_000)) // what a hole must overwrite
		switch rnd.IntN(7) {
		case 0:
			n, err := f.Read(p)
			r.err(err, n, sum(p))
		case 1:
			for i := range p {
				p[i] = byte(rnd.Uint32())
			}
			n, err := f.Write(p)
			r.err(err, n)
		case 2:
			n, err := f.ReadAt(p, off)
			r.err(err, n, sum(p))
		case 3:
			n, err := f.WriteAt([]byte("some bytes"), off)
			r.err(err, n)
		case 4:
			r.err(f.Truncate(off))
		case 5:
			if info, err := f.Stat(); err != nil || info.IsDir() {
				continue // offsets in a directory differ between file systems
			}
			n, err := f.Seek(off, []int{io.SeekStart, io.SeekCurrent, io.SeekEnd}[rnd.IntN(3)])
			r.err(err, n)
		case 6:
			r.info(f.Stat())
		}
	}
}

func sum(p []byte) (sum uint32) {
	for _, b := range p {
		sum = sum*31 + uint32(b)
	}
	return sum
}
