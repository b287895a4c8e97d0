package iproute

import (
	"flag"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/transcript"
)

var update = flag.Bool("update", false, "record testdata/*.txt anew with the real ip (needs root and Linux)")

// readTranscript returns the exchanges of a file.
func readTranscript(t testing.TB, file string) []transcript.Exchange {
	all, err := transcript.Read(file)
	require.NoError(t, err)
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
			require.NoError(t, transcript.Recorder{Setup: podForReal}.Record(file))
		}
		ns := pod()
		for _, x := range readTranscript(t, file) {
			if x.Title != "" {
				ns = pod()
			}
			t.Run(filepath.Base(file)+"/"+x.Command, func(t *testing.T) {
				out, fault, code := runCommand(ns, strings.Fields(x.Command))
				assert.Equal(t, x.Out, out, "output")
				assert.Equal(t, x.Err, fault, "errors")
				assert.Equal(t, x.Code, code, "exit code")
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
