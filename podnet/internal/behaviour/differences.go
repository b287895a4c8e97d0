package behaviour

import (
	"fmt"
	"strings"
)

// Differences returns docs/differences.md: the cases in which a Pod differs from
// Linux on purpose.
func Differences() string {
	var b strings.Builder
	b.WriteString(`# Where a Pod's sockets differ from Linux

This page is written by ` + "`go generate ./podnet/internal/behaviour`" + ` from the cases of the
behaviour table that say they differ. Every other case of the table shows the
same on Linux and in a Pod, values and error texts, and a test holds it to that.
`)
	for _, c := range Cases() {
		if c.Differs == nil {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", c.Name, c.Differs.Why)
		for _, side := range []struct {
			name  string
			lines []string
		}{{"Linux", c.Differs.Linux}, {"A Pod", c.Differs.Pod}} {
			fmt.Fprintf(&b, "%s:\n\n", side.name)
			for _, line := range side.lines {
				fmt.Fprintf(&b, "    %s\n", line)
			}
			b.WriteByte('\n')
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
