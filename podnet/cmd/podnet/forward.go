package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet"
)

// forwardSpec is a value of --port-forward.
type forwardSpec struct {
	target
	host uint16 // 0 for any that is free
	port uint16 // in the Pod
}

// parseForward reads "[[NAMESPACE/]POD/][HOST:]POD_PORT". Of a Service it is the
// Service's port, as from kubectl, that becomes the Pod's.
func parseForward(text string, pods []source, services []service) (forwardSpec, error) {
	ref, ports := "", text
	if i := strings.LastIndexByte(text, '/'); i >= 0 {
		ref, ports = text[:i], text[i+1:]
	}
	host, port, ok := strings.Cut(ports, ":")
	if !ok {
		port = host
	}
	var f forwardSpec
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || p == 0 {
		return f, fmt.Errorf("invalid argument %q for --port-forward: want HOST:POD, with ports from 1 to 65535", text)
	}
	var h uint64
	if host != "" {
		if h, err = strconv.ParseUint(host, 10, 16); err != nil {
			return f, fmt.Errorf("invalid argument %q for --port-forward: want HOST:POD, with ports from 1 to 65535", text)
		}
	}
	t, err := findPod(pods, services, ref)
	if err != nil {
		return f, fmt.Errorf("invalid argument %q for --port-forward: %w", text, err)
	}
	f = forwardSpec{t, uint16(h), uint16(p)}
	if t.service != nil && !t.service.headless {
		if f.port, err = t.service.podPort(f.port, t.pod); err != nil {
			return f, fmt.Errorf("invalid argument %q for --port-forward: %w", text, err)
		}
	}
	return f, nil
}

// podPort returns the port of a Pod that a port of the Service leads to. The
// errors are almost kubectl's.
func (s service) podPort(number uint16, pod source) (uint16, error) {
	port := s.portOf(int32(number))
	if port == nil {
		return 0, fmt.Errorf("%s does not have a service port %d", s.identity(), number)
	}
	target, ok := port.targetOf(pod)
	if !ok {
		return 0, fmt.Errorf("%s does not have a named port '%s'", pod.object(), port.target.StrVal)
	}
	return uint16(target), nil
}

// halfCloseGrace is how long a connection lives on after one of its directions
// has ended (containerd, sandbox_portforward_linux.go).
const halfCloseGrace = time.Second

// forward is a port of the host's loopback that leads to a port of a Pod. Close
// it.
type forward struct {
	spec      forwardSpec
	listeners []net.Listener
	conns     sync.WaitGroup // and the loops of the listeners
	ctx       context.Context
	cancel    context.CancelFunc
}

// listenForward opens the port on 127.0.0.1 and, where that works, on ::1 too,
// as kubectl does. Connections wait until serve is called.
func listenForward(spec forwardSpec) (*forward, error) {
	f := &forward{spec: spec}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", fmt.Sprint(spec.host)))
	if err != nil {
		f.cancel()
		return nil, fmt.Errorf("--port-forward %d:%d: %w", spec.host, spec.port, err)
	}
	f.listeners = append(f.listeners, l)
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		if l, err := net.Listen("tcp6", net.JoinHostPort("::1", fmt.Sprint(a.Port))); err == nil {
			f.listeners = append(f.listeners, l)
		}
	}
	return f, nil
}

// Close ends the forwarding and all its connections.
func (f *forward) Close() {
	f.cancel()
	for _, l := range f.listeners {
		l.Close()
	}
	f.conns.Wait()
}

// serve begins to forward to pod, which may be nil. What fails is told to out.
func (f *forward) serve(pod *podnet.Pod, out *printer) {
	if pod == nil {
		out.errorf("podnet: --port-forward: %s has no Pod to forward to", f.spec.pod.object())
		return
	}
	for _, l := range f.listeners {
		out.print(fmt.Sprintf("Forwarding from %s -> %d\n", l.Addr(), f.spec.port))
		f.conns.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					if !errors.Is(err, net.ErrClosed) {
						out.errorf("podnet: forwarding %s -> %d has ended: %v", l.Addr(), f.spec.port, err)
					}
					return
				}
				f.conns.Go(func() {
					if err := f.handle(conn, pod); err != nil {
						out.errorf("podnet: an error occurred forwarding %s -> %d: %v", l.Addr(), f.spec.port, err)
					}
				})
			}
		})
	}
}

// handle connects conn to the Pod's port, through the Pod's localhost.
func (f *forward) handle(conn net.Conn, pod *podnet.Pod) error {
	defer conn.Close()
	inside, err := dialLocalhost(f.ctx, pod, f.spec.port)
	if err != nil {
		if f.ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer inside.Close()
	join(f.ctx, conn, inside)
	return nil
}

// dialLocalhost connects as containerd does for `kubectl port-forward`: to the
// Pod's localhost over IPv4, and over IPv6 if that fails.
func dialLocalhost(ctx context.Context, pod *podnet.Pod, port uint16) (net.Conn, error) {
	address := fmt.Sprintf("localhost:%d", port)
	conn, err4 := pod.DialContext(ctx, "tcp4", address)
	if err4 == nil {
		return conn, nil
	}
	conn, err6 := pod.DialContext(ctx, "tcp6", address)
	if err6 == nil {
		return conn, nil
	}
	return nil, fmt.Errorf("failed to connect to localhost:%d inside namespace %q, IPv4: %v IPv6 %v", port, pod.Namespace()+"/"+pod.Name(), err4, err6)
}

// join copies both ways, passes the end of each direction on, and closes both
// connections when both have ended, halfCloseGrace after the first end, or when
// ctx ends.
func join(ctx context.Context, a, b net.Conn) {
	ended := make(chan struct{}, 2)
	var copies sync.WaitGroup
	copyTo := func(to, from net.Conn) {
		io.Copy(to, from) // an error ends the direction as an end of file does
		if c, ok := to.(interface{ CloseWrite() error }); ok {
			c.CloseWrite()
		}
		ended <- struct{}{}
	}
	copies.Go(func() { copyTo(a, b) })
	copies.Go(func() { copyTo(b, a) })
	select {
	case <-ended:
	case <-ctx.Done():
	}
	grace := time.NewTimer(halfCloseGrace)
	defer grace.Stop()
	select {
	case <-ended:
	case <-grace.C:
	case <-ctx.Done():
	}
	a.Close()
	b.Close()
	copies.Wait()
}
