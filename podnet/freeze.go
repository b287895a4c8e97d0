package podnet

// Freeze stops the container as `docker pause` does, as far as that is possible: the
// goroutines of its Programs cannot be stopped and go on, but what they ask of their
// sockets waits until Thaw: reads, datagrams, accepting connections. Writes to a
// connection do not wait, and neither do files and timers. Linux goes on, too:
// connections to its ports are made, and what is sent there is acknowledged, until
// buffers are full. Probes of the container fail, and being killed ends it.
//
// It fails with [ErrNotRunning] if the container does not run. Processes that it
// starts later are not frozen.
func (c *Container) Freeze() error { return c.freeze((*process).freeze) }

// Thaw lets the container go on. A second Thaw does nothing.
func (c *Container) Thaw() error { return c.freeze((*process).thaw) }

func (c *Container) freeze(f func(*process)) error {
	i := c.instance()
	if i == nil || i.main.hasEnded() {
		return ErrNotRunning
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, p := range i.processes {
		f(p)
	}
	return nil
}

func (p *process) freeze() { p.owner.Freeze() }
func (p *process) thaw()   { p.owner.Thaw() }
