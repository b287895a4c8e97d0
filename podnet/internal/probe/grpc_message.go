package probe

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"time"
)

const (
	// frameHeader is a flag for compression and the length, before a message.
	frameHeader = 5

	// maxMessage is the longest message that a gRPC client takes.
	maxMessage = 4 << 20
)

// frameMessage puts the header before a message.
func frameMessage(message []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	return append(b, message...)
}

// oneMessage returns the message in the body of a response, or nil if there is
// none.
func oneMessage(body []byte, encoding string) ([]byte, *grpcStatus) {
	// A client stops without a word at half a header.
	if len(body) < frameHeader {
		return nil, nil
	}
	message, rest, failed := nextMessage(body, encoding)
	if failed == nil && len(rest) >= frameHeader {
		_, _, failed = nextMessage(rest, encoding)
		if failed == nil {
			failed = internalStatus("cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message")
		}
	}
	return message, failed
}

// nextMessage takes a message from the front of b, which has a whole header.
func nextMessage(b []byte, encoding string) (message, rest []byte, failed *grpcStatus) {
	flag, length := b[0], int64(binary.BigEndian.Uint32(b[1:]))
	b = b[frameHeader:]
	switch {
	case length > maxMessage:
		return nil, nil, &grpcStatus{code: codeResourceExhausted, message: fmt.Sprintf("grpc: received message larger than max (%d vs. %d)", length, maxMessage)}
	case length > int64(len(b)):
		return nil, nil, internalStatus("%v", io.ErrUnexpectedEOF)
	}
	message, rest = b[:length:length], b[length:]
	switch {
	case flag == 0:
	case flag != 1:
		return nil, nil, internalStatus("grpc: received unexpected payload format %d", flag)
	case encoding == "" || encoding == "identity":
		return nil, nil, internalStatus("grpc: compressed flag set with identity or empty encoding")
	case encoding != "gzip":
		return nil, nil, internalStatus("grpc: Decompressor is not installed for grpc-encoding %q", encoding)
	default:
		message, failed = gunzip(message)
	}
	return message, rest, failed
}

func gunzip(b []byte) ([]byte, *grpcStatus) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, internalStatus("grpc: failed to decompress the message: %v", err)
	}
	b, err = io.ReadAll(io.LimitReader(z, maxMessage+1))
	if err != nil {
		return nil, internalStatus("grpc: failed to read decompressed data: %v", err)
	}
	if len(b) > maxMessage {
		return nil, &grpcStatus{code: codeResourceExhausted, message: fmt.Sprintf("grpc: received message after decompression larger than max %d", maxMessage)}
	}
	return b, nil
}

func internalStatus(format string, args ...any) *grpcStatus {
	return &grpcStatus{code: codeInternal, message: fmt.Sprintf(format, args...)}
}

// encodeTimeout is the header grpc-timeout for d: eight digits at most, of the
// smallest unit that will do, rounded up.
func encodeTimeout(d time.Duration) string {
	const most = 99_999_999
	units := [...]struct {
		name   string
		length time.Duration
	}{{"n", time.Nanosecond}, {"u", time.Microsecond}, {"m", time.Millisecond}, {"S", time.Second}, {"M", time.Minute}, {"H", time.Hour}}
	for _, u := range units {
		n := d / u.length
		if d%u.length > 0 {
			n++
		}
		if n <= most {
			return strconv.FormatInt(int64(n), 10) + u.name
		}
	}
	return "" // no Duration is that long
}
