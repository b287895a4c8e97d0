package podnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Container is a container of a Pod: what [Pod.Container] returns, and what a
// [Program] is given. Given to a Program it stands for that one process, whose
// sockets, streams and arguments it has; otherwise for the container's main
// process as it is at each call, across restarts.
type Container struct {
	container *container
	process   *process // nil: the main process of the moment
}

// container is what stays the same over the restarts of a container.
type container struct {
	pod  *Pod
	spec ContainerSpec
	name string // with namespace and Pod, for messages
	init bool   // an init container

	network int // which of the Pod's network namespaces it is in; 0 but with Config.IPPerContainer

	logged broadcast // sent when any run has written to its log

	mu       sync.Mutex // guards what follows
	current  *instance  // the latest; nil before the first
	previous *containerLog
}

func (c *container) latest() *instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// instance returns the life of the container that c belongs to, or nil.
func (c *Container) instance() *instance {
	if c.process != nil {
		return c.process.instance
	}
	return c.container.latest()
}

// running returns the process that c stands for, or ErrNotRunning.
func (c *Container) running() (*process, error) {
	p := c.process
	if p == nil {
		if i := c.container.latest(); i != nil {
			p = i.main
		}
	}
	if p == nil || p.hasEnded() {
		return nil, ErrNotRunning
	}
	return p, nil
}

// Name returns the container's name.
func (c *Container) Name() string { return c.container.spec.Name }

// Pod returns the Pod that the container is in.
func (c *Container) Pod() *Pod { return c.container.pod }

// Spec returns the container's spec as it was applied. It must not be changed.
func (c *Container) Spec() ContainerSpec { return c.container.spec }

// Status returns the container's status.
func (c *Container) Status() ContainerStatus {
	s, _ := c.container.pod.Status().Container(c.Name())
	return s
}

// Logs returns what the container's current or last run wrote to stdout and
// stderr, as `kubectl logs` does. A log is rotated at 10 MiB.
func (c *Container) Logs() string {
	if i := c.container.latest(); i != nil {
		return i.log.String()
	}
	return ""
}

// PreviousLogs returns the log of the run before that, as `kubectl logs
// --previous` does.
func (c *Container) PreviousLogs() string {
	c.container.mu.Lock()
	previous := c.container.previous
	c.container.mu.Unlock()
	if previous == nil {
		return ""
	}
	return previous.String()
}

// FS returns the container's file system with its mounts. That of a container
// that has ended stays until the next start; before the first it is empty.
func (c *Container) FS() *FS {
	if i := c.instance(); i != nil {
		return &FS{disk: i.view, process: c.process}
	}
	return emptyFS()
}

// RootFS returns the container's root layer as it is beneath its mounts. A
// Program that stands for an image puts the image's files there.
func (c *Container) RootFS() *FS {
	if i := c.instance(); i != nil {
		return &FS{disk: i.root, process: c.process}
	}
	return emptyFS()
}

// of returns what f gives for the process that c stands for, running or not,
// or the zero value if there is none.
func of[T any](c *Container, f func(*process) T) (v T) {
	p := c.process
	if p == nil {
		if i := c.container.latest(); i != nil {
			p = i.main
		}
	}
	if p != nil {
		v = f(p)
	}
	return v
}

// PID returns the process's number in its container, 1 for the main process.
func (c *Container) PID() int { return of(c, func(p *process) int { return p.pid }) }

// Command returns the command that the process was given: of the main process
// what the spec has, and nothing if the image's own is meant; of a process
// started by Exec or Run, all of its words.
func (c *Container) Command() []string {
	return of(c, func(p *process) []string { return p.command })
}

// Args returns the spec's arguments of the main process, and nothing for any
// other process.
func (c *Container) Args() []string { return of(c, func(p *process) []string { return p.args }) }

// Env returns the environment as "NAME=value": PATH, HOSTNAME and HOME, the
// variables of the Service "kubernetes", and those of the spec, which win.
func (c *Container) Env() []string { return of(c, func(p *process) []string { return p.env.list() }) }

// Getenv returns a variable of the environment, "" if it is not set.
func (c *Container) Getenv(name string) string {
	return of(c, func(p *process) string {
		value, _ := p.env.lookup(name)
		return value
	})
}

// Dir returns the process's working directory.
func (c *Container) Dir() string { return of(c, func(p *process) string { return p.dir }) }

// Hostname returns what the process is told as its machine's name: the Pod's
// hostname or, with SetHostnameAsFQDN, its full name; with HostNetwork that of
// the node.
func (c *Container) Hostname() string { return c.container.pod.machineName() }

// Stdin returns the process's input. A container's main process has none: it
// is at its end at once.
func (c *Container) Stdin() io.Reader {
	if r := of(c, func(p *process) io.Reader { return p.stdin }); r != nil {
		return r
	}
	return strings.NewReader("")
}

// Stdout returns the process's output, which for the main process is the
// container's log. When the process has ended, writes fail with os.ErrClosed.
func (c *Container) Stdout() io.Writer {
	return c.out(func(p *process) io.Writer { return p.stdout })
}

// Stderr is like Stdout.
func (c *Container) Stderr() io.Writer {
	return c.out(func(p *process) io.Writer { return p.stderr })
}

func (c *Container) out(f func(*process) io.Writer) io.Writer {
	if w := of(c, f); w != nil {
		return w
	}
	return noProcess{}
}

type noProcess struct{}

func (noProcess) Write([]byte) (int, error) { return 0, ErrNotRunning }

// Killed returns a channel that is closed when the process is killed, which is
// later than the end of its context if there was a grace period.
func (c *Container) Killed() <-chan struct{} {
	return of(c, func(p *process) <-chan struct{} { return p.killed })
}

// Cmd describes a process to run in a container.
type Cmd struct {
	Args   []string  // the command and its arguments; required
	Env    []string  // default: that of the process that runs it
	Dir    string    // default: that of the process that runs it
	Stdin  io.Reader // default: empty
	Stdout io.Writer // default: nowhere; a killed process may still be in a Write when Run has returned
	Stderr io.Writer // likewise

	// Program is what runs. The default is the Program of the container's
	// image, which finds the command in [Container.Command].
	Program Program
}

// Run runs a process in the container and waits for its end. It dies with the
// container, and is killed when ctx ends. The error is an [ExitError] if its
// exit code is not 0, the context's if that ended it, and [ErrNotRunning] if
// the container does not run.
func (c *Container) Run(ctx context.Context, cmd Cmd) error {
	p, err := c.spawn(cmd)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.kill)
	defer stop()
	<-p.done
	select {
	case <-p.killed:
		if err := ctx.Err(); err != nil {
			return err
		}
	default:
	}
	if code := p.exitCode(); code != 0 {
		return ExitError{Code: code}
	}
	return nil
}

func (c *Container) spawn(cmd Cmd) (*process, error) {
	if len(cmd.Args) == 0 {
		return nil, errors.New("podnet: Cmd.Args is empty: it must name a command")
	}
	parent, err := c.running()
	if err != nil {
		return nil, err
	}
	program := cmd.Program
	if program == nil {
		if program = c.container.pod.cluster.image(c.container.spec.Image); program == nil {
			// What runc says of an image without such a file.
			return nil, fmt.Errorf("exec: %q: executable file not found in $PATH", cmd.Args[0])
		}
	}
	p := &process{
		ppid: parent.pid, argv: cmd.Args, command: cmd.Args, env: environment{own: cmd.Env}, dir: cmd.Dir, stdin: cmd.Stdin,
	}
	if cmd.Env == nil {
		p.env = parent.env
	}
	if p.dir == "" {
		p.dir = parent.dir
	}
	p.stdout = &output{p, "/dev/stdout", writerOr(cmd.Stdout, io.Discard)}
	p.stderr = &output{p, "/dev/stderr", writerOr(cmd.Stderr, io.Discard)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if parent.instance.newProcess(p) == nil {
		p.cancel()
		return nil, ErrNotRunning
	}
	p.start(program)
	return p, nil
}

func writerOr(w, other io.Writer) io.Writer {
	if w == nil {
		return other
	}
	return w
}

// ExecResult is what came of a process.
type ExecResult struct {
	Stdout, Stderr string
	ExitCode       int
}

// Exec runs a command in the container by the Program of its image, as `kubectl
// exec` does, and waits for it. A command that ends with another code than 0 is
// no error: see ExitCode. The error says why it could not run to its end: the
// container does not run, its image has no such command, or ctx ended.
func (c *Container) Exec(ctx context.Context, argv ...string) (ExecResult, error) {
	var stdout, stderr lockedBuffer
	err := c.Run(ctx, Cmd{Args: argv, Stdout: &stdout, Stderr: &stderr})
	result := ExecResult{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit ExitError
	if errors.As(err, &exit) {
		result.ExitCode, err = exit.Code, nil
	}
	if err != nil {
		err = fmt.Errorf("podnet: exec in container %s: %w", c.container.name, err)
	}
	return result, err
}

// lockedBuffer is a buffer that a killed process may still write to.
type lockedBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
