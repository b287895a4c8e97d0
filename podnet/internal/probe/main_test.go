package probe

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The goroutine under js/wasm that waits for the browser's events.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}
