package dns

import (
	"testing"

	"go.uber.org/goleak"
)

// runtime.handleEvent is js/wasm's.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}
