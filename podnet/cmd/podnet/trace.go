package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"podnet.dev/podnet"
)

// traceFlags are the flags of `podnet trace`.
type traceFlags struct {
	files    []string
	udp      bool
	json     bool
	mermaid  bool
	timeout  time.Duration
	nodes    int
	from, to string // arguments
}

func (a *app) traceCommand() *cobra.Command {
	var flags traceFlags
	cmd := &cobra.Command{
		Use:   "trace FROM TO -f FILE...",
		Short: "Show the way of one connection, hop by hop",
		Long: `Trace runs the Pods of manifests, opens one connection, and shows the way of its
first packet and of the first answer: over which interfaces they go, which Service
or rule translates them, and where and why a packet is dropped.

FROM is a container, as [[NAMESPACE/]POD/]CONTAINER, or as deploy/NAME/CONTAINER,
sts/NAME/CONTAINER or svc/NAME/CONTAINER: then in one of the Pods, a Ready one if
there is one. TO is HOST:PORT as the container would dial it: localhost:80, web:80,
10.96.0.1:443, [::1]:80. Names are looked up before the trace begins.

Times are those since the first packet was sent. --json writes the same for
programs, and --mermaid a sequence diagram.

Exit code: 0 if the connection was made or, with --udp, something has answered;
1 if not; 2 for wrong arguments and manifests that are wrong.`,
		Example: `  podnet trace client web:80 -f pod.yaml
  podnet trace web/client 10.96.0.10:53 --udp -f pod.yaml
  podnet trace svc/frontend/app db:5432 -f shop.yaml
  podnet trace client localhost:80 -f pod.yaml --mermaid`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.from, flags.to = args[0], args[1]
			return a.trace(cmd.Context(), flags)
		},
	}
	cmd.Flags().StringArrayVarP(&flags.files, "filename", "f", nil, "a manifest, `FILE` or - for stdin; may be repeated")
	cmd.Flags().BoolVar(&flags.udp, "udp", false, "send an empty datagram instead of opening a TCP connection")
	cmd.Flags().BoolVar(&flags.json, "json", false, "write JSON")
	cmd.Flags().BoolVar(&flags.mermaid, "mermaid", false, "write a sequence diagram of Mermaid")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 3*time.Second, "give up after this `TIME`")
	cmd.Flags().IntVar(&flags.nodes, "nodes", 1, "`NUMBER` of nodes that the Pods are spread over")
	cmd.MarkFlagsMutuallyExclusive("json", "mermaid")
	_ = cmd.MarkFlagRequired("filename")
	return cmd
}

// trace runs the Pods and shows the way of a connection.
func (a *app) trace(ctx context.Context, flags traceFlags) error {
	host, portText, err := net.SplitHostPort(flags.to)
	if err != nil {
		return fmt.Errorf("invalid argument %q for TO: want HOST:PORT", flags.to)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return fmt.Errorf("invalid argument %q for TO: the port must be from 1 to 65535", flags.to)
	}
	if flags.timeout <= 0 {
		return fmt.Errorf("invalid argument %q for --timeout: must be positive", flags.timeout)
	}
	pods, others, errs := load(a.stdin, flags.files)
	if len(errs) > 0 {
		return &exitError{exitUsage, errs}
	}
	from, err := findContainer(pods, newNetwork(pods, others, a.images).services, flags.from)
	if err != nil {
		return fmt.Errorf("invalid argument %q for FROM: %w", flags.from, err)
	}
	cluster, err := newCluster(podnet.Config{Nodes: flags.nodes, Images: a.images.programs})
	if err != nil {
		return &exitError{exitUsage, []error{err}}
	}
	path, err := tracePath(ctx, &session{pods: pods, others: others, images: a.images, cluster: cluster}, from, host, uint16(port), flags)
	if err = errors.Join(err, cluster.Close()); err != nil {
		return &exitError{exitFailed, []error{err}}
	}
	switch {
	case flags.json:
		err = path.writeJSON(a.stdout)
	case flags.mermaid:
		err = path.writeMermaid(a.stdout)
	default:
		err = path.writeText(a.stdout)
	}
	if err == nil && path.Error != "" {
		err = errors.New(path.Error)
	}
	if err != nil {
		return &exitError{exitFailed, []error{err}}
	}
	return nil
}

// tracePath opens the connection, and returns its way.
func tracePath(ctx context.Context, s *session, from target, host string, port uint16, flags traceFlags) (*connectionPath, error) {
	if err := s.apply(ctx); err != nil {
		return nil, err
	}
	s.waitUp(ctx)
	pod := s.podOf(from.pod)
	if pod == nil {
		return nil, fmt.Errorf("%s has no Pod to connect from", from.pod.object())
	}
	c := pod.Container(from.container)
	if c.Status().State.Running == nil {
		return nil, fmt.Errorf("container %s/%s/%s does not run", pod.Namespace(), pod.Name(), from.container)
	}
	ctx, cancel := context.WithTimeout(ctx, flags.timeout)
	defer cancel()
	addrs, err := c.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddr(addrs[0])
	if err != nil {
		return nil, err
	}
	path := &connectionPath{
		From: pod.Namespace() + "/" + pod.Name() + "/" + from.container, To: net.JoinHostPort(host, fmt.Sprint(port)),
		Address: netip.AddrPortFrom(to, port), Protocol: "tcp",
	}
	if flags.udp {
		path.Protocol = "udp"
	}
	watch := &pathWatch{pod: pod, container: from.container, to: path.Address, protocol: path.Protocol}
	stop := s.cluster.TraceHeaders(watch.see)
	start := time.Now()
	err = connect(ctx, c, path.Protocol, path.Address.String())
	path.Took = time.Since(start)
	stop()
	if err != nil {
		path.Error = err.Error()
	}
	path.Hops = watch.hops()
	return path, nil
}

// connect connects, and with UDP waits for an answer.
func connect(ctx context.Context, c *podnet.Container, network, address string) error {
	conn, err := c.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if network != "udp" {
		return nil
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Write(nil); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1<<16))
	return err
}
