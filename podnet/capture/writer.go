package capture

import (
	"io"
	"slices"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"podnet.dev/podnet"
)

// writer writes records as pcapng.
type writer struct {
	w          io.Writer
	cfg        Config
	ng         *pcapgo.NgWriter // nil before the first packet
	interfaces map[string]int

	size    int64 // written, or soon to be
	packets int64
	full    bool
	err     error // what writing failed with

	ring      []*record
	ringBytes int64
}

func newWriter(w io.Writer, cfg Config) *writer {
	return &writer{w: w, cfg: cfg, interfaces: make(map[string]int)}
}

// write writes a record, or keeps it.
func (w *writer) write(r *record) {
	if w.err != nil || w.full {
		return
	}
	if w.cfg.Ring == 0 {
		w.put(r)
		return
	}
	w.ring = append(w.ring, r)
	w.ringBytes += r.size(w.cfg.SnapLen)
	w.packets++
	for len(w.ring) > 1 && w.ringBytes > w.cfg.Ring {
		w.ringBytes -= w.ring[0].size(w.cfg.SnapLen)
		w.packets--
		w.ring[0] = nil
		w.ring = w.ring[1:]
	}
}

// size is the length of the record's block, in bytes.
func (r *record) size(snapLen int) int64 {
	n := len(r.event.Packet)
	if snapLen > 0 {
		n = min(n, snapLen)
	}
	n = pad(n) + 32 + 8 + 4 // metadata, flags, end of options
	for _, c := range r.comments {
		n += 4 + pad(len(c))
	}
	return int64(n)
}

func pad(n int) int { return (n + 3) &^ 3 }

// put writes a record.
func (w *writer) put(r *record) {
	id, ok := w.interfaceOf(r)
	if !ok {
		return
	}
	if size := r.size(w.cfg.SnapLen); w.cfg.MaxBytes > 0 && w.size+size > w.cfg.MaxBytes {
		w.full = true
		return
	} else {
		w.size += size
	}
	data := r.event.Packet
	if !r.corrupt {
		data = withChecksum(data)
	}
	info := gopacket.CaptureInfo{Timestamp: r.event.Time, Length: len(data), InterfaceIndex: id}
	if w.cfg.SnapLen > 0 && len(data) > w.cfg.SnapLen {
		data = data[:w.cfg.SnapLen]
	}
	info.CaptureLength = len(data)
	w.err = w.ng.WritePacketWithOptions(info, data, pcapgo.NgPacketOptions{
		Comments: r.comments, Flags: &pcapgo.NgEpbFlags{Direction: direction(r.event)},
	})
	if w.err == nil {
		w.packets++
	}
}

func direction(e podnet.TraceEvent) pcapgo.NgEpbFlag {
	switch {
	case e.Interface == "lo" || e.Kind == podnet.TraceDropped:
		return pcapgo.NgEpbFlagDirectionUnknown
	case e.Kind == podnet.TraceReceived:
		return pcapgo.NgEpbFlagDirectionInbound
	}
	return pcapgo.NgEpbFlagDirectionOutbound
}

// interfaceOf returns the number of a record's interface, which it makes known. It
// fails if that cannot be written.
func (w *writer) interfaceOf(r *record) (int, bool) {
	name := strings.TrimSpace(placeOf(r.event) + " " + r.event.Interface)
	if id, ok := w.interfaces[name]; ok {
		return id, true
	}
	itf := pcapgo.NgInterface{Name: name, LinkType: layers.LinkTypeRaw, SnapLength: uint32(w.cfg.SnapLen), TimestampResolution: 9}
	if r.event.Pod != "" {
		itf.Description = "on " + r.event.Node
	}
	// The block's header, its options, and the section's before the first.
	size := int64(20 + 4 + pad(len(name)) + 4 + pad(len(itf.Description)) + 8 + 4)
	if w.ng == nil {
		size += 200
	}
	if w.cfg.MaxBytes > 0 && w.size+size > w.cfg.MaxBytes {
		w.full = true
		return 0, false
	}
	w.size += size
	id := 0
	if w.ng == nil {
		w.ng, w.err = pcapgo.NewNgWriterInterface(w.w, itf, writerOptions)
	} else {
		id, w.err = w.ng.AddInterface(itf)
	}
	if w.err != nil {
		return 0, false
	}
	w.interfaces[name] = id
	return id, true
}

var writerOptions = pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "podnet"}}

// end writes what is left, and returns what went wrong.
func (w *writer) end(lost uint64) error {
	if w.cfg.Ring > 0 {
		w.packets = 0
		for _, r := range slices.Clone(w.ring) {
			if w.err == nil && !w.full {
				w.put(r)
			}
		}
		w.ring = nil
	}
	if w.err == nil && w.ng == nil && !w.full { // a file without packets is one as well
		w.ng, w.err = pcapgo.NewNgWriterInterface(w.w, pcapgo.NgInterface{Name: "any", LinkType: layers.LinkTypeRaw, TimestampResolution: 9}, writerOptions)
	}
	if w.err == nil && w.ng != nil {
		w.err = w.ng.Flush()
	}
	return w.err
}
