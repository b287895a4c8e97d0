package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
)

// shell has the commands of the image on which the others are built.
var shell = image.Standard()["alpine"]

// web is the program of shop's app and of bank: a server that tells by whom it is
// called, as it sees it. It knows of no proxy.
func web(ctx context.Context, c *podnet.Container) error {
	if len(c.Command()) > 0 { // curl, by exec
		return shell(ctx, c)
	}
	l, err := c.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s is called by %s\n", c.Pod().Name(), host)
	})}
	context.AfterFunc(ctx, func() { srv.Close() })
	srv.Serve(l)
	return nil
}
