package podnet_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"podnet.dev/podnet"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(withReasons{m}, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

var showDrops = flag.Bool("drops", false, "tell how many packets were dropped for which reason")

// withReasons runs tests and fails if a packet was dropped for no known reason.
type withReasons struct{ *testing.M }

func (m withReasons) Run() int {
	var mu sync.Mutex
	reasons := make(map[string]int)
	podnet.OnDrop(func(reason string) {
		mu.Lock()
		defer mu.Unlock()
		reasons[reason]++
	})
	code := m.M.Run()
	mu.Lock()
	defer mu.Unlock()
	if *showDrops {
		for _, reason := range slices.Sorted(maps.Keys(reasons)) {
			fmt.Printf("%7d dropped: %s\n", reasons[reason], reason)
		}
	}
	if n := reasons[""]; n > 0 {
		fmt.Fprintf(os.Stderr, "%d packets were dropped for no known reason\n", n)
		return max(code, 1)
	}
	return code
}
