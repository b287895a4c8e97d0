// Command report measures podnet and what it is compared with, and writes
// docs/benchmarks.md with its charts:
//
//	go run ./bench/report [--short] [-o directory]
//
// The program itself is in the nested module bench/peers, where it may need what
// podnet must not; this one only builds and runs it.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	err := run(os.Args[1:])
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		os.Exit(exit.ExitCode()) // it has said why
	case err != nil:
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "podnet.dev").Output()
	if err != nil {
		return fmt.Errorf("find podnet's module, which must be at hand: %w", err)
	}
	dir, err := os.MkdirTemp("", "podnet-report-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "report.exe") // Windows wants the ending, and nobody else minds
	build := exec.Command("go", "build", "-o", program, "./report")
	build.Dir = filepath.Join(strings.TrimSpace(string(root)), "bench", "peers")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s/report: %w\n%s", build.Dir, err, out)
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // the report ends by it, and is waited for
	report := exec.Command(program, args...)
	report.Stdin, report.Stdout, report.Stderr = os.Stdin, os.Stdout, os.Stderr
	return report.Run()
}
