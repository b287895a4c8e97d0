//go:build linux

package oracle

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // as in the kubelet, which gets it with its tracing
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	grpcprobe "k8s.io/kubernetes/pkg/probe/grpc"

	"podnet.dev/podnet/internal/probe"
)

// checker answers a health check with a function.
type checker struct {
	grpc_health_v1.UnimplementedHealthServer
	saw   *saw
	check func(ctx context.Context, service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error)
}

func (c checker) Check(ctx context.Context, in *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	c.saw.note(fmt.Sprintf("service %q, %v", in.Service, md))
	s, err := c.check(ctx, in.Service)
	return &grpc_health_v1.HealthCheckResponse{Status: s}, err
}

// grpcServer serves gRPC, and returns the port.
func grpcServer(t *testing.T, l net.Listener, register func(*grpc.Server)) int32 {
	t.Helper()
	server := grpc.NewServer()
	register(server)
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(l) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return portOf(t, l.Addr().String())
}

// says is a gRPC server whose health check is a function.
func says(check func(ctx context.Context, service string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error)) func(*testing.T, *saw) int32 {
	return func(t *testing.T, s *saw) int32 {
		return grpcServer(t, listen(t), func(server *grpc.Server) {
			grpc_health_v1.RegisterHealthServer(server, checker{saw: s, check: check})
		})
	}
}

func fails(code codes.Code, message string) func(*testing.T, *saw) int32 {
	return says(func(context.Context, string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
		return 0, status.Error(code, message)
	})
}

// h2c is an HTTP/2 server that is not gRPC's.
func h2c(handler http.HandlerFunc) func(*testing.T, *saw) int32 {
	return func(t *testing.T, s *saw) int32 { return website(t, clear2, s, handler) }
}

// reply is a handler that answers as gRPC does, with this body and these
// trailers. Headers begin with "-".
func reply(body string, pairs ...string) func(*testing.T, *saw) int32 {
	return h2c(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		for i := 0; i < len(pairs); i += 2 {
			if name, ok := strings.CutPrefix(pairs[i], "-"); ok {
				w.Header().Set(name, pairs[i+1])
			} else {
				w.Header().Set(http.TrailerPrefix+pairs[i], pairs[i+1])
			}
		}
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		io.WriteString(w, body)
	})
}

// framed is a message with its header.
func framed(flag byte, message string) string {
	return string([]byte{flag, byte(len(message) >> 24), byte(len(message) >> 16), byte(len(message) >> 8), byte(len(message))}) + message
}

// frames is a server that sends SETTINGS, and then answers the whole of each call
// as it likes, until it returns false.
func frames(then func(f *http2.Framer, id uint32) bool) func(*testing.T, *saw) int32 {
	return func(t *testing.T, s *saw) int32 {
		return serve(t, func(c net.Conn) {
			io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
			f := http2.NewFramer(c, c)
			f.WriteSettings()
			for {
				frame, err := f.ReadFrame()
				if err != nil {
					return
				}
				if frame.Header().Type == http2.FrameData && frame.Header().Flags.Has(http2.FlagDataEndStream) {
					s.note("a call")
					if !then(f, frame.Header().StreamID) {
						return
					}
				}
			}
		})
	}
}

func compress(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

type grpcCase struct {
	serve   func(t *testing.T, s *saw) int32
	service string
	timeout time.Duration // default second
	want    string
}

func grpcCases() map[string]grpcCase {
	const (
		serving = "\x08\x01"
		cannot  = "error: health rpc probe failed: rpc error: code = "
		connect = "timeout: failed to connect service"
	)
	standard := func(t *testing.T, s *saw) int32 {
		server := health.NewServer()
		server.SetServingStatus("up", grpc_health_v1.HealthCheckResponse_SERVING)
		server.SetServingStatus("down", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		return grpcServer(t, listen(t), func(gs *grpc.Server) { grpc_health_v1.RegisterHealthServer(gs, server) })
	}
	answers := func(n int32) func(*testing.T, *saw) int32 {
		return says(func(context.Context, string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
			return grpc_health_v1.HealthCheckResponse_ServingStatus(n), nil
		})
	}
	bare := func(port func(t *testing.T) int32) func(*testing.T, *saw) int32 {
		return func(t *testing.T, _ *saw) int32 { return port(t) }
	}
	foreign := func(code int, contentType, body string) func(*testing.T, *saw) int32 {
		return h2c(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			answer(code, body)(w, r)
		})
	}
	cases := map[string]grpcCase{
		"serving":                     {serve: standard, want: "success: service healthy"},
		"a service that serves":       {serve: standard, service: "up", want: "success: service healthy"},
		"a service that does not":     {serve: standard, service: "down", want: `failure: service unhealthy (responded with "NOT_SERVING")`},
		"a service that nobody knows": {serve: standard, service: "x", want: cannot + "NotFound desc = unknown service"},
		"unknown":                     {serve: answers(0), want: `responded with "UNKNOWN"`},
		"a service of a long name":    {serve: answers(1), service: strings.Repeat("s\u00fc", 5000), want: "success: "},
		"a service unknown":           {serve: answers(3), want: `responded with "SERVICE_UNKNOWN"`},
		"a status without a name":     {serve: answers(7), want: `responded with "7"`},
		"a status below zero":         {serve: answers(-1), want: `responded with "-1"`},
		"no health service":           {serve: func(t *testing.T, s *saw) int32 { return grpcServer(t, listen(t), func(*grpc.Server) {}) }, want: "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health"},
		"a message of many letters":   {serve: fails(codes.Internal, "50 % of \u00fc\nand \x01 %41 %"), want: cannot + "Internal desc = 50 % of \u00fc\nand \x01 %41 %"},
		"no message":                  {serve: fails(codes.Internal, ""), want: cannot + "Internal desc = "},
		"too slow": {serve: says(func(ctx context.Context, _ string) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
			<-ctx.Done()
			return 0, nil
		}), timeout: soon, want: "timeout: health rpc did not complete within 300ms"},
		"too slow, and it does not care": {serve: frames(func(*http2.Framer, uint32) bool { return true }), timeout: soon, want: "timeout: health rpc did not complete within 300ms"},

		"nobody listens": {serve: bare(nobody), timeout: soon, want: connect},
		"a full backlog": {serve: bare(full), timeout: soon, want: connect},
		"silent TCP":     {serve: bare(func(t *testing.T) int32 { return serve(t, silent) }), timeout: soon, want: "within 300ms: context deadline exceeded"},
		"closed at once": {serve: bare(func(t *testing.T) int32 { return serve(t, closing) }), timeout: soon, want: connect},
		"HTTP/1 only":    {serve: func(t *testing.T, _ *saw) int32 { return website(t, plain, new(saw), answer(200, "")) }, timeout: soon, want: connect},
		"TLS":            {serve: func(t *testing.T, _ *saw) int32 { return website(t, secure, new(saw), answer(200, "")) }, timeout: soon, want: connect},
		"another protocol": {serve: bare(func(t *testing.T) int32 {
			return serve(t, func(c net.Conn) { io.WriteString(c, "220 mail.example ESMTP\r\n"); silent(c) })
		}), timeout: soon, want: connect},
		"half a SETTINGS frame": {serve: bare(func(t *testing.T) int32 {
			return serve(t, func(c net.Conn) { io.WriteString(c, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00"); silent(c) })
		}), timeout: soon, want: connect},
		"another frame at first": {serve: bare(func(t *testing.T) int32 {
			return serve(t, func(c net.Conn) { http2.NewFramer(c, c).WritePing(false, [8]byte{}); silent(c) })
		}), timeout: soon, want: connect},

		"HTTP/2, not found":            {serve: h2c(http.NotFound), want: `unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type "text/plain; charset=utf-8"`},
		"HTTP/2, fine":                 {serve: foreign(200, "text/html", "hello"), want: cannot + "Unknown desc = unexpected HTTP status code received from server: 200 (OK)"},
		"HTTP/2, without content type": {serve: foreign(200, "", "hello"), want: "malformed header: missing HTTP content-type"},
		"HTTP/2, without body":         {serve: foreign(401, "", ""), want: cannot + "Unauthenticated"},
		"HTTP/2, a long body":          {serve: foreign(503, "text/html", strings.Repeat("x", 5000)), want: cannot + "Unavailable"},
		"HTTP/2, a body of 1 KiB":      {serve: foreign(502, "text/html", strings.Repeat("x", 1024)), want: cannot + "Unavailable"},
		"HTTP/2, a body that stalls":   {serve: h2c(stall), timeout: soon, want: "timeout: health rpc did not complete"},
		"HTTP/2, a body that breaks":   {serve: h2c(abort), want: cannot + "Internal desc = stream terminated by RST_STREAM with error code: INTERNAL_ERROR"},
		"HTTP/2, a teapot":             {serve: foreign(418, "application/grpcish", "short"), want: cannot + `Unknown desc = unexpected HTTP status code received from server: 418 (I'm a teapot); transport: received unexpected content-type "application/grpcish"`},
		"HTTP/2, no such status":       {serve: foreign(599, "text/plain", "short"), want: "599 ()"},
		"a content type with more":     {serve: reply(framed(0, serving), "-Content-Type", "application/grpc+proto", "Grpc-Status", "0"), want: "success: "},

		"an answer":                        {serve: reply(framed(0, serving), "Grpc-Status", "0"), want: "success: "},
		"an answer with unknown fields":    {serve: reply(framed(0, "\x10\x05\x19abcdefgh\x22\x02hi\x2dabcd\x33\x08\x09\x34"+serving), "Grpc-Status", "0"), want: "success: "},
		"an answer of two parts":           {serve: reply(framed(0, serving+"\x08\x02"), "Grpc-Status", "0"), want: "NOT_SERVING"},
		"an answer that makes no sense":    {serve: reply(framed(0, "\x08"), "Grpc-Status", "0"), want: "grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data"},
		"an answer of another field":       {serve: reply(framed(0, "\x0a\x01x"), "Grpc-Status", "0"), want: `"UNKNOWN"`},
		"an answer of a wrong group":       {serve: reply(framed(0, "\x13\x1c"), "Grpc-Status", "0"), want: "invalid wire-format"},
		"an answer of field 0":             {serve: reply(framed(0, "\x00\x01"), "Grpc-Status", "0"), want: "invalid wire-format"},
		"an answer of a wrong type":        {serve: reply(framed(0, "\x0f"), "Grpc-Status", "0"), want: "invalid wire-format"},
		"an empty answer":                  {serve: reply(framed(0, ""), "Grpc-Status", "0"), want: `"UNKNOWN"`},
		"no answer":                        {serve: reply("", "Grpc-Status", "0"), want: "cardinality violation: received no response message"},
		"two answers":                      {serve: reply(framed(0, serving)+framed(0, serving), "Grpc-Status", "0"), want: "cardinality violation: expected <EOF>"},
		"an answer and a bit":              {serve: reply(framed(0, serving)+"\x00\x00", "Grpc-Status", "0"), want: "success: "},
		"half a header":                    {serve: reply("\x00\x00", "Grpc-Status", "0"), want: "cardinality violation"},
		"half an answer":                   {serve: reply(framed(0, serving)[:6], "Grpc-Status", "0"), want: cannot + "Internal desc = unexpected EOF"},
		"an answer too long":               {serve: reply("\x00\x00\x40\x00\x01", "Grpc-Status", "0"), want: cannot + "ResourceExhausted desc = grpc: received message larger than max (4194305 vs. 4194304)"},
		"an answer, and a failure":         {serve: reply(framed(0, serving), "Grpc-Status", "9", "Grpc-Message", "not now"), want: cannot + "FailedPrecondition desc = not now"},
		"an answer without trailers":       {serve: reply(framed(0, serving)), want: cannot + "Internal desc = server closed the stream without sending trailers"},
		"trailers without a status":        {serve: reply(framed(0, serving), "X-Other", "1"), want: cannot + "Unknown desc = "},
		"a status that is none":            {serve: reply(framed(0, serving), "Grpc-Status", "zero"), want: cannot + `Unknown desc = transport: malformed grpc-status: strconv.ParseInt: parsing "zero": invalid syntax`},
		"a status below zero in a trailer": {serve: reply("", "Grpc-Status", "-1"), want: cannot + "Code(4294967295) desc = "},
		"a status in the headers only": {serve: h2c(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "3")
			w.Header().Set("Grpc-Message", "no %C3%BC %")
		}), want: cannot + "InvalidArgument desc = no \u00fc %"},
		"headers only": {serve: h2c(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "application/grpc") }), want: cannot + "Unknown desc = "},
		"a success in the headers only": {serve: h2c(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "0")
		}), want: "cardinality violation"},
		"compressed":                {serve: reply(framed(1, compress(serving)), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "success: "},
		"compressed, not announced": {serve: reply(framed(1, compress(serving)), "Grpc-Status", "0"), want: "grpc: compressed flag set with identity or empty encoding"},
		"compressed in another way": {serve: reply(framed(1, serving), "-Grpc-Encoding", "zstd", "Grpc-Status", "0"), want: `grpc: Decompressor is not installed for grpc-encoding "zstd"`},
		"compressed badly":          {serve: reply(framed(1, serving), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "grpc: failed to decompress the message: "},
		"compressed and broken off": {serve: reply(framed(1, compress(serving)[:20]), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "grpc: failed to read decompressed data: "},
		"compressed too much":       {serve: reply(framed(1, compress(strings.Repeat("\x00", 5<<20))), "-Grpc-Encoding", "gzip", "Grpc-Status", "0"), want: "grpc: received message after decompression larger than max 4194304"},
		"another flag":              {serve: reply(framed(2, serving), "Grpc-Status", "0"), want: "grpc: received unexpected payload format 2"},

		"the server dies during the call": {serve: frames(func(*http2.Framer, uint32) bool { return false }), want: cannot + "Unavailable desc = error reading from server: EOF"},
		"the call is refused":             {serve: frames(func(f *http2.Framer, id uint32) bool { f.WriteRSTStream(id, http2.ErrCodeRefusedStream); return true }), want: cannot + "Unavailable desc = stream terminated by RST_STREAM with error code: REFUSED_STREAM"},
		"GOAWAY":                          {serve: frames(func(f *http2.Framer, _ uint32) bool { f.WriteGoAway(0, http2.ErrCodeNo, nil); return true }), want: cannot + "Unavailable desc = the connection is draining"},
		"GOAWAY, and the server dies": {serve: frames(func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(1, http2.ErrCodeNo, []byte("graceful stop"))
			return false
		}), want: cannot + `Unavailable desc = closing transport due to: connection error: desc = "error reading from server: EOF", received prior goaway: code: NO_ERROR, debug data: "graceful stop"`},
		"GOAWAY in silence, and the server dies": {serve: frames(func(f *http2.Framer, _ uint32) bool { f.WriteGoAway(1, http2.ErrCodeInternal, nil); return false }), want: "received prior goaway: code: INTERNAL_ERROR"},
		"a frame that makes no sense":            {serve: frames(func(f *http2.Framer, _ uint32) bool { f.WriteRawFrame(http2.FramePing, 0, 0, []byte("x")); return true }), want: cannot + "Unavailable desc = error reading from server: "},
		"GOAWAY for a reason": {serve: frames(func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("calm"))
			return true
		}), want: cannot + "Unavailable desc = the connection is draining"},
	}
	for code := codes.Code(1); code < 18; code++ {
		cases["code "+code.String()] = grpcCase{serve: fails(code, "text"), want: "failure: "}
	}
	for code := http2.ErrCodeNo; code < 16; code++ {
		if code != http2.ErrCodeRefusedStream {
			cases["RST_STREAM "+code.String()] = grpcCase{serve: frames(func(f *http2.Framer, id uint32) bool { f.WriteRSTStream(id, code); return true }), want: "stream terminated by RST_STREAM with error code: " + code.String()}
		}
	}
	return cases
}

func TestGRPCProbesAreTheKubelets(t *testing.T) {
	for name, c := range grpcCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(saw)
			n := int(c.serve(t, s))
			timeout := c.timeout
			if timeout == 0 {
				timeout = second
			}
			result, output, err := grpcprobe.New().Probe("127.0.0.1", c.service, n, timeout, grpcprobe.ProbeOptions{})
			want := tell(result, output, err, s)
			r, output, err := probe.GRPC{Host: "127.0.0.1", Port: n, Service: c.service}.Probe(t.Context(), new(net.Dialer).DialContext, timeout)
			got := tell(r, output, err, s)
			assert.Equal(t, want, got)
			assert.Contains(t, got.Result+": "+got.Output, c.want)
		})
	}
}

// Both try again a second after the first refusal.
func TestGRPCProbesConnectAgainAsTheKubelets(t *testing.T) {
	for name, attempt := range map[string]func(port int) (string, string){
		"the kubelet's": func(port int) (string, string) {
			r, output, _ := grpcprobe.New().Probe("127.0.0.1", "", port, second, grpcprobe.ProbeOptions{})
			return string(r), output
		},
		"podnet's": func(port int) (string, string) {
			r, output, _ := probe.GRPC{Host: "127.0.0.1", Port: port}.Probe(context.Background(), new(net.Dialer).DialContext, second)
			return string(r), output
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened sync.WaitGroup
			port := nobody(t)
			opened.Go(func() {
				time.Sleep(soon)
				l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if assert.NoError(t, err) {
					grpcServer(t, l, func(gs *grpc.Server) { grpc_health_v1.RegisterHealthServer(gs, health.NewServer()) })
				}
			})
			start := time.Now()
			result, output := attempt(int(port))
			took := time.Since(start)
			opened.Wait()
			assert.Equal(t, "success: service healthy", result+": "+output)
			assert.InDelta(t, 1, took.Seconds(), 0.4)
		})
	}
}
