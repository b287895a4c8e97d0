package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// A fact is a row of what the report says of the machine and the versions.
type fact struct{ what, is string }

// describeMachine says what the measurements were made with. What cannot be found out
// is left out.
func describeMachine(ctx context.Context, root string) []fact {
	list := []fact{
		{"date", time.Now().UTC().Format("2006-01-02")},
		{"commit", command(ctx, root, "git", "describe", "--always", "--dirty")},
		{"Go", strings.TrimPrefix(runtime.Version(), "go")},
		{"system", strings.TrimSpace(fmt.Sprintf("%s/%s %s", runtime.GOOS, runtime.GOARCH, command(ctx, root, "uname", "-r")))},
		{"CPU", strings.TrimSpace(fmt.Sprintf("%s, %d of them", cpu(), runtime.NumCPU()))},
		{"load", load()},
	}
	modules := command(ctx, filepath.Join(root, "bench", "peers"), "go", "list", "-m", "-f", "{{.Path}} {{.Version}}",
		"gvisor.dev/gvisor", "google.golang.org/grpc", "github.com/ooni/netem", "github.com/pion/transport/v4")
	for line := range strings.Lines(modules) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		list = append(list, fact{name, version})
	}
	return list
}

func command(ctx context.Context, dir, name string, args ...string) string {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// cpu is the processor's name where Linux tells it.
func cpu() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// load is how many processes wanted the processor in the last 15 minutes, where
// Linux tells it.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); len(fields) > 2 {
		return fields[2] + " in the last 15 minutes"
	}
	return ""
}
