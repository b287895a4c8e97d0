package main

import "image/color"

// A pathInfo says how a path is shown.
type pathInfo struct {
	name, text string
	color      color.Color
}

// paths are those of the benchmarks, in the order in which they are shown.
var paths = []pathInfo{
	{"localhost", "localhost", ours},
	{"localhost-packets", "localhost, by packets", ours},
	{"own-ip", "the Pod's own IP", ours},
	{"own-service", "own Service (hairpin)", ours},
	{"pod", "another Pod on the node", ours},
	{"pod-service", "another Pod's Service", ours},
	{"node", "a Pod on another node", ours},
	{"node-service", "another node's Service", ours},
	{"container-ip", "a container with its own IP", ours},
	{"unix", "Unix socket on a volume", ours},
	{"kernel", "kernel: loopback", kernels},
	{"kernel-unix", "kernel: Unix socket", kernels},
	{"linux-own-service", "namespaces: own Service", kernels},
	{"linux-pod", "namespaces: another Pod", kernels},
	{"linux-pod-service", "namespaces: its Service", kernels},
	{"linux-node", "namespaces: another node", kernels},
	{"linux-node-service", "namespaces: that node's Service", kernels},
	{"gonet", "gVisor's gonet, one stack", others},
	{"netem", "ooni/netem", others},
	{"vnet", "pion's vnet", others},
	{"bufconn", "bufconn", others},
	{"pipe", "net.Pipe", others},
}

func textOf(path string) string {
	for _, p := range paths {
		if p.name == path {
			return p.text
		}
	}
	return path
}

// A workInfo says how a work is shown.
type workInfo struct {
	name, title, text string
	unit, axis        string
	format            func(float64) string
	chart             bool
}

const timeAxis = "time of one, shorter is better"

var works = []workInfo{
	{"rtt64", "Round trip, 64 bytes", "A message that comes back, on a connection that is open.", seconds, timeAxis, duration, true},
	{"rtt1k", "Round trip, 1 KiB", "The same with a message of 1 KiB.", seconds, timeAxis, duration, false},
	{"rtt64k", "Round trip, 64 KiB", "The same with a message of 64 KiB.", seconds, timeAxis, duration, false},
	{"stream", "Stream", "64 KiB after 64 KiB one way, until all has arrived.", throughput, "bytes a second, longer is better", rate, true},
	{"connect", "Connect and close", "A connection that is made and closed by the client and then by the server.", seconds, timeAxis, duration, true},
	{"http", "HTTP GET, connection kept alive", "A page of 64 bytes by net/http.", seconds, timeAxis, duration, false},
	{"http-new", "HTTP GET, new connection", "The same with a connection for each.", seconds, timeAxis, duration, true},
	{"udp", "Round trip of a datagram", "64 bytes over UDP.", seconds, timeAxis, duration, true},
	{"dns", "DNS look-up", "A Service's name, by A and AAAA: in a Pod at the cluster's name server, with the kernel by net.Resolver at a minimal server on the loopback.", seconds, timeAxis, duration, false},
}
