package netstack

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// setRecovery says how connections that begin from now on recover from losses: where
// links are impaired by RACK, with tail loss probes, and else by counting duplicate
// acknowledgements, which costs less.
//
// gVisor's RACK takes what was sent after a packet that has arrived for lost if both
// were sent at the same instant (rack.go, detectLoss), and in a bubble a whole window
// is. So the clock must tell packets apart.
func (ns *Namespace) setRecovery(impaired bool) {
	var recovery tcpip.TCPRecovery
	if impaired {
		recovery = tcpip.TCPRACKLossDetection
		ns.clock.strict.Store(true) // for good: connections outlive faults
	}
	ns.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &recovery) // it knows the option
}
