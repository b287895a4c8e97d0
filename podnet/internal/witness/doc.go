// Package witness holds real programs against podnet: libraries of the wide
// world, unmodified, as servers and clients over the sockets of containers. What
// works with them over the machine's own network has to work here, in plain time
// and in a testing/synctest bubble.
//
// There is nothing here but tests. It is a module of its own, so that whoever
// uses podnet downloads none of these libraries. Run it in its own directory:
//
//	(cd podnet/internal/witness && go vet ./... && go test -race ./...)
package witness
