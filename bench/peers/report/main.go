// Command report measures podnet's paths and its peers, writes what it found as
// Markdown with charts, and the figure that the README shows. See bench/report,
// which builds and runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	short := flag.Bool("short", false, "take two minutes, for a first look, and leave the README alone")
	out := flag.String("o", "", "the directory for benchmarks.md and its charts; then the README is left alone (default podnet's docs, or a temporary one with -short)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *short, *out); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, short bool, out string) error {
	root, err := moduleDir(ctx)
	if err != nil {
		return err
	}
	readme := ""
	switch {
	case out == "" && short:
		out = filepath.Join(os.TempDir(), "podnet-benchmarks")
	case out == "":
		out, readme = filepath.Join(root, "docs"), filepath.Join(root, "README.md")
	}
	dir, err := os.MkdirTemp("", "podnet-report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := newRunner(ctx, root, dir)
	if err != nil {
		return err
	}
	p := fullPlan
	if short {
		p = shortPlan
	}
	machine := describeMachine(ctx, root) // as long as the tree is the one that was built
	if err := r.measure(ctx, p); err != nil {
		return fmt.Errorf("interrupted, and nothing is written: %w", err)
	}
	if err := r.writeRaw(filepath.Join(out, "benchmarks")); err != nil {
		return err
	}
	goals := judge(r.results)
	page := &page{results: r.results, machine: machine, goals: goals, failures: r.failures, rounds: r.rounds, scaleRounds: r.scaleRounds, short: short}
	for _, g := range goals {
		if g.measured() && !g.met() {
			page.profiles = append(page.profiles, r.profile(ctx, g))
		}
	}
	if err := page.write(out); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "wrote", filepath.Join(out, "benchmarks.md"))
	if readme != "" {
		return page.writeReadme(readme)
	}
	return nil
}

// moduleDir returns where podnet's module is.
func moduleDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "podnet.dev").Output()
	if err != nil {
		return "", fmt.Errorf("find podnet's module: run it in podnet's repository: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
