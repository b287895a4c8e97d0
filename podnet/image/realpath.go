package image

import (
	"io/fs"
	"os"
	"path"
	"strings"
)

// realpath resolves every link of a path, which exists.
func realpath(fsys interface {
	Readlink(string) (string, error)
	Lstat(string) (fs.FileInfo, error)
}, name string) string {
	rest := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	at := "/"
	for links := 0; len(rest) > 0; {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		info, err := fsys.Lstat(next)
		if err == nil && info.Mode()&os.ModeSymlink != 0 && links < 40 {
			to, err := fsys.Readlink(next)
			if err == nil {
				links++
				if strings.HasPrefix(to, "/") {
					at = "/"
				}
				rest = append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
				continue
			}
		}
		at = next
	}
	return at
}
