// Package fabric is the links between network namespaces: for now, veth pairs.
//
// It knows packets, not Pods nor sockets. A link is a stack.LinkEndpoint for
// either side, and what is written on one arrives at the other. Delivery has a
// goroutine of its own, so that no stack's code runs beneath another's locks.
//
// A link that is made inside a testing/synctest bubble must be used and closed
// there.
package fabric
