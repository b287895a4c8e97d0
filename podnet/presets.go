package podnet

import "time"

// Conditions of usual networks, to be given to [Cluster.Impair] or [Config], each for
// one direction: a round trip takes twice the Latency. The figures are rounded, and
// docs/faults.md says where they are from.
var (
	// SameNode is two Pods of one machine: a veth pair and a bridge.
	SameNode = Conditions{Latency: 25 * time.Microsecond, Jitter: 5 * time.Microsecond}

	// SameZone is two machines of one availability zone.
	SameZone = Conditions{Latency: 150 * time.Microsecond, Jitter: 30 * time.Microsecond, Bandwidth: 10e9, Queue: 4000}

	// CrossZone is two availability zones of a region.
	CrossZone = Conditions{Latency: 500 * time.Microsecond, Jitter: 100 * time.Microsecond, Bandwidth: 5e9, Queue: 4000}

	// CrossRegion is two coasts of a continent.
	CrossRegion = Conditions{Latency: 32 * time.Millisecond, Jitter: 500 * time.Microsecond, Bandwidth: 1e9, Queue: 4000}

	// Slow4G is a telephone's link to the Internet, such as the slowest quarter of
	// those in 4G networks have.
	Slow4G = Conditions{Latency: 75 * time.Millisecond, Bandwidth: 1.6e6, Queue: 100}

	// LossyWiFi is a wireless link at the edge of its reach: what its own
	// retransmissions leave, gets lost in bursts.
	LossyWiFi = Conditions{
		Latency: 5 * time.Millisecond, Jitter: 3 * time.Millisecond, Distribution: Normal, Bandwidth: 20e6, Queue: 300,
		BurstLoss: BurstLoss{Begin: 0.005, End: 0.3, Loss: 0.7},
	}
)
