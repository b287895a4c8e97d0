package iproute

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "record testdata/*.txt anew with the real ip (needs root and Linux)")

// exchange is a command of a transcript with what it said. In testdata, "$ "
// begins a command, "> " of its output, "! " of its
// errors, and "= " its exit code, if it is not 0. "== " begins a new namespace.
type exchange struct {
	title      string // of the namespace that it is the first of
	command    string
	out, fault string
	code       int
}

func readTranscript(t testing.TB, file string) []exchange {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []exchange
	title := ""
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		last := len(all) - 1
		switch kind {
		case "==":
			title = rest
		case "$":
			all = append(all, exchange{title: title, command: rest})
			title = ""
		case ">":
			all[last].out += rest + "\n"
		case "!":
			all[last].fault += rest + "\n"
		case "=":
			_, err := fmt.Sscan(rest, &all[last].code)
			require.NoError(t, err)
		default:
			t.Fatalf("%s:%d: what is %q?", file, i+1, line)
		}
	}
	return all
}

// pod is the namespace that the transcripts begin with.
func pod() *Namespace {
	p := netip.MustParsePrefix
	return &Namespace{
		Links: []Link{
			{"lo", true, []netip.Prefix{p("127.0.0.1/8"), p("::1/128")}},
			{"peer0", true, nil},
			{"eth0", true, []netip.Prefix{p("10.244.1.5/24"), p("fd00::5/64")}},
		},
		Routes: []Route{
			{Dst: p("10.244.1.0/24"), Dev: "eth0", Proto: "kernel", Scope: "link", Src: netip.MustParseAddr("10.244.1.5")},
			{Dst: p("fd00::/64"), Dev: "eth0", Proto: "kernel", Metric: 256},
		},
	}
}

const podForReal = `ip link set lo up
ip link add eth0 type veth peer name peer0
for l in eth0 peer0; do ip link set $l addrgenmode none; ip link set $l up; done
ip addr add 10.244.1.5/24 dev eth0
ip addr add fd00::5/64 dev eth0 nodad
`

// TestSaysWhatTheRealToolSays replays transcripts of the real ip.
func TestSaysWhatTheRealToolSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if *update {
			record(t, file)
		}
		ns := pod()
		for _, x := range readTranscript(t, file) {
			if x.title != "" {
				ns = pod()
			}
			t.Run(filepath.Base(file)+"/"+x.command, func(t *testing.T) {
				out, fault, code := runCommand(ns, strings.Fields(x.command))
				assert.Equal(t, x.out, out, "output")
				assert.Equal(t, x.fault, fault, "errors")
				assert.Equal(t, x.code, code, "exit code")
			})
		}
	}
}

// runCommand is ip [-4|-6] route …
func runCommand(ns *Namespace, words []string) (out, fault string, code int) {
	words = words[1:]
	var args []string
	if strings.HasPrefix(words[0], "-") {
		args, words = words[:1:1], words[1:]
	}
	routes, out, err := ns.Command(append(args, words[1:]...)...)
	ns.Routes = routes
	if e, ok := err.(*Error); ok {
		return out, e.Text, e.Code
	}
	return out, "", 0
}

// record runs the commands of a transcript for real, in network namespaces of
// their own, and writes the file anew.
func record(t *testing.T, file string) {
	all := readTranscript(t, file)
	dir := t.TempDir()
	var scripts []string
	for i, x := range all {
		if x.title != "" {
			scripts = append(scripts, podForReal)
		}
		scripts[len(scripts)-1] += fmt.Sprintf("%s >%[2]s/out%[3]d 2>%[2]s/err%[3]d; echo $? >%[2]s/code%[3]d\n", x.command, dir, i)
	}
	for _, s := range scripts {
		out, err := exec.Command("unshare", "-n", "sh", "-c", s).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	read := func(name string, i int) string {
		text, err := os.ReadFile(fmt.Sprintf("%s/%s%d", dir, name, i))
		require.NoError(t, err)
		return string(text)
	}
	var b strings.Builder
	lines := func(mark, text string) {
		for line := range strings.Lines(text) {
			b.WriteString(mark + " " + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	for i, x := range all {
		if x.title != "" {
			b.WriteString("== " + x.title + "\n")
		}
		b.WriteString("$ " + x.command + "\n")
		lines(">", read("out", i))
		lines("!", read("err", i))
		if code := strings.TrimSpace(read("code", i)); code != "0" {
			b.WriteString("= " + code + "\n")
		}
	}
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
}
