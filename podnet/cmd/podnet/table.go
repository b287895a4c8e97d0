package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet"
)

// podTable shows Pods as `kubectl get pods -w` does: on a terminal as a table
// that stays below everything else, elsewhere as a line for each change. Its
// methods may be called from any goroutine.
type podTable struct {
	out     *printer
	watches sync.WaitGroup // of Pods

	mu      sync.Mutex // guards what follows; taken before the printer's
	rows    []podRow   // by namespace and name
	widths  []int      // of the columns, which never get narrower
	started bool       // the header was printed
}

// podRow is a Pod in the table.
type podRow struct {
	pod     *podnet.Pod
	columns podnet.PodColumns
}

func newPodTable(out *printer) *podTable {
	t := &podTable{out: out}
	t.widths = make([]int, len(t.header()))
	t.widen(t.header())
	return t
}

// watch shows a Pod until its life ends, or ctx. Further calls for a Pod do
// nothing, nor does one for nil: a Pod that is gone.
func (t *podTable) watch(ctx context.Context, p *podnet.Pod) {
	if p == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := slices.BinarySearchFunc(t.rows, p, func(r podRow, p *podnet.Pod) int {
		return cmp.Or(cmp.Compare(r.pod.Namespace(), p.Namespace()), cmp.Compare(r.pod.Name(), p.Name()))
	})
	switch {
	case found && t.rows[i].pod == p:
		return
	case found: // the one of this name before it
		t.rows[i] = podRow{pod: p}
	default:
		t.rows = slices.Insert(t.rows, i, podRow{pod: p})
	}
	updates := p.Watch(ctx)
	t.watches.Go(func() {
		var last podnet.PodStatus
		for u := range updates {
			if u.Status != nil {
				last = *u.Status
				t.changed(p, last.Columns)
			}
		}
		if !last.DeletionTimestamp.IsZero() {
			t.remove(p)
		}
	})
}

// changed shows that a Pod's status has changed.
func (t *podTable) changed(p *podnet.Pod, c podnet.PodColumns) {
	if t.out.live() {
		t.refresh(p) // what Watch tells may be older than what is on the screen
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.index(p)
	if i < 0 { // another of its name has its row
		return
	}
	old := t.rows[i].columns
	t.rows[i].columns = c
	if c.Ready == old.Ready && c.Status == old.Status && restarts(c) == restarts(old) {
		return
	}
	row := t.cells(t.rows[i])
	t.widen(row)
	text := t.line(row)
	if !t.started {
		text = t.line(t.header()) + text
		t.started = true
	}
	t.out.print(text)
}

// restarts returns the column RESTARTS without the time since the last one.
func restarts(c podnet.PodColumns) string {
	n, _, _ := strings.Cut(c.Restarts, " ")
	return n
}

// tick keeps the times on the screen right until ctx ends.
func (t *podTable) tick(ctx context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case <-second.C:
			var pods []*podnet.Pod
			t.mu.Lock()
			for _, r := range t.rows {
				pods = append(pods, r.pod)
			}
			t.mu.Unlock()
			t.refresh(pods...)
		case <-ctx.Done():
			return
		}
	}
}

// refresh shows Pods as they are now.
func (t *podTable) refresh(pods ...*podnet.Pod) {
	columns := make([]podnet.PodColumns, len(pods))
	for i, p := range pods {
		columns[i] = p.Status().Columns
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, p := range pods {
		if row := t.index(p); row >= 0 { // it may have been removed
			t.rows[row].columns = columns[i]
		}
	}
	t.draw()
}

// remove takes a Pod off the table.
func (t *podTable) remove(p *podnet.Pod) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := t.index(p); i >= 0 {
		t.rows = slices.Delete(t.rows, i, i+1)
	}
	if t.out.live() {
		t.draw()
	}
}

// wait waits until no Pod is watched any more.
func (t *podTable) wait() { t.watches.Wait() }

// hide takes the table off the screen.
func (t *podTable) hide() { t.out.setTable(nil) }

// index returns the row of a Pod, -1 if there is none. t.mu is held.
func (t *podTable) index(p *podnet.Pod) int {
	return slices.IndexFunc(t.rows, func(r podRow) bool { return r.pod == p })
}

// draw puts the table on the screen. t.mu is held.
func (t *podTable) draw() {
	rows := [][]string{t.header()}
	for _, r := range t.rows {
		if r.columns != (podnet.PodColumns{}) {
			rows = append(rows, t.cells(r))
		}
	}
	if len(rows) == 1 {
		t.out.setTable(nil)
		return
	}
	for _, cells := range rows {
		t.widen(cells)
	}
	var lines []string
	for _, cells := range rows {
		lines = append(lines, strings.TrimSuffix(t.line(cells), "\n"))
	}
	t.out.setTable(lines)
}

func (t *podTable) header() []string {
	cells := []string{"NAME", "READY", "STATUS", "RESTARTS", "AGE"}
	if t.out.names.severalNamespaces {
		cells = slices.Insert(cells, 0, "NAMESPACE")
	}
	if t.out.names.nodes {
		cells = append(cells, "NODE")
	}
	return cells
}

func (t *podTable) cells(r podRow) []string {
	cells := []string{r.pod.Name(), r.columns.Ready, r.columns.Status, r.columns.Restarts, r.columns.Age}
	if t.out.names.severalNamespaces {
		cells = slices.Insert(cells, 0, r.pod.Namespace())
	}
	if t.out.names.nodes {
		cells = append(cells, nodeText(r.pod.Node()))
	}
	return cells
}

// widen makes the columns wide enough for a row. t.mu is held.
func (t *podTable) widen(cells []string) {
	for i, cell := range cells {
		t.widths[i] = max(t.widths[i], len(cell))
	}
}

// line returns a row with its columns three spaces apart, as kubectl's are. t.mu
// is held.
func (t *podTable) line(cells []string) string {
	last := len(cells) - 1
	var b strings.Builder
	for i, cell := range cells[:last] {
		fmt.Fprintf(&b, "%-*s   ", t.widths[i], cell)
	}
	return b.String() + cells[last] + "\n"
}
