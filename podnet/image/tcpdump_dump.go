package image

import (
	"fmt"
	"strings"
)

// hexDump is tcpdump -x: 16 bytes on a line, two and two together.
func hexDump(b []byte) string { return dumpLines(b, hexPairs) }

// hexASCIIDump is tcpdump -X.
func hexASCIIDump(b []byte) string {
	return dumpLines(b, func(line []byte) string {
		text := make([]byte, len(line))
		for i, c := range line {
			text[i] = c
			if !isGraph(c) {
				text[i] = '.'
			}
		}
		return fmt.Sprintf("%-40s  %s", hexPairs(line), text)
	})
}

func dumpLines(b []byte, show func(line []byte) string) string {
	var text strings.Builder
	for at := 0; at < len(b); at += 16 {
		fmt.Fprintf(&text, "\n\t0x%04x: %s", at, show(b[at:min(at+16, len(b))]))
	}
	return text.String()
}

// hexPairs writes each two bytes after a blank.
func hexPairs(b []byte) string {
	var text strings.Builder
	for i, c := range b {
		if i%2 == 0 {
			text.WriteByte(' ')
		}
		fmt.Fprintf(&text, "%02x", c)
	}
	return text.String()
}

// asciiDump is tcpdump -A: all that can be printed, with ends of lines as they are.
func asciiDump(b []byte) string {
	text := []byte{'\n'}
	for i, c := range b {
		switch {
		case c == '\r' && (i+1 == len(b) || b[i+1] == '\n'):
			// the end of a line
		case isGraph(c), c == '\t', c == ' ', c == '\n':
			text = append(text, c)
		default:
			text = append(text, '.')
		}
	}
	return string(text)
}

func isGraph(c byte) bool { return c > ' ' && c < 0x7f }
