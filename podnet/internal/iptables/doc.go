// Package iptables is one network namespace's iptables of one family: the text
// that iptables, iptables-save and iptables-restore take and give, and the
// verdict of the rules on a packet.
//
// Texts, exit codes and checks are those of iptables 1.8.9 in its legacy form
// over a Linux 6 kernel; testdata holds what the real tools said. What differs:
//
//   - The tables are raw, mangle, nat and filter; there is no security table.
//   - The matches are addrtype, comment, conntrack, icmp, icmp6, mark,
//     multiport, owner, state, statistic, tcp and udp, the targets CT --notrack,
//     DNAT, MARK, MASQUERADE, NOTRACK, REDIRECT, REJECT and SNAT. Others are
//     refused by name.
//   - iptables-restore changes nothing if any line is wrong. The real one keeps
//     the tables whose COMMIT came before the error.
//   - Counters of policies go on when rules change; the real legacy tools begin
//     them anew with each change of their table.
//   - Warnings, as of a weird name of an interface, are not printed.
//   - Names of hosts are not looked up, and listings without -n show addresses
//     in numbers.
//
// A Ruleset never changes, except for its counters: a command returns a new one.
package iptables

// Version is the release of iptables whose texts these are.
const Version = "1.8.9"
