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
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit code; the end of ctx is an
// interrupt.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, images: standardImages(), colour: wantsColour(stdout)}
	return a.main(ctx, args)
}

// wantsColour reports whether w is a terminal whose user has nothing against
// colours (no-color.org).
func wantsColour(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
