package image

import (
	"context"
	be "encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"podnet.dev/podnet"
)

// tcpdump is tcpdump [-AlnqtXx] [-c count] [-i interface] [-s snaplen] [-w file]
// [expression], of tcpdump 4.99: names are never looked up, and with -w the file is
// pcap of raw IP packets. Without -i it is eth0.
func tcpdump(ctx context.Context, p *proc) int {
	d := &dumper{proc: p, link: "eth0", length: 262144}
	opts, operands, ok := p.options("+AXxlntqc:i:s:w:", nil)
	if !ok {
		return 1
	}
	for _, o := range opts {
		n, err := strconv.Atoi(o.value)
		switch o.name {
		case "A", "X", "x":
			d.dump = map[string]func([]byte) string{"A": asciiDump, "X": hexASCIIDump, "x": hexDump}[o.name]
		case "t":
			d.noTime = true
		case "q":
			d.quiet = true
		case "c":
			if err != nil || n <= 0 {
				p.errorf("invalid packet count %s", o.value)
				return 1
			}
			d.count = n
		case "s":
			if err != nil || n < 0 || n > d.length {
				p.errorf("invalid snaplen %s", o.value)
				return 1
			}
			if n > 0 {
				d.length = n
			}
		case "i":
			d.link = o.value
		case "w":
			d.file = o.value
		}
	}
	filter, err := podnet.ParseTraceFilter(strings.Join(operands, " "))
	if err != nil {
		p.errorf("%s", errors.Unwrap(err))
		return 1
	}
	if !d.hasLink() {
		p.errorf("%s: No such device exists\n(No such device exists)", d.link)
		return 1
	}
	return d.run(ctx, filter)
}

// dumper is a tcpdump that runs.
type dumper struct {
	*proc
	link          string // or "any"
	file          string // "" for text
	count, length int    // count 0: without end
	noTime, quiet bool
	dump          func([]byte) string // what follows the line of a packet; nil for nothing

	mu    sync.Mutex // guards what follows
	out   io.Writer
	seen  int
	err   error
	full  chan struct{} // closed when count is reached, or writing fails
	flows map[string]flow
}

func (d *dumper) hasLink() bool {
	for _, l := range d.Interfaces() {
		if l.Name == d.link {
			return true
		}
	}
	return d.link == "any"
}

func (d *dumper) run(ctx context.Context, filter func(podnet.TraceEvent) bool) int {
	d.out, d.full, d.flows = d.proc.out, make(chan struct{}), make(map[string]flow)
	if d.file != "" && d.file != "-" {
		f, err := d.FS().OpenFile(d.path(d.file), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
		if err != nil {
			d.errorf("%s: %s", d.file, strerror(err))
			return 1
		}
		defer f.Close()
		d.out = f
	}
	if d.file != "" {
		d.err = writePcapHeader(d.out, d.length)
	}
	stop, err := d.Trace(func(e podnet.TraceEvent) {
		crosses := e.Kind == podnet.TraceSent || e.Kind == podnet.TraceReceived || e.Kind == podnet.TraceForwarded
		if crosses && (d.link == "any" || e.Interface == d.link) && filter(e) {
			d.see(e)
		}
	})
	if err != nil {
		d.errorf("%s", err)
		return 1
	}
	fmt.Fprintf(d.proc.err, "tcpdump: %slistening on %s, link-type RAW (Raw IP), snapshot length %d bytes\n", map[bool]string{
		false: "verbose output suppressed, use -v[v]... for full protocol decode\n"}[d.file != ""], d.link, d.length)
	select {
	case <-ctx.Done():
	case <-d.full:
	}
	stop()
	ending := "s"
	if d.seen == 1 {
		ending = ""
	}
	fmt.Fprintf(d.proc.err, "%d packet%s captured\n%d packet%s received by filter\n0 packets dropped by kernel\n", d.seen, ending, d.seen, ending)
	if d.err != nil {
		d.errorf("%s: %s", d.file, strerror(d.err))
		return 1
	}
	return 0
}

// see writes a packet.
func (d *dumper) see(e podnet.TraceEvent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil || d.count > 0 && d.seen >= d.count {
		return
	}
	if d.file != "" {
		d.err = writePcapPacket(d.out, e, d.length)
	} else {
		text := d.line(e)
		if d.dump != nil {
			text += d.dump(e.Packet[:min(len(e.Packet), d.length)])
		}
		_, d.err = io.WriteString(d.out, text+"\n")
	}
	d.seen++
	if d.err != nil || d.seen == d.count {
		close(d.full)
	}
}

// line returns a packet as tcpdump prints it.
func (d *dumper) line(e podnet.TraceEvent) string {
	text := packetText(e, d.flows, d.quiet)
	if d.link == "any" {
		way := map[podnet.TraceKind]string{podnet.TraceReceived: "In "}[e.Kind]
		switch {
		case e.Interface == "lo":
			way = "In " // as libpcap, which keeps of the two sides of lo this one
		case way == "":
			way = "Out"
		}
		text = fmt.Sprintf("%-5s %s %s", e.Interface, way, text)
	}
	if d.noTime {
		return text
	}
	return e.Time.UTC().Format("15:04:05.000000 ") + text
}

func writePcapHeader(w io.Writer, length int) error {
	b := make([]byte, 24)
	be.LittleEndian.PutUint32(b, 0xa1b2c3d4)
	be.LittleEndian.PutUint16(b[4:], 2)
	be.LittleEndian.PutUint16(b[6:], 4)
	be.LittleEndian.PutUint32(b[16:], uint32(length))
	be.LittleEndian.PutUint32(b[20:], 101) // LINKTYPE_RAW
	_, err := w.Write(b)
	return err
}

func writePcapPacket(w io.Writer, e podnet.TraceEvent, length int) error {
	data := e.Packet[:min(len(e.Packet), length)]
	b := make([]byte, 16, 16+len(data))
	be.LittleEndian.PutUint32(b, uint32(e.Time.Unix()))
	be.LittleEndian.PutUint32(b[4:], uint32(e.Time.Nanosecond()/int(time.Microsecond)))
	be.LittleEndian.PutUint32(b[8:], uint32(len(data)))
	be.LittleEndian.PutUint32(b[12:], uint32(len(e.Packet)))
	_, err := w.Write(append(b, data...))
	return err
}
