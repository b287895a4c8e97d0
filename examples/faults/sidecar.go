// Package faults tests a sidecar that tries again, in networks that misbehave.
package faults

import (
	"context"
	"io"
	"net/http"
	"time"

	"podnet.dev/podnet"
)

// Retry is a sidecar: its Pod's containers ask it at localhost:9000, and it asks the
// Service backend for them, five times at most.
func Retry(ctx context.Context, c *podnet.Container) error {
	client := c.HTTPClient()
	client.Timeout = 10 * time.Second
	client.Transport.(*http.Transport).DisableKeepAlives = true
	return serve(ctx, c, ":9000", func(w http.ResponseWriter, r *http.Request) {
		for try := range 5 {
			body, err := get(client, "http://backend"+r.URL.Path)
			if err == nil {
				w.Write(body)
				return
			}
			time.Sleep(time.Second << try)
		}
		http.Error(w, "the backend does not answer", http.StatusBadGateway)
	})
}

// get returns a page, all of it.
func get(client *http.Client, url string) ([]byte, error) {
	resp, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// Backend answers every request with 100,000 bytes.
func Backend(ctx context.Context, c *podnet.Container) error {
	return serve(ctx, c, ":8080", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 100_000)) })
}

func serve(ctx context.Context, c *podnet.Container, address string, h http.HandlerFunc) error {
	l, err := c.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h}
	context.AfterFunc(ctx, func() { s.Close() })
	s.Serve(l)
	return nil
}
