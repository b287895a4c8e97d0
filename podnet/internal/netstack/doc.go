// Package netstack is one network namespace: a gVisor TCP/IP stack with its
// links, addresses and routes, and sockets that behave as package net's do on
// Linux.
//
// A [Namespace] holds the stack. An [Owner] stands for a process in it: sockets
// are opened through an owner and die with it as the kernel closes a dead
// process's.
//
// # Errors
//
// Socket errors have net's shape and Linux's text on every operating system: a
// *net.OpError around an *os.SyscallError around an errno, net.ErrClosed after
// Close, os.ErrDeadlineExceeded after a deadline.
//
// # What a namespace says to itself
//
// Of a TCP connection between two sockets of one namespace, only what opens and
// closes it crosses lo. What is written goes from socket to socket in memory (see
// shortcut.go), at once and within the same buffer sizes. As soon as a Watch, a
// fault or a rule needs to see packets there are packets again.
//
// # Virtual time
//
// A namespace made inside a testing/synctest bubble runs on the bubble's time,
// and must be used and closed there. gVisor's TCP workers sleep in a way that
// the runtime does not count as durably blocked, so in a bubble they are kept
// paused, and a goroutine of the namespace lets them run whenever there may be
// work (see pump.go). Outside a bubble nothing of this exists.
//
// For the same reason no code here waits while it holds a sync.Mutex: whatever
// can wait, waits on a channel.
//
// # What differs from Linux
//
// docs/differences.md has it case by case, from the table of package behaviour.
// In short:
//
//   - Connections are not *net.TCPConn, *net.UDPConn or *net.UnixConn, and there
//     is no raw file descriptor (syscall.Conn). Look for methods by interface.
//   - Connections that are made at the same time may be accepted in another order
//     than they were dialed in, to an own address too.
//   - Unix sockets pass no file descriptors and no credentials. They are this
//     package's own, not gVisor's.
//   - IPv4 datagrams go without "don't fragment": where a link on their way is
//     narrower than the first, they are cut, and no first one is lost to learn of
//     its MTU. IPv6 datagrams that are too long for such a link never arrive.
//   - RACK loss recovery and tail loss probes are those of connections that begin
//     while faults may lose packets, wherever in the cluster, and none has an MTU (see
//     Namespace.setRecovery and faults.Set.Lossy). What gVisor's TCP does else than
//     Linux's is in docs/faults.md.
package netstack
