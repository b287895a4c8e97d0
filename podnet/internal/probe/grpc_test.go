package probe

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// grpcAnswer is a handler that answers with a body and trailers, as gRPC does.
func grpcAnswer(body string, pairs ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		for i := 0; i < len(pairs); i += 2 {
			w.Header().Set(http.TrailerPrefix+pairs[i], pairs[i+1])
		}
		w.(http.Flusher).Flush()
		io.WriteString(w, body)
	}
}

// healthAnswer is the body of an answer.
func healthAnswer(h byte) string { return string(frameMessage([]byte{1 << 3, h})) }

// frames is a server of HTTP/2 that is written by hand: it sends SETTINGS, waits
// for a call, and sends what follows or, if that is nothing, hangs up. It reads
// while it writes, for a net.Pipe holds nothing.
func frames(then string) func(c net.Conn) {
	return func(c net.Conn) {
		const (
			data, settings = 0, 4
			endStream      = 1
		)
		var writing sync.WaitGroup
		defer writing.Wait()
		defer c.Close()
		io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
		writing.Go(func() { io.WriteString(c, "\x00\x00\x00\x04\x00\x00\x00\x00\x00") })
		for {
			header := make([]byte, 9)
			if _, err := io.ReadFull(c, header); err != nil {
				return
			}
			io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(header)>>8))
			if header[3] == data && header[4] == endStream {
				if then == "" {
					return
				}
				writing.Go(func() { io.WriteString(c, then) })
			}
		}
	}
}

func TestGRPC(t *testing.T) {
	const (
		cannot = "error: health rpc probe failed: rpc error: code = "
		late   = `timeout: failed to connect service "10.1.2.3:9000" within 3s: context deadline exceeded`
	)
	clear2 := func(handler http.HandlerFunc) func(n *network) {
		return func(n *network) { n.clear2("10.1.2.3:9000", handler) }
	}
	raw := func(handle func(c net.Conn)) func(n *network) {
		return func(n *network) { n.serve("10.1.2.3:9000", handle) }
	}
	for name, c := range map[string]struct {
		serve  func(n *network)
		result Result
		output string
		took   time.Duration
		dialed []time.Duration // default: once, at once
	}{
		"serving": {
			serve: clear2(grpcAnswer(healthAnswer(1), "Grpc-Status", "0")), result: Success, output: "service healthy",
		},
		"not serving": {
			serve: clear2(grpcAnswer(healthAnswer(2), "Grpc-Status", "0")), output: `service unhealthy (responded with "NOT_SERVING")`,
		},
		"a status without a name": {
			serve: clear2(grpcAnswer(healthAnswer(9), "Grpc-Status", "0")), output: `service unhealthy (responded with "9")`,
		},
		"not found": {
			serve: clear2(grpcAnswer("", "Grpc-Status", "5", "Grpc-Message", "unknown service x")), output: cannot + "NotFound desc = unknown service x",
		},
		"unimplemented": {
			serve:  clear2(grpcAnswer("", "Grpc-Status", "12", "Grpc-Message", "unknown service")),
			output: "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service",
		},
		"no gRPC": {
			serve:  clear2(http.NotFound),
			output: "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type \"text/plain; charset=utf-8\"\ndata: \"404 page not found\\n\"",
		},
		"no answer": {
			serve: clear2(hang), output: "timeout: health rpc did not complete within 3s", took: 3 * time.Second,
		},
		"half an answer": {
			serve: clear2(func(w http.ResponseWriter, r *http.Request) {
				grpcAnswer("\x00\x00")(w, r)
				w.(http.Flusher).Flush()
				hang(w, r)
			}), output: "timeout: health rpc did not complete within 3s", took: 3 * time.Second,
		},
		"half of another answer": {
			serve: clear2(stall), output: "timeout: health rpc did not complete within 3s", took: 3 * time.Second,
		},
		"it hangs up during the call": {
			serve: raw(frames("")), output: cannot + "Unavailable desc = error reading from server: EOF",
		},
		"it resets the call": {
			serve: raw(frames("\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x0b")), output: cannot + "ResourceExhausted desc = stream terminated by RST_STREAM with error code: ENHANCE_YOUR_CALM",
		},
		"it does not look at the call": {
			serve:  raw(frames("\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")),
			output: cannot + "Unavailable desc = the connection is draining", dialed: []time.Duration{0, 0},
		},
		"it sends nonsense": {
			serve: raw(frames("\x00\x00\x01\x06\x00\x00\x00\x00\x00\x00")), output: cannot + "Unavailable desc = error reading from server: connection error: FRAME_SIZE_ERROR",
		},

		"nobody listens": {
			serve: func(*network) {}, output: late, took: 3 * time.Second, dialed: []time.Duration{0, time.Second, 2600 * time.Millisecond},
		},
		"somebody listens in the end": {
			serve: func(n *network) {
				time.AfterFunc(1500*time.Millisecond, func() {
					n.clear2("10.1.2.3:9000", grpcAnswer(healthAnswer(1), "Grpc-Status", "0"))
				})
			},
			result: Success, output: "service healthy", took: 2600 * time.Millisecond, dialed: []time.Duration{0, time.Second, 2600 * time.Millisecond},
		},
		"packets are lost": {
			serve: func(n *network) { n.lost["10.1.2.3:9000"] = true }, output: late, took: 3 * time.Second,
		},
		"it hangs up": {
			serve: raw(func(net.Conn) {}), output: late, took: 3 * time.Second, dialed: []time.Duration{0, time.Second, 2600 * time.Millisecond},
		},
		"it is silent": {
			serve: raw(silent), output: late, took: 3 * time.Second,
		},
		"it does not even read": {
			serve: func(n *network) {
				over := make(chan struct{})
				n.serve("10.1.2.3:9000", func(net.Conn) { <-over })
				n.t.Cleanup(func() { close(over) })
			}, output: late, took: 3 * time.Second,
		},
		"HTTP/1 only": {
			serve:  func(n *network) { n.website("10.1.2.3:9000", answer(200, "fine")) },
			output: late, took: 3 * time.Second, dialed: []time.Duration{0, time.Second, 2600 * time.Millisecond},
		},
		"half a SETTINGS frame": {
			serve: raw(func(c net.Conn) {
				var writing sync.WaitGroup
				defer writing.Wait()
				defer c.Close()
				writing.Go(func() { io.WriteString(c, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00") })
				silent(c)
			}),
			output: late, took: 3 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				c.serve(n)
				if c.result == "" {
					c.result = Failure
				}
				if c.dialed == nil {
					c.dialed = []time.Duration{0}
				}
				result, output, err := GRPC{Host: "10.1.2.3", Port: 9000, Service: "x"}.Probe(t.Context(), n.dial, 3*time.Second)
				n.isQuiet()
				assert.NoError(t, err)
				assert.Equal(t, c.result, result)
				assert.Equal(t, c.output, output)
				assert.Equal(t, c.took, time.Since(n.start))
				assert.Equal(t, c.dialed, n.dialed)
			})
		})
	}
}

func TestGRPCRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		var got *http.Request
		var body []byte
		n.clear2("[fd00::2]:9000", func(w http.ResponseWriter, r *http.Request) {
			got = r
			body, _ = io.ReadAll(r.Body)
			grpcAnswer(healthAnswer(1), "Grpc-Status", "0")(w, r)
		})
		result, _, _ := GRPC{Host: "fd00::2", Port: 9000, Service: "shop"}.Probe(t.Context(), n.dial, time.Second)
		assert.Equal(t, Success, result)
		assert.Equal(t, "POST /grpc.health.v1.Health/Check HTTP/2.0", got.Method+" "+got.RequestURI+" "+got.Proto)
		assert.Equal(t, "[fd00::2]:9000", got.Host)
		assert.Equal(t, "\x00\x00\x00\x00\x06\x0a\x04shop", string(body))
		assert.Equal(t, http.Header{
			"Content-Type":         {"application/grpc"},
			"Te":                   {"trailers"},
			"User-Agent":           {"kube-probe/1.37 grpc-go/1.82.1"},
			"Grpc-Accept-Encoding": {"gzip"},
			"Grpc-Timeout":         {"1000000u"},
		}, got.Header)
	})
}

func TestGRPCBacksOff(t *testing.T) {
	seconds := func(dialed []time.Duration) []float64 {
		var s []float64
		for _, d := range dialed {
			s = append(s, d.Round(time.Millisecond).Seconds())
		}
		return s
	}
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		GRPC{Host: "10.1.2.3", Port: 9000}.Probe(t.Context(), n.dial, 10*time.Minute)
		n.isQuiet()
		assert.Equal(t, []float64{0, 1, 2.6, 5.16, 9.256, 15.81, 26.295, 43.073, 69.916, 112.866, 181.585, 291.536, 411.536, 531.536}, seconds(n.dialed))
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.serve("10.1.2.3:9000", silent)
		GRPC{Host: "10.1.2.3", Port: 9000}.Probe(t.Context(), n.dial, time.Minute)
		n.isQuiet()
		assert.Equal(t, []float64{0, 21, 42.6}, seconds(n.dialed), "a server has 20 seconds to speak")
	})
}

func TestGRPCEndsWithItsContext(t *testing.T) {
	for name, c := range map[string]struct {
		serve  func(n *network)
		output string
	}{
		"while it connects": {func(*network) {}, `error: failed to connect service at "10.1.2.3:9000": context canceled`},
		"during the call":   {func(n *network) { n.clear2("10.1.2.3:9000", hang) }, "error: health rpc probe failed: rpc error: code = Canceled desc = context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				c.serve(n)
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, cancel)
				result, output, err := GRPC{Host: "10.1.2.3", Port: 9000}.Probe(ctx, n.dial, time.Hour)
				n.isQuiet()
				assert.NoError(t, err)
				assert.Equal(t, Failure, result)
				assert.Equal(t, c.output, output)
				assert.Equal(t, time.Minute, time.Since(n.start))
			})
		})
	}
}

func TestOneMessage(t *testing.T) {
	var z bytes.Buffer
	zip := gzip.NewWriter(&z)
	zip.Write([]byte("ab"))
	zip.Close()
	frame := func(flag byte, s string) string {
		b := frameMessage([]byte(s))
		b[0] = flag
		return string(b)
	}
	for name, c := range map[string]struct {
		body, encoding string
		want           string
		failed         string
	}{
		"nothing":                {},
		"half a header":          {body: "\x00\x00"},
		"a message":              {body: frame(0, "ab"), want: "ab"},
		"a message and a bit":    {body: frame(0, "ab") + "\x00", want: "ab"},
		"two messages":           {body: frame(0, "ab") + frame(0, ""), failed: "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message"},
		"half a message":         {body: frame(0, "ab")[:6], failed: "unexpected EOF"},
		"a long message":         {body: "\x00\xff\xff\xff\xff", failed: "grpc: received message larger than max (4294967295 vs. 4194304)"},
		"compressed":             {body: frame(1, z.String()), encoding: "gzip", want: "ab"},
		"compressed in secret":   {body: frame(1, z.String()), failed: "grpc: compressed flag set with identity or empty encoding"},
		"compressed otherwise":   {body: frame(1, "ab"), encoding: "zstd", failed: `grpc: Decompressor is not installed for grpc-encoding "zstd"`},
		"not compressed at all":  {body: frame(0, "ab"), encoding: "gzip", want: "ab"},
		"an unknown flag":        {body: frame(3, "ab"), failed: "grpc: received unexpected payload format 3"},
		"compressed, broken off": {body: frame(1, z.String()[:12]), encoding: "gzip", failed: "grpc: failed to read decompressed data: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			got, failed := oneMessage([]byte(c.body), c.encoding)
			if c.failed != "" {
				if assert.NotNil(t, failed) {
					assert.Equal(t, c.failed, failed.message)
				}
				return
			}
			assert.Nil(t, failed)
			assert.Equal(t, c.want, string(got))
		})
	}
}

func TestCheckResponse(t *testing.T) {
	const bad = -2
	for name, c := range map[string]struct {
		message string
		want    health
	}{
		"nothing":                  {"", 0},
		"serving":                  {"\x08\x01", healthServing},
		"the last one counts":      {"\x08\x01\x08\x02", 2},
		"below zero":               {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -1},
		"other fields":             {"\x10\x05\x19abcdefgh\x22\x02hi\x2dabcd\x33\x08\x09\x3b\x3c\x34\x08\x01", healthServing},
		"another type":             {"\x0a\x01x", 0},
		"half a field":             {"\x08", bad},
		"half a string":            {"\x12\x05hi", bad},
		"a huge string":            {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", bad},
		"a number too long":        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", bad},
		"field 0":                  {"\x00\x01", bad},
		"a field too high":         {"\x80\x80\x80\x80\x10\x01", bad},
		"a type that is none":      {"\x0f", bad},
		"a group that has no end":  {"\x13", bad},
		"a group that ends badly":  {"\x13\x1c", bad},
		"an end without its group": {"\x14", bad},
		"many groups":              {strings.Repeat("\x13", 9000) + strings.Repeat("\x14", 9000), 0},
		"too many groups":          {strings.Repeat("\x13", 20000) + strings.Repeat("\x14", 20000), bad},
	} {
		t.Run(name, func(t *testing.T) {
			got, failed := checkResponse([]byte(c.message))
			if failed != nil {
				got = bad
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestDecodeStatusMessage(t *testing.T) {
	for in, want := range map[string]string{"": "", "plain": "plain", "%C3%BC %25": "\u00fc %", "50 %": "50 %", "%zz%4": "%zz%4", "%4": "%4", "a%0Ab": "a\nb"} {
		assert.Equal(t, want, decodeStatusMessage(in), in)
	}
}

func TestEncodeTimeout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1: "1n", 99_999_999: "99999999n", 100_000_000: "100000u", 100_000_001: "100001u",
		time.Second: "1000000u", time.Hour: "3600000m", 1 << 62: "76861434M", 1<<63 - 1: "2562048H",
	} {
		assert.Equal(t, want, encodeTimeout(d), d.String())
	}
}
