package iptables

import "fmt"

// Error is what a command says when it fails.
type Error struct {
	Text string // on standard error, whole lines
	Code int    // the exit code
}

// Error returns Text.
func (e *Error) Error() string { return e.Text }

// Exit codes of iptables.
const (
	codeOther   = 1
	codeParam   = 2
	codeVersion = 3
)

// badParameter is an error in what was asked for. The text gets the program's
// name in front, and a line that says where help is behind.
type badParameter struct{ text string }

func (e *badParameter) Error() string { return e.text }

func bad(format string, args ...any) error {
	return &badParameter{fmt.Sprintf(format, args...)}
}

// badArgument is an argument that nothing takes. It comes without the program's
// name.
type badArgument struct{ arg string }

func (e *badArgument) Error() string { return "Bad argument `" + e.arg + "'" }

// refused is a change that the rules do not allow.
type refused struct{ reason string }

func (e *refused) Error() string { return e.reason }

// Reasons of refusals.
var (
	errInvalid    = &refused{"Invalid argument. Run `dmesg' for more information"}
	errNoName     = &refused{"No chain/target/match by that name"}
	errExists     = &refused{"Chain already exists"}
	errFileExists = &refused{"File exists"}
	errLinks      = &refused{"Too many links"}
	errLoop       = &refused{"Too many levels of symbolic links"}
	errNotEmpty   = &refused{"Directory not empty"}
	errNoRule     = &refused{"Bad rule (does a matching rule exist in that chain?)"}
	errInsertion  = &refused{"Index of insertion too big"}
	errReplace    = &refused{"Index of replacement too big"}
	errDeletion   = &refused{"Index of deletion too big"}
	errCounter    = &refused{"Index of counter too big"}
	errPolicyName = &refused{"Bad policy name. Run `dmesg' for more information"}
	errBuiltin    = &refused{"Bad built-in chain name"}
)

// commandError is err as a command prints it. prog is the command's name.
func commandError(prog string, err error) error {
	try := fmt.Sprintf("Try `%s -h' or '%s --help' for more information.\n", prog, prog)
	head := fmt.Sprintf("%s v%s (legacy): ", prog, Version)
	switch e := err.(type) {
	case nil:
		return nil
	case *Error:
		return e
	case *badParameter:
		return &Error{head + e.text + "\n" + try, codeParam}
	case *badArgument:
		return &Error{e.Error() + "\n" + try, codeParam}
	case *wrongFamily:
		return &Error{try, codeParam}
	case *noTable:
		return &Error{fmt.Sprintf("%scan't initialize %s table `%s': %s\nPerhaps %[2]s or your kernel needs to be upgraded.\n",
			head, prog, e.name, e.why), codeVersion}
	}
	return &Error{prog + ": " + err.Error() + ".\n", codeOther}
}

// wrongFamily is -6 for iptables or -4 for ip6tables.
type wrongFamily struct{}

func (*wrongFamily) Error() string { return "wrong address family" }

// noTable is a table that cannot be had.
type noTable struct{ name, why string }

// Why a table cannot be had.
const (
	whyNoTable = "Table does not exist (do you need to insmod?)"
	whyDenied  = "Permission denied (you must be root)"
)

func (e *noTable) Error() string { return "no table " + e.name }
