package podnet

import (
	"syscall"

	"podnet.dev/podnet/internal/errno"
)

// Signal is a signal to a process, by Linux's number on every operating system.
type Signal int

// The signals that mean something to a Program.
const (
	SIGHUP  Signal = 1
	SIGINT  Signal = 2
	SIGQUIT Signal = 3
	SIGKILL Signal = 9
	SIGTERM Signal = 15
)

// Signal sends a signal to a process of the container. SIGTERM, SIGINT, SIGHUP
// and SIGQUIT end the context of its Program, SIGKILL kills it, and 0 only asks
// whether it is there. As on Linux, PID 1 cannot be killed from inside its
// container: SIGKILL to it does nothing, unless c was not given to a Program but
// taken from outside (see Kill). The error is ESRCH for a process that
// does not exist and EINVAL for any other signal.
func (c *Container) Signal(pid int, sig Signal) error {
	var p *process
	if i := c.instance(); i != nil {
		p = i.find(pid)
	}
	if p == nil {
		return errno.Of(syscall.ESRCH)
	}
	switch sig {
	case 0:
	case SIGTERM, SIGINT, SIGHUP, SIGQUIT:
		p.terminate(sig)
	case SIGKILL:
		if pid != 1 || c.process == nil {
			p.kill()
		}
	default:
		return errno.Of(syscall.EINVAL)
	}
	return nil
}

// Kill kills the container from outside, as the kernel does when it runs out of
// memory: its processes are dead and their sockets closed when it returns, the
// exit code is 137, and the restart policy applies. It fails with
// [ErrNotRunning] if the container does not run.
func (c *Container) Kill() error {
	i := c.instance()
	if i == nil || i.main.hasEnded() {
		return ErrNotRunning
	}
	i.main.kill()
	return nil
}
