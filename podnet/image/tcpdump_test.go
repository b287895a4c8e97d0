package image_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/podnettest"
)

// What tcpdump prints in a container is what the real one prints of the file that
// tcpdump -w leaves there.
func TestTcpdumpPrintsAsTheRealOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		pod := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "pod", Containers: []podnet.ContainerSpec{
			{Name: "web", Image: "nginx"}, {Name: "c", Image: "alpine", Command: []string{"sleep", "infinity"}},
		}})
		other := podnettest.StartPod(t, cluster, podnet.PodSpec{Name: "other", Containers: []podnet.ContainerSpec{{Name: "web", Image: "nginx"}}})
		for _, p := range []*podnet.Pod{pod, other} {
			require.NoError(t, p.WaitListening(t.Context(), 80))
		}
		c := pod.Container("c")
		got := sh(t, c, `
tcpdump -n -i lo -w /lo.pcap 2>/dev/null & A=$!
tcpdump -n -i lo >/lo.txt 2>/dev/null & B=$!
tcpdump -n -w /eth0.pcap 2>/dev/null & C=$!
tcpdump -n >/eth0.txt 2>/dev/null & D=$!
sleep 1
wget -qO /dev/null http://127.0.0.1/
wget -qO /dev/null http://`+other.IP().String()+`/
wget -qO /dev/null http://[`+other.IPs()[1].String()+`]/ 2>/dev/null
nslookup kubernetes.default.svc.cluster.local >/dev/null
nslookup nowhere.default.svc.cluster.local >/dev/null
ping -c 1 `+other.IP().String()+` >/dev/null
ping -c 1 `+other.IPs()[1].String()+` >/dev/null
nc -w 1 `+other.IP().String()+` 81 2>/dev/null
echo | nc -u -w 1 `+other.IP().String()+` 82 2>/dev/null
echo | nc -u -w 1 `+other.IPs()[1].String()+` 82 2>/dev/null
sleep 1; kill $A $B $C $D; wait`)
		require.Empty(t, got.Stderr)
		for _, link := range []string{"lo", "eth0"} {
			text, err := c.FS().ReadFile("/" + link + ".txt")
			require.NoError(t, err)
			assert.NotEmpty(t, text)
			program, err := exec.LookPath("tcpdump")
			if err != nil {
				continue
			}
			raw, err := c.FS().ReadFile("/" + link + ".pcap")
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "a.pcap")
			require.NoError(t, os.WriteFile(file, raw, 0o600))
			cmd := exec.Command(program, "-n", "-r", file)
			cmd.Env = []string{"TZ=UTC"}
			want, err := cmd.Output()
			require.NoError(t, err)
			theirs, ours := strings.Split(string(want), "\n"), strings.Split(string(text), "\n")
			assert.Len(t, ours, len(theirs))
			for i := range min(len(theirs), len(ours)) {
				assert.Equal(t, theirs[i], ours[i])
			}
		}
	})
}

func TestTcpdumpShowsBytesAsTheRealOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		l, err := c.Listen("tcp", ":80")
		require.NoError(t, err)
		server := &http.Server{Handler: http.NotFoundHandler()}
		go server.Serve(l)
		defer server.Close()
		got := sh(t, c, `
tcpdump -i lo -w /lo.pcap 2>/dev/null & A=$!
tcpdump -i lo -A >/A.txt 2>/dev/null & B=$!
tcpdump -i lo -X >/X.txt 2>/dev/null & C=$!
tcpdump -i lo -x >/x.txt 2>/dev/null & D=$!
sleep 1
wget -qO /dev/null http://127.0.0.1/ 2>/dev/null
printf 'a line\r\nanother\r\t\001~\177\r' | nc -u -w 1 127.0.0.1 82 2>/dev/null
sleep 1; kill $A $B $C $D; wait`)
		require.Empty(t, got.Stderr)
		raw, err := c.FS().ReadFile("/lo.pcap")
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "lo.pcap")
		require.NoError(t, os.WriteFile(file, raw, 0o600))
		for _, option := range []string{"A", "X", "x"} {
			text, err := c.FS().ReadFile("/" + option + ".txt")
			require.NoError(t, err)
			assert.Contains(t, string(text), map[string]string{"A": "a line\nanother.\t.~.\n", "X": "\n\t0x0000:  4500 ", "x": "\n\t0x0010:  7f00 0001 "}[option])
			program, err := exec.LookPath("tcpdump")
			if err != nil {
				continue
			}
			cmd := exec.Command(program, "-n", "-"+option, "-r", file)
			cmd.Env = []string{"TZ=UTC"}
			want, err := cmd.Output()
			require.NoError(t, err)
			assert.Equal(t, string(want), string(text))
		}
	})
}

func TestTcpdump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idle(t, "alpine")
		l, err := c.Listen("tcp", ":80")
		require.NoError(t, err)
		go http.Serve(l, http.NotFoundHandler())
		time.AfterFunc(time.Second, func() { c.Exec(t.Context(), "wget", "-qO-", "http://127.0.0.1/") })
		got := sh(t, c, "tcpdump -t -i any -c 2 tcp and dst port 80")
		assert.Regexp(t, regexp.MustCompile(`^lo    In  IP 127.0.0.1.\d+ > 127.0.0.1.80: Flags \[S\], seq \d+, win \d+, options \[.*\], length 0
lo    In  IP 127.0.0.1.\d+ > 127.0.0.1.80: Flags \[\.\], ack \d+, win \d+, options \[.*\], length 0
$`), got.Stdout)
		assert.Equal(t, "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\nlistening on any, link-type RAW (Raw IP), snapshot length 262144 bytes\n2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n", got.Stderr)
		for script, want := range map[string]string{
			"tcpdump -i eth7":          "tcpdump: eth7: No such device exists\n(No such device exists)\n",
			"tcpdump -c x":             "tcpdump: invalid packet count x\n",
			"tcpdump port":             "tcpdump: it ends where a port is expected\n",
			"tcpdump -w /no/such/file": "tcpdump: /no/such/file: No such file or directory\n",
		} {
			got := sh(t, c, script)
			assert.Equal(t, 1, got.ExitCode, script)
			assert.Equal(t, want, got.Stderr, script)
		}
	})
}
