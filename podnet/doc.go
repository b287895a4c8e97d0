// Package podnet runs Kubernetes Pods inside a Go process.
//
// A Pod is a TCP/IP stack of its own (gVisor's), and its containers are
// goroutines that bind and dial through it. So what makes a Pod a Pod happens
// for real, without privileges and on any operating system: all containers
// share one IP and one port space and reach each other over localhost, the
// second one to bind a port gets "address already in use", exits, and is
// restarted with the kubelet's back-off.
//
//   - [Cluster] holds Pods. [NewCluster] makes one, Close ends it.
//   - [PodSpec] says what a Pod is, in Kubernetes' words. Package manifest reads
//     it from YAML.
//   - [Pod] and [Container] show what becomes of it: status, events, logs,
//     sockets. Both carry net's verbs: Listen, Dial, LookupHost, HTTPClient.
//   - [Program] is a container's process: a function that is given its
//     Container. Package image has programs for some usual images.
//   - Package podnettest ties a cluster to a test.
//
// # A Pod's life
//
// The kubelet that runs a Pod here keeps the rules, times and texts of
// Kubernetes 1.37. Init containers run one after the other; those whose restart
// policy is Always are sidecars, which start in their turn, gate the next by
// their startup probe, and end after the containers. Probes ask from the node,
// at the Pod's IP: a server on 127.0.0.1 does not hear them. Hooks, grace
// periods, exit codes, restart policies and rules, deadlines, readiness gates,
// conditions and events are those of a cluster, and [Pod.Watch] gives every
// status and event as it happens. The resources of a container are shown and
// decide on the Pod's QoS class; nobody enforces them.
//
// # Around the Pod
//
// Each Pod is joined by a veth to its [Node], which forwards: to its other Pods,
// over the network to other nodes, and to itself. There are [ServiceSpec] with all
// types but a real load balancer, [EndpointSliceSpec], cluster DNS,
// [NetworkPolicySpec] and [NamespaceSpec], host ports and the host network. What
// kube-proxy's rules do, the node does to real packets: a connection through a
// Service is translated and tracked, and one that comes back to its own Pod is
// masqueraded, as on Linux. The same scenarios run on real network namespaces with
// real iptables, and must show the same.
//
// A container that reaches its own Pod through a Service is told so by an event,
// [ReasonServiceHairpin]: localhost is the shorter way.
//
// A Pod's routes and iptables are its own. [Container.IPTables] and
// [Container.IPRoute] change them as the commands of those names do, and
// [OriginalDst] is what a transparent proxy asks.
//
// # See it, break it
//
// [Cluster.Trace] tells what becomes of every packet, hop by hop, and why one is
// dropped; package capture writes them to a file. [Cluster.Impair],
// [Cluster.Partition], [Cluster.Intercept] and [Cluster.DisturbDNS] make links
// slow, lossy or cut, packets refused, and names wrong, and are lifted at will.
// [NetworkChaosSpec], [PodChaosSpec], [DNSChaosSpec] and [ScheduleSpec] are the same
// as objects, of Chaos Mesh's kinds, that act for a while: a [Chaos] each.
// docs/faults.md has it whole. What is not used costs a packet a look at a pointer.
//
// # Virtual time
//
// podnet uses package time and nothing else. In a testing/synctest bubble a
// cluster runs on the bubble's clock: two hours of crash loop, with real TCP,
// pass in milliseconds and to the nanosecond. Make, use and close the cluster
// in the bubble; there is nothing to configure.
//
// Because computing takes no time there, two programs that talk to each other
// without ever waiting would stop the clock. After some 5,000 socket calls at
// one instant, further ones therefore take 10 microseconds each, which reads and
// not writes wait for.
//
// # What differs from a real cluster
//
//   - Of a Pod that exists only labels and annotations can be changed: for all
//     else, delete it first. There are no ephemeral containers and no stdin.
//   - Controllers act at once: endpoints, rules and names are those of now. There
//     are no rolling updates, no zones, and nothing behind the Service
//     default/kubernetes.
//   - Services are looked up in a table, and not by walking rules; the rules that
//     kube-proxy would have are those of [Node.IPTablesSave].
//   - The name server is on every node, at the Service's address, as with
//     NodeLocal DNSCache; there is no Pod behind it. Names outside the cluster are
//     refused unless [Config].Upstream knows them.
//   - What a NetworkPolicy forbids vanishes. Connections that are there stay.
//   - Beyond the nodes there is a gateway that forwards nothing.
//   - What two sockets of one Pod, on localhost or at its own IP, write to each other
//     over TCP goes from socket to socket: only what opens and closes a connection is
//     packets. All of it is while a trace or a capture runs, wherever in the cluster,
//     or there is a fault with [Where].Loopback, and in Pods that have changed their
//     iptables or are on the host network.
//   - A process is a goroutine: it shares memory with the test, and cannot be
//     killed if it ignores its context. What it can no longer do is write, bind,
//     dial, or use the sockets it had.
//   - Connections are net.Conn, but not *net.TCPConn; there are no file
//     descriptors. Methods such as CloseWrite are found by interface.
//   - The kubelet acts at once and without jitter where the real one waits for
//     its next look.
package podnet
