package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
)

// A page is the report.
type page struct {
	results             results
	machine             []fact
	goals               []goal
	profiles            []profile
	failures            failures
	short               bool
	rounds, scaleRounds int

	out  string // the directory of benchmarks.md
	text strings.Builder
	err  error // the first of a file that could not be written
}

// write writes benchmarks.md and its charts into a directory.
func (p *page) write(out string) error {
	p.out = out
	if err := os.MkdirAll(filepath.Join(out, "benchmarks"), 0o755); err != nil {
		return err
	}
	p.head()
	p.hops()
	p.targets()
	for _, w := range works {
		p.work(w)
	}
	p.latency()
	p.scale()
	p.containers()
	p.whereTimeGoes()
	p.foot()
	if p.err != nil {
		return p.err
	}
	return os.WriteFile(filepath.Join(out, "benchmarks.md"), []byte(p.text.String()), 0o644)
}

func (p *page) say(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n\n", args...) }

// table writes rows, of which the first is the head. Columns but the first are
// aligned to the right.
func (p *page) table(rows [][]string) {
	for i, row := range rows {
		p.text.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			p.text.WriteString("|---|" + strings.Repeat("--:|", len(row)-1) + "\n")
		}
	}
	p.text.WriteString("\n")
}

// chart writes a chart and shows it.
func (p *page) chart(name, alt string, height vg.Length, c chart, err error) {
	if err == nil {
		err = c.save(height, filepath.Join(p.out, "benchmarks", name+".svg"))
		if p.err == nil {
			p.err = err
		}
	}
	if err != nil {
		p.say("There is no chart “%s”: %v.", alt, err)
		return
	}
	p.say("![%s](benchmarks/%s.svg)", alt, name)
}

func (p *page) head() {
	p.say("# Benchmarks")
	again := "go run ./bench/report"
	if p.short {
		again += " --short"
	}
	p.say("Written by `%s`, which measures all of this again; nothing here is typed by hand. What is compared took turns in one run, of %d rounds for the paths and %d for the curves. A value is the median of the rounds, with the quartiles beside it, and a ratio the median of the rounds' ratios. Times are those of this machine; only the ratios should mean something on yours.", again, p.rounds, p.scaleRounds)
	rows := [][]string{{"what", "measured with"}}
	for _, f := range p.machine {
		if f.is != "" {
			rows = append(rows, []string{f.what, f.is})
		}
	}
	p.table(rows)
	p.say("The benchmarks are in [bench](../bench) and [bench/peers](../bench/peers), and all results in [results.txt](benchmarks/results.txt), which `benchstat` reads: `benchstat -filter '.name:Path .unit:sec/op' -row /work -col /path docs/benchmarks/results.txt`.")
}

func (p *page) targets() {
	p.say("## Targets")
	rows := [][]string{{"target", "wanted", "measured", "quartiles", ""}}
	for _, g := range p.goals {
		row := []string{g.what, g.want(), "", "", "not measured"}
		if g.measured() {
			row = []string{g.what, g.want(), g.format(g.value.mid), spread(g.value, g.format), "met"}
			if !g.met() {
				row[4] = "**not met**"
			}
		}
		rows = append(rows, row)
	}
	p.table(rows)
}

// work writes a section on one work: a chart and a table of all paths.
func (p *page) work(w workInfo) {
	var bars []bar
	rows := [][]string{{"path", "median", "quartiles", "to the kernel's loopback", "B/op", "allocs/op"}}
	for _, info := range paths {
		name := path(info.name, w.name)
		value := p.results.of(name, w.unit)
		if value.n == 0 {
			continue
		}
		bars = append(bars, bar{info.text, info.color, value})
		row := []string{info.text, w.format(value.mid), spread(value, w.format), "", bytesText(p.results.of(name, "B/op").mid), count(p.results.of(name, "allocs/op").mid)}
		if ratio := p.results.ratio(name, path("kernel", w.name), w.unit); ratio.n > 0 {
			row[3] = times(ratio.mid)
		}
		rows = append(rows, row)
	}
	p.say("## %s", w.title)
	p.say("%s", w.text)
	if len(bars) == 0 {
		p.say("Nothing was measured.")
		return
	}
	if w.chart {
		p.chart(w.name, w.title, vg.Points(60+18*float64(len(bars))), barChart(w.title, w.axis, w.format, bars), nil)
	}
	p.table(rows)
}

func (p *page) whereTimeGoes() {
	if len(p.profiles) == 0 {
		return
	}
	p.say("## Where the time goes")
	p.say("For each target that is not met, the profile of its benchmark: the functions below which most of the processor's time is spent, without those of the runtime and of the benchmark itself. Time that is spent waiting for the other goroutine to be scheduled is the runtime's, and in no profile of the processor.")
	for _, one := range p.profiles {
		p.say("%s: %s instead of %s.", one.goal.what, one.goal.format(one.goal.value.mid), one.goal.want())
		p.say("```\n%s\n```", one.text)
	}
}

func (p *page) foot() {
	if len(p.results.values("Path/path=linux-pod", "work")) == 0 {
		p.say("The paths between network namespaces are missing: they want Linux, root, ip and iptables-restore.")
	}
	if list := p.failures.list(); len(list) > 0 {
		p.say("## What failed")
		p.say("What these would have measured is not above, or of fewer rounds.")
		for _, one := range list {
			fmt.Fprintf(&p.text, "- %s\n", one)
		}
	}
}

func spread(s summary, format func(float64) string) string {
	return format(s.low) + " – " + format(s.high)
}
