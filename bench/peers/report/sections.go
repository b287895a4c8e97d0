package main

import (
	"fmt"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
)

// hops answers what the way costs that a request takes.
func (p *page) hops() {
	p.say("## What a hop costs")
	line, ok := p.answer()
	if !ok {
		p.say("Not measured.")
		return
	}
	p.say("%s", line)
	head := []string{"localhost : own Service : another node"}
	for _, w := range hopWorks {
		head = append(head, w.text)
	}
	rows := [][]string{head}
	for _, in := range hopSystems {
		row := []string{in.text}
		for _, w := range hopWorks {
			ratio, ok := p.proportion(in, w.name)
			if !ok {
				ratio = "–"
			}
			row = append(row, ratio)
		}
		rows = append(rows, row)
	}
	p.table(rows)
	p.say("What podnet's containers write to localhost goes from socket to socket as long as nobody needs to see packets; the second line is what it costs when somebody does.")
	var bars []bar
	for _, w := range hopWorks {
		for _, in := range []hopSystem{hopSystems[0], hopSystems[len(hopSystems)-1]} {
			if len(bars) > 0 {
				bars = append(bars, bar{})
			}
			for i := range in.paths {
				if value := p.hop(in, i, w.name); value.n > 0 {
					bars = append(bars, bar{w.short + ", " + in.short + ": " + hopNames[i], lineSet[i], value})
				}
			}
		}
	}
	p.chart("hops", "What a hop costs: localhost, own Service, another node", vg.Points(60+18*float64(len(bars))),
		barChart("What a hop costs", "time, as a multiple of localhost's: shorter is better", times, bars), nil)
}

// A hopSystem is where the three ways were measured.
type hopSystem struct {
	text, short string
	paths       [3]string // in the order of hopNames
}

var (
	hopNames   = []string{"localhost", "own Service", "another node"}
	hopSystems = []hopSystem{
		{"podnet", "podnet", [3]string{"localhost", "own-service", "node"}},
		{"podnet, localhost by packets too", "podnet", [3]string{"localhost-packets", "own-service", "node"}},
		{"Linux, network namespaces and kube-proxy's rules", "Linux", [3]string{"kernel", "linux-own-service", "linux-node"}},
	}
	hopWorks = []struct{ name, short, text string }{
		{"rtt64", "round trip", "round trip of 64 bytes"},
		{"connect", "connect", "connect and close"},
		{"http-new", "HTTP", "HTTP request on a new connection"},
		{"stream", "stream", "byte of a stream"},
	}
)

// hop is how much longer a work takes over one of a system's ways than over localhost.
func (p *page) hop(in hopSystem, way int, work string) summary {
	return p.results.ratio(path(in.paths[way], work), path(in.paths[0], work), seconds)
}

// proportion returns the three ways as one, if they were measured.
func (p *page) proportion(in hopSystem, work string) (string, bool) {
	own, node := p.hop(in, 1, work), p.hop(in, 2, work)
	return fmt.Sprintf("1 : %.1f : %.1f", own.mid, node.mid), own.n > 0 && node.n > 0
}

// answer is one line on what the hops cost.
func (p *page) answer() (string, bool) {
	var list []string
	for _, in := range []hopSystem{hopSystems[0], hopSystems[len(hopSystems)-1]} {
		if ratio, ok := p.proportion(in, hopWorks[0].name); ok {
			list = append(list, fmt.Sprintf("**%s** in %s", ratio, in.short))
		}
	}
	return "localhost : own Service : another node take " + strings.Join(list, ", and ") + " for a round trip of 64 bytes.", len(list) > 0
}

// latency shows how the times of single round trips are distributed.
func (p *page) latency() {
	p.say("## Latency of a round trip of 64 bytes")
	p.say("Single round trips, counted by an HDR histogram: so many of them took at most that long. A round has some ten thousand, so that the last column is the slowest or nearly so. The values are medians of the rounds.")
	percentiles := []struct {
		name string
		in   float64 // one operation in so many takes longer
	}{{"p50", 2}, {"p75", 4}, {"p90", 10}, {"p99", 100}, {"p99.9", 1e3}, {"p99.99", 1e4}}
	head := []string{"path"}
	for _, one := range percentiles {
		head = append(head, one.name[1:]+" %")
	}
	rows := [][]string{append(head, "50 % to the kernel's loopback")}
	var curves []curve
	for _, info := range paths {
		c, row := curve{name: info.text}, []string{info.text}
		for _, one := range percentiles {
			if value := p.results.of(single(info.name, "rtt64"), one.name+"-sec"); value.n > 0 {
				c.xs, c.ys = append(c.xs, one.in), append(c.ys, value)
				row = append(row, duration(value.mid))
			}
		}
		if len(row) == len(percentiles)+1 {
			ratio := p.results.ratio(single(info.name, "rtt64"), single("kernel", "rtt64"), "p50-sec")
			curves, rows = append(curves, c), append(rows, append(row, times(ratio.mid)))
		}
	}
	if len(curves) == 0 {
		p.say("Nothing was measured.")
		return
	}
	c, err := lineChart("Latency of a round trip of 64 bytes", "one round trip in so many takes longer", "time", duration, true, curves)
	p.chart("latency", "Latency of a round trip of 64 bytes", 400, c, err)
	p.table(rows)
}

// A growth is how something changes with a number.
type growth struct {
	chart, title, text string
	labelX, labelY     string
	prefix, key, unit  string   // the benchmark, what its names call the number, and what it measures
	paths              []string // a curve for each, if the names have paths
	format             func(float64) string
	logY               bool
}

var growths = []growth{
	{
		chart: "pods-start", title: "Start of one more Pod",
		text:   "How long a Pod takes to start when there are so many: the mean of twenty, one after the other.",
		labelX: "Pods", labelY: "until its container runs",
		prefix: "Pods", key: "pods", unit: "sec/pod", format: duration,
	},
	{
		chart: "pods-up", title: "All Pods up",
		text:   "How long it takes until so many Pods, applied at once, are ready.",
		labelX: "Pods", labelY: "until all are ready",
		prefix: "Pods", key: "pods", unit: "sec-up", format: duration, logY: true,
	},
	{
		chart: "pods-memory", title: "Memory of a Pod",
		text:   "What each Pod of so many holds.",
		labelX: "Pods", labelY: "bytes a Pod, with goroutines' stacks",
		prefix: "Pods", key: "pods", unit: "B-held/pod", format: bytesText,
	},
	{
		chart: "services", title: "Connection through a Service among others",
		text:   "Each new connection looks for its Service among so many.",
		labelX: "Services", labelY: "connect and close",
		prefix: "Services", key: "services", unit: seconds, format: duration,
	},
	{
		chart: "clients", title: "Connections of many clients",
		text:   "How many connections a second one server gets from so many clients that connect and close without a pause.",
		labelX: "clients at once", labelY: "connections a second",
		prefix: "Clients", key: "clients", unit: "conn/s", paths: []string{"localhost", "kernel"}, format: count,
	},
	{
		chart: "probed", title: "Virtual time of probed Pods",
		text:   "In a testing/synctest bubble time goes as fast as the Pods let it.",
		labelX: "Pods, probed every ten seconds", labelY: "virtual seconds in a real one",
		prefix: "Probed", key: "pods", unit: "virtual-s/s", format: count, logY: true,
	},
}

// scale shows the curves.
func (p *page) scale() {
	p.say("## Scale")
	for _, g := range growths {
		p.say("### %s", g.title)
		p.say("%s", g.text)
		p.growth(g)
	}
}

func (p *page) growth(g growth) {
	sizes := p.results.values(g.prefix, g.key)
	parts := []string{""}
	if g.paths != nil {
		parts = g.paths
	}
	rows := [][]string{append([]string{g.labelX}, sizes...)}
	var curves []curve
	for _, part := range parts {
		name, text := g.prefix, g.labelY
		if part != "" {
			name, text = name+"/path="+part, textOf(part)
		}
		c, row := curve{name: text}, []string{text}
		for _, size := range sizes {
			value := p.results.of(name+"/"+g.key+"="+size, g.unit)
			if value.n == 0 {
				row = append(row, "")
				continue
			}
			x, err := strconv.ParseFloat(size, 64)
			if err != nil {
				continue
			}
			c.xs, c.ys = append(c.xs, x), append(c.ys, value)
			row = append(row, g.format(value.mid))
		}
		if len(c.xs) > 0 {
			curves, rows = append(curves, c), append(rows, row)
		}
	}
	if len(curves) == 0 {
		p.say("Nothing was measured.")
		return
	}
	c, err := lineChart(g.title, g.labelX, g.labelY, g.format, g.logY, curves)
	p.chart(g.chart, g.title, 300, c, err)
	p.table(rows)
}

// containers compares the two worlds.
func (p *page) containers() {
	p.say("## One IP for the Pod, or one for each container")
	p.say("A Pod of so many containers, selected by a Service with a port for each and by a NetworkPolicy: what it takes of the network (IPv4 and IPv6 together), the rules that kube-proxy has for it, its memory, and a round trip of 64 bytes from its first container to its last. With an IP each, Config.IPPerContainer, that crosses the node.")
	rows := [][]string{{"containers", "an IP for", "IPs", "veths", "routes", "node routes", "endpoints", "policy entries", "rules", "memory", "round trip"}}
	memory, roundTrip := []curve{}, []curve{}
	for _, world := range []struct{ name, text string }{{"pod", "the Pod"}, {"container", "each container"}} {
		m, t := curve{name: "an IP for " + world.text}, curve{name: "an IP for " + world.text}
		for _, n := range p.results.values("Containers", "containers") {
			name := "Containers/ip-per=" + world.name + "/containers=" + n
			held, took := p.results.of(name, "B-held/pod"), p.results.of(name, seconds)
			x, err := strconv.ParseFloat(n, 64)
			if held.n == 0 || err != nil {
				continue
			}
			m.xs, m.ys, t.xs, t.ys = append(m.xs, x), append(m.ys, held), append(t.xs, x), append(t.ys, took)
			row := []string{n, world.text}
			for _, unit := range []string{"IPs", "links", "routes", "node-routes", "endpoints", "policy-entries", "rules"} {
				row = append(row, count(p.results.of(name, unit).mid))
			}
			rows = append(rows, append(row, bytesText(held.mid), duration(took.mid)))
		}
		if len(m.xs) > 0 {
			memory, roundTrip = append(memory, m), append(roundTrip, t)
		}
	}
	if len(memory) == 0 {
		p.say("Nothing was measured.")
		return
	}
	c, err := lineChart("Memory of a Pod", "containers", "bytes a Pod", bytesText, false, memory)
	p.chart("containers-memory", "Memory of a Pod of 1 to 10 containers", 300, c, err)
	c, err = lineChart("From the first container to the last", "containers", "round trip of 64 bytes", duration, false, roundTrip)
	p.chart("containers-latency", "Round trip from the first container to the last", 300, c, err)
	p.table(rows)
}
