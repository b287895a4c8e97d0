package probe

import (
	"encoding/binary"
	"strconv"
)

// health is the ServingStatus of grpc.health.v1.
type health int32

const healthServing health = 1

// String returns the name of h, or its number.
func (h health) String() string {
	names := [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}
	if h >= 0 && int(h) < len(names) {
		return names[h]
	}
	return strconv.Itoa(int(h))
}

// The wire types of protocol buffers.
const (
	wireVarint = iota
	wireFixed64
	wireBytes
	wireStartGroup
	wireEndGroup
	wireFixed32
)

// checkRequest is a HealthCheckRequest, whose field 1 is the service.
func checkRequest(service string) []byte {
	if service == "" {
		return nil
	}
	b := binary.AppendUvarint([]byte{1<<3 | wireBytes}, uint64(len(service)))
	return append(b, service...)
}

// checkResponse reads a HealthCheckResponse, whose field 1 is the status.
func checkResponse(message []byte) (health, *grpcStatus) {
	var h health
	r := &protoReader{b: message}
	for !r.bad && len(r.b) > 0 {
		field, wire := r.tag()
		if field == 1 && wire == wireVarint {
			h = health(int32(r.varint()))
		} else {
			r.skip(field, wire, 0)
		}
	}
	if r.bad {
		return 0, internalStatus("grpc: failed to unmarshal the received message: proto: cannot parse invalid wire-format data")
	}
	return h, nil
}

// protoReader reads protocol buffers. When it is bad it returns zeros.
type protoReader struct {
	b   []byte
	bad bool
}

func (r *protoReader) varint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *protoReader) tag() (field uint64, wire int) {
	const maxField = 1<<29 - 1
	v := r.varint()
	field = v >> 3
	if field == 0 || field > maxField {
		r.bad = true
	}
	return field, int(v & 7)
}

// skip passes over the value of a field. The depth is that of groups.
func (r *protoReader) skip(field uint64, wire, depth int) {
	const maxDepth = 10_000 // protowire.DefaultRecursionLimit
	switch wire {
	case wireVarint:
		r.varint()
	case wireFixed64:
		r.take(8)
	case wireBytes:
		r.take(r.varint())
	case wireFixed32:
		r.take(4)
	case wireStartGroup:
		for depth < maxDepth && !r.bad {
			inner, wire := r.tag()
			if wire == wireEndGroup {
				r.bad = r.bad || inner != field
				return
			}
			r.skip(inner, wire, depth+1)
		}
		r.bad = true
	default:
		r.bad = true
	}
}

func (r *protoReader) take(n uint64) {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}
