package main

import "fmt"

// A goal is what podnet wants to reach, and what was measured. It is met if value is
// at most the limit, or with least, at least.
type goal struct {
	what    string
	value   summary // of no rounds if it was not measured
	limit   float64
	least   bool
	format  func(float64) string
	profile job // what shows where its time goes
}

func (g goal) measured() bool { return g.value.n > 0 }

func (g goal) met() bool {
	if g.least {
		return g.value.mid >= g.limit
	}
	return g.value.mid <= g.limit
}

func (g goal) want() string {
	if g.least {
		return "≥ " + g.format(g.limit)
	}
	return "≤ " + g.format(g.limit)
}

const (
	seconds    = "sec/op"
	throughput = "B/s"
)

func path(name, work string) string { return "Path/path=" + name + "/work=" + work }

func single(name, work string) string { return "Latency/path=" + name + "/work=" + work }

// judge compares what was measured with the goals.
func judge(r results) []goal {
	ofPath := func(name, work string) job {
		return job{program: "bench", bench: fmt.Sprintf("^BenchmarkPath$/^path=%s$/^work=%s$", name, work), time: "2s"}
	}
	ofScale := func(pattern, time string) job { return job{program: "bench", bench: pattern, time: time} }
	return []goal{
		{what: "round trip of 64 bytes: localhost to the kernel's loopback", value: r.ratio(path("localhost", "rtt64"), path("kernel", "rtt64"), seconds), limit: 1, format: times, profile: ofPath("localhost", "rtt64")},
		{what: "stream: localhost to the kernel's loopback", value: r.ratio(path("localhost", "stream"), path("kernel", "stream"), throughput), limit: 1.5, least: true, format: times, profile: ofPath("localhost", "stream")},
		{what: "connect and close: localhost to the kernel's loopback", value: r.ratio(path("localhost", "connect"), path("kernel", "connect"), seconds), limit: 0.6, format: times, profile: ofPath("localhost", "connect")},
		{what: "stream: Pod to Pod to localhost by packets", value: r.ratio(path("pod", "stream"), path("localhost-packets", "stream"), throughput), limit: 0.5, least: true, format: times, profile: ofPath("pod", "stream")},
		{what: "connection through a Service: among 10,000 to alone", value: r.ratio("Services/services=10000", "Services/services=1", seconds), limit: 1.1, format: times, profile: ofScale("^BenchmarkServices$/^services=10000$", "1s")},
		{what: "start of a Pod, when there are 1,000", value: r.of("Pods/pods=1000", "sec/pod"), limit: 0.5e-3, format: duration, profile: ofScale("^BenchmarkPods$/^pods=1000$", "3x")},
		{what: "memory of a Pod, of 1,000", value: r.of("Pods/pods=1000", "B-held/pod"), limit: 80e3, format: bytesText, profile: ofScale("^BenchmarkPods$/^pods=1000$", "3x")},
		{what: "1,000 Pods up", value: r.of("Pods/pods=1000", "sec-up"), limit: 1, format: duration, profile: ofScale("^BenchmarkPods$/^pods=1000$", "3x")},
		{what: "an hour of 100 probed Pods", value: r.of("Probed/pods=100", "sec"), limit: 5, format: duration, profile: ofScale("^BenchmarkProbed$/^pods=100$", "1x")},
	}
}
