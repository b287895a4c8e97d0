// Command podnet runs Kubernetes Pods from manifests in its own process, and
// says beforehand what will go wrong with them.
//
//	podnet run web.yaml --port-forward 8080:80
//	podnet run web.yaml --exec 'web: wget -qO- localhost' --for 30s
//	podnet check web.yaml
//
// "podnet help run" and "podnet help check" describe the rest.
package main

import (
	"context"
	"io"
	"net"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, catchSignals))
}

// run is the whole program. It returns the exit code; the end of ctx is an
// interrupt, as are those that catch catches.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, catch catcher) int {
	a := &app{
		stdin: stdin, stdout: stdout, stderr: stderr, images: standardImages(),
		colour: wantsColour(stdout), size: terminalSize(stdout), catch: catch,
		lookup: net.DefaultResolver.LookupNetIP,
	}
	return a.main(ctx, args)
}

// wantsColour reports whether w is a terminal whose user has nothing against
// colours (no-color.org).
func wantsColour(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && terminalSize(w) != nil
}
