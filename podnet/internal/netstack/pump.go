package netstack

import "gvisor.dev/gvisor/pkg/tcpip/stack"

// pump lets virtual time pass in a namespace inside a synctest bubble.
//
// gVisor's TCP workers wait for work in runtime sleeps that do not count as
// durably blocked, so with one of them idle a bubble's clock never moves. A
// paused worker waits on a channel instead, which counts. So the workers stay
// paused, and each kick makes the pump resume them and pause them again; a
// worker drains its queue before it obeys a pause.
//
// A kick must follow everything that may give the workers something to do: a
// packet that the stack is given, a timer, an operation on a socket. What the stack
// sends gives it nothing to do, and each kick is five changes of goroutines. A nil
// pump is that of a namespace outside a bubble and does nothing.
type pump struct {
	handshakes *handshakes

	kicked chan struct{} // one slot: a kick while one is pending adds nothing
	quit   chan struct{}
	done   chan struct{}
}

func newPump(h *handshakes) *pump {
	return &pump{
		handshakes: h,
		kicked:     make(chan struct{}, 1),
		quit:       make(chan struct{}),
		done:       make(chan struct{}),
	}
}

// start pauses the workers of tcp and begins to answer kicks.
func (p *pump) start(tcp stack.TransportProtocol) {
	if p == nil {
		return
	}
	tcp.Pause()
	go func() {
		defer close(p.done)
		for {
			select {
			case <-p.kicked:
				delivered := p.handshakes.take()
				tcp.Resume()
				tcp.Pause()
				settle(delivered)
			case <-p.quit:
				tcp.Resume()
				return
			}
		}
	}()
}

// stop ends the pump and leaves the workers running. A late timer may still
// kick; the kick goes nowhere.
func (p *pump) stop() {
	if p == nil {
		return
	}
	close(p.quit)
	<-p.done
}

func (p *pump) kick() {
	if p == nil {
		return
	}
	select {
	case p.kicked <- struct{}{}:
	default:
	}
}
