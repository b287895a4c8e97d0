// Package capture writes what crosses the interfaces of a cluster as pcapng, which
// Wireshark, tshark and tcpdump read.
//
//	file, err := capture.StartFile(cluster, "web.pcapng", capture.Config{})
//	…
//	err = file.Stop()
//
// Each packet names its interface and its direction, and says in comments whose
// socket sent it and got it, by what it was translated, and why it was dropped.
// Links carry IP packets without Ethernet headers. In a testing/synctest bubble the
// times are the bubble's.
package capture
