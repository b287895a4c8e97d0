package bench

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
)

// get gets a page of 64 bytes, over one connection or over a new one each time.
func get(keepAlive bool) func(testing.TB, Ends) *operation {
	return func(tb testing.TB, e Ends) *operation {
		l, err := e.Listen()
		if err != nil {
			tb.Fatal(err)
		}
		page := make([]byte, 64)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })}
		done := make(chan struct{})
		go func() { server.Serve(l); close(done) }()
		tb.Cleanup(func() { server.Close(); <-done })
		transport := &http.Transport{
			DisableKeepAlives: !keepAlive,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx) },
		}
		tb.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport}
		return &operation{do: func() error {
			resp, err := client.Get("http://server/")
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		}}
	}
}
