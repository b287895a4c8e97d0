package netstack

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// setRecovery says how connections that begin from now on recover from losses: where
// faults make them lossy by RACK, with tail loss probes, and else by duplicate
// acknowledgements alone, which costs less.
//
// gVisor's RACK takes what was sent after a packet that has arrived for lost if both
// were sent at the same instant (rack.go, detectLoss), and in a bubble a whole window
// is. So the clock must tell packets apart.
func (ns *Namespace) setRecovery(lossy bool) {
	var recovery tcpip.TCPRecovery
	if lossy {
		recovery = tcpip.TCPRACKLossDetection
		ns.clock.strict.Store(true) // for good: connections outlive faults
	}
	ns.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &recovery) // it knows the option
}
