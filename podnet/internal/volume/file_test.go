package volume

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSizeLimit(t *testing.T) {
	tree := New(100_000)
	v := tree.View()
	used := func() int64 { n, _ := tree.Usage(); return n }

	f, err := v.Create("/f")
	require.NoError(t, err)
	defer f.Close()
	n, err := f.Write(make([]byte, 99_990))
	require.NoError(t, err)
	require.Equal(t, 99_990, n)
	n, err = f.Write(make([]byte, 20))
	assert.Equal(t, 10, n, "the part that fits")
	assert.EqualError(t, err, "write /f: no space left on device")
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.EqualValues(t, 100_000, used())
	n, err = f.Write([]byte("x"))
	assert.Equal(t, 0, n)
	assert.ErrorIs(t, err, syscall.ENOSPC)
	n, err = f.WriteAt(bytes.Repeat([]byte("y"), 30), 99_980)
	assert.Equal(t, 20, n, "what is overwritten is free")
	assert.ErrorIs(t, err, syscall.ENOSPC)

	require.NoError(t, f.Truncate(10))
	assert.EqualValues(t, 10, used())
	require.NoError(t, f.Truncate(1<<40))
	assert.EqualValues(t, 10, used(), "a hole is free")
	n, err = f.WriteAt([]byte("far"), 1<<40)
	assert.Equal(t, 3, n)
	assert.NoError(t, err)
	n, err = f.WriteAt([]byte("x"), 5*pageSize-1)
	assert.Equal(t, 1, n, "a hole within a page takes the page up to it")
	assert.NoError(t, err)
	assert.EqualValues(t, 10+int(1<<40%pageSize)+3+pageSize, used())
	n, err = f.WriteAt([]byte("x"), 7*pageSize-1)
	assert.Equal(t, 0, n)
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.EqualValues(t, 10+int(1<<40%pageSize)+3+pageSize, used(), "nothing is lost with what did not fit")

	assert.Error(t, v.WriteFile("/g", make([]byte, 100_000), 0o644))
	info, err := v.Stat("/g")
	require.NoError(t, err)
	assert.Equal(t, 100_000-int64(10+3+pageSize), info.Size())
	require.NoError(t, v.Rename("/g", "/f"))
	require.NoError(t, v.Remove("/f"))
	assert.EqualValues(t, 13+pageSize, used(), "the open file still counts")
	require.NoError(t, f.Close())
	assert.Zero(t, used())
	require.NoError(t, v.WriteFile("/g", make([]byte, 100_000), 0o644))
	_, limit := tree.Usage()
	assert.EqualValues(t, 100_000, limit)
}

func TestGreatOffsets(t *testing.T) {
	v := New(0).View()
	f, err := v.Create("/f")
	require.NoError(t, err)
	defer f.Close()
	n, err := f.WriteAt([]byte("xyz"), math.MaxInt64-2)
	assert.Equal(t, 2, n)
	assert.EqualError(t, err, "write /f: file too large")
	p := make([]byte, 5)
	n, err = f.ReadAt(p, math.MaxInt64-3)
	assert.Equal(t, "\x00xy", string(p[:n]))
	assert.Equal(t, io.EOF, err)
	end, err := f.Seek(0, io.SeekEnd)
	assert.NoError(t, err)
	assert.Equal(t, int64(math.MaxInt64), end)
	_, err = f.Seek(1, io.SeekCurrent)
	assert.EqualError(t, err, "seek /f: invalid argument")
	_, err = f.Write([]byte("x"))
	assert.ErrorIs(t, err, syscall.EFBIG)
}

func TestDirectoryCanOnlyBeRewound(t *testing.T) {
	f, err := New(0).View().Open("/")
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Seek(1, io.SeekStart)
	assert.EqualError(t, err, "seek /: invalid argument")
	_, err = f.Seek(0, io.SeekEnd)
	assert.EqualError(t, err, "seek /: invalid argument")
}

func TestReadDirAfterClose(t *testing.T) {
	f, err := New(0).View().Open("/")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = f.ReadDir(-1)
	assert.ErrorIs(t, err, fs.ErrClosed)
}

func TestAppendingWritersLoseNothing(t *testing.T) {
	v := New(0).View()
	var wg sync.WaitGroup
	const writers, writes = 4, 500
	for i := range writers {
		wg.Go(func() {
			f, err := v.OpenFile("/log", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
			if !assert.NoError(t, err) {
				return
			}
			defer f.Close()
			line := strings.Repeat(fmt.Sprint(i), 99) + "\n"
			for range writes {
				_, err := io.WriteString(f, line)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	counts := map[string]int{}
	for line := range strings.Lines(contents(t, v, "/log")) {
		counts[line[:1]]++
		require.Equal(t, strings.Repeat(line[:1], 99)+"\n", line)
	}
	assert.Equal(t, map[string]int{"0": writes, "1": writes, "2": writes, "3": writes}, counts)
}

// A reader of a file that is replaced by renames always finds one.
func TestRenameReplacesAtOnce(t *testing.T) {
	tree := New(0)
	v := tree.View()
	require.NoError(t, v.WriteFile("/f", []byte("0000000000"), 0o644))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				data, err := v.ReadFile("/f")
				if !assert.NoError(t, err) || !assert.Len(t, data, 10) {
					return
				}
			}
		})
	}
	for i := range 2000 {
		require.NoError(t, v.WriteFile("/new", bytes.Repeat([]byte{byte(i)}, 10), 0o644))
		require.NoError(t, v.Rename("/new", "/f"))
	}
	close(done)
	wg.Wait()
	used, _ := tree.Usage()
	assert.EqualValues(t, 10, used)
}

// Of many that create a file at once, one does; the others open it, or fail if
// they insist.
func TestConcurrentCreate(t *testing.T) {
	v := New(0).View()
	for round := range 300 {
		name := fmt.Sprint("/", round)
		errs := make([]error, 8)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				<-start
				flag := os.O_WRONLY | os.O_CREATE
				if round%2 == 0 {
					flag |= os.O_EXCL
				}
				f, err := v.OpenFile(name, flag, 0o644)
				if err == nil {
					err = f.Close()
				}
				errs[i] = err
			})
		}
		close(start)
		wg.Wait()
		failed := 0
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(t, err, fs.ErrExist)
				failed++
			}
		}
		if round%2 == 0 {
			require.Equal(t, len(errs)-1, failed)
		} else {
			require.Zero(t, failed)
		}
	}
}

func TestConcurrentUseKeepsTheTreeWhole(t *testing.T) {
	tree := New(1 << 20)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			v := tree.View()
			for n := range 300 {
				a, b := fmt.Sprintf("/%d/x", n%3), fmt.Sprintf("/%d/y", (n+i)%3)
				v.MkdirAll(a, 0o755)
				v.WriteFile(a+"/f", []byte(a), 0o644)
				v.Rename(a, b)
				v.ReadDir(b)
				v.WriteFile("/f", make([]byte, n), 0o644)
				v.Remove("/f")
				v.RemoveAll(fmt.Sprintf("/%d", (n+1)%3))
			}
		})
	}
	wg.Wait()
	checkTree(t, tree)
}

func TestChangedIsClosedByChanges(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		change func(v *View, f *File) error
		want   bool
	}{
		"write":                  {"/f", func(v *View, f *File) error { return v.WriteFile("/f", []byte("x"), 0) }, true},
		"own write":              {"/f", func(v *View, f *File) error { _, err := f.Write([]byte("x")); return err }, true},
		"write at":               {"/f", func(v *View, f *File) error { _, err := f.WriteAt([]byte("x"), 9); return err }, true},
		"empty write":            {"/f", func(v *View, f *File) error { _, err := f.Write(nil); return err }, false},
		"read":                   {"/f", func(v *View, f *File) error { _, err := v.ReadFile("/f"); return err }, false},
		"truncation":             {"/f", func(v *View, f *File) error { return f.Truncate(0) }, true},
		"truncation by open":     {"/f", func(v *View, f *File) error { return v.WriteFile("/f", nil, 0) }, true},
		"removal":                {"/f", func(v *View, f *File) error { return v.Remove("/f") }, true},
		"rename":                 {"/f", func(v *View, f *File) error { return v.Rename("/f", "/h") }, true},
		"rename over it":         {"/f", func(v *View, f *File) error { return v.Rename("/g", "/f") }, true},
		"rename of another":      {"/f", func(v *View, f *File) error { return v.Rename("/g", "/h") }, false},
		"chmod":                  {"/f", func(v *View, f *File) error { return v.Chmod("/f", 0) }, false},
		"another's write":        {"/f", func(v *View, f *File) error { return v.WriteFile("/g", []byte("x"), 0) }, false},
		"close":                  {"/f", func(v *View, f *File) error { return f.Close() }, false},
		"write to a removed":     {"/f", func(v *View, f *File) error { v.Remove("/f"); _, err := f.Write([]byte("x")); return err }, true},
		"new file in directory":  {"/", func(v *View, f *File) error { return v.WriteFile("/h", nil, 0o644) }, true},
		"removal in a directory": {"/", func(v *View, f *File) error { return v.Remove("/f") }, true},
		"rename into directory":  {"/d", func(v *View, f *File) error { return v.Rename("/f", "/d/f") }, true},
		"write in a directory":   {"/", func(v *View, f *File) error { return v.WriteFile("/f", []byte("x"), 0) }, false},
		"removal of a directory": {"/d", func(v *View, f *File) error { return v.RemoveAll("/d") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := filled(t, map[string]string{"/f": "old", "/g": "", "/d/": ""}).View()
			flag := os.O_RDWR
			if c.path != "/f" {
				flag = os.O_RDONLY
			}
			f, err := v.OpenFile(c.path, flag, 0)
			require.NoError(t, err)
			defer f.Close()
			ch := f.Changed()
			assert.Equal(t, ch, f.Changed(), "those who wait share a channel")
			require.NoError(t, c.change(v, f))
			select {
			case <-ch:
				assert.True(t, c.want, "it was closed")
			default:
				assert.False(t, c.want, "it was not closed")
			}
		})
	}
}

// A follower that takes the channel, reads to the end and waits sees every
// byte, however writes fall between these steps.
func TestFollowerMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := filled(t, map[string]string{"/log": ""}).View()
		f, err := v.Open("/log")
		require.NoError(t, err)
		defer f.Close()
		const lines = 1000
		go func() {
			w, err := v.OpenFile("/log", os.O_WRONLY|os.O_APPEND, 0)
			if !assert.NoError(t, err) {
				return
			}
			defer w.Close()
			for i := range lines {
				fmt.Fprintln(w, i)
				if i%10 == 0 {
					time.Sleep(time.Second)
				}
			}
		}()
		var got bytes.Buffer
		for strings.Count(got.String(), "\n") < lines {
			changed := f.Changed()
			_, err := got.ReadFrom(f)
			require.NoError(t, err)
			if strings.Count(got.String(), "\n") < lines {
				<-changed // a missed change would be a deadlock, which the bubble reports
			}
		}
		var want bytes.Buffer
		for i := range lines {
			fmt.Fprintln(&want, i)
		}
		assert.Equal(t, want.String(), got.String())
	})
}

func TestDevice(t *testing.T) {
	var written bytes.Buffer
	boom := errors.New("boom")
	v := New(1).View()
	require.NoError(t, v.Mknod("/null", 0o666, Device{}))
	require.NoError(t, v.Mknod("/in", 0o444, Device{Read: strings.NewReader("typed").Read}))
	require.NoError(t, v.Mknod("/out", 0o222, Device{Write: written.Write}))
	require.NoError(t, v.Mknod("/bad", 0o666, Device{
		Read:  func([]byte) (int, error) { return 0, boom },
		Write: func([]byte) (int, error) { return 0, boom },
	}))

	require.NoError(t, v.WriteFile("/null", []byte("forgotten"), 0o644))
	assert.Empty(t, contents(t, v, "/null"))
	assert.Equal(t, "typed", contents(t, v, "/in"))
	require.NoError(t, v.WriteFile("/out", []byte("kept"), 0o644), "O_TRUNC means nothing to a device")
	assert.Equal(t, "kept", written.String())
	_, err := v.ReadFile("/bad")
	assert.EqualError(t, err, "read /bad: boom")
	assert.ErrorIs(t, err, boom)
	assert.EqualError(t, v.WriteFile("/bad", []byte("x"), 0), "write /bad: boom")

	info, err := v.Stat("/out")
	require.NoError(t, err)
	assert.Equal(t, fs.ModeDevice|fs.ModeCharDevice|0o200, info.Mode())
	assert.Zero(t, info.Size())

	null, err := v.OpenFile("/null", os.O_RDWR, 0)
	require.NoError(t, err)
	out, err := v.OpenFile("/out", os.O_RDWR|os.O_APPEND, 0)
	require.NoError(t, err)
	in, err := v.Open("/in")
	require.NoError(t, err)
	pipe, err := v.OpenFile("/out", os.O_WRONLY, 0)
	require.NoError(t, err)
	p := []byte("x")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"seek in null":         {last(null.Seek(7, io.SeekStart)), ""},
		"read null at":         {last(null.ReadAt(p, 7)), "EOF"},
		"write null at":        {last(null.WriteAt(p, 7)), ""},
		"truncate null":        {null.Truncate(0), "truncate /null: invalid argument"},
		"list null":            {last(null.ReadDir(-1)), "readdirent /null: not a directory"},
		"seek in a pipe":       {last(out.Seek(0, io.SeekCurrent)), "seek /out: illegal seek"},
		"read a pipe at":       {last(in.ReadAt(p, 0)), "read /in: illegal seek"},
		"write a pipe at":      {last(pipe.WriteAt(p, 0)), "write /out: illegal seek"},
		"write a reader":       {last(in.Write(p)), "write /in: bad file descriptor"},
		"read a writer":        {last(pipe.Read(p)), "read /out: bad file descriptor"},
		"read nothing":         {last(in.Read(nil)), ""},
		"read what has no end": {last(out.Read(p)), "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want == "" {
				assert.NoError(t, c.err)
				return
			}
			assert.EqualError(t, c.err, c.want)
		})
	}
	for _, f := range []*File{null, out, in, pipe} {
		require.NoError(t, f.Close())
	}
	assert.ErrorIs(t, last(null.Write(p)), fs.ErrClosed)
}

func last[T any](_ T, err error) error { return err }

// A device that waits holds no lock: its file can be closed meanwhile.
func TestDeviceMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := make(chan string)
		v := New(0).View()
		require.NoError(t, v.Mknod("/in", 0o444, Device{Read: func(p []byte) (int, error) { return copy(p, <-line), nil }}))
		f, err := v.Open("/in")
		require.NoError(t, err)
		got := make(chan string)
		go func() {
			p := make([]byte, 10)
			n, _ := f.Read(p)
			got <- string(p[:n])
		}()
		synctest.Wait()
		_, err = f.Stat()
		assert.NoError(t, err)
		require.NoError(t, f.Close())
		line <- "late"
		assert.Equal(t, "late", <-got)
	})
}
