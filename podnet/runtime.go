package podnet

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/kubelet"
)

// podRuntime is the container runtime as the kubelet sees it, for one Pod.
type podRuntime struct{ pod *Pod }

var _ kubelet.Runtime = podRuntime{}

// MountVolumes fills the Pod's volumes, and brings those up to date that are made
// of ConfigMaps and Secrets.
func (r podRuntime) MountVolumes(context.Context) error {
	if err := r.pod.mountVolumes(); err != nil {
		return err
	}
	r.pod.refreshVolumes()
	return nil
}

func (r podRuntime) RunPodSandbox(context.Context) ([]netip.Addr, error) {
	p := r.pod
	p.mu.Lock()
	attempt := p.attempts
	p.attempts++
	p.mu.Unlock()
	s, err := p.makeSandbox(attempt)
	if err == nil {
		if err = p.writeEtc(s); err != nil {
			s.close()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if p.failure == nil {
			p.failure = fmt.Errorf("failed to create pod sandbox: %w", err)
			close(p.failed)
		}
		return nil, err
	}
	if !s.host { // the node's own traffic is no Pod's
		p.enforcePolicies(s)
	}
	p.sandbox = s
	return s.allAddrs(), nil
}

// makeSandbox makes a sandbox if the Pod's names allow it.
func (p *Pod) makeSandbox(attempt int) (*sandbox, error) {
	_, warnings := p.resolvConf()
	for _, w := range warnings {
		p.worker.Emit(kubelet.Event{Type: kubelet.EventWarning, Reason: "DNSConfigForming", Message: w})
	}
	switch {
	case p.spec.HostNetwork:
		return p.newHostSandbox()
	case p.nodeErr != nil:
		return nil, p.nodeErr
	}
	return p.newSandbox(attempt)
}

func (r podRuntime) StopPodSandbox() {
	p := r.pod
	p.mu.Lock()
	s, client := p.sandbox, p.client
	p.sandbox = nil
	p.mu.Unlock()
	if client != nil {
		client.CloseIdleConnections()
	}
	if s != nil {
		s.close()
		p.cluster.policies.DeletePod(p.uid)
	}
}

func (r podRuntime) ImagePresent(image string) bool { return r.pod.cluster.image(image) != nil }

// PullImage has nothing to fetch: an image is there if a Program stands for it.
func (r podRuntime) PullImage(_ context.Context, image string) (int64, error) {
	if r.pod.cluster.image(image) != nil {
		return 0, nil
	}
	// containerd's words, and what to do about it.
	ref := fullName(image)
	return 0, fmt.Errorf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found (no Program stands for this image: give one to Config.Images or Cluster.HandleImage)", ref, ref, ref)
}

// StartContainer starts a container's process. Before the next container's it
// leaves it a moment to bind its ports: a real runtime takes longer than that to
// start a container, and so the first in the spec is the first to bind.
func (r podRuntime) StartContainer(ctx context.Context, name string, restartCount int) (kubelet.Process, error) {
	p := r.pod
	c := p.container(name)
	program := c.spec.Run
	if p.worker.Swapped() {
		program = pause
	}
	if program == nil {
		if program = p.cluster.image(c.spec.Image); program == nil {
			return nil, &kubelet.StartError{Reason: kubelet.ReasonCreateContainerError, Err: fmt.Errorf("image %q is gone", c.spec.Image)}
		}
	}
	s := p.currentSandbox()
	if err := p.writeEtc(s); err != nil {
		return nil, &kubelet.StartError{Reason: kubelet.ReasonCreateContainerError, Err: err}
	}
	s = s.of(c)
	config, err := c.config(s)
	if err != nil {
		return nil, &kubelet.StartError{Reason: kubelet.ReasonCreateContainerConfigError, Err: err}
	}
	i, err := c.newInstance(s, config.mounts)
	if err != nil {
		return nil, &kubelet.StartError{Reason: kubelet.ReasonRunContainerError, Err: err}
	}
	main := &process{
		argv: slices.Concat(config.command, config.args), command: config.command, args: config.args,
		env: config.env, dir: c.workingDir(), stdin: strings.NewReader(""),
	}
	if len(main.argv) == 0 {
		main.argv = []string{c.spec.Image}
	}
	main.stdout = &output{main, "/dev/stdout", i.stream("stdout")}
	main.stderr = &output{main, "/dev/stderr", i.stream("stderr")}
	main.ctx, main.cancel = context.WithCancel(context.Background())
	i.main = i.newProcess(main)
	c.mu.Lock()
	if c.current != nil {
		c.previous = c.current.log
	}
	c.current = i
	c.mu.Unlock()
	main.start(program)
	if last := p.containers[len(p.containers)-1]; restartCount == 0 && c != last && !c.runsToEnd() {
		main.settle(ctx, p.cluster.headStart)
	}
	return mainProcess{main}, nil
}

// runsToEnd reports whether the next container waits for this one's end: it is an
// init container and no sidecar.
func (c *container) runsToEnd() bool { return c.init && c.spec.RestartPolicy != RestartPolicyAlways }

// mainProcess is a container's main process as the kubelet sees it.
type mainProcess struct{ p *process }

func (m mainProcess) Done() <-chan struct{} { return m.p.done }
func (m mainProcess) Terminate()            { m.p.terminate(SIGTERM) }
func (m mainProcess) Kill()                 { m.p.kill() }

func (m mainProcess) Exit() (int, string) {
	code := m.p.exitCode()
	return code, m.p.instance.terminationMessage(code)
}
