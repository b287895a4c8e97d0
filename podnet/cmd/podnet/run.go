package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"podnet.dev/podnet"
)

// maxNodes is how many nodes 10.244.0.0/16 has addresses for.
const maxNodes = 256

// runFlags are the flags of `podnet run`.
type runFlags struct {
	duration time.Duration // 0 for as long as it takes
	execs    []string
	forwards []string
	capture  string // a file; "" for none
	filter   string
	nodes    int
	upstream bool // names outside the cluster are looked up
	apart    bool // each container has an IP of its own
}

func (a *app) runCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Run the Pods of manifests and show what happens",
		Long: `Run reads manifests ("-" is stdin), runs their Pods and those that Deployments
and StatefulSets make, and shows what happens: the events of the kubelet, the
logs of the containers, and the Pods as "kubectl get pods -w" does: on a terminal
as a table at the bottom, elsewhere as a line for each change. Nothing is started
if a manifest is wrong. All other objects of the manifests are there before the
Pods.

The run ends when every Pod has ended (those of Deployments and StatefulSets are
replaced, and so never have), when it is interrupted, after --for, or, with --exec
and without --for, after the last command. Then the Pods are deleted with their
grace periods, as "kubectl delete" does; a second interrupt is a loss of power.
Last comes the status that the Pods had before they were deleted.

Time is real, and no option makes it faster: virtual time is for tests in Go, as
testing/synctest and the documentation of package podnet.dev/podnet describe.

Lines begin with the container's name, as [[NAMESPACE/]POD/]CONTAINER where there
are several. The mark behind it says what the line is:
  |  the container wrote it to stdout
  !  the container, or a command of --exec, wrote it to stderr
  $  a command of --exec, and how it ended if it failed
  >  a command of --exec wrote it to stdout
Lines that begin with a time are events. There are colours if stdout is a
terminal, unless NO_COLOR is set.

--exec runs a command by /bin/sh in a container or sidecar, named as above, or as
deploy/NAME/CONTAINER, sts/NAME/CONTAINER or svc/NAME/CONTAINER: then in one of the
Pods, a Ready one if there is one.
Commands run one after the other, once all containers have been started and their
ports (declared ones and those of their images) are listened on; for that they
wait 2 seconds at most.

--port-forward opens a port on this machine's 127.0.0.1 and ::1 that leads to the
Pod's localhost, as "kubectl port-forward" does. 8080 means 8080:8080, and :80 any
free port. With several Pods write [NAMESPACE/]POD/HOST:POD, deploy/NAME/HOST:POD,
sts/NAME/HOST:POD or svc/NAME/HOST:PORT. The last leads to a Pod of the Service, not
through it, and PORT is the Service's.

--nodes makes a cluster of several nodes, node-1, node-2 and so on, over which the
Pods are spread. Then the tables say where each Pod is.

--ip-per-container gives each container a network of its own, with an IP of its own,
as if there were no Pods: localhost leads to no other container any more.

--upstream-dns lets the Pods look up names outside the cluster, as this machine
does. Connections do not leave the cluster all the same.

--capture writes the packets of the run to a file, as pcapng for Wireshark, each
once, and once more where it has been translated. --capture-filter chooses among
them by an expression as of tcpdump, such as "tcp port 80 and not host 10.244.0.1",
and "pod web", "node node-1", "container app" and "ifname lo".

Exit code: 0 if all went well; 1 if a Pod failed, or a command of --exec did or
did not come to its end; 2 for wrong arguments, manifests that are wrong, and a
port of this machine that is not free, or a file of --capture that cannot be
written. A Pod has failed if at the end its phase
is Failed or still Pending, or if a container waits (CrashLoopBackOff,
ErrImagePull, ...) or has ended with another exit code than 0. The end of a
sidecar does not count.`,
		Example: `  podnet run pod.yaml
  podnet run pod.yaml --for 90s --exec 'log-tailer: wget -qO- http://localhost'
  podnet run web.yaml db.yaml --port-forward web/8080:80
  podnet run shop.yaml --nodes 3 --port-forward svc/frontend/8080:80`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeManifests,
		RunE: func(cmd *cobra.Command, files []string) error {
			if cmd.Flags().Changed("for") && flags.duration <= 0 {
				return fmt.Errorf("invalid argument %q for --for: must be positive", flags.duration)
			}
			if flags.nodes < 1 || flags.nodes > maxNodes {
				return fmt.Errorf("invalid argument \"%d\" for --nodes: must be from 1 to %d", flags.nodes, maxNodes)
			}
			return a.run(cmd.Context(), files, flags)
		},
	}
	cmd.Flags().DurationVar(&flags.duration, "for", 0, "end after this `TIME`, such as 90s or 5m")
	cmd.Flags().StringArrayVar(&flags.execs, "exec", nil, "run a command in a container: `'CONTAINER: COMMAND'`; may be repeated")
	cmd.Flags().StringArrayVar(&flags.forwards, "port-forward", nil, "forward a port of this machine to a port of a Pod: `HOST:POD`; may be repeated")
	cmd.Flags().IntVar(&flags.nodes, "nodes", 1, "`NUMBER` of nodes that the Pods are spread over")
	cmd.Flags().BoolVar(&flags.apart, "ip-per-container", false, "give each container an IP of its own")
	cmd.Flags().BoolVar(&flags.upstream, "upstream-dns", false, "look up names outside the cluster, too")
	cmd.Flags().StringVar(&flags.capture, "capture", "", "write the packets to this `FILE` (pcapng)")
	cmd.Flags().StringVar(&flags.filter, "capture-filter", "", "what --capture writes, as an `EXPRESSION` of tcpdump")
	for _, flag := range []string{"for", "exec", "port-forward", "nodes", "capture-filter"} {
		// The flag exists, so there is no error.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
	return cmd
}

// run runs the Pods of files.
func (a *app) run(ctx context.Context, files []string, flags runFlags) error {
	pods, others, errs := load(a.stdin, files)
	if len(errs) > 0 {
		return &exitError{exitUsage, errs}
	}
	return a.runPods(ctx, pods, others, flags)
}

// runPods runs Pods, with other objects.
func (a *app) runPods(ctx context.Context, pods []source, others []other, flags runFlags) error {
	out := newPrinter(pods, a.stdout, a.stderr, a.colour)
	out.size = a.size
	out.names.nodes = flags.nodes > 1
	s := &session{pods: pods, others: others, config: podnet.Config{Nodes: flags.nodes, Images: a.images.programs, IPPerContainer: flags.apart}, images: a.images, out: out, duration: flags.duration}
	if flags.upstream {
		s.config.Upstream = a.lookup
	}
	if flags.filter != "" && flags.capture == "" {
		return errors.New("--capture-filter needs --capture")
	}
	if flags.capture != "" {
		k, err := startCapture(flags.capture, flags.filter)
		if err != nil {
			return err
		}
		defer k.Close()
		s.capture = k
	}
	var forwards []forwardSpec
	services := newNetwork(pods, others, a.images).services
	for _, text := range flags.execs {
		e, err := parseExec(text, pods, services)
		if err != nil {
			return err
		}
		s.execs = append(s.execs, e)
	}
	for _, text := range flags.forwards {
		f, err := parseForward(text, pods, services)
		if err != nil {
			return err
		}
		forwards = append(forwards, f)
	}
	for _, spec := range forwards {
		f, err := listenForward(spec)
		if err != nil {
			return &exitError{exitUsage, []error{err}}
		}
		defer f.Close()
		s.forwards = append(s.forwards, f)
	}
	for _, o := range others {
		s.warn(o.object)
	}
	for _, p := range pods {
		s.warn(p.given())
	}
	if a.catch != nil {
		var stop func()
		ctx, s.power, stop = a.catch(ctx)
		defer stop()
	}
	if errs := s.run(ctx); len(errs) > 0 {
		return &exitError{exitFailed, errs}
	}
	return nil
}
