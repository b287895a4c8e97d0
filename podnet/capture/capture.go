package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"

	"podnet.dev/podnet"
)

// Config says what to capture. The zero value is everything.
type Config struct {
	// Interfaces are patterns of path.Match for the interfaces to capture, as
	// [podnet.TraceEvent] has them: "default/web eth0", "default/web *",
	// "node-1 eth0", "*/* lo". Each packet is then written at every one of them,
	// coming and going, as tcpdump does.
	//
	// The default is all interfaces, but each packet once: where it is sent, and
	// once more where it has been translated. So Wireshark sees no packet twice
	// and calls none a retransmission that is none.
	Interfaces []string

	// Filter, if not nil, says which packets to write. See
	// [podnet.ParseTraceFilter] for expressions as tcpdump has them.
	Filter func(podnet.TraceEvent) bool

	// SnapLen is how much of a packet is written, in bytes; 0 for all of it.
	SnapLen int

	// MaxBytes ends the capture before the file becomes longer, in bytes; 0 for
	// no limit.
	MaxBytes int64

	// Ring keeps the last packets in memory, about so many bytes of them, and
	// writes them when the capture is stopped; 0 writes at once.
	Ring int64
}

func (cfg Config) check() error {
	for _, p := range cfg.Interfaces {
		where, link, ok := strings.Cut(p, " ")
		_, err1 := path.Match(where, "")
		_, err2 := path.Match(link, "")
		if !ok || err1 != nil || err2 != nil {
			return fmt.Errorf("capture: Config.Interfaces has the pattern %q: it must be like \"default/web eth0\", \"node-1 *\" or \"*/* lo\"", p)
		}
	}
	for name, n := range map[string]int64{"SnapLen": int64(cfg.SnapLen), "MaxBytes": cfg.MaxBytes, "Ring": cfg.Ring} {
		if n < 0 {
			return fmt.Errorf("capture: Config.%s is %d: it must not be negative", name, n)
		}
	}
	return nil
}

// A Capture is one that runs. Stop it.
type Capture struct {
	stopTrace func()
	closer    io.Closer // nil for none

	mu    sync.Mutex // guards what follows
	view  view
	ended bool
	err   error
}

// Start captures what happens in the cluster from now on, and writes it to w, which
// the Capture alone uses until Stop returns. It fails if the Config is wrong. If
// writing fails the capture ends, and Stop says why; the cluster goes on.
func Start(c *podnet.Cluster, w io.Writer, cfg Config) (*Capture, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	k := &Capture{view: view{cfg: cfg, out: newWriter(w, cfg)}}
	k.stopTrace = c.Trace(func(e podnet.TraceEvent) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.view.see(e)
	})
	return k, nil
}

// StartFile is Start for a file, which it makes or empties.
func StartFile(c *podnet.Cluster, name string, cfg Config) (*Capture, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	k, err := Start(c, f, cfg)
	if err != nil {
		f.Close()
		return nil, err
	}
	k.closer = f
	return k, nil
}

// Stop ends the capture, when all that has happened until now is written. It
// returns why something could not be written, if that was so. A second Stop returns
// what the first did. A capture must be stopped even if its cluster is closed.
func (k *Capture) Stop() error {
	k.stopTrace()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return k.err
	}
	k.ended = true
	k.err = k.view.end()
	if k.closer != nil {
		k.err = errors.Join(k.err, k.closer.Close())
	}
	if k.err != nil {
		k.err = fmt.Errorf("capture: after %d packets: %w", k.view.out.packets, k.err)
	}
	return k.err
}

// Stats is what has become of a capture.
type Stats struct {
	Packets int64  // written, or kept by the ring
	Bytes   int64  // of the file so far
	Full    bool   // MaxBytes is reached: the rest is not written
	Lost    uint64 // events that the capture did not keep up with
}

// Stats returns what has become of the capture until now. Some sixty packets wait to
// be written until it is known what becomes of them.
func (k *Capture) Stats() Stats {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Stats{Packets: k.view.out.packets, Bytes: k.view.out.size, Full: k.view.out.full, Lost: k.view.lost}
}
