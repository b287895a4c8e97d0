package podnet_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
)

// e2e is a test of Kubernetes' own end-to-end suite, by its title, as far as it
// can be told of one Pod. [C] marks those of the conformance suite. Beside them
// stand a few of podnet's own, where the suite has none for a rule.
type e2e struct {
	title string
	run   func(w *world)
}

// TestE2E runs the tables of the e2e_*_test.go files, each case in a bubble.
func TestE2E(t *testing.T) { runE2E(t, podnet.Config{}, nil) }

// runE2E runs all but some in clusters of a Config.
func runE2E(t *testing.T, cfg podnet.Config, except map[string]string) {
	titles := make(map[string]bool)
	for _, table := range [][]e2e{e2ePods, e2eInit, e2eHooks, e2eProbes(false), e2eProbes(true), e2eLifecycle, e2eConditions, e2eRestartRules, e2eFiles, e2eScheduling, e2eHostNetwork, e2eHostPort, e2eNetpolIngress, e2eNetpolEgress, e2eNetpolChanges,
		e2eGranular("Networking Granular Checks: Services ", 0), e2eGranular("[Feature:IPv6DualStack] Granular Checks: Services Secondary IP Family [LinuxOnly] ", 1), e2eNetworking, e2eServices, e2eServicePolicies, e2eAffinity(),
		e2eEndpointSlice, e2eConntrack, e2eDualStack, e2eDNS, e2eLoadBalancers} {
		for _, tt := range table {
			require.False(t, titles[tt.title], tt.title)
			titles[tt.title] = true
			t.Run(tt.title, func(t *testing.T) {
				if why := except[tt.title]; why != "" {
					t.Skip(why)
				}
				synctest.Test(t, func(t *testing.T) {
					w := &world{T: t, begun: time.Now()}
					c, err := podnet.NewCluster(cfg)
					require.NoError(t, err)
					w.cluster = c
					defer func() { assert.NoError(t, c.Close()) }()
					tt.run(w)
				})
			})
		}
	}
	assert.GreaterOrEqual(t, len(titles), 320)
	network := 0
	for title := range titles {
		if about, _, _ := strings.Cut(title, " "); slices.Contains([]string{"Networking", "Services", "EndpointSlice", "DNS", dualStack[:len(dualStack)-1], "HostPort", "Netpol"}, about) {
			network++
		}
	}
	assert.GreaterOrEqual(t, network, 150)
	for title := range except {
		assert.True(t, titles[title], title)
	}
}

// world is a cluster in a bubble, and what its containers tell.
type world struct {
	*testing.T
	cluster *podnet.Cluster
	begun   time.Time

	mu    sync.Mutex // guards notes
	notes []string
}

// note keeps a line with the second at which it was made.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprintf("%ds ", int(time.Since(w.begun).Seconds()))+fmt.Sprintf(format, args...))
}

// take returns the notes so far.
func (w *world) take() []string {
	synctest.Wait() // for what a process still says that was killed just now
	w.mu.Lock()
	defer w.mu.Unlock()
	notes := w.notes
	w.notes = nil
	return notes
}

// at lets the time go on to d after the beginning.
func (w *world) at(d time.Duration) {
	time.Sleep(d - time.Since(w.begun))
	synctest.Wait()
}

// apply makes a Pod, whose name need not be given, and waits a moment.
func (w *world) apply(spec podnet.PodSpec) *podnet.Pod {
	w.Helper()
	if spec.Name == "" {
		spec.Name = "pod"
	}
	require.NoError(w, w.cluster.Apply(w.Context(), spec))
	p := w.cluster.Pod("", spec.Name)
	w.at(100 * time.Millisecond)
	return p
}

// delete deletes a Pod and does not wait.
func (w *world) delete(p *podnet.Pod) {
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	_ = p.Delete(ctx)
	synctest.Wait()
}

// columns returns what kubectl shows: READY, STATUS and RESTARTS without the time.
func columns(p *podnet.Pod) string {
	c := p.Status().Columns
	restarts, _, _ := strings.Cut(c.Restarts, " ")
	return c.Ready + " " + c.Status + " " + restarts
}

// events returns the events with one of the reasons, with times in seconds.
func (w *world) events(p *podnet.Pod, reasons ...string) []string {
	var list []string
	for _, e := range p.Events() {
		if slices.Contains(reasons, e.Reason) {
			list = append(list, fmt.Sprintf("%ds x%d %s %s", int(e.FirstTime.Sub(w.begun).Seconds()), e.Count, e.Reason, e.Message))
		}
	}
	return list
}

// watch watches a Pod: lines returns each status once, by what f makes of it.
func (w *world) watch(p *podnet.Pod, f func(podnet.PodStatus) string) (lines func() []string) {
	var mu sync.Mutex
	var seen []string
	updates := p.Watch(w.Context())
	go func() {
		for u := range updates {
			if u.Status == nil {
				continue
			}
			line := f(*u.Status)
			mu.Lock()
			if len(seen) == 0 || seen[len(seen)-1] != line {
				seen = append(seen, line)
			}
			mu.Unlock()
		}
	}()
	return func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(seen)
	}
}

func (w *world) restarts(p *podnet.Pod, name string) int {
	s, ok := p.Status().Container(name)
	require.True(w, ok)
	return s.RestartCount
}

func condition(p *podnet.Pod, typ string) bool {
	c, _ := p.Status().Condition(typ)
	return c.Status
}

// The programs of the tests.

// pause runs until it is told to stop.
func pause(ctx context.Context, _ *podnet.Container) error {
	<-ctx.Done()
	return nil
}

// deaf runs until it is killed.
func deaf(_ context.Context, c *podnet.Container) error {
	<-c.Killed()
	return nil
}

// exits ends with a code after a time, whatever it is told.
func exits(code int, after time.Duration) podnet.Program {
	return func(_ context.Context, c *podnet.Container) error {
		if after > 0 {
			select {
			case <-time.After(after):
			case <-c.Killed():
			}
		}
		return podnet.ExitError{Code: code}
	}
}

// answer answers on a port by h until it is told to stop.
func answer(port int, h http.HandlerFunc) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		l, err := c.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			return err
		}
		server := &http.Server{Handler: h, Protocols: new(http.Protocols)}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		stop := context.AfterFunc(ctx, func() { server.Close() })
		defer stop()
		if err := server.Serve(l); err != http.ErrServerClosed {
			return err
		}
		return nil
	}
}

// told notes the begin, the end and the stopping of a program.
func (w *world) told(name string, run podnet.Program) podnet.Program {
	return func(ctx context.Context, c *podnet.Container) error {
		w.note("%s begins", name)
		inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		stop := context.AfterFunc(ctx, func() {
			select {
			case <-c.Killed():
			default:
				w.note("%s is told to stop", name)
			}
			cancel()
		})
		defer stop()
		err := run(inner, c)
		w.note("%s ends", name)
		return err
	}
}

// always is the restart policy that makes a sidecar of an init container.
const always = podnet.RestartPolicyAlways

func seconds(n int64) *int64 { return &n }

// action is a probe or hook that runs a Go function.
func action(run podnet.Program) *podnet.ExecAction { return &podnet.ExecAction{Run: run} }

// succeeds ends well if ok says so.
func succeeds(ok func() bool) podnet.Program {
	return func(context.Context, *podnet.Container) error {
		if !ok() {
			return podnet.ExitError{Code: 1}
		}
		return nil
	}
}
