package bench

import "testing"

func BenchmarkPath(b *testing.B) { Run(b, Paths()) }
