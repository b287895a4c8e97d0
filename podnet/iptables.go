package podnet

import (
	"errors"
	"time"

	"podnet.dev/podnet/internal/iptables"
	"podnet.dev/podnet/internal/netstack"
)

// CommandError is what a command such as iptables or ip says when it fails.
type CommandError struct {
	Stderr string // whole lines
	Code   int    // the exit code
}

// Error returns Stderr.
func (e *CommandError) Error() string { return e.Stderr }

// commandError makes a CommandError of the errors of the logic packages.
func commandError(err error) error {
	var i *iptables.Error
	if errors.As(err, &i) {
		return &CommandError{i.Text, i.Code}
	}
	return err
}

// network returns the network namespace of the container's process, and whether
// that may change it.
func (c *Container) network() (ns *netstack.Namespace, admin bool, err error) {
	p, err := c.running()
	if err != nil {
		return nil, false, err
	}
	return p.instance.sandbox.net, p.isNetAdmin(), nil
}

// IPTables does what `iptables args` does in the container, or ip6tables if ipv6:
// the rules are those of the Pod, for all of its containers, and end with its
// sandbox. It returns what the command prints. What it says when it fails is a
// [*CommandError]; the rules are as before then. [ErrNotRunning] if the container
// has no process.
//
// Texts are those of iptables 1.8.9. There are the tables raw, mangle, nat and
// filter, the matches addrtype, comment, conntrack (--ctstate), icmp, icmp6,
// mark, multiport, owner, state, statistic, tcp and udp, and the targets ACCEPT,
// CT --notrack, DNAT, DROP, MARK, MASQUERADE, NOTRACK, REDIRECT, REJECT, RETURN
// and SNAT; others are refused by name.
//
// It needs user 0 and [CapNetAdmin], also to look: without, all is denied. The rules
// of a Pod on the host network are those of its node, for what the node's programs
// send and get; what the node forwards passes them by, which is not so on Linux.
func (c *Container) IPTables(ipv6 bool, args ...string) (output string, err error) {
	ns, admin, err := c.network()
	if err != nil {
		return "", err
	}
	if !admin {
		output, err = ns.Rules(rulesOf(ipv6)).CommandDenied(args)
		return output, commandError(err)
	}
	err = ns.ChangeRules(rulesOf(ipv6), func(r *iptables.Ruleset) (*iptables.Ruleset, error) {
		r, output, err = r.Command(args)
		return r, err
	})
	return output, commandError(err)
}

// IPTablesSave returns the rules of the container's Pod as iptables-save prints
// them, or ip6tables-save if ipv6. It needs what IPTables needs.
func (c *Container) IPTablesSave(ipv6 bool) (string, error) {
	ns, admin, err := c.network()
	if err != nil {
		return "", err
	}
	save := ns.Rules(rulesOf(ipv6)).Save
	if !admin {
		save = ns.Rules(rulesOf(ipv6)).SaveDenied
	}
	text, err := save(iptables.SaveOptions{Now: time.Now()})
	return text, commandError(err)
}

// IPTablesRestore does what iptables-restore does with text, or ip6tables-restore
// if ipv6. With noflush rules that the text does not name stay. It needs what
// IPTables needs. Unlike the real
// one it changes nothing if any line is wrong.
func (c *Container) IPTablesRestore(ipv6 bool, text string, noflush bool) error {
	ns, admin, err := c.network()
	if err != nil {
		return err
	}
	if !admin {
		return commandError(ns.Rules(rulesOf(ipv6)).RestoreDenied(text))
	}
	err = ns.ChangeRules(rulesOf(ipv6), func(r *iptables.Ruleset) (*iptables.Ruleset, error) {
		return r.Restore(text, iptables.RestoreOptions{NoFlush: noflush})
	})
	return commandError(err)
}

func rulesOf(ipv6 bool) iptables.Family {
	if ipv6 {
		return iptables.IPv6
	}
	return iptables.IPv4
}
