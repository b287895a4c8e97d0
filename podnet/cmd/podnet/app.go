package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"podnet.dev/podnet"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // run: something failed; check: something will
	exitUsage  = 2 // wrong arguments, or input that cannot be used
)

// app is the command line with all that it touches.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	images         imageSet
	colour         bool                       // stdout takes colours
	size           func() (width, height int) // of the terminal that stdout is; nil if it is none
	catch          catcher                    // nil to catch no signals

	// lookup finds the addresses of names as this machine does.
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// newCluster makes the clusters of all commands. Tests look at what they do.
var newCluster = podnet.NewCluster

// exitError is the error of a command that was used rightly. Any other error
// of a command is one of usage.
type exitError struct {
	code int
	errs []error // to be printed, each on a line
}

func (e *exitError) Error() string { return errors.Join(e.errs...).Error() }

// main runs a command line and returns its exit code.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var exit *exitError
	if errors.As(err, &exit) {
		for _, err := range exit.errs {
			fmt.Fprintf(a.stderr, "podnet: %v\n", err)
		}
		return exit.code
	}
	fmt.Fprintf(a.stderr, "podnet: %s\n\n%s", strings.TrimSpace(err.Error()), cmd.UsageString())
	return exitUsage
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "podnet",
		Short: "Run Kubernetes Pods in one process, with real localhost between their containers",
		Long: `podnet runs the Pods of Kubernetes manifests in its own process. Each Pod has a
TCP/IP stack of its own, which its containers share: one IP, one localhost, one
set of ports. It needs no cluster, no container runtime and no privileges.`,
		Version:       version(),
		SilenceErrors: true, // main prints them
		SilenceUsage:  true,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(a.runCommand(), a.checkCommand(), a.traceCommand())
	return root
}

// version is that of the module that the program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// completeManifests completes the names of manifests.
func completeManifests(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}
