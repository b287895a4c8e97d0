//go:build !linux

package peers

import "runtime"

func inChild() (code int, ok bool) {
	whyNone = runtime.GOOS + " has no network namespaces"
	return 0, false
}
