// Package faults interferes with packets on their way: it delays, loses, doubles
// and damages them, cuts links, and asks scripts what is to become of them.
//
// A [Set] holds the faults of a cluster. Whoever moves packets asks it at each
// place where a packet crosses from one end of a link to the other. While there is
// no fault at a place, that is one look at a pointer.
//
// What is drawn by lot depends on the seed, the fault, the link, the direction and
// the number of the packet there, and on nothing else: not on how goroutines
// interleave on other links.
//
// Packets are moved in the goroutine of whoever sends, which may hold locks of a
// stack, or in that of a timer, which holds none. No packet has a goroutine of its
// own.
//
// What is made inside a testing/synctest bubble must be used and closed there.
package faults
