// Package fabric is what lies between network namespaces: the veth of each, the
// router of a node that they lead to, and the network between nodes.
//
// It knows packets and connections, neither Pods nor sockets. What is decided
// about a new connection, [Rules] say, which are function hooks.
//
// A router works in the goroutine of whoever sends, which may hold locks of its
// stack, TCP's for one. So a router calls no stack: what it has for one waits in
// a queue for the goroutine of that veth, which holds no lock. What is answered at
// once (an ICMP error, say) takes the same way.
//
// What is made inside a testing/synctest bubble must be used and closed there.
package fabric
