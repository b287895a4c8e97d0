package volume

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// A ProjectedFile is a file that [Tree.Project] shows.
type ProjectedFile struct {
	Data []byte
	Mode fs.FileMode // permissions; the umask does not count
}

// The links of a projection: to the directory that has the files, and that link
// before it gets its name.
const (
	dataLink    = "..data"
	dataLinkTmp = "..data_tmp"
)

// Project makes the tree show files by their paths, and no others of an earlier
// call, as the kubelet's volumes of ConfigMaps do (AtomicWriter, in
// pkg/volume/util/atomic_writer.go):
//
//	..2026_01_02_15_04_05.1234/user/labels
//	..data -> ..2026_01_02_15_04_05.1234
//	user -> ..data/user
//
// If a file is not as it should be, all are written to a new directory, which
// must get a new name, and "..data" is made to lead there by a rename: whoever
// reads sees all of the old or all of the new. The old directory is removed.
//
// It reports whether it wrote anything. It must not be called twice at a time.
func (t *Tree) Project(directory string, files map[string]ProjectedFile) (changed bool, err error) {
	clean := make(map[string]ProjectedFile, len(files))
	for name, f := range files {
		clean[path.Clean(name)] = f
	}
	p := projection{t.View(), clean, slices.Sorted(maps.Keys(clean))}
	old, err := p.view.Readlink(dataLink)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	stale := p.stale(old)
	if old == "" || len(stale) > 0 || !p.isIn(old) {
		if err := p.write(directory); err != nil {
			return false, errors.Join(err, p.view.RemoveAll(directory))
		}
		changed = true
	}
	if err := p.link(); err != nil {
		return changed, err
	}
	for _, name := range stale {
		if err := p.view.Remove(name); err != nil {
			return changed, err
		}
	}
	if !changed || old == "" {
		return changed, nil
	}
	return true, p.view.RemoveAll(old)
}

// projection is one call of Project.
type projection struct {
	view  *View
	files map[string]ProjectedFile
	names []string // of files, sorted
}

// top returns the first element of a path: what is to be seen in the root.
func top(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

// stale returns the names in the old directory that no file begins with any
// more: their links in the root are to go.
func (p *projection) stale(old string) []string {
	if old == "" {
		return nil
	}
	entries, err := p.view.ReadDir(old)
	if err != nil {
		return nil // it was removed, and all is written anew
	}
	var names []string
	for _, e := range entries {
		if !slices.ContainsFunc(p.names, func(name string) bool { return top(name) == e.Name() }) {
			names = append(names, e.Name())
		}
	}
	return names
}

// isIn reports whether a directory has all files, and no others.
func (p *projection) isIn(directory string) bool {
	count := 0
	sub, err := p.view.Sub(directory)
	if err != nil {
		return false
	}
	err = fs.WalkDir(sub, ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			count++
		}
		return err
	})
	if err != nil || count != len(p.files) {
		return false
	}
	for name, f := range p.files {
		data, err := p.view.ReadFile(path.Join(directory, name))
		if err != nil || !bytes.Equal(data, f.Data) {
			return false
		}
	}
	return true
}

// write writes the files to a new directory and makes dataLink lead to it.
func (p *projection) write(directory string) error {
	if err := p.view.Mkdir(directory, 0o755); err != nil {
		return err
	}
	for _, name := range p.names {
		full := path.Join(directory, name)
		if err := p.view.MkdirAll(path.Dir(full), 0o755); err != nil {
			return err
		}
		if err := p.view.WriteFile(full, p.files[name].Data, 0o600); err != nil {
			return err
		}
		if err := p.view.Chmod(full, p.files[name].Mode); err != nil {
			return err
		}
	}
	if err := p.view.Symlink(directory, dataLinkTmp); err != nil {
		return err
	}
	return p.view.Rename(dataLinkTmp, dataLink)
}

// link gives each file, or the directory that it is in, its name in the root.
// What is there already stays, whatever it is.
func (p *projection) link() error {
	for _, name := range p.names {
		visible := top(name)
		if _, err := p.view.Lstat(visible); err == nil {
			continue
		}
		if err := p.view.Symlink(path.Join(dataLink, visible), visible); err != nil {
			return err
		}
	}
	return nil
}
