package probe

import (
	"bytes"
	"strings"
	"testing"
)

func FuzzCheckResponse(f *testing.F) {
	f.Add([]byte("\x08\x01"))
	f.Add([]byte("\x10\x05\x19abcdefgh\x22\x02hi\x2dabcd\x33\x08\x09\x34"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if _, failed := checkResponse(message); failed != nil {
			return
		}
		h, failed := checkResponse(append(bytes.Clone(message), 1<<3, byte(healthServing)))
		if failed != nil || h != healthServing {
			t.Fatalf("%q is right, but %v with more: %v", message, h, failed)
		}
	})
}

func FuzzOneMessage(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x02\x08\x01"), "")
	f.Add([]byte("\x01\x00\x00\x00\x00"), "gzip")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		if message, failed := oneMessage(body, encoding); failed == nil && len(message) > maxMessage {
			t.Fatal("a message too long")
		}
		if message, failed := oneMessage(frameMessage(body), encoding); failed != nil || !bytes.Equal(message, body) {
			t.Fatalf("%q became %q: %v", body, message, failed)
		}
	})
}

func FuzzDecodeStatusMessage(f *testing.F) {
	f.Add("50 %25 %")
	f.Fuzz(func(t *testing.T, s string) {
		if got := decodeStatusMessage(strings.ReplaceAll(s, "%", "%25")); got != s {
			t.Fatalf("%q became %q", s, got)
		}
		decodeStatusMessage(s)
	})
}

func FuzzReadSettings(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if frame, err := readSettings(bytes.NewReader(b)); err == nil && !bytes.HasPrefix(b, frame) {
			t.Fatalf("%q of %q", frame, b)
		}
	})
}
