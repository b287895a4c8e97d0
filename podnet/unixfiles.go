package podnet

import (
	"strings"

	"podnet.dev/podnet/internal/netstack"
	"podnet.dev/podnet/internal/volume"
)

// unixFiles is the file system in which a process's Unix sockets have their
// paths.
type unixFiles struct{ process *process }

var _ netstack.Files = unixFiles{}

func (f unixFiles) view() *volume.View {
	return (&FS{disk: f.process.instance.view, process: f.process}).view()
}

// path makes a path absolute, without resolving what only the file system can.
func (f unixFiles) path(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return f.process.dir + "/" + name
}

func (f unixFiles) Bind(path string, socket any) error { return f.view().Bind(f.path(path), socket) }
func (f unixFiles) Lookup(path string) (any, error)    { return f.view().Lookup(f.path(path)) }
func (f unixFiles) Unlink(path string) error           { return f.view().Unlink(f.path(path)) }
