package volume

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

const (
	rdonly = os.O_RDONLY
	wronly = os.O_WRONLY
	rdwr   = os.O_RDWR
	create = os.O_CREATE
	excl   = os.O_EXCL
	trunc  = os.O_TRUNC
	appnd  = os.O_APPEND
)

// story is what happens on a file system, and what a rig notes of it.
type story struct {
	name string
	run  func(r *rig)
	want string // lines
}

// TestBehavesAsLinux tells the same stories to a View and, on Linux, to the
// machine's own file system.
func TestBehavesAsLinux(t *testing.T) {
	for _, story := range slices.Concat(openStories, nameStories, dataStories) {
		t.Run(story.name, func(t *testing.T) {
			r := newRig(t)
			story.run(r)
			assert.Equal(t, lines(story.want), r.notes, "on a View")
			if runtime.GOOS != "linux" {
				return
			}
			host := newHostRig(t)
			story.run(host)
			assert.Equal(t, lines(story.want), host.notes, "on the host: the table is wrong")
			assert.Equal(t, host.kinds, r.kinds, "what errors.As and errors.Is find")
		})
	}
}

func lines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.Trim(line, "\t\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
