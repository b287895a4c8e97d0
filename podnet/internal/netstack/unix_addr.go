package netstack

import (
	"net"
	"strings"
)

// unixKind is a type of Unix socket.
type unixKind int

const (
	unixStream   unixKind = iota // SOCK_STREAM
	unixDatagram                 // SOCK_DGRAM
	unixPacket                   // SOCK_SEQPACKET
)

// unixKinds are net's names for them, and unixNetids those of ss.
var (
	unixKinds  = map[string]unixKind{"unix": unixStream, "unixgram": unixDatagram, "unixpacket": unixPacket}
	unixNetids = [...]string{unixStream: "u_str", unixDatagram: "u_dgr", unixPacket: "u_seq"}
)

func isUnix(network string) bool {
	_, ok := unixKinds[network]
	return ok
}

// maxUnixPath is how long a sockaddr_un lets a name be; a path ends in a NUL,
// which counts.
const maxUnixPath = 108

// unixName is the name of a Unix socket: a path, an abstract name with "@" in
// place of its leading NUL, or "" for none.
type unixName string

// parseUnixName reads a name as package syscall writes it into a sockaddr_un. It
// reports false for one that is too long.
func parseUnixName(name string) (unixName, bool) {
	if name != "" && (name[0] == '@' || name[0] == 0) {
		return unixName("@" + name[1:]), len(name) <= maxUnixPath
	}
	path, _, _ := strings.Cut(name, "\x00") // where C ends a string
	return unixName(path), len(name) < maxUnixPath
}

func (n unixName) isAbstract() bool { return n != "" && n[0] == '@' }

// text is the name as getsockname and package syscall show it: "@" for none.
func (n unixName) text() string {
	if n == "" {
		return "@"
	}
	text, _, _ := strings.Cut(string(n), "\x00")
	return text
}

func (n unixName) addr(network string) *net.UnixAddr {
	return &net.UnixAddr{Name: n.text(), Net: network}
}
