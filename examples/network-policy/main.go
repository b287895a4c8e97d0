// Command network-policy runs three Pods behind NetworkPolicies and prints who
// reaches whom: by real connections, before and after the policies are there,
// and with the rule that decides.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/manifest"
)

//go:embed app.yaml policies.yaml
var manifests embed.FS

// timeout is how long a connection may take: packets that a policy forbids are
// dropped, so nobody says that there will be none.
const timeout = time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "network-policy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cluster, err := podnet.NewCluster(podnet.Config{Images: image.Standard()})
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := apply(ctx, cluster, "app.yaml"); err != nil {
		return err
	}
	for _, p := range cluster.Pods() {
		if err := p.WaitReady(ctx); err != nil { // and so is an endpoint of its Service
			return err
		}
		if err := p.WaitListening(ctx, portOf(p)); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "Without policies:")
	if err := matrix(ctx, out, cluster); err != nil {
		return err
	}
	if err := apply(ctx, cluster, "policies.yaml"); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nWith policies.yaml:")
	if err := matrix(ctx, out, cluster); err != nil {
		return err
	}
	return cluster.Close()
}

// apply applies a manifest.
func apply(ctx context.Context, cluster *podnet.Cluster, name string) error {
	objects, err := manifest.Load(manifests, name)
	if err != nil {
		return err
	}
	return cluster.Apply(ctx, objects...)
}

// portOf is the port that a Pod of the shop declares.
func portOf(p *podnet.Pod) uint16 { return p.Spec().Containers[0].Ports[0].ContainerPort }

// matrix connects every Pod to every other, by the other's Service, and says
// which rule decided.
func matrix(ctx context.Context, out io.Writer, cluster *podnet.Cluster) error {
	pods := cluster.Pods()
	for _, from := range pods {
		for _, to := range pods {
			if from == to {
				continue
			}
			result := "connects"
			switch err := connect(ctx, from, to); {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
				result = "times out"
			case err != nil:
				return err
			}
			verdict := cluster.Allowed(from, to, podnet.ProtocolTCP, portOf(to))
			fmt.Fprintf(out, "  %-8s -> %-8s  %-9s  %s\n", from.Name(), to.Name(), result, verdict)
		}
	}
	return nil
}

// connect dials the Service of a Pod, which has the Pod's name.
func connect(ctx context.Context, from, to *podnet.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	port := "80"
	if to.Name() == "db" {
		port = "5432"
	}
	conn, err := from.DialContext(ctx, "tcp", net.JoinHostPort(to.Name(), port))
	if err != nil {
		return err
	}
	return conn.Close()
}
