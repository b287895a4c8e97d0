// Package probe is one attempt of a probe, and the HTTP hook of a container's
// life, as the kubelet of Kubernetes 1.37 makes them (pkg/probe and
// pkg/kubelet/lifecycle): the same requests, results and texts, over a [Dial].
// When and how often to probe is not its business.
//
// An attempt waits for the dials that it started and for its connections to be
// closed. What net/http itself still runs then is about to end and waits for
// nothing.
//
// The gRPC probe is a client of one call, over net/http's HTTP/2, so that nobody
// pays for a gRPC library.
//
// Differences from the kubelet:
//   - An attempt ends with its context. The kubelet's probes have none, and it
//     leaves a hook alone whose time is over.
//   - When https times out the kubelet says "context deadline exceeded" or
//     "net/http: request canceled", as it happens: the first it is here.
//   - There are no HTTP/2 pings, by which the kubelet notices after 45 seconds
//     that nobody is there.
//   - A hook does not keep its connection for the next one.
//   - The back-off of the gRPC client, which shows if a timeout is longer than
//     two seconds, has no jitter.
//   - Of a gRPC status, the text of its details (grpc-status-details-bin) does
//     not count, and an answer is judged at its end, not as it comes.
package probe
