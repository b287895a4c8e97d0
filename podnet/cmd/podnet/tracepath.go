package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"podnet.dev/podnet"
)

// connectionPath is the way of a connection's first packet and of the answer.
type connectionPath struct {
	From     string         `json:"from"`     // namespace/pod/container
	To       string         `json:"to"`       // as it was asked for
	Address  netip.AddrPort `json:"address"`  // to which it was sent
	Protocol string         `json:"protocol"` // tcp or udp
	Took     time.Duration  `json:"tookNanoseconds"`
	Error    string         `json:"error,omitempty"` // of connecting
	Hops     []hop          `json:"hops"`
}

// hop is what became of a packet at one place.
type hop struct {
	Answer    bool           `json:"answer"` // it is of the answer
	At        time.Duration  `json:"atNanoseconds"`
	Event     string         `json:"event"` // as podnet.TraceKind
	Place     string         `json:"place"` // namespace/pod or node
	Container string         `json:"container,omitempty"`
	Interface string         `json:"interface,omitempty"`
	Src       netip.AddrPort `json:"src"`
	Dst       netip.AddrPort `json:"dst"`
	Packet    string         `json:"packet"`
	Reason    string         `json:"reason,omitempty"`
	By        string         `json:"by,omitempty"`
}

// pathWatch finds the events of one connection among all.
type pathWatch struct {
	pod       *podnet.Pod
	container string
	to        netip.AddrPort
	protocol  string

	mu         sync.Mutex // guards what follows
	connection uint64     // 0 before its first packet
	events     []podnet.TraceEvent
	again      bool // the first packet was sent again
}

func (w *pathWatch) see(e podnet.TraceEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	begins := e.Kind == podnet.TraceSent || e.Kind == podnet.TraceDropped // by rules, before it is sent
	if w.connection == 0 && begins && e.Pod == w.pod.Name() && e.Namespace == w.pod.Namespace() && e.Container == w.container && e.Protocol == w.protocol {
		if e.Dst == w.to || e.Kind == podnet.TraceSent { // rules of the Pod may lead it elsewhere
			w.connection = e.Connection
		}
	}
	if w.connection == 0 || e.Connection != w.connection {
		return
	}
	if len(w.events) > 0 && e.Kind == podnet.TraceSent && e.Summary() == w.events[0].Summary() && e.Place() == w.events[0].Place() {
		w.again = true
	}
	if !w.again && opens(e) {
		w.events = append(w.events, e)
	}
}

// opens reports whether a packet belongs to the beginning of a connection.
func opens(e podnet.TraceEvent) bool {
	if e.Protocol != "tcp" {
		return true
	}
	s := e.Summary()
	return strings.Contains(s, " SYN") || strings.Contains(s, " RST")
}

// hops returns the way there and back.
func (w *pathWatch) hops() []hop {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []hop
	answer := false
	for _, e := range w.events {
		list = append(list, hopOf(e, answer, w.events[0].Time))
		if e.Kind == podnet.TraceDelivered || e.Kind == podnet.TraceDropped { // the end of a packet's way
			if answer {
				break
			}
			answer = true
		}
	}
	return list
}

func hopOf(e podnet.TraceEvent, answer bool, start time.Time) hop {
	place := e.Node
	if e.Pod != "" {
		place = e.Namespace + "/" + e.Pod
	}
	return hop{
		Answer: answer, At: e.Time.Sub(start), Event: string(e.Kind), Place: place, Container: e.Container, Interface: e.Interface,
		Src: e.Src, Dst: e.Dst, Packet: e.Summary(), Reason: e.Reason, By: e.By,
	}
}

// outcome says how it ended.
func (p *connectionPath) outcome() string {
	switch {
	case p.Error != "":
		return "failed after " + rounded(p.Took)
	case p.Protocol == "udp":
		return "answered after " + rounded(p.Took)
	}
	return "connected after " + rounded(p.Took)
}

func rounded(d time.Duration) string { return d.Round(time.Microsecond).String() }

func (p *connectionPath) writeText(w io.Writer) error {
	to := p.To
	if p.Address.String() != to {
		to += " (" + p.Address.String() + ")"
	}
	fmt.Fprintf(w, "%s to %s, %s: %s\n", p.From, to, p.Protocol, p.outcome())
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for i, h := range p.Hops {
		if i == 0 || h.Answer != p.Hops[i-1].Answer {
			t.Flush()
			fmt.Fprintf(w, "\n%s\n", map[bool]string{false: "there", true: "back"}[h.Answer])
		}
		where := h.Place
		if h.Container != "" {
			where += "/" + h.Container
		}
		fmt.Fprintf(t, "  +%s\t%s\t%s\t%s\t%s\n", rounded(h.At), where, h.Interface, h.Event, strings.TrimSpace(h.Packet+why(h)))
	}
	return t.Flush()
}

func why(h hop) string {
	text := ""
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	if h.By != "" {
		text += " (" + h.By + ")"
	}
	return text
}

func (p *connectionPath) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(p)
}

// writeMermaid draws an arrow wherever a packet goes from one place to another, and
// a note where something decides about it.
func (p *connectionPath) writeMermaid(w io.Writer) error {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	names := make(map[string]string)
	who := func(h hop) string {
		name := h.Place
		if h.Container != "" && h.Container != "pause" {
			name += "/" + h.Container
		}
		if names[name] == "" {
			names[name] = fmt.Sprintf("p%d", len(names)+1)
			fmt.Fprintf(&b, "    participant %s as %s\n", names[name], name)
		}
		return names[name]
	}
	for _, h := range p.Hops { // declared in the order of the way
		if h.Event != string(podnet.TraceReceived) {
			who(h)
		}
	}
	for i, h := range p.Hops {
		switch podnet.TraceKind(h.Event) {
		case podnet.TraceTranslated:
			fmt.Fprintf(&b, "    Note over %s: %s\n", who(h), mermaidText("becomes "+h.Packet+why(h)))
		case podnet.TraceDropped:
			fmt.Fprintf(&b, "    Note over %s: %s\n", who(h), mermaidText("dropped"+why(h)))
		case podnet.TraceSent, podnet.TraceForwarded:
			if next := p.next(i); next != nil {
				fmt.Fprintf(&b, "    %s->>%s: %s\n", who(h), who(*next), mermaidText(h.Interface+" "+h.Packet))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// next returns where a packet is that the i'th hop has sent: where something is done
// with it, after it has been received.
func (p *connectionPath) next(i int) *hop {
	for j := i + 1; j < len(p.Hops); j++ {
		if p.Hops[j].Event != string(podnet.TraceReceived) {
			return &p.Hops[j]
		}
	}
	return nil
}

// mermaidText is text that Mermaid does not take for its own.
func mermaidText(s string) string {
	return strings.NewReplacer(";", ",", "#", "", ">", "to", "\n", " ").Replace(s)
}
