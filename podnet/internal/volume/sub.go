package volume

import (
	"io/fs"
	"strings"
)

// Sub returns the directory dir as an fs.FS, for [net/http.FileServerFS] and
// the like. It opens files for reading only. As with [os.DirFS] a symbolic
// link leads where it leads in the view, also out of dir.
//
// The result has the methods of fs.ReadDirFS, fs.ReadFileFS, fs.StatFS,
// fs.SubFS and fs.ReadLinkFS. The error has the Op "sub": ENOENT or ENOTDIR.
func (v *View) Sub(dir string) (fs.FS, error) {
	if _, e := v.findDir(dir); e != 0 {
		return nil, pathError("sub", dir, e)
	}
	return &subFS{v, strings.TrimRight(dir, "/")}, nil
}

// subFS is a directory of a view by its name, without slashes at its end.
type subFS struct {
	view *View
	dir  string
}

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.StatFS
	fs.SubFS
	fs.ReadLinkFS
} = (*subFS)(nil)

// do calls a method of the view with the path of a name, and gives an error
// the name in place of the path.
func do[T any](s *subFS, op, name string, call func(path string) (T, error)) (T, error) {
	if !fs.ValidPath(name) {
		var zero T
		return zero, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	path := s.dir + "/" + name
	if name == "." {
		path = s.dir + "/"
	}
	result, err := call(path)
	if e, ok := err.(*fs.PathError); ok {
		e.Path = name
	}
	return result, err
}

func (s *subFS) Open(name string) (fs.File, error) {
	return do(s, "open", name, func(path string) (fs.File, error) {
		f, err := s.view.Open(path)
		if err != nil {
			return nil, err
		}
		f.name = name
		return f, nil
	})
}

func (s *subFS) ReadDir(name string) ([]fs.DirEntry, error) {
	return do(s, "open", name, s.view.ReadDir)
}

func (s *subFS) ReadFile(name string) ([]byte, error) {
	return do(s, "open", name, s.view.ReadFile)
}

func (s *subFS) Stat(name string) (fs.FileInfo, error) {
	return do(s, "stat", name, s.view.Stat)
}

func (s *subFS) Lstat(name string) (fs.FileInfo, error) {
	return do(s, "lstat", name, s.view.Lstat)
}

func (s *subFS) ReadLink(name string) (string, error) {
	return do(s, "readlink", name, s.view.Readlink)
}

func (s *subFS) Sub(dir string) (fs.FS, error) {
	return do(s, "sub", dir, s.view.Sub)
}
