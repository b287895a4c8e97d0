// Command transparent-proxy runs a Pod whose traffic a sidecar captures by Istio's
// own iptables rules, and shows which connections pass the proxy and which do not.
// Everything it prints is what happened in the Pods.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/manifest"
)

//go:embed pod.yaml
var manifests embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "transparent-proxy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	s, err := begin(ctx, out)
	if err != nil {
		return err
	}
	defer s.cluster.Close()
	for _, act := range []func(context.Context) error{s.showCalls, s.showNoProxy, s.showNoCapability} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return s.cluster.Close()
}

// story is the Pods of the manifest on a cluster.
type story struct {
	out     io.Writer
	cluster *podnet.Cluster
	shop    *podnet.Pod
}

// begin runs the manifest until its servers listen.
func begin(ctx context.Context, out io.Writer) (*story, error) {
	objects, err := manifest.Load(manifests, "pod.yaml")
	if err != nil {
		return nil, err
	}
	cluster, err := podnet.NewCluster(podnet.Config{Images: map[string]podnet.Program{
		"alpine": shell, "example.com/proxy": proxy, "example.com/web": web,
	}})
	if err != nil {
		return nil, err
	}
	if err = cluster.Apply(ctx, objects...); err == nil {
		err = waitUp(ctx, cluster.Pod("", "shop"), cluster.Pod("", "bank"))
	}
	if err == nil {
		err = cluster.Pod("", "visitor").WaitReady(ctx)
	}
	if err != nil {
		cluster.Close()
		return nil, err
	}
	return &story{out, cluster, cluster.Pod("", "shop")}, nil
}

// waitUp waits until Pods are ready and their servers, which have no probes,
// listen.
func waitUp(ctx context.Context, pods ...*podnet.Pod) error {
	for _, p := range pods {
		if err := p.WaitReady(ctx); err != nil {
			return err
		}
		if err := p.WaitListening(ctx, 80); err != nil {
			return err
		}
	}
	return nil
}

// showCalls makes calls from and to shop, and shows after each what the proxy has
// logged of it.
func (s *story) showCalls(ctx context.Context) error {
	bank, visitor := s.cluster.Pod("", "bank"), s.cluster.Pod("", "visitor")
	fmt.Fprintf(s.out, "shop %s, bank %s, visitor %s; the Services shop %s and bank %s\n", s.shop.IP(), bank.IP(), visitor.IP(),
		s.cluster.Service("", "shop").ClusterIP(), s.cluster.Service("", "bank").ClusterIP())
	for _, call := range []struct {
		title string // begins a chapter
		from  *podnet.Container
		url   string
		why   string
	}{
		{"1. The proxy captures", s.shop.Container("app"), "http://bank", "it leaves the Pod"},
		{"", visitor.Container("app"), "http://shop", "it comes to the Pod, and the app sees the proxy's address"},
		{"", s.shop.Container("app"), "http://shop.default", "it leaves the Pod, and comes back by the node"},
		{"", s.shop.Container("app"), fmt.Sprintf("http://%s:81", bank.IP()), "nobody listens there, but the proxy has accepted already"},
		{"2. It does not capture", s.shop.Container("app"), "http://localhost", "the app's localhost"},
		{"", s.shop.Container("app"), fmt.Sprintf("http://%s", s.shop.IP()), "the app's own Pod"},
		{"", visitor.Container("app"), fmt.Sprintf("http://%s:%d/healthz/ready", s.shop.IP(), healthPort), "a port that the rules leave out"},
		{"", visitor.Container("app"), fmt.Sprintf("http://[%s]", s.shop.IPs()[1]), "IPv6, which has rules of its own, by ip6tables"},
		{"", s.shop.Container("istio-proxy"), "http://bank", "the proxy's own: whoever has uid 1337 gets round the proxy"},
		{"3. But of the proxy's own it captures", s.shop.Container("istio-proxy"), fmt.Sprintf("http://%s", s.shop.IP()), "what leads to its own Pod: it is the app's to answer"},
	} {
		if call.title != "" {
			fmt.Fprintf(s.out, "\n%s\n", call.title)
		}
		if err := s.call(ctx, call.from, call.url, call.why); err != nil {
			return err
		}
	}
	return nil
}

// call shows what curl gets in a container, and what shop's proxy logs of it.
func (s *story) call(ctx context.Context, from *podnet.Container, url, why string) error {
	log := s.shop.Container("istio-proxy")
	before := len(log.Logs())
	got, err := from.Exec(ctx, "curl", "-sS", url)
	if err != nil {
		return err
	}
	who := from.Pod().Name()
	if from.Name() != "app" {
		who = from.Name()
	}
	fmt.Fprintf(s.out, "   %-11s $ curl %-40s  # %s\n", who, url, why)
	for _, part := range []struct{ name, text string }{{"", got.Stdout + got.Stderr}, {"istio-proxy | ", log.Logs()[before:]}} {
		for line := range strings.Lines(part.text) {
			fmt.Fprintf(s.out, "     %s%s", part.name, line)
		}
	}
	return nil
}

// showNoProxy shows a Pod with the rules and without the proxy.
func (s *story) showNoProxy(ctx context.Context) error {
	fmt.Fprintln(s.out, "\n4. The rules without the proxy: the Pod is cut off, but for its localhost")
	spec := s.shop.Spec()
	spec.Name, spec.Labels, spec.InitContainers = "no-proxy", nil, spec.InitContainers[:1]
	p, err := s.cluster.StartPod(ctx, spec)
	if err != nil {
		return err
	}
	if err := waitUp(ctx, p); err != nil {
		return err
	}
	for _, call := range []struct {
		from     *podnet.Container
		url, why string
	}{
		{p.Container("app"), "http://bank", "redirected to port 15001, where nobody listens"},
		{s.cluster.Pod("", "visitor").Container("app"), fmt.Sprintf("http://%s", p.IP()), "redirected to port 15006"},
		{p.Container("app"), "http://localhost", "the rules leave that alone"},
	} {
		if err := s.call(ctx, call.from, call.url, call.why); err != nil {
			return err
		}
	}
	return p.Delete(ctx)
}

// showNoCapability shows a Pod whose init container may not change iptables.
func (s *story) showNoCapability(ctx context.Context) error {
	fmt.Fprintln(s.out, "\n5. istio-init without the capability NET_ADMIN: the Pod does not start")
	spec := s.shop.Spec()
	spec.Name, spec.Labels = "no-capability", nil
	root := *spec.InitContainers[0].SecurityContext
	root.Capabilities = nil
	spec.InitContainers = slices.Clone(spec.InitContainers)
	spec.InitContainers[0].SecurityContext = &root
	if err := s.cluster.Apply(ctx, spec); err != nil {
		return err
	}
	p := s.cluster.Pod("", spec.Name)
	if err := p.Wait(ctx, func(st podnet.PodStatus) bool { return st.Columns.Status == "Init:CrashLoopBackOff" }); err != nil {
		return err
	}
	c := p.Status().Columns
	fmt.Fprintf(s.out, "   %-14s %-7s %-22s %s\n", "NAME", "READY", "STATUS", "RESTARTS")
	fmt.Fprintf(s.out, "   %-14s %-7s %-22s %s\n", p.Name(), c.Ready, c.Status, c.Restarts)
	for line := range strings.Lines(p.Container("istio-init").Logs()) {
		fmt.Fprintf(s.out, "     istio-init | %s", line)
	}
	return nil
}
