package main

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestRunOnSeveralNodes(t *testing.T) {
	text := pod("a", "  containers: [{name: c, image: nginx}]\n") + "---\n" + pod("b", "  containers: [{name: c, image: nginx}]\n") +
		"---\n" + pod("lost", "  nodeSelector: {disk: ssd}\n  containers: [{name: c, image: nginx}]\n")
	got, _ := runVirtual(t, text, "--for", "60s", "--nodes", "2")
	assert.Equal(t, 1, got.code)
	assert.Contains(t, got.stderr, "0/2 nodes are available")
	assert.Regexp(t, `(?m)^NAME +READY +STATUS +RESTARTS   AGE   NODE$`, got.stdout)
	assert.Regexp(t, `(?m)^a +1/1     Running +0          0s    node-1$`, got.stdout)
	assert.Contains(t, got.stdout, `
NAME   READY   STATUS    RESTARTS   AGE   IP           NODE
a      1/1     Running   0          60s   10.244.0.2   node-1
b      1/1     Running   0          60s   10.244.1.2   node-2
lost   0/1     Pending   0          60s   <none>       <none>
`)
	for _, n := range []string{"0", "257"} {
		got, _ = runVirtual(t, text, "--nodes", n)
		assert.Equal(t, 2, got.code)
		assert.Contains(t, got.stderr, "podnet: invalid argument \""+n+"\" for --nodes: must be from 1 to 256\n")
	}
	got, _ = runVirtual(t, text, "--nodes", "256", "--for", "1s")
	assert.Contains(t, got.stderr, "0/256 nodes are available")
}

func TestNamesOutsideTheCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr lockedBuffer
		a := &app{stdin: strings.NewReader(pod("a", "  containers: [{name: c, image: nginx}]\n")), stdout: &stdout, stderr: &stderr, images: standardImages(),
			lookup: func(_ context.Context, _, host string) ([]netip.Addr, error) {
				assert.Equal(t, "example.com", host)
				return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
			}}
		assert.Equal(t, 0, a.main(t.Context(), []string{"run", "-", "--upstream-dns", "--exec", "c: getent hosts example.com."}), stdout.String())
		assert.Contains(t, stdout.String(), "> 192.0.2.1")
	})
}

func TestRunWithAnIPPerContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stdout, stderr lockedBuffer
		a := &app{stdin: strings.NewReader(pod("a", "  containers: [{name: web, image: nginx}, {name: c, image: alpine, command: [sleep, infinity]}]\n")), stdout: &stdout, stderr: &stderr, images: standardImages()}
		assert.Equal(t, 1, a.main(t.Context(), []string{"run", "-", "--ip-per-container", "--exec", "c: wget -q -O /dev/null http://web && echo there", "--exec", "c: wget -q -O /dev/null http://localhost"}), stderr.String())
		assert.Contains(t, stdout.String(), "> there\n")
		assert.Contains(t, stdout.String(), "wget: can't connect to remote host (127.0.0.1): Connection refused\n")
	})
}
