// Command ip-per-container prints what a Pod of one to ten containers takes of the
// network, of memory and of time, if it has one IP and if each container has one.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"podnet.dev/podnet"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, 10, 20); err != nil {
		fmt.Fprintln(os.Stderr, "ip-per-container:", err)
		os.Exit(1)
	}
}

// run prints a table of Pods with one container, two and so on up to most. Memory
// is the average of some Pods of each kind.
func run(ctx context.Context, out io.Writer, most, pods int) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "containers\tan IP for\tIPs\tveths\troutes\tnode routes\tendpoints\tpolicy entries\tmemory\tround trip to\ttakes\t")
	for n := 1; n <= most; n++ {
		for _, perContainer := range []bool{false, true} {
			m, err := measure(ctx, n, pods, perContainer)
			if err != nil {
				return err
			}
			f := m.footprint
			fmt.Fprintf(table, "%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d KiB\t%s\t%s\t\n", n, world(perContainer),
				f.Addresses, f.Links, f.Routes, f.NodeRoutes, f.Endpoints, f.PolicyEntries, m.memory>>10, m.neighbour, m.roundTrip)
		}
	}
	return table.Flush()
}

func world(perContainer bool) string {
	if perContainer {
		return "each container"
	}
	return "the Pod"
}

// measurement is what was found out about Pods of one kind.
type measurement struct {
	footprint podnet.Footprint // of one of them
	memory    int64            // bytes that one holds, stacks of goroutines included
	neighbour string           // the address by which the first container finds the last
	roundTrip time.Duration    // of 64 bytes between them, the median
}

func measure(ctx context.Context, containers, pods int, perContainer bool) (m measurement, err error) {
	cluster, err := podnet.NewCluster(podnet.Config{IPPerContainer: perContainer})
	if err != nil {
		return m, err
	}
	defer cluster.Close()
	labels := map[string]string{"app": "web"}
	service := podnet.ServiceSpec{Name: "web", Selector: labels}
	for i := range containers {
		service.Ports = append(service.Ports, podnet.ServicePort{Name: fmt.Sprint("c", i), Port: port(i), TargetPort: podnet.Port(port(i))})
	}
	policy := podnet.NetworkPolicySpec{Name: "web", PodSelector: podnet.LabelSelector{MatchLabels: labels}}
	if err := cluster.Apply(ctx, service, policy); err != nil {
		return m, err
	}
	pod, err := cluster.StartPod(ctx, spec("web", containers, labels)) // and with it the node
	if err != nil {
		return m, err
	}
	m.footprint = pod.Footprint()
	if m.neighbour, m.roundTrip, err = roundTrip(ctx, pod, perContainer); err != nil {
		return m, err
	}
	before := held()
	for i := range pods {
		p, err := cluster.StartPod(ctx, spec(fmt.Sprint("more-", i), containers, nil))
		if err != nil {
			return m, err
		}
		for k := range containers {
			if err := p.WaitListening(ctx, uint16(port(k))); err != nil {
				return m, err
			}
		}
	}
	m.memory = (held() - before) / int64(pods)
	return m, cluster.Close()
}

// port is that of a Pod's i'th container. In a world of an IP for each they could
// all have the same.
func port(i int) int32 { return 8000 + int32(i) }

// spec is a Pod of containers that send back what they get.
func spec(name string, containers int, labels map[string]string) podnet.PodSpec {
	s := podnet.PodSpec{Name: name, Labels: labels}
	for i := range containers {
		s.Containers = append(s.Containers, podnet.ContainerSpec{
			Name: fmt.Sprint("c", i), Run: echo(port(i)), Ports: []podnet.ContainerPort{{ContainerPort: uint16(port(i))}},
		})
	}
	return s
}

func echo(port int32) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", fmt.Sprint(":", port))
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		for {
			conn, err := l.Accept()
			if err != nil {
				return nil // it was told to stop
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}
}

// roundTrip measures from the first container to the last, which it finds on
// localhost if they share that, and by name if they do not.
func roundTrip(ctx context.Context, pod *podnet.Pod, perContainer bool) (address string, median time.Duration, err error) {
	list := pod.Containers()
	last := list[len(list)-1]
	host := "localhost"
	if perContainer && len(list) > 1 {
		host = last.Name()
	}
	number := port(len(list) - 1)
	if err := pod.WaitListening(ctx, uint16(number)); err != nil {
		return "", 0, err
	}
	address = net.JoinHostPort(host, fmt.Sprint(number))
	conn, err := list[0].DialContext(ctx, "tcp", address)
	if err != nil {
		return "", 0, err
	}
	defer conn.Close()
	message := make([]byte, 64)
	times := make([]time.Duration, 1000)
	for i := range times {
		start := time.Now()
		if _, err := conn.Write(message); err != nil {
			return "", 0, err
		}
		if _, err := io.ReadFull(conn, message); err != nil {
			return "", 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return address, times[len(times)/2].Round(100 * time.Nanosecond), nil
}

// held is the memory that is in use, in bytes.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
