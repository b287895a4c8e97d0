package image_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

var pingRows = []struct {
	row
	takes time.Duration
}{
	{row{name: "loopback", script: "ping -c 2 127.0.0.1", stdout: "PING 127.0.0.1 (127.0.0.1): 56 data bytes\n" +
		"64 bytes from 127.0.0.1: seq=0 ttl=64 time=0.000 ms\n64 bytes from 127.0.0.1: seq=1 ttl=64 time=0.000 ms\n\n" +
		"--- 127.0.0.1 ping statistics ---\n2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min/avg/max = 0.000/0.000/0.000 ms\n"}, time.Second},
	{row{name: "own address, quietly", script: "ping -q -c 1 -s 8 pod", stdout: "PING pod (10.244.0.2): 8 data bytes\n\n" +
		"--- pod ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\nround-trip min/avg/max = 0.000/0.000/0.000 ms\n"}, 0},
	{row{name: "IPv6", script: "ping -6 -c 1 localhost", stdout: "PING localhost (::1): 56 data bytes\n64 bytes from ::1: seq=0 time=0.000 ms\n\n" +
		"--- localhost ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\nround-trip min/avg/max = 0.000/0.000/0.000 ms\n"}, 0},
	{row{name: "nobody there", script: "ping -c 2 10.244.0.99", stdout: "PING 10.244.0.99 (10.244.0.99): 56 data bytes\n\n" +
		"--- 10.244.0.99 ping statistics ---\n2 packets transmitted, 0 packets received, 100% packet loss\n", code: 1}, 11 * time.Second},
	{row{name: "a deadline", script: "ping -w 3 -i 2 -q 127.0.0.1", stdout: "PING 127.0.0.1 (127.0.0.1): 56 data bytes\n\n" +
		"--- 127.0.0.1 ping statistics ---\n2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min/avg/max = 0.000/0.000/0.000 ms\n"}, 2 * time.Second},
	{row{name: "too small to hold the time", script: "ping -c 1 -s 0 127.0.0.1", stdout: "PING 127.0.0.1 (127.0.0.1): 0 data bytes\n8 bytes from 127.0.0.1: seq=0 ttl=64\n\n" +
		"--- 127.0.0.1 ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\n"}, 0},
	{row{name: "no such name", script: "ping nosuch", stderr: "ping: bad address 'nosuch'\n", code: 1}, 0},
	{row{name: "no number", script: "ping -c many 127.0.0.1", stderr: "ping: invalid number 'many'\n", code: 1}, 0},
}

func TestPing(t *testing.T) {
	for _, r := range pingRows {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := idle(t, "alpine")
				begin := time.Now()
				got := sh(t, c, r.script)
				assert.Equal(t, r.stdout, got.Stdout)
				assert.Equal(t, r.stderr, got.Stderr)
				assert.Equal(t, r.code, got.ExitCode)
				assert.Equal(t, r.takes, time.Since(begin))
			})
		})
	}
}
