package iptables

import "slices"

// destinationIndex lets a walk skip the rules for other destinations. A chain of
// Services has a rule for each, in a row; only those of the packet's own
// destination can match.
type destinationIndex struct {
	runs []destinationRun // in the chain's order
	run  []int32          // for each rule, its run, or -1
}

// destinationRun is rules in a row that each want one single destination.
type destinationRun struct {
	end   int // behind the last
	rules map[address][]int32
}

// shortRun is the number of rules up to which a look at each is cheaper.
const shortRun = 8

// indexDestinations returns nil if no run is long.
func indexDestinations(entries []entry) *destinationIndex {
	var x *destinationIndex
	for start := 0; start < len(entries); {
		end := start
		for end < len(entries) && entries[end].rule.dst.single() {
			end++
		}
		if end-start > shortRun {
			if x == nil {
				x = &destinationIndex{run: make([]int32, len(entries))}
				for i := range x.run {
					x.run[i] = -1
				}
			}
			r := destinationRun{end, make(map[address][]int32)}
			for i := start; i < end; i++ {
				to := entries[i].rule.dst.value
				r.rules[to] = append(r.rules[to], int32(i))
				x.run[i] = int32(len(x.runs))
			}
			x.runs = append(x.runs, r)
		}
		start = end + 1
	}
	return x
}

// next returns the first rule from i on that may match a packet to dst.
func (x *destinationIndex) next(i int, dst address) int {
	for i < len(x.run) && x.run[i] >= 0 {
		r := &x.runs[x.run[i]]
		mine := r.rules[dst]
		if at, _ := slices.BinarySearch(mine, int32(i)); at < len(mine) {
			return int(mine[at])
		}
		i = r.end
	}
	return i
}
