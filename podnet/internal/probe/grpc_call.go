package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	checkMethod = "/grpc.health.v1.Health/Check"

	// grpcUserAgent names the gRPC that Kubernetes 1.37 is built with.
	grpcUserAgent = "kube-probe/" + version + " grpc-go/1.82.1"

	// maxForeign is how much is shown of an answer that is not gRPC's.
	maxForeign = 1024
)

// check makes the call.
func (c *grpcConn) check(ctx context.Context, service string) (health, *grpcStatus) {
	if isOver(ctx) {
		return 0, contextStatus(ctx)
	}
	deadline, _ := ctx.Deadline() // there always is one
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: "http", Host: c.address, Path: checkMethod},
		Header: http.Header{
			"Content-Type":         {"application/grpc"},
			"User-Agent":           {grpcUserAgent},
			"Te":                   {"trailers"},
			"Grpc-Accept-Encoding": {"gzip"},
			"Grpc-Timeout":         {encodeTimeout(time.Until(deadline))},
		},
		Body:          io.NopCloser(bytes.NewReader(frameMessage(checkRequest(service)))),
		ContentLength: -1, // not sent
	}).WithContext(ctx)
	resp, err := c.http.RoundTrip(req)
	if err != nil {
		return 0, c.status(ctx, err)
	}
	defer resp.Body.Close()
	if s := foreign(resp); s != nil {
		if hasBody(resp) {
			data, err := io.ReadAll(io.LimitReader(resp.Body, maxForeign))
			if err != nil {
				return 0, c.status(ctx, err)
			}
			s.message += fmt.Sprintf("\ndata: %q", data)
		}
		return 0, s
	}
	// One byte more than a message can have tells that there is too much.
	data, err := io.ReadAll(io.LimitReader(resp.Body, frameHeader+maxMessage+1))
	if err != nil {
		return 0, c.status(ctx, err)
	}
	message, failed := oneMessage(data, resp.Header.Get("Grpc-Encoding"))
	var h health
	if failed == nil && message != nil {
		h, failed = checkResponse(message)
	}
	if failed != nil {
		return 0, failed
	}
	if s := sentStatus(resp); s.code != codeOK {
		return 0, s
	}
	if message == nil {
		return 0, &grpcStatus{code: codeInternal, message: "cardinality violation: received no response message from non-server-streaming RPC"}
	}
	return h, nil
}

// hasBody reports whether there was more than one HEADERS frame. net/http leaves
// ContentLength at -1 then, unless the server sent it.
func hasBody(resp *http.Response) bool { return resp.ContentLength != 0 }

// foreign returns the status of a response that is not gRPC's, or nil.
func foreign(resp *http.Response) *grpcStatus {
	contentType := resp.Header.Get("Content-Type")
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	if ok && (rest == "" || rest[0] == '+' || rest[0] == ';') {
		return nil
	}
	s := &grpcStatus{
		code:    codeUnknown,
		message: fmt.Sprintf("unexpected HTTP status code received from server: %d (%s); ", resp.StatusCode, http.StatusText(resp.StatusCode)),
	}
	if code, ok := httpCodes[resp.StatusCode]; ok {
		s.code = code
	}
	if contentType == "" {
		s.message += "malformed header: missing HTTP content-type"
	} else {
		s.message += fmt.Sprintf("transport: received unexpected content-type %q", contentType)
	}
	return s
}

// sentStatus returns the status that the server sent with the end of a response.
func sentStatus(resp *http.Response) *grpcStatus {
	header := resp.Trailer
	if !hasBody(resp) {
		header = resp.Header
	} else if len(header) == 0 {
		return &grpcStatus{code: codeInternal, message: "server closed the stream without sending trailers"}
	}
	s := &grpcStatus{code: codeUnknown, message: decodeStatusMessage(header.Get("Grpc-Message"))}
	if text := header.Get("Grpc-Status"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return &grpcStatus{code: codeUnknown, message: fmt.Sprintf("transport: malformed grpc-status: %v", err)}
		}
		s.code = grpcCode(n)
	}
	return s
}

// status makes a status of an error of net/http.
func (c *grpcConn) status(ctx context.Context, err error) *grpcStatus {
	if isOver(ctx) {
		return contextStatus(ctx)
	}
	if s := resetStatus(err); s != nil {
		return s
	}
	reading := c.wire.failure()
	if reading == nil {
		if !strings.HasPrefix(err.Error(), "connection error: ") {
			// The server has sent GOAWAY and will not look at this call.
			return &grpcStatus{code: codeUnavailable, message: "the connection is draining", unprocessed: true}
		}
		reading = err // a frame that makes no sense
	}
	s := &grpcStatus{code: codeUnavailable, message: fmt.Sprintf("error reading from server: %v", reading)}
	if reason := goAwayReason(err); reason != "" {
		s.message = fmt.Sprintf("closing transport due to: connection error: desc = %q, received prior goaway: %s", s.message, reason)
	}
	return s
}

// goAwayReason returns what a server that has hung up had said in GOAWAY, or "".
// Of such an error net/http shows the text only.
func goAwayReason(err error) string {
	const text = "http2: server sent GOAWAY and closed the connection; LastStreamID=%d, ErrCode=%s debug=%q"
	var id uint32
	var code, debug string
	if _, err := fmt.Sscanf(err.Error(), text, &id, &code, &debug); err != nil {
		return ""
	}
	reason := "code: " + strings.TrimSuffix(code, ",")
	if debug != "" {
		reason += fmt.Sprintf(", debug data: %q", debug)
	}
	return reason
}

// resetStatus makes a status of an error that stands for RST_STREAM, or returns
// nil.
func resetStatus(err error) *grpcStatus {
	var reset streamError
	if !errors.As(err, &reset) {
		return nil
	}
	s := &grpcStatus{code: codeUnknown, unprocessed: reset.Code == refusedStream}
	name := fmt.Sprintf("unknown error code 0x%x", reset.Code)
	if int(reset.Code) < len(resetCodes) {
		name, s.code = resetCodes[reset.Code].name, resetCodes[reset.Code].code
	}
	s.message = "stream terminated by RST_STREAM with error code: " + name
	return s
}

// streamError is what net/http makes its own error of that kind into, for
// errors.As, which looks at the names of the fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "" }
