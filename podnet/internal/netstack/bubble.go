package netstack

import (
	"bytes"
	"runtime"
)

// InBubble reports whether the calling goroutine runs in a testing/synctest
// bubble. No API tells, but the first line of a goroutine's own stack trace
// does: "goroutine 7 [running, synctest bubble 1]:".
func InBubble() bool {
	var buf [96]byte
	header, _, _ := bytes.Cut(buf[:runtime.Stack(buf[:], false)], []byte{'\n'})
	return bytes.Contains(header, []byte("synctest bubble"))
}
