package podnet_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "podnet.dev/"

// bans are the directions in which packages must not look, each with its
// reason. from and to are import paths, which stand for what is beneath them
// too; but are the packages of from that may.
var bans = []struct {
	from, to string
	but      []string
	reason   string
}{
	{"podnet.dev/podnet/internal/kubelet", module, nil, "logic knows netip, context and time, not its neighbours and not the engine"},
	{"podnet.dev/podnet/internal/ipam", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/dns", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/probe", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/errno", module, nil, "everybody may use it, so it may use nobody"},
	{"podnet.dev/podnet/internal/iptables", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/iproute", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/labels", module, nil, "everybody may use it, so it may use nobody"},
	{"podnet.dev/podnet/internal/netpol", module, []string{"podnet.dev/podnet/internal/labels"}, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/scheduler", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/kubeproxy", module, nil, "logic knows netip, context and time, not its neighbours and not the engine"},
	{"podnet.dev/podnet/internal/quantity", module, nil, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/transcript", module, nil, "only tests use it, and those of logic do"},
	{"podnet.dev/podnet/internal/volume", "podnet.dev/podnet", []string{"podnet.dev/podnet/internal/errno"}, "logic knows its own subject only"},
	{"podnet.dev/podnet/internal/netstack", "podnet.dev/podnet", []string{"podnet.dev/podnet/internal/errno", "podnet.dev/podnet/internal/iproute", "podnet.dev/podnet/internal/iptables", "podnet.dev/podnet/internal/netfilter", "podnet.dev/podnet/internal/faults"}, "the engine takes function hooks and knows nothing of Pods"},
	{"podnet.dev/podnet/internal/netfilter", "podnet.dev/podnet", []string{"podnet.dev/podnet/internal/errno", "podnet.dev/podnet/internal/iptables"}, "it knows packets and connections, neither links nor Pods"},
	{"podnet.dev/podnet/internal/faults", "podnet.dev/podnet", []string{"podnet.dev/podnet/internal/netfilter"}, "it knows packets and names, neither links nor Pods"},
	{"podnet.dev/podnet/internal/fabric", "podnet.dev/podnet", []string{"podnet.dev/podnet/internal/errno", "podnet.dev/podnet/internal/faults", "podnet.dev/podnet/internal/netfilter"}, "a link knows packets, neither sockets nor Pods"},
	{"podnet.dev/podnet/internal", "podnet.dev/podnet/manifest", nil, "arrows point down"},
	{"podnet.dev/podnet/manifest", "podnet.dev/podnet/internal", nil, "what a manifest needs, the front door offers to all"},
	{"podnet.dev/podnet/image", "podnet.dev/podnet/internal", nil, "an image is a Program like a user's"},
	{"podnet.dev/podnet/podnettest", "podnet.dev/podnet/internal", nil, "a user could write it"},
	{"podnet.dev/podnet/capture", "podnet.dev/podnet/internal", nil, "a user could write it"},
	{"podnet.dev/podnet/image", "podnet.dev/podnet/capture", nil, "rooms of one floor do not know each other"},
	{"podnet.dev/podnet/capture", "podnet.dev/podnet/image", nil, "rooms of one floor do not know each other"},
	{"podnet.dev/podnet/capture", "podnet.dev/podnet/manifest", nil, "rooms of one floor do not know each other"},
	{"podnet.dev/podnet/manifest", "podnet.dev/podnet/capture", nil, "rooms of one floor do not know each other"},
	{"podnet.dev/podnet/cmd", "podnet.dev/podnet/internal", nil, "a user could write it"},
	{"podnet.dev/podnet/manifest", "podnet.dev/podnet/image", nil, "rooms of one floor do not know each other"},
	{"podnet.dev/podnet/image", "podnet.dev/podnet/manifest", nil, "rooms of one floor do not know each other"},
	{"podnet.dev/podnet/podnettest", "podnet.dev/podnet/image", nil, "rooms of one floor do not know each other"},
}

// reserved are packages that only certain places may import, so that nobody else
// pays for them.
var reserved = []struct {
	to     string
	only   []string
	reason string
}{
	{"gvisor.dev", []string{"podnet.dev/podnet/internal/netstack", "podnet.dev/podnet/internal/fabric", "podnet.dev/podnet/internal/netfilter"}, "the engine is the only one to touch gVisor"},
	{"k8s.io", []string{"podnet.dev/podnet/manifest"}, "heavy, and only YAML needs it"},
	{"sigs.k8s.io", []string{"podnet.dev/podnet/manifest"}, "heavy, and only YAML needs it"},
	{"go.yaml.in", []string{"podnet.dev/podnet/manifest"}, "only YAML needs it"},
	{"github.com/gopacket", []string{"podnet.dev/podnet/capture"}, "only a file of packets needs it"},
	{"mvdan.cc", []string{"podnet.dev/podnet/image"}, "only the shell needs it"},
	{"github.com/spf13", []string{"podnet.dev/podnet/cmd"}, "only the command line needs it"},
	{"golang.org/x/term", []string{"podnet.dev/podnet/cmd"}, "only the command line has a terminal"},
	{"testing", []string{"podnet.dev/podnet/podnettest"}, "it adds flags to whoever imports it"},
}

func TestArrowsPointDown(t *testing.T) {
	for from, imports := range importsOfModule(t) {
		for _, to := range imports {
			for _, ban := range bans {
				if beneath(from, ban.from) && beneath(to, ban.to) && !beneath(to, ban.from) && !anyBeneath(to, ban.but) {
					t.Errorf("%s imports %s: %s", from, to, ban.reason)
				}
			}
			for _, r := range reserved {
				if beneath(to, r.to) && !anyBeneath(from, r.only) && strings.HasPrefix(from, "podnet.dev/podnet") {
					t.Errorf("%s imports %s, which only %s may: %s", from, to, strings.Join(r.only, " and "), r.reason)
				}
			}
		}
	}
}

func TestTheCoreIsLight(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("there is no go command in a browser")
	}
	out, err := exec.Command("go", "list", "-deps", "podnet.dev/podnet").CombinedOutput()
	require.NoError(t, err, string(out))
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		host, _, slash := strings.Cut(pkg, "/")
		if slash && strings.Contains(host, ".") && !beneath(pkg, "podnet.dev") && !beneath(pkg, "gvisor.dev") {
			// What gVisor's own packages need, and messages of DNS.
			assert.True(t, anyBeneath(pkg, []string{"github.com/google/btree", "golang.org/x/exp/constraints", "golang.org/x/sys", "golang.org/x/time/rate", "golang.org/x/net/dns/dnsmessage"}), pkg)
		}
		assert.NotEqual(t, "testing", pkg)
	}
}

func TestTheOracleOfArrowsCanFail(t *testing.T) {
	assert.True(t, beneath("k8s.io/api/core/v1", "k8s.io"))
	assert.False(t, beneath("k8s.iox", "k8s.io"))
	assert.NotEmpty(t, importsOfModule(t)["podnet.dev/podnet"])
}

func beneath(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, strings.TrimSuffix(root, "/")+"/")
}

func anyBeneath(pkg string, roots []string) bool {
	for _, r := range roots {
		if beneath(pkg, r) {
			return true
		}
	}
	return false
}

// importsOfModule returns what the packages of the module import, without their
// tests.
func importsOfModule(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := module + strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
		for _, i := range f.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			all[pkg] = append(all[pkg], to)
		}
		return nil
	})
	require.NoError(t, err)
	return all
}
