package peers

import (
	"flag"
	"os"
	"testing"
)

var linux = flag.Bool("linux", false, "have network namespaces of Linux for the paths that begin with linux-: as root, with ip and iptables-restore")

// TestMain does not look for goroutines that are left behind: netem leaves some.
func TestMain(m *testing.M) {
	flag.Parse()
	if *linux {
		if code, ok := inChild(); ok {
			os.Exit(code)
		}
	}
	os.Exit(m.Run())
}
