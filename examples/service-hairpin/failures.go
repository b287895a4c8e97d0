package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"podnet.dev/podnet"
)

// showReplicas starts a second Pod of the kind, and counts whose sidecar answers.
func (s *story) showReplicas(ctx context.Context) error {
	spec := s.shop.Spec()
	spec.Name = "shop-2"
	second, err := s.cluster.StartPod(ctx, spec)
	if err != nil {
		return err
	}
	if err := waitUp(ctx, second); err != nil {
		return err
	}
	const calls = 100
	s.say(0, "\n4. The same with a second replica: app of shop calls %d times", calls)
	for _, address := range []string{overLocalhost, throughService} {
		answers := make(map[string]int) // by Pod
		for range calls {
			name, err := s.callWho(ctx, address, s.shop, second)
			if err != nil {
				return err
			}
			answers[name]++
		}
		s.say(3, "http://%-13s the sidecar of shop answers %3d times, that of shop-2 %3d times", address, answers["shop"], answers["shop-2"])
	}
	s.say(3, "the access log of shop-2's sidecar, which sees the address of shop")
	s.say(5, "%s", lastLine(second.Container("sidecar").Logs()))
	return second.Delete(ctx)
}

// callWho makes a request and returns the name of the Pod whose sidecar has
// answered.
func (s *story) callWho(ctx context.Context, address string, pods ...*podnet.Pod) (string, error) {
	conn, err := get(ctx, s.app, address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	tracked, _ := s.track(conn)
	if tracked == nil {
		return s.shop.Name(), nil // it did not leave the Pod
	}
	for _, p := range pods {
		if p.IP() == tracked.ReplySrc.Addr() {
			return p.Name(), nil
		}
	}
	return "", fmt.Errorf("nobody has the address %s", tracked.ReplySrc)
}

// showNotReady makes the Pod not ready, and calls both ways.
func (s *story) showNotReady(ctx context.Context) error {
	s.say(0, "\n5. The same while shop is not Ready")
	const command = "rm /tmp/warm"
	result, err := s.app.Exec(ctx, strings.Fields(command)...)
	if err != nil {
		return err
	}
	if result.ExitCode != 0 {
		return fmt.Errorf("%s: %s", command, result.Stderr)
	}
	if err := s.shop.Wait(ctx, func(p podnet.PodStatus) bool { return !p.Ready() }); err != nil {
		return err
	}
	s.say(3, "app $ %s    (which its readiness probe looks for)", command)
	columns := s.shop.Status().Columns
	s.say(3, "%-6s %-7s %s", "NAME", "READY", "STATUS")
	s.say(3, "%-6s %-7s %s", s.shop.Name(), columns.Ready, columns.Status)
	for _, address := range []string{overLocalhost, throughService} {
		conn, err := get(ctx, s.app, address)
		switch {
		case err == nil:
			conn.Close()
			s.say(3, "http://%-13s 200 OK", address)
		case errors.Is(err, syscall.ECONNREFUSED):
			s.say(3, "http://%-13s %s", address, err)
		default:
			return err
		}
	}
	node := s.cluster.Node(s.shop.Node())
	s.say(3, "%s $ iptables-save", node.Name())
	s.say(5, "%s", rulesOf(node, "default/sidecar:http"))
	s.say(3, "An app that waits for its sidecar before it is ready would wait for ever.")
	return nil
}
