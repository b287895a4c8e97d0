package podnet

import (
	"errors"
	"time"

	"podnet.dev/podnet/internal/iptables"
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

// errNoFirewall is the error of changing what cannot be changed yet.
var errNoFirewall = errors.New("podnet: iptables is not supported yet")

// firewall is where a network namespace has its rules.
type firewall interface {
	Rules(iptables.Family) *iptables.Ruleset
	ChangeRules(iptables.Family, func(*iptables.Ruleset) (*iptables.Ruleset, error)) error
}

// firewall returns the rules of the container's Pod.
func (c *Container) firewall() (firewall, error) {
	if _, err := c.running(); err != nil {
		return nil, err
	}
	s := c.sandbox()
	if s == nil {
		return nil, ErrNotRunning
	}
	f, ok := any(s.net).(firewall)
	if !ok {
		return nil, errNoFirewall
	}
	return f, nil
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
// and SNAT; others are refused by name. No capability is needed.
func (c *Container) IPTables(ipv6 bool, args ...string) (output string, err error) {
	f, err := c.firewall()
	if err != nil {
		return "", err
	}
	err = f.ChangeRules(rulesOf(ipv6), func(r *iptables.Ruleset) (*iptables.Ruleset, error) {
		r, output, err = r.Command(args)
		return r, err
	})
	return output, commandError(err)
}

// IPTablesSave returns the rules of the container's Pod as iptables-save prints
// them, or ip6tables-save if ipv6.
func (c *Container) IPTablesSave(ipv6 bool) (string, error) {
	f, err := c.firewall()
	if err != nil {
		return "", err
	}
	text, err := f.Rules(rulesOf(ipv6)).Save(iptables.SaveOptions{Now: time.Now()})
	return text, commandError(err)
}

// IPTablesRestore does what iptables-restore does with text, or ip6tables-restore
// if ipv6. With noflush rules that the text does not name stay. Unlike the real
// one it changes nothing if any line is wrong.
func (c *Container) IPTablesRestore(ipv6 bool, text string, noflush bool) error {
	f, err := c.firewall()
	if err != nil {
		return err
	}
	err = f.ChangeRules(rulesOf(ipv6), func(r *iptables.Ruleset) (*iptables.Ruleset, error) {
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
