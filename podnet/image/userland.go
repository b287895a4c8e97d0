package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"podnet.dev/podnet"
)

// A userland is an image whose programs are all in this package: a set of
// commands, where they live, and which one runs by default.
type userland struct {
	name       string
	commands   map[string]command // by the last element of their path
	entrypoint []string           // runs when a container gives no Command
	cmd        []string           // follows it when a container gives no Args

	// files unpacks what the image has beyond its commands. It may be nil.
	files func(root *podnet.FS) error
}

// binary is the one executable of an image; every command is a link to it. Its
// content marks it: who copies it has a copy that runs.
const (
	binary      = "/bin/busybox"
	binaryMagic = "\x7fELF podnet.dev/podnet/image\n"
)

// program is the image as a [podnet.Program]: the container's main process, or
// what Exec asks for.
func (u *userland) program(ctx context.Context, c *podnet.Container) error {
	if err := u.unpack(c.RootFS()); err != nil {
		return fmt.Errorf("unpacking image %s: %w", u.name, err)
	}
	argv := c.Command()
	if len(argv) == 0 {
		argv = u.entrypoint
		if len(c.Args()) == 0 {
			argv = append(argv[:len(argv):len(argv)], u.cmd...)
		}
	}
	argv = append(argv[:len(argv):len(argv)], c.Args()...)
	x, err := u.find(c.FS(), c.Dir(), c.Getenv("PATH"), argv[0])
	if err != nil {
		// The words are runc's, which starts the process of a real container.
		if !strings.Contains(argv[0], "/") && errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(c.Stderr(), "exec: %q: executable file not found in $PATH\n", argv[0])
		} else {
			fmt.Fprintf(c.Stderr(), "exec: %q: %s\n", argv[0], err)
		}
		return podnet.ExitError{Code: execFailed(err)}
	}
	return u.exec(ctx, c, x, argv, startup{c.Stdin(), c.Stdout(), c.Stderr(), c.Env(), c.Dir()})
}

// unpack writes the image's files into root, once: each life of a container has
// a root layer of its own. Of processes that start together one unpacks and the
// others wait. It may end on the way, so that each file appears whole, and the
// binary last.
func (u *userland) unpack(root *podnet.FS) error {
	unpacking.Lock()
	defer unpacking.Unlock()
	if _, err := root.Lstat(binary); err == nil {
		return nil
	}
	dirs := []string{"/bin", "/etc", "/home", "/root", "/run", "/sbin", "/tmp", "/usr/bin", "/usr/sbin", "/var/log", "/var/run"}
	for _, d := range dirs {
		if err := root.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := root.Chmod("/tmp", fs.ModeSticky|0o777); err != nil {
		return err
	}
	for name, c := range u.commands {
		if err := newLink(root, binary, path.Join(c.dir, name)); err != nil {
			return err
		}
	}
	if err := newFile(root, "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n", 0o644); err != nil {
		return err
	}
	if err := newFile(root, "/etc/group", "root:x:0:root\nnobody:x:65534:\n", 0o644); err != nil {
		return err
	}
	if u.files != nil {
		if err := u.files(root); err != nil {
			return err
		}
	}
	return newFile(root, binary, binaryMagic, 0o755)
}

// unpacking is held by who unpacks an image. It takes microseconds, so one lock
// does for all containers.
var unpacking sync.Mutex

// newFile writes a file of an image, with its directory, if it is not there.
func newFile(root *podnet.FS, name, content string, perm fs.FileMode) error {
	if _, err := root.Lstat(name); err == nil {
		return nil
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	part := name + ".part"
	if err := root.WriteFile(part, []byte(content), perm); err != nil {
		return err
	}
	return root.Rename(part, name)
}

// newLink makes a symbolic link of an image, if it is not there.
func newLink(root *podnet.FS, to, name string) error {
	if err := root.Symlink(to, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
