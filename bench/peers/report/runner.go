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
	root, dir string
	programs  map[string]string // by their names in jobs
	results   results
	failures  failures
	rounds    int // of all paths
	raw       bytes.Buffer
	progress  progress
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
	if p.paths.jobs, err = r.expand(ctx, p.paths.jobs); err != nil {
		return err
	}
	if r.rounds, err = r.phase(ctx, "paths", p.paths); err != nil {
		return err
	}
	_, err = r.phase(ctx, "scale", p.scale)
	return err
}

func (r *runner) phase(ctx context.Context, name string, p phase) (rounds int, err error) {
	begun := time.Now()
	for ; rounds < p.rounds || time.Since(begun)*time.Duration(rounds+1)/time.Duration(rounds) < p.time; rounds++ {
		for i, j := range p.jobs {
			r.progress.say("%s: round %d, %d of %d, %v of about %v: %s", name, rounds+1, i+1, len(p.jobs),
				time.Since(begun).Round(time.Second), max(p.time, time.Since(begun).Round(time.Second)), readable(j.bench))
			r.run(ctx, j, rounds)
			if ctx.Err() != nil {
				return rounds, ctx.Err()
			}
		}
	}
	r.progress.end("%s: %d rounds in %v", name, rounds, time.Since(begun).Round(time.Second))
	return rounds, nil
}

// expand puts the single jobs in place of those that stand for several. To find out
// which there are it runs all of them once. Linux's namespaces are made once for each
// work: to make them takes longer than to use them.
func (r *runner) expand(ctx context.Context, jobs []job) ([]job, error) {
	var list []job
	for _, j := range jobs {
		if !j.each {
			list = append(list, j)
			continue
		}
		r.progress.say("look for what there is to measure")
		once := j
		once.time = "1x"
		out, err := r.output(ctx, once)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			r.failures.add(j, out, err)
		}
		byWork := make(map[string][]job)
		var works []string
		for _, name := range parse(out).names() {
			path, work := part(name, "path"), part(name, "work")
			if strings.HasPrefix(path, "linux-") {
				path = "linux-.*"
			}
			one := job{program: j.program, bench: fmt.Sprintf("%s/^path=%s$/^work=%s$", j.bench, path, work), time: j.time}
			if !slices.Contains(byWork[work], one) {
				byWork[work] = append(byWork[work], one)
			}
			if !slices.Contains(works, work) {
				works = append(works, work)
			}
		}
		for _, work := range works {
			list = append(list, byWork[work]...)
		}
	}
	return list, nil
}

// run runs a job and adds its results to those of a round.
func (r *runner) run(ctx context.Context, j job, round int) {
	out, err := r.output(ctx, j)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.failures.add(j, out, err)
	}
	found := parse(out)
	r.results.add(found, round)
	for _, one := range found {
		r.raw.WriteString(one.line)
		r.raw.WriteByte('\n')
	}
}

// output runs a job with further flags, and returns what the program printed.
func (r *runner) output(ctx context.Context, j job, flags ...string) ([]byte, error) {
	args := append([]string{"-test.run=^$", "-test.bench=" + j.bench, "-test.benchtime=" + j.time, "-test.timeout=" + cmp.Or(j.limit, 3*time.Minute).String()}, flags...)
	if j.each || strings.Contains(j.bench, "path=linux-") {
		args = append(args, "-linux")
	}
	cmd := exec.CommandContext(ctx, r.programs[j.program], args...)
	cmd.Dir = r.dir
	return cmd.CombinedOutput()
}

// writeRaw writes all results as benchstat reads them.
func (r *runner) writeRaw(name string) error {
	head := fmt.Sprintf("goos: %s\ngoarch: %s\npkg: podnet.dev/bench\n", runtime.GOOS, runtime.GOARCH)
	return os.WriteFile(name, append([]byte(head), r.raw.Bytes()...), 0o644)
}

// readable is a pattern without what only patterns need.
func readable(pattern string) string {
	return strings.NewReplacer("^", "", "$", "", "Benchmark", "").Replace(pattern)
}
