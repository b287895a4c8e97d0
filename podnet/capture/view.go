package capture

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"podnet.dev/podnet"
)

// A view makes packets of events: it chooses which crossings are written, and finds
// out what to say about each.
type view struct {
	cfg  Config
	out  *writer
	lost uint64

	waiting    []*record           // what is yet to be commented on, the oldest first
	translated map[translation]int // packets that have been translated and not yet left
}

// record is a packet on an interface.
type record struct {
	event    podnet.TraceEvent
	comments []string
	corrupt  bool // its checksum is wrong, and that is how it was dropped
}

// translation is a packet that left a node, or is about to.
type translation struct {
	node, protocol string
	src, dst       string
}

// maxWaiting records wait for what becomes of them.
const maxWaiting = 64

func (v *view) see(e podnet.TraceEvent) {
	switch e.Kind {
	case podnet.TraceLost:
		v.lost += e.Lost
	case podnet.TraceSent, podnet.TraceReceived, podnet.TraceForwarded:
		if v.wants(e) {
			v.keep(e)
		}
	case podnet.TraceTranslated:
		v.mark(e, 1)
		v.comment(e, fmt.Sprintf("%s: translated to %s > %s%s", e.Place(), e.Src, e.Dst, by(e)))
	case podnet.TraceDelivered:
		if e.Container != "" {
			v.comment(e, "delivered to "+e.Place())
		}
	case podnet.TraceDropped:
		v.mark(e, -1)
		text := fmt.Sprintf("dropped at %s: %s%s", e.Place(), e.Reason, by(e))
		if r := v.comment(e, text); r != nil {
			r.corrupt = e.Reason == "wrong checksum"
		} else if v.wantsDropped(e) {
			v.keep(e).comments = []string{text + "; it has not crossed the interface"}
		}
	}
}

func by(e podnet.TraceEvent) string {
	if e.By == "" {
		return ""
	}
	return " (" + e.By + ")"
}

// mark counts packets that a node has translated and not yet sent on.
func (v *view) mark(e podnet.TraceEvent, n int) {
	if e.Pod != "" {
		return
	}
	k := translationOf(e)
	if n += v.translated[k]; n > 0 {
		if v.translated == nil {
			v.translated = make(map[translation]int)
		}
		v.translated[k] = n
	} else {
		delete(v.translated, k)
	}
}

func translationOf(e podnet.TraceEvent) translation {
	return translation{e.Node, e.Protocol, e.Src.String(), e.Dst.String()}
}

// wants reports whether a crossing is to be written.
func (v *view) wants(e podnet.TraceEvent) bool {
	if len(v.cfg.Interfaces) > 0 {
		return v.matches(e) && v.passes(e)
	}
	switch e.Kind {
	case podnet.TraceForwarded:
		changed := v.translated[translationOf(e)] > 0
		v.mark(e, -1)
		return changed && v.passes(e)
	case podnet.TraceSent:
		return v.passes(e)
	}
	return false
}

// wantsDropped reports whether a packet is to be written that was dropped and has
// crossed no interface that is captured.
func (v *view) wantsDropped(e podnet.TraceEvent) bool {
	return (len(v.cfg.Interfaces) == 0 || v.matches(e)) && v.passes(e)
}

func (v *view) passes(e podnet.TraceEvent) bool { return v.cfg.Filter == nil || v.cfg.Filter(e) }

func (v *view) matches(e podnet.TraceEvent) bool {
	for _, p := range v.cfg.Interfaces {
		where, link, _ := strings.Cut(p, " ")
		a, _ := path.Match(where, placeOf(e))
		b, _ := path.Match(link, e.Interface)
		if a && b {
			return true
		}
	}
	return false
}

// placeOf returns the Pod or the node.
func placeOf(e podnet.TraceEvent) string {
	if e.Pod != "" {
		return e.Namespace + "/" + e.Pod
	}
	return e.Node
}

// keep makes a record, which waits.
func (v *view) keep(e podnet.TraceEvent) *record {
	r := &record{event: e}
	if e.Container != "" {
		r.comments = []string{"sent by " + e.Place()}
	}
	v.waiting = append(v.waiting, r)
	if len(v.waiting) > maxWaiting {
		v.out.write(v.waiting[0])
		v.waiting[0] = nil
		v.waiting = v.waiting[1:]
	}
	return r
}

// comment says something about the packet of an event, where it was last seen. It
// returns that record, nil if there is none.
func (v *view) comment(e podnet.TraceEvent, text string) *record {
	src, dst := e.Src, e.Dst
	if e.Kind == podnet.TraceTranslated {
		src, dst = e.OldSrc, e.OldDst
	}
	for i := len(v.waiting) - 1; i >= 0; i-- {
		r := v.waiting[i]
		if r.event.Src == src && r.event.Dst == dst && r.event.Protocol == e.Protocol && samePacket(r.event.Packet, e.Packet) {
			r.comments = append(r.comments, text)
			return r
		}
	}
	return nil
}

// samePacket reports whether two packets are one, on its way through networks: the
// TTL and the header checksum may differ, and addresses, ports and checksums that
// are translated.
func samePacket(a, b []byte) bool {
	if len(a) != len(b) || len(a) < 20 || a[0] != b[0] {
		return false
	}
	n := 40
	if a[0]>>4 == 4 {
		if n = int(a[0]&15) * 4; !bytes.Equal(a[2:8], b[2:8]) { // length, identification, fragment
			return false
		}
	}
	n += 4 // the ports
	if len(a) < n {
		return true
	}
	a, b = a[n:], b[n:]
	if len(a) > 12 { // TCP's numbers, length and flags
		return bytes.Equal(a[:10], b[:10]) && bytes.Equal(a[14:], b[14:])
	}
	return true
}

// end writes what waits.
func (v *view) end() error {
	for _, r := range v.waiting {
		v.out.write(r)
	}
	v.waiting = nil
	return v.out.end(v.lost)
}
