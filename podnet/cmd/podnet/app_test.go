package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
)

func TestCommandLine(t *testing.T) {
	good := writeFile(t, "pod.yaml", pod("web", "  containers: [{name: app, image: nginx}, {name: log, image: alpine, args: [wait]}]\n"))
	other := writeFile(t, "other.yaml", pod("other", "  containers: [{name: app, image: nginx}]\n"))
	for _, tt := range []struct {
		name   string
		args   []string
		code   int
		stdout string // is in it
		stderr string // begins it
	}{
		{"no arguments show the help", nil, 0, "Usage:", ""},
		{"an unknown command is met with a suggestion", []string{"rnu"}, 2, "", "podnet: unknown command \"rnu\" for \"podnet\"\n\nDid you mean this?\n\trun\n"},
		{"an unknown flag", []string{"run", "--speed", "9"}, 2, "", "podnet: unknown flag: --speed\n\nUsage:\n  podnet run FILE... [flags]\n"},
		{"run without a file", []string{"run"}, 2, "", "podnet: requires at least 1 arg(s), only received 0\n\nUsage:\n"},
		{"check without a file", []string{"check"}, 2, "", "podnet: requires at least 1 arg(s), only received 0\n\nUsage:\n"},
		{"a time that is none", []string{"run", good, "--for", "soon"}, 2, "", "podnet: invalid argument \"soon\" for \"--for\" flag:"},
		{"a time that is not positive", []string{"run", good, "--for", "-1s"}, 2, "", "podnet: invalid argument \"-1s\" for --for: must be positive\n\nUsage:\n"},
		{"an unknown output", []string{"check", good, "-o", "yaml"}, 2, "", "podnet: invalid argument \"yaml\" for --output: want text or json\n"},
		{"a command without a container", []string{"run", good, "--exec", "ls"}, 2, "", "podnet: invalid argument \"ls\" for --exec: want 'CONTAINER: COMMAND'\n"},
		{"a command for nobody", []string{"run", good, "--exec", "db: ls"}, 2, "", "podnet: invalid argument \"db: ls\" for --exec: there is no container \"db\", only default/web/app, default/web/log\n"},
		{"a command for one of several", []string{"run", good, other, "--exec", "app: ls"}, 2, "", "podnet: invalid argument \"app: ls\" for --exec: container \"app\" may be any of default/web/app, default/other/app\n"},
		{"a port that is none", []string{"run", good, "--port-forward", "http"}, 2, "", "podnet: invalid argument \"http\" for --port-forward: want HOST:POD, with ports from 1 to 65535\n"},
		{"a port for one of several Pods", []string{"run", good, other, "--port-forward", "8080:80"}, 2, "", "podnet: invalid argument \"8080:80\" for --port-forward: name one of several Pods: default/web, default/other\n"},
		{"a port for nobody", []string{"run", good, "--port-forward", "db/8080:80"}, 2, "", "podnet: invalid argument \"db/8080:80\" for --port-forward: there is no Pod \"db\", only default/web\n"},
		{"the version", []string{"--version"}, 0, "podnet version " + version() + "\n", ""},
		{"completion for a shell", []string{"completion", "bash"}, 0, "__start_podnet", ""},
		{"completion of files", []string{"__complete", "run", ""}, 0, "yaml\nyml\njson\n:8\n", "Completion ended with directive: ShellCompDirectiveFilterFileExt"},
		{"completion of an output", []string{"__complete", "check", "-o", ""}, 0, "text\njson\n:4\n", "Completion ended with directive: ShellCompDirectiveNoFileComp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := podnetWith(t.Context(), "", tt.args...)
			assert.Equal(t, tt.code, got.code)
			if tt.stdout == "" {
				assert.Empty(t, got.stdout)
			}
			assert.Contains(t, got.stdout, tt.stdout)
			if tt.stderr == "" {
				assert.Empty(t, got.stderr)
			}
			assert.True(t, strings.HasPrefix(got.stderr, tt.stderr), got.stderr)
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, images: testImages()}
	for _, cmd := range a.rootCommand().Commands() {
		got := podnetWith(t.Context(), "", "help", cmd.Name())
		assert.Equal(t, 0, got.code)
		assert.Contains(t, got.stdout, cmd.Long)
		cmd.Flags().VisitAll(func(f *pflag.Flag) { assert.Contains(t, got.stdout, "--"+f.Name+" ") })
	}
	run := podnetWith(t.Context(), "", "run", "--help").stdout
	for _, flag := range []string{"--for TIME", "--exec 'CONTAINER: COMMAND'", "--port-forward HOST:POD"} {
		assert.Contains(t, run, flag)
	}
	assert.Contains(t, podnetWith(t.Context(), "", "help", "check").stdout, "--output FORMAT")
}

func TestNoColourWhereNobodySeesIt(t *testing.T) {
	t.Setenv("TERM", "xterm")
	assert.False(t, wantsColour(io.Discard))
	assert.Nil(t, terminalSize(io.Discard))
	file := writeFile(t, "out", "")
	f, err := os.Open(file)
	assert.NoError(t, err)
	defer f.Close()
	assert.False(t, wantsColour(f))
	assert.Nil(t, terminalSize(f))
	null, err := os.Open(os.DevNull) // a device of characters, as a terminal is
	assert.NoError(t, err)
	defer null.Close()
	assert.False(t, wantsColour(null))
	assert.Nil(t, terminalSize(null))
}
