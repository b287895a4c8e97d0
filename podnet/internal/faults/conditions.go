package faults

import "time"

// Conditions are those of one direction of a link. The zero value is a link that
// takes no time and loses nothing.
type Conditions struct {
	Latency time.Duration // of each packet
	Jitter  time.Duration // by which the latency varies
	Normal  bool          // Jitter is a standard deviation; else the most that it varies, up and down

	Bandwidth int64 // bits per second; 0: no limit
	Queue     int   // packets that wait for the line, at most

	Loss  float64 // probability
	Burst Burst   // of losses

	Duplicate    float64 // probability
	Corrupt      float64 // probability that a bit is flipped
	Reorder      float64 // probability that a packet comes late
	ReorderDelay time.Duration

	MTU int // longest IP packet in bytes; 0: no limit
}

// Burst is the Gilbert-Elliott model of losses: packets are lost within bursts.
type Burst struct {
	Begin, End float64 // probabilities, for each packet, that a burst begins and that it ends
	Loss       float64 // within a burst
}

// maxDeviations is how far from the latency a normal jitter may take a packet, in
// standard deviations.
const maxDeviations = 4
