package podnet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"podnet.dev/podnet/internal/kubelet"
	"podnet.dev/podnet/internal/probe"
)

// maxProbeOutput is how much of the output of an exec probe is kept, in bytes
// (Kubernetes, pkg/probe/exec).
const maxProbeOutput = 10 << 10

// Probe makes one attempt of a probe of the container.
func (r podRuntime) Probe(ctx context.Context, container string, kind kubelet.ProbeKind) (kubelet.ProbeResult, string, error) {
	p := r.pod
	c := p.container(container)
	spec := map[kubelet.ProbeKind]*Probe{
		kubelet.Liveness: c.spec.LivenessProbe, kubelet.Readiness: c.spec.ReadinessProbe, kubelet.Startup: c.spec.StartupProbe,
	}[kind]
	timeout := time.Duration(cmp.Or(spec.TimeoutSeconds, 1)) * time.Second
	var result probe.Result
	var text string
	var err error
	switch {
	case spec.Exec != nil:
		result, text, err = c.probeExec(ctx, spec.Exec, timeout)
	case spec.HTTPGet != nil:
		var get probe.HTTPGet
		if get, err = p.httpGet(c, spec.HTTPGet); err == nil {
			result, text, err = get.Probe(ctx, p.node.DialContext, timeout)
		}
	case spec.TCPSocket != nil:
		var port int
		if port, err = c.port(spec.TCPSocket.Port); err == nil {
			result, text, err = probe.TCPSocket{Host: c.host(spec.TCPSocket.Host), Port: port}.Probe(ctx, p.node.DialContext, timeout)
		}
	case spec.GRPC != nil:
		result, text, err = probe.GRPC{Host: c.host(""), Port: int(spec.GRPC.Port), Service: spec.GRPC.Service}.Probe(ctx, p.node.DialContext, timeout)
	}
	switch {
	case err != nil:
		return kubelet.ProbeFailure, "", err
	case result == probe.Success:
		return kubelet.ProbeSuccess, text, nil
	case result == probe.Warning:
		return kubelet.ProbeWarning, text, nil
	}
	return kubelet.ProbeFailure, text, nil
}

// RunHook runs a hook of the container to its end.
func (r podRuntime) RunHook(ctx context.Context, container string, hook kubelet.Hook) error {
	p := r.pod
	c := p.container(container)
	h := c.spec.Lifecycle.PreStop
	if hook == kubelet.PostStart {
		h = c.spec.Lifecycle.PostStart
	}
	var what string
	var err error
	switch {
	case h.Exec != nil:
		if hook == kubelet.PreStop {
			// When its time is over it goes on until its container ends.
			ctx = context.WithoutCancel(ctx)
		}
		var output []byte
		if output, err = c.exec(ctx, h.Exec); err != nil {
			return fmt.Errorf("Exec lifecycle hook (%v) for Container %q in Pod %q failed - error: %w, message: %q", h.Exec.Command, c.spec.Name, p, err, output)
		}
		return nil
	case h.HTTPGet != nil:
		what = fmt.Sprintf("HTTP lifecycle hook (%s)", h.HTTPGet.Path)
		err = p.httpHook(ctx, c, h.HTTPGet)
	case h.Sleep != nil:
		what = fmt.Sprintf("Sleep lifecycle hook (%d)", h.Sleep.Seconds)
		slept, cancel := context.WithTimeout(ctx, time.Duration(h.Sleep.Seconds)*time.Second)
		<-slept.Done()
		cancel()
		if err = ctx.Err(); err != nil {
			err = fmt.Errorf("container terminated before sleep hook finished: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("%s for Container %q in Pod %q failed - error: %w", what, c.spec.Name, p, err)
	}
	return nil
}

func (p *Pod) httpHook(ctx context.Context, c *container, action *HTTPGetAction) error {
	get, err := p.httpGet(c, action)
	if err != nil {
		return err
	}
	warning, err := get.Hook(ctx, p.node.DialContext)
	if warning != "" {
		p.worker.Emit(kubelet.Event{Type: kubelet.EventWarning, Reason: "LifecycleHTTPFallback", Message: warning})
	}
	return err
}

// httpGet returns the request that an action means.
func (p *Pod) httpGet(c *container, action *HTTPGetAction) (probe.HTTPGet, error) {
	port, err := c.port(action.Port)
	if err != nil {
		return probe.HTTPGet{}, err
	}
	get := probe.HTTPGet{Scheme: string(action.Scheme), Host: c.host(action.Host), Port: port, Path: cmp.Or(action.Path, "/")}
	for _, h := range action.HTTPHeaders {
		get.Headers = append(get.Headers, probe.Header(h))
	}
	return get, nil
}

// host returns the host that a probe or hook connects to: the container's IP,
// which is the Pod's, unless it says otherwise.
func (c *container) host(host string) string {
	if host != "" {
		return host
	}
	if ips := c.pod.addrsOf(c.network, c.pod.worker.Status().IPs); len(ips) > 0 {
		return ips[0].String()
	}
	return ""
}

// port finds a port of a probe or hook among the container's.
func (c *container) port(ref IntOrString) (int, error) {
	var ports []probe.Port
	for _, p := range c.spec.Ports {
		ports = append(ports, probe.Port{Name: p.Name, Number: int32(p.ContainerPort)})
	}
	return probe.ResolvePort(ref.IntVal, ref.StrVal, ports)
}

// probeExec makes one attempt of an exec probe (Kubernetes, pkg/probe/exec).
func (c *container) probeExec(ctx context.Context, action *ExecAction, timeout time.Duration) (probe.Result, string, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	expanded := ExecAction{Command: c.expandStatic(action.Command), Run: action.Run}
	output, err := c.exec(limited, &expanded)
	output = output[:min(len(output), maxProbeOutput)]
	var exit *exitCodeError
	switch {
	case err == nil:
		return probe.Success, string(output), nil
	case errors.As(err, &exit):
		return probe.Failure, string(output), nil
	case ctx.Err() == nil && limited.Err() != nil:
		return probe.Failure, fmt.Sprintf("command timed out: %q timed out after %s", strings.Join(expanded.Command, " "), timeout), nil
	}
	return probe.Unknown, "", err
}

// exec runs the command of a probe or hook in the container, as the container
// runtime's ExecSync does. What it returns is stdout and then stderr.
func (c *container) exec(ctx context.Context, action *ExecAction) ([]byte, error) {
	argv := action.Command
	if len(argv) == 0 {
		argv = []string{"run"} // it has a Program of its own
	}
	var stdout, stderr lockedBuffer
	err := (&Container{container: c}).Run(ctx, Cmd{Args: argv, Stdout: &stdout, Stderr: &stderr, Program: action.Run})
	output := bytes.Join([][]byte{[]byte(stdout.String()), []byte(stderr.String())}, nil)
	var exit ExitError
	switch {
	case errors.As(err, &exit):
		err = &exitCodeError{strings.Join(argv, " "), exit.Code, stderr.String()}
	case err != nil && ctx.Err() == nil:
		err = fmt.Errorf("rpc error: code = Unknown desc = failed to exec in container: %w", err)
	}
	return output, err
}

// exitCodeError is the error of a command that ended with another code than 0, in
// the words of the kubelet's runtime client.
type exitCodeError struct {
	command string
	code    int
	stderr  string
}

func (e *exitCodeError) Error() string {
	return fmt.Sprintf("command '%s' exited with %d: %s", e.command, e.code, e.stderr)
}
