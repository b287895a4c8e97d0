// Package netfilter is what Linux's netfilter is to a network namespace: it
// reads the headers of packets, tracks connections, translates addresses, and
// makes the packets that refuse others.
//
// It knows packets and connections, neither links nor Pods. Whoever forwards
// (package fabric) or has tables (package netstack) calls it.
package netfilter
