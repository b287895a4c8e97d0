package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// A profile says where the time of a goal goes.
type profile struct {
	goal goal
	text string // what pprof prints, or why there is none
}

// profile runs what shows where a goal's time goes.
func (r *runner) profile(ctx context.Context, g goal) profile {
	r.progress.say("profile: %s", g.what)
	name := filepath.Join(r.dir, "profile")
	if out, err := r.output(ctx, g.profile, "-test.cpuprofile="+name); err != nil {
		return profile{g, fmt.Sprintf("%v: %s", err, strings.Join(complaints(string(out)), "; "))}
	}
	// The functions below which most of the time is spent, without the scheduler's
	// and the benchmark's, below which all of it is.
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", "-nodecount=25", "-hide=^(internal/)?runtime|^testing|^sync|podnet.dev/bench", r.programs[g.profile.program], name).Output()
	if err != nil {
		return profile{g, err.Error()}
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, l := range lines {
		if strings.Contains(l, "flat%") {
			lines = lines[i:]
			break
		}
	}
	return profile{g, strings.Join(lines, "\n")}
}
