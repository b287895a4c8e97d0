package sidecar

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// A container's process is a function. This is the sidecar's.
func sidecar(ctx context.Context, c *podnet.Container) error {
	p := &Proxy{Net: c, Listen: ":80", App: "localhost:8080", Check: 10 * time.Second, Patience: 30 * time.Second}
	return p.Run(ctx)
}

// And this is the app's: it shows the request ID that it got.
func app(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "request "+r.Header.Get("X-Request-Id"))
	})}
	context.AfterFunc(ctx, func() { srv.Close() })
	srv.Serve(l)
	return nil
}

func TestSidecarAddsARequestID(t *testing.T) {
	cluster := podnettest.NewCluster(t, podnet.Config{})
	pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
		Name: "shop",
		Containers: []podnet.ContainerSpec{
			{Name: "app", Run: app},
			{Name: "sidecar", Run: sidecar},
		},
	})
	if err := pod.WaitListening(t.Context(), 80); err != nil {
		t.Fatal(err)
	}
	resp, err := pod.HTTPClient().Get("http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if id := resp.Header.Get("X-Request-Id"); id == "" || string(body) != "request "+id {
		t.Errorf("the client sees ID %q, the app says %q", id, body)
	}
}
