package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A plan says what is measured, and for how long. Everything is measured once a
// round, so that what is compared takes turns: A B A B.
type plan struct {
	paths, scale phase
}

// A phase has rounds until its time is over, but so many at least. A job that
// finds nothing to measure is left out of those after the first.
type phase struct {
	time   time.Duration
	rounds int
	jobs   []job
}

// A job is one run of a program of benchmarks. If each is set it stands for several:
// one for each work of each path of BenchmarkPath.
type job struct {
	program string // bench or peers
	bench   string // pattern, as of go test
	time    string // as of -benchtime
	each    bool
	limit   time.Duration // default 3 minutes: who takes longer hangs
}

var fullPlan = plan{
	paths: phase{7 * time.Minute, 5, []job{
		{program: "peers", bench: "^BenchmarkPath$", time: "100ms", each: true},
		latency("localhost|own-service|pod|node|kernel|gonet|netem|bufconn", "rtt64", "300ms"),
		latency("linux-own-service|linux-pod", "rtt64", "300ms"),
	}},
	scale: phase{5 * time.Minute, 3, []job{
		{program: "bench", bench: "^BenchmarkServices$", time: "300ms", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkClients$", time: "500ms", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkContainers$", time: "50ms", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkPods$", time: "1x", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkProbed$", time: "1x", limit: 10 * time.Minute},
	}},
}

var shortPlan = plan{
	paths: phase{75 * time.Second, 2, []job{
		{program: "peers", bench: "^BenchmarkPath$", time: "20ms", each: true},
		latency("localhost|own-service|pod|node|kernel|gonet|netem|bufconn", "rtt64", "50ms"),
		latency("linux-own-service|linux-pod", "rtt64", "50ms"),
	}},
	scale: phase{20 * time.Second, 1, []job{
		{program: "bench", bench: "^BenchmarkServices$/^services=(1|100|10000)$", time: "100ms", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkClients$/./^clients=(1|10|100)$", time: "100ms", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkContainers$/./^containers=(1|2|5|10)$", time: "20ms", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkPods$/^pods=(1|10|100|1000)$", time: "1x", limit: 10 * time.Minute},
		{program: "bench", bench: "^BenchmarkProbed$/^pods=(1|10|100)$", time: "1x", limit: 10 * time.Minute},
	}},
}

func latency(paths, work, benchtime string) job {
	return job{program: "peers", bench: fmt.Sprintf("^BenchmarkLatency$/^path=(%s)$/^work=%s$", paths, work), time: benchtime}
}

// expand puts the single jobs in place of those that stand for several. Network
// namespaces are made once for each work: to make them takes longer than to use them.
func expand(jobs []job) []job {
	var list []job
	for _, j := range jobs {
		if !j.each {
			list = append(list, j)
			continue
		}
		for _, w := range works {
			for _, p := range paths {
				name := p.name
				if strings.HasPrefix(name, "linux-") {
					name = "linux-.*"
				}
				one := j
				one.each, one.bench = false, fmt.Sprintf("%s/^path=%s$/^work=%s$", j.bench, name, w.name)
				if !slices.Contains(list, one) {
					list = append(list, one)
				}
			}
		}
	}
	return list
}
