// Package oracle holds podnet against Kubernetes itself: the API server's
// defaults and validation, and the kubelet's probes, called as libraries, must
// say what podnet says.
//
// There is nothing here but tests. It is a module of its own, so that whoever
// uses podnet downloads none of Kubernetes. Run it in its own directory:
//
//	(cd podnet/internal/oracle && go vet ./... && go test ./...)
package oracle
