// Package kubelet drives the life of one Pod as the kubelet of Kubernetes 1.37
// does: it makes the sandbox, gets the images, runs the init containers, starts
// the sidecars and containers, probes them, restarts them with back-off, and
// stops everything in the end.
//
// [New] gives a Pod to a [Worker], which acts through a [Runtime] and tells
// what it did by a [Status] and by Events. The rest are pure functions: the
// columns that kubectl prints of a Status, and the files /etc/hosts and
// /etc/hostname.
//
// Differences from the real kubelet:
//   - It has no jitter. What the kubelet does "at the first sync after" a
//     back-off, the worker does at the back-off's very end.
//   - It sees the end of a process when it happens, not at the next relist
//     (up to a second later). Only a restart of all containers waits for that
//     second: without it one that ends at once would be restarted for ever in no
//     time.
//   - A status is published when it is known, not at the start of the next
//     sync, and its times are not cut to whole seconds.
//   - It looks again when something happened, and every minute only at a Pod whose
//     volumes may change. So a container that is not ready is probed out of turn
//     less often.
//   - A second, shorter grace period takes effect at once, and so does a deletion
//     while containers are being stopped for another reason.
//   - A pull in progress is given up when the Pod is deleted, and a container that
//     was not started by then is not. A postStart hook in progress is waited for.
package kubelet
