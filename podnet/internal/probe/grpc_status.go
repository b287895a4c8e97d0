package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// grpcStatus is how a call failed.
type grpcStatus struct {
	code    grpcCode
	message string

	// unprocessed means that the server did nothing for the call.
	unprocessed bool
}

// String returns the text of grpc's error.
func (s *grpcStatus) String() string {
	return fmt.Sprintf("rpc error: code = %v desc = %s", s.code, s.message)
}

// isOver reports whether ctx has ended, or is about to: the server knows the
// deadline too, and may be the first to act on it.
func isOver(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !deadline.After(time.Now())
}

// contextStatus is the status of a call whose context has ended.
func contextStatus(ctx context.Context) *grpcStatus {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &grpcStatus{code: codeCanceled, message: context.Canceled.Error()}
	}
	return &grpcStatus{code: codeDeadlineExceeded, message: context.DeadlineExceeded.Error()}
}

// grpcCode is a code of gRPC.
type grpcCode uint32

// The codes that a client makes by itself.
const (
	codeOK                grpcCode = 0
	codeCanceled          grpcCode = 1
	codeUnknown           grpcCode = 2
	codeDeadlineExceeded  grpcCode = 4
	codePermissionDenied  grpcCode = 7
	codeResourceExhausted grpcCode = 8
	codeUnimplemented     grpcCode = 12
	codeInternal          grpcCode = 13
	codeUnavailable       grpcCode = 14
	codeUnauthenticated   grpcCode = 16
)

var codeNames = [...]string{
	"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
	"AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
	"Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss",
	"Unauthenticated",
}

// String returns the name of c, or "Code(99)".
func (c grpcCode) String() string {
	if int64(c) < int64(len(codeNames)) {
		return codeNames[c]
	}
	return "Code(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// httpCodes are the codes for the HTTP status of a response that is not gRPC's
// (http-grpc-status-mapping.md of gRPC). Others are Unknown.
var httpCodes = map[int]grpcCode{
	http.StatusBadRequest:         codeInternal,
	http.StatusUnauthorized:       codeUnauthenticated,
	http.StatusForbidden:          codePermissionDenied,
	http.StatusNotFound:           codeUnimplemented,
	http.StatusTooManyRequests:    codeUnavailable,
	http.StatusBadGateway:         codeUnavailable,
	http.StatusServiceUnavailable: codeUnavailable,
	http.StatusGatewayTimeout:     codeUnavailable,
}

// resetCodes are the error codes of RST_STREAM (RFC 9113, section 7), and the
// code that gRPC has for each.
var resetCodes = [...]struct {
	name string
	code grpcCode
}{
	{"NO_ERROR", codeInternal},
	{"PROTOCOL_ERROR", codeInternal},
	{"INTERNAL_ERROR", codeInternal},
	{"FLOW_CONTROL_ERROR", codeResourceExhausted},
	{"SETTINGS_TIMEOUT", codeInternal},
	{"STREAM_CLOSED", codeInternal},
	{"FRAME_SIZE_ERROR", codeInternal},
	refusedStream: {"REFUSED_STREAM", codeUnavailable},
	{"CANCEL", codeCanceled},
	{"COMPRESSION_ERROR", codeInternal},
	{"CONNECT_ERROR", codeInternal},
	{"ENHANCE_YOUR_CALM", codeResourceExhausted},
	{"INADEQUATE_SECURITY", codePermissionDenied},
	{"HTTP_1_1_REQUIRED", codeInternal},
}

// refusedStream is the error code that says that nothing was done.
const refusedStream = 7

// decodeStatusMessage undoes the percent-encoding of grpc-message. What is not
// well encoded stays as it is.
func decodeStatusMessage(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
