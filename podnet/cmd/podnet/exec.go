package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"podnet.dev/podnet"
)

// execSpec is a value of --exec.
type execSpec struct {
	target
	command string // a script for /bin/sh
}

// parseExec reads "[[NAMESPACE/]POD/]CONTAINER: COMMAND".
func parseExec(text string, pods []source, services []service) (execSpec, error) {
	ref, command, ok := strings.Cut(text, ":")
	ref, command = strings.TrimSpace(ref), strings.TrimSpace(command)
	if !ok || ref == "" || command == "" {
		return execSpec{}, fmt.Errorf("invalid argument %q for --exec: want 'CONTAINER: COMMAND'", text)
	}
	t, err := findContainer(pods, services, ref)
	if err != nil {
		return execSpec{}, fmt.Errorf("invalid argument %q for --exec: %w", text, err)
	}
	return execSpec{t, command}, nil
}

// exec runs a command in its container, prints its output, and reports whether
// it ended with 0.
func (s *session) exec(ctx context.Context, e execSpec) bool {
	pod := s.podOf(e.pod)
	if pod == nil {
		s.out.errorf("podnet: --exec: %s has no Pod to run a command in", e.pod.object())
		return false
	}
	name := s.out.names.container(pod.Namespace(), pod.Name(), e.container)
	for line := range strings.SplitSeq(e.command, "\n") {
		s.out.line(name, markPrompt, line)
	}
	if ctx.Err() != nil {
		s.out.line(name, markPrompt, "not run: "+context.Cause(ctx).Error())
		return false
	}
	err := s.start(ctx, pod, name, e)
	var exit podnet.ExitError
	switch {
	case err == nil:
		return true
	case errors.As(err, &exit):
		s.out.line(name, markPrompt, fmt.Sprintf("exit code %d", exit.Code))
	case ctx.Err() != nil:
		s.out.line(name, markPrompt, "killed: "+context.Cause(ctx).Error())
	default:
		s.out.line(name, markPrompt, "failed: "+err.Error())
	}
	return false
}

// start runs the command and waits for it.
func (s *session) start(ctx context.Context, pod *podnet.Pod, name string, e execSpec) error {
	stdout, stderr := s.out.lines(name, markExec), s.out.lines(name, markStderr)
	defer stdout.Close()
	defer stderr.Close()
	c := pod.Container(e.container)
	return c.Run(ctx, podnet.Cmd{Args: []string{"/bin/sh", "-c", e.command}, Stdout: stdout, Stderr: stderr})
}
