//go:build !linux

package behaviour_test

import "testing"

const childEnv = "PODNET_BEHAVIOUR_CHILD"

// hostResults returns nil: only Linux shows what Linux does.
func hostResults(*testing.T) map[string][]string { return nil }

func runChild(string) int { return 1 }
