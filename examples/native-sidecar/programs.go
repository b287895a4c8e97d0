package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"podnet.dev/podnet"
)

// proxyAddress is where only the containers of the Pod reach the proxy.
const proxyAddress = "127.0.0.1:3128"

// proxy is the sidecar's program, for which any proxy may stand through which an
// app reaches the world. This one answers every request itself. With the command
// "proxy ready" it is the probe instead, which asks whether the proxy listens.
func proxy(ctx context.Context, c *podnet.Container) error {
	if len(c.Command()) > 0 {
		conn, err := c.DialContext(ctx, "tcp", proxyAddress)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	fmt.Fprintln(c.Stdout(), "fetching certificates")
	select {
	case <-time.After(1500 * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	l, err := c.Listen("tcp", proxyAddress)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout(), "listening")
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "the answer of %s", r.Host)
	})}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(c.Stdout(), "SIGTERM: ending")
	err = srv.Shutdown(context.Background())
	<-failed
	return err
}

// app calls out through its proxy every second. When it is told to stop it has
// two calls left to make.
func app(ctx context.Context, c *podnet.Container) error {
	through, err := url.Parse(c.Getenv("HTTP_PROXY"))
	if err != nil {
		return err
	}
	client := &http.Client{
		Transport: &http.Transport{DialContext: c.DialContext, Proxy: http.ProxyURL(through), DisableKeepAlives: true},
		Timeout:   time.Second,
	}
	calls, failures := 0, 0
	call := func() {
		calls++
		answer, err := get(client, "http://bank.example/")
		if err != nil {
			failures++
			answer = "FAILED: " + err.Error()
		}
		fmt.Fprintf(c.Stdout(), "call %d: %s\n", calls, answer)
	}
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for call(); ctx.Err() == nil; {
		select {
		case <-every.C:
			call()
		case <-ctx.Done():
		}
	}
	fmt.Fprintln(c.Stdout(), "SIGTERM: two more calls")
	for range 2 {
		time.Sleep(time.Second) // the work that the call reports
		call()
	}
	fmt.Fprintf(c.Stdout(), "ending: %d of %d calls failed\n", failures, calls)
	return nil
}

func get(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", errors.Unwrap(err) // what the *url.Error is about
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
