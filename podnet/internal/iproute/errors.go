package iproute

import "fmt"

// Error is what ip says when it fails.
type Error struct {
	Text string // on standard error, whole lines
	Code int    // the exit code
}

// Error returns Text.
func (e *Error) Error() string { return e.Text }

// Exit codes of ip.
const (
	codeUsage  = 255 // words that make no command
	codeBad    = 1   // words that cannot be
	codeKernel = 2   // the kernel said no
)

// answers is an error of the kernel that is only a number.
func answers(text string) error { return &Error{"RTNETLINK answers: " + text + "\n", codeKernel} }

// kernel is an error of the kernel with words.
func kernel(text string) error { return &Error{"Error: " + text + "\n", codeKernel} }

// Errors of the kernel.
var (
	errNotPermitted = answers("Operation not permitted")
	errExists       = answers("File exists")
	errNoProcess    = answers("No such process")
	errNoFile       = answers("No such file or directory")
	errNoDevice     = answers("No such device")
	errNoHost       = answers("No route to host")
	errUnreachable  = answers("Network is unreachable")
	errInvalid      = answers("Invalid argument")
	errDenied       = answers("Permission denied")
	errGateway      = kernel("Nexthop has invalid gateway.")
	errPrefix       = kernel("Invalid prefix for given prefix length.")
	errPrefSrc      = kernel("Invalid prefsrc address.")
	errSource6      = kernel("Invalid source address.")
	errDown         = kernel("Device for nexthop is not up.")
	errOnLinkDevice = kernel("Nexthop device required for onlink.")
	errEgress       = kernel("Egress device not specified.")
)

var errIncomplete = &Error{"Command line is not complete. Try option \"help\"\n", codeUsage}

func noLink(name string) error {
	return &Error{fmt.Sprintf("Cannot find device \"%s\"\n", name), codeBad}
}

func wrong(word, why string) error {
	return &Error{fmt.Sprintf("Error: argument \"%s\" is wrong: %s\n\n", word, why), codeUsage}
}

func unsupported(word string) error {
	return &Error{fmt.Sprintf("Error: podnet does not support \"%s\" in a route; it has via, dev, src, metric, proto, scope and onlink.\n", word), codeUsage}
}
