package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A runner runs benchmarks and keeps what they say.
type runner struct {
	root, dir           string
	programs            map[string]string // by their names in jobs
	results             results
	failures            failures
	rounds, scaleRounds int
	raw                 bytes.Buffer
	progress            progress
}

// newRunner builds the programs of benchmarks into dir.
func newRunner(ctx context.Context, root, dir string) (*runner, error) {
	r := &runner{root: root, dir: dir, programs: make(map[string]string), results: make(results), failures: make(failures)}
	for name, where := range map[string]string{"bench": filepath.Join(root, "bench"), "peers": filepath.Join(root, "bench", "peers")} {
		r.progress.say("build %s", where)
		program := filepath.Join(dir, name+".test.exe")
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, ".")
		cmd.Dir = where
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", where, err, out)
		}
		r.programs[name] = program
	}
	return r, nil
}

// measure does what the plan says. What fails is noted, and the rest goes on; the
// error is that of ctx.
func (r *runner) measure(ctx context.Context, p plan) error {
	var err error
	if r.rounds, err = r.phase(ctx, "paths", p.paths); err != nil {
		return err
	}
	r.scaleRounds, err = r.phase(ctx, "scale", p.scale)
	return err
}

func (r *runner) phase(ctx context.Context, name string, p phase) (rounds int, err error) {
	jobs, none := expand(p.jobs), make(map[job]bool)
	begun := time.Now()
	for ; rounds < p.rounds || time.Since(begun)*time.Duration(rounds+1)/time.Duration(rounds) < p.time; rounds++ {
		for i, j := range jobs {
			r.progress.say("%s: round %d, %d of %d, %v of about %v: %s", name, rounds+1, i+1, len(jobs),
				time.Since(begun).Round(time.Second), max(p.time, time.Since(begun).Round(time.Second)), readable(j.bench))
			if !r.run(ctx, j, rounds) {
				none[j] = true
			}
			if ctx.Err() != nil {
				return rounds, ctx.Err()
			}
		}
		jobs = slices.DeleteFunc(jobs, func(j job) bool { return none[j] })
		r.progress.end("%s: round %d ends after %v", name, rounds+1, time.Since(begun).Round(time.Second))
	}
	return rounds, nil
}

// run runs a job and adds its results to those of a round. It returns false if there
// are none although nothing failed: not every path has every work.
func (r *runner) run(ctx context.Context, j job, round int) bool {
	out, err := r.output(ctx, j)
	if ctx.Err() != nil {
		return true
	}
	if err != nil {
		r.failures.add(j, out, err)
	}
	found := parse(out)
	r.results.add(found, round)
	for _, one := range found {
		r.raw.WriteString(one.text)
		r.raw.WriteByte('\n')
	}
	return err != nil || len(found) > 0
}

// output runs a job with further flags, and returns what the program printed.
func (r *runner) output(ctx context.Context, j job, flags ...string) ([]byte, error) {
	args := append([]string{"-test.run=^$", "-test.bench=" + j.bench, "-test.benchtime=" + j.time, "-test.timeout=" + cmp.Or(j.limit, 3*time.Minute).String()}, flags...)
	if strings.Contains(j.bench, "linux-") {
		args = append(args, "-linux")
	}
	cmd := exec.CommandContext(ctx, r.programs[j.program], args...)
	cmd.Dir = r.dir
	return cmd.CombinedOutput()
}

// writeRaw writes all results into results.txt of a directory, as benchstat reads them.
func (r *runner) writeRaw(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	head := fmt.Sprintf("goos: %s\ngoarch: %s\npkg: podnet.dev/bench\n", runtime.GOOS, runtime.GOARCH)
	return os.WriteFile(filepath.Join(dir, "results.txt"), append([]byte(head), r.raw.Bytes()...), 0o644)
}

// readable is a pattern without what only patterns need.
func readable(pattern string) string {
	return strings.NewReplacer("^", "", "$", "", "Benchmark", "").Replace(pattern)
}
