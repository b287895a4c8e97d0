//go:build !linux

package linuxoracle_test

import (
	"runtime"
	"testing"
)

func kernelRecord(t *testing.T) record {
	t.Helper()
	t.Skipf("%s has no network namespaces", runtime.GOOS)
	return record{}
}

func child() (code int, ok bool) { return 0, false }
