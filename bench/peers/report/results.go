package main

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// results are the values of each benchmark and unit, by their round.
type results map[key]map[int]float64

// A key is a benchmark, named without the word Benchmark and the number of CPUs, and
// a unit: of benchstat's, which has seconds and bytes.
type key struct{ name, unit string }

// A line is one benchmark's result.
type line struct {
	name   string
	text   string // as it was printed
	values map[string]float64
}

// parse finds the results among what a program printed, by benchstat's own reader.
func parse(out []byte) []line {
	var list []line
	for r := benchfmt.NewReader(bytes.NewReader(out), "output"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue // a line that is no result, or a broken one
		}
		l := line{name: trimCPUs(string(result.Name)), values: make(map[string]float64)}
		_, n := result.Pos()
		l.text = strings.Join(strings.Fields(strings.Split(string(out), "\n")[n-1]), " ")
		for _, v := range result.Values {
			l.values[v.Unit] = v.Value
		}
		list = append(list, l)
	}
	return list
}

// trimCPUs takes the number of CPUs off a benchmark's name.
func trimCPUs(name string) string {
	if i := strings.LastIndexByte(name, '-'); i >= 0 && strings.Trim(name[i+1:], "0123456789") == "" {
		return name[:i]
	}
	return name
}

// part returns what a name says of a key: part("Path/path=pod/work=udp", "path") is
// pod.
func part(name, key string) string {
	for _, p := range strings.Split(name, "/") {
		if value, ok := strings.CutPrefix(p, key+"="); ok {
			return value
		}
	}
	return ""
}

func (r results) add(list []line, round int) {
	for _, l := range list {
		for unit, value := range l.values {
			k := key{l.name, unit}
			if r[k] == nil {
				r[k] = make(map[int]float64)
			}
			r[k][round] = value
		}
	}
}

// A summary is the median of some rounds, and the quartiles.
type summary struct {
	n              int
	low, mid, high float64
}

// of returns the summary of a benchmark, of no rounds if it has none.
func (r results) of(name, unit string) summary {
	return summarize(slices.Collect(maps.Values(r[key{name, unit}])))
}

// ratio returns that of the rounds' ratios: the two were measured at about the same
// time, and what disturbed one is likely to have disturbed the other.
func (r results) ratio(name, to, unit string) summary {
	var list []float64
	for round, value := range r[key{name, unit}] {
		if other := r[key{to, unit}][round]; other != 0 {
			list = append(list, value/other)
		}
	}
	return summarize(list)
}

func summarize(list []float64) summary {
	if len(list) == 0 {
		return summary{}
	}
	slices.Sort(list)
	return summary{len(list), quantile(list, 0.25), quantile(list, 0.5), quantile(list, 0.75)}
}

// quantile interpolates between the two values of a sorted list that are next to it.
func quantile(list []float64, q float64) float64 {
	at := q * float64(len(list)-1)
	i := int(math.Floor(at))
	if i+1 >= len(list) {
		return list[i]
	}
	return list[i] + (at-float64(i))*(list[i+1]-list[i])
}

// values returns the different values of a key among names that have a prefix, in
// the order of their numbers if they are numbers.
func (r results) values(prefix, of string) []string {
	var list []string
	for k := range r {
		if value := part(k.name, of); strings.HasPrefix(k.name, prefix+"/") && value != "" && !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return list
}
