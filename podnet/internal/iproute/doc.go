// Package iproute is the routes of a network namespace as ip route takes and
// prints them.
//
// Texts, exit codes and checks are those of iproute2 6.1 over a Linux 6 kernel;
// testdata holds what the real tool said. There is one table of routes, main,
// beside the addresses that are local; a route has one next hop and no metrics
// but its own. What is beyond that is refused by name.
package iproute
