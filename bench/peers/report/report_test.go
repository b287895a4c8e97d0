package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/bench"
)

const printed = `goos: linux
BenchmarkPath/path=localhost/work=rtt64-2         	    3782	     16855 ns/op	     291 B/op	      12 allocs/op
BenchmarkPath/path=localhost/work=stream-2        	    5257	     11732 ns/op	5585.94 MB/s	    1371 B/op	       4 allocs/op
--- FAIL: BenchmarkPath/path=gonet/work=http-new
    http.go:16: bind tcp 127.0.0.1:7000: port is in use
BenchmarkPath/path=own-service/work=rtt64-2       	    3282	     33710 ns/op	    1186 B/op	      16 allocs/op
BenchmarkPath/path=node/work=rtt64                	    3282	     50565 ns/op
BenchmarkPath/path=kernel/work=rtt64-2            	    4453	      8427.5 ns/op	       0 B/op	       0 allocs/op
BenchmarkLatency/path=localhost/work=rtt64-2 100 10000 ns/op 2000 p50-ns
BenchmarkLatency/path=own-service/work=rtt64-2 100 10000 ns/op 4000 p50-ns
BenchmarkLatency/path=node/work=rtt64-2 100 10000 ns/op 6000 p50-ns
BenchmarkLatency/path=kernel/work=rtt64-2         	    7699	     35521 ns/op	     10703 p50-ns	 10743 p75-ns	 11023 p90-ns	 33855 p99-ns	 10174463 p99.9-ns	 15400959 p99.99-ns
BenchmarkPods/pods=1000-2                         	       1	 329461579 ns/op	     67964 B-held/pod	 0.2 sec-up	    238075 ns/pod
BenchmarkPods/pods=10-2                           	       1	  19553644 ns/op	     57294 B-held/pod	 0.001 sec-up	    156188 ns/pod
BenchmarkContainers/ip-per=pod/containers=2-2     	       1	    113289 ns/op	     69860 B-held/pod	 2.000 IPs	 1.000 links
FAIL
`

func measured() results {
	r := make(results)
	r.add(parse([]byte(printed)), 0)
	return r
}

func TestResultsAreRead(t *testing.T) {
	var names []string
	for _, l := range parse([]byte(printed)) {
		names = append(names, l.name)
	}
	assert.Equal(t, []string{
		"Path/path=localhost/work=rtt64", "Path/path=localhost/work=stream", "Path/path=own-service/work=rtt64", "Path/path=node/work=rtt64",
		"Path/path=kernel/work=rtt64", "Latency/path=localhost/work=rtt64", "Latency/path=own-service/work=rtt64", "Latency/path=node/work=rtt64", "Latency/path=kernel/work=rtt64", "Pods/pods=1000", "Pods/pods=10", "Containers/ip-per=pod/containers=2",
	}, names)
	r := measured()
	assert.InDelta(t, 5585.94e6, r.of("Path/path=localhost/work=stream", throughput).mid, 1)
	assert.InDelta(t, 33.855e-6, r.of("Latency/path=kernel/work=rtt64", "p99-sec").mid, 1e-9)
	assert.Equal(t, []string{"10", "1000"}, r.values("Pods", "pods"))
	assert.Zero(t, r.of("Path/path=pod/work=rtt64", seconds))
}

func TestARatioIsOfValuesOfOneRound(t *testing.T) {
	r := make(results)
	r[key{"a", seconds}] = map[int]float64{0: 1, 1: 20, 2: 300, 3: 7}
	r[key{"b", seconds}] = map[int]float64{0: 1, 1: 10, 2: 100}
	assert.Equal(t, summary{3, 1.5, 2, 2.5}, r.ratio("a", "b", seconds))
	assert.Equal(t, summary{4, 5.5, 13.5, 90}, r.of("a", seconds))
}

func TestFailuresAreToldOnce(t *testing.T) {
	f := make(failures)
	for range 2 {
		f.add(job{bench: "^BenchmarkPath$/^path=gonet$"}, []byte(printed), errors.New("exit status 1"))
	}
	f.add(job{bench: "^BenchmarkPods$"}, nil, errors.New("signal: killed"))
	assert.Equal(t, []string{
		"Path/path=gonet: --- FAIL: BenchmarkPath/path=gonet/work=http-new; http.go:16: bind tcp 127.0.0.1:7000: port is in use (2 times)",
		"Pods: signal: killed (1 times)",
	}, f.list())
}

func TestGoals(t *testing.T) {
	got := make(map[string]bool)
	for _, g := range judge(measured()) {
		if g.measured() {
			got[g.what] = g.met()
		}
	}
	assert.Equal(t, map[string]bool{
		"round trip of 64 bytes: localhost to the kernel's loopback": false,
		"start of a Pod, when there are 1,000":                       true,
		"memory of a Pod, of 1,000":                                  true,
		"1,000 Pods up":                                              true,
	}, got)
}

// A report is written of whatever there is, and of nothing.
func TestAPageOfWhatWasMeasured(t *testing.T) {
	for name, r := range map[string]results{"a part": measured(), "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := &page{results: r, goals: judge(r), rounds: 1, machine: []fact{{"Go", "1.26"}, {"load", ""}}}
			require.NoError(t, p.write(dir))
			text, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
			require.NoError(t, err)
			if len(r) == 0 {
				assert.Contains(t, string(text), "not measured")
				return
			}
			assert.Contains(t, string(text), "| localhost | 16.9 µs | 16.9 µs – 16.9 µs | 2.00 × | 291 B | 12 |")
			assert.Contains(t, string(text), "**1 : 2.0 : 3.0** in podnet for a round trip of 64 bytes.")
			for _, chart := range []string{"hops", "rtt64", "stream", "latency", "pods-up", "containers-memory"} {
				svg, err := os.ReadFile(filepath.Join(dir, "benchmarks", chart+".svg"))
				require.NoError(t, err)
				assert.Contains(t, string(svg), "</svg>")
			}
		})
	}
}

func TestTheReadmeKeepsWhatIsAroundTheMarks(t *testing.T) {
	name := filepath.Join(t.TempDir(), "README.md")
	p := &page{results: measured()}
	require.NoError(t, os.WriteFile(name, []byte("before\n"+readmeBegin+"old\n"+readmeEnd+"\nafter\n"), 0o600))
	for range 2 {
		require.NoError(t, p.writeReadme(name))
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, "before\n"+readmeBegin+
			"localhost : own Service : another node take **1 : 2.0 : 3.0** in podnet for a round trip of 64 bytes. All of it: [docs/benchmarks.md](docs/benchmarks.md).\n\n"+
			"![What a hop costs](docs/benchmarks/hops.svg)\n"+readmeEnd+"\nafter\n", string(text))
	}
	require.NoError(t, os.WriteFile(name, []byte("nothing"), 0o600))
	assert.ErrorContains(t, p.writeReadme(name), "has no place")
}

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"16.9 µs": duration(16.855e-6), "453 ns": duration(453e-9), "36.4 s": duration(36.4), "0.50 ns": duration(0.5e-9), "0 ns": duration(0),
		"5.59 GB/s": rate(5585.94e6), "291 B": bytesText(291), "1.72 ×": times(1.72), "10000": count(9999.7),
		"10 µs": short("10.0 µs"), "1 GB/s": short("1.00 GB/s"), "3 ×": short("3.00 ×"), "0.50 ×": short("0.50 ×"), "100 ms": short("100 ms"),
	} {
		assert.Equal(t, want, got)
	}
}

func TestEveryPathHasAText(t *testing.T) {
	for _, p := range bench.Paths() {
		assert.True(t, slices.ContainsFunc(paths, func(known pathInfo) bool { return known.name == p.Name }), p.Name)
	}
}

func TestJobsTakeTurns(t *testing.T) {
	list := expand([]job{{program: "peers", bench: "^BenchmarkPath$", time: "1ms", each: true}, {bench: "^BenchmarkPods$"}})
	assert.Equal(t, job{program: "peers", bench: "^BenchmarkPath$/^path=localhost$/^work=rtt64$", time: "1ms"}, list[0])
	assert.Equal(t, "^BenchmarkPath$/^path=localhost-packets$/^work=rtt64$", list[1].bench)
	assert.Equal(t, job{bench: "^BenchmarkPods$"}, list[len(list)-1])
	linux := 0
	for _, j := range list {
		if strings.Contains(j.bench, "linux-") {
			linux++
		}
	}
	assert.Equal(t, len(works), linux, "one for all paths between namespaces")
}
