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
// container: SIGKILL to it does nothing. The error is ESRCH for a process that
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
		if pid != 1 {
			p.kill()
		}
	default:
		return errno.Of(syscall.EINVAL)
	}
	return nil
}
