// Package sidecar is a small reverse proxy that runs beside an app in its Pod,
// and the subject of the tests in this folder.
//
// It gives every request an ID, waits for an app that is still starting, and
// tells at /-/health whether the app is well.
package sidecar

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"
)

// Network is what the proxy needs of a network. A *podnet.Container is one; in
// production it is package net: see OS.
type Network interface {
	Listen(network, address string) (net.Listener, error)
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// OS is the machine's own network.
type OS struct{ net.Dialer }

// Listen is net.Listen.
func (*OS) Listen(network, address string) (net.Listener, error) { return net.Listen(network, address) }

// Proxy is the sidecar.
type Proxy struct {
	Net      Network
	Listen   string        // ":80"
	App      string        // the app's address, "localhost:8080"
	Check    time.Duration // between two health checks of the app
	Patience time.Duration // how long a request waits for an app that refuses

	healthy atomic.Bool
}

// retryEvery is the pause between two attempts to reach an app that refuses.
const retryEvery = 100 * time.Millisecond

// Run serves until ctx ends.
func (p *Proxy) Run(ctx context.Context) error {
	l, err := p.Net.Listen("tcp", p.Listen)
	if err != nil {
		return err
	}
	transport := &http.Transport{DialContext: p.dialPatiently}
	defer transport.CloseIdleConnections()
	app := &url.URL{Scheme: "http", Host: p.App}
	mux := http.NewServeMux()
	mux.HandleFunc("/-/health", p.serveHealth)
	mux.Handle("/", &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(app)
			r.SetXForwarded()
			if r.Out.Header.Get("X-Request-Id") == "" {
				r.Out.Header.Set("X-Request-Id", rand.Text())
			}
		},
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set("X-Request-Id", r.Request.Header.Get("X-Request-Id"))
			return nil
		},
	})
	srv := &http.Server{Handler: mux}
	checks := make(chan struct{})
	go func() {
		defer close(checks)
		p.checkHealth(ctx)
	}()
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	err = srv.Serve(l)
	if ctx.Err() != nil {
		err = nil
	}
	<-checks
	return err
}

// dialPatiently dials the app, again and again while nothing listens there yet.
func (p *Proxy) dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	giveUp := time.Now().Add(p.Patience)
	for {
		conn, err := p.Net.DialContext(ctx, network, address)
		if !errors.Is(err, syscall.ECONNREFUSED) || time.Now().After(giveUp) {
			return conn, err
		}
		select {
		case <-time.After(retryEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// checkHealth asks the app over localhost until ctx ends.
func (p *Proxy) checkHealth(ctx context.Context) {
	transport := &http.Transport{DialContext: p.Net.DialContext, DisableKeepAlives: true}
	client := &http.Client{Transport: transport, Timeout: time.Second}
	tick := time.NewTicker(p.Check)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.App+"/healthz", nil)
		if err != nil {
			return
		}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		p.healthy.Store(err == nil && resp.StatusCode == http.StatusOK)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (p *Proxy) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if !p.healthy.Load() {
		http.Error(w, "the app is not well", http.StatusServiceUnavailable)
	}
}
