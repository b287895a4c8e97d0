package podnet

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"podnet.dev/podnet/internal/kubelet"
)

// Event is what `kubectl get events` shows: something that happened to a Pod or
// to a [Chaos], in Kubernetes' words or Chaos Mesh's.
type Event struct {
	Type      string // Normal or Warning
	Reason    string // Started, BackOff, Failed…
	Message   string
	Namespace string // of the Pod or chaos
	Pod       string // empty if the event is about a chaos
	Object    string // that chaos: networkchaos/slow; empty if the event is about a Pod
	FieldPath string // of the container, spec.containers{app} or spec.initContainers{proxy}; empty if the event is about the Pod
	Source    string // kubelet, default-scheduler or chaos-mesh; podnet for what no cluster tells

	// Count is how often the same event happened, from FirstTime to LastTime.
	// [Config].OnEvent is called every time, with the count so far.
	Count     int
	FirstTime time.Time
	LastTime  time.Time
}

// eventLog keeps the events of a Pod or chaos. Unlike the API server it forgets none
// after an hour, and unlike client-go's recorder it holds none back.
type eventLog struct {
	mu    sync.Mutex       // guards what follows
	list  []Event          // by FirstTime
	index map[eventKey]int // of list; nil while that is short, as most are
}

// eventKey is what makes two events the same.
type eventKey struct{ typ, reason, message, fieldPath string }

func (e Event) key() eventKey { return eventKey{e.Type, e.Reason, e.Message, e.FieldPath} }

// shortEventLog is how many events are looked through one by one.
const shortEventLog = 32

// find returns where the list has an event like e. mu must be held.
func (l *eventLog) find(e Event) (at int, ok bool) {
	if l.index == nil {
		at = slices.IndexFunc(l.list, func(have Event) bool { return have.key() == e.key() })
		return at, at >= 0
	}
	at, ok = l.index[e.key()]
	return at, ok
}

// add appends an event. mu must be held.
func (l *eventLog) add(e Event) {
	l.list = append(l.list, e)
	switch {
	case l.index != nil:
		l.index[e.key()] = len(l.list) - 1
	case len(l.list) > shortEventLog:
		l.index = make(map[eventKey]int, len(l.list))
		for i, have := range l.list {
			l.index[have.key()] = i
		}
	}
}

// record counts e and returns it with its count.
func (l *eventLog) record(e Event) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.find(e); ok {
		have := &l.list[at]
		have.Count++
		have.LastTime = e.LastTime
		return *have
	}
	e.Count, e.FirstTime = 1, e.LastTime
	l.add(e)
	return e
}

func (l *eventLog) all() []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Event(nil), l.list...)
}

// emit records an event of the Pod and tells the cluster's OnEvent.
func (p *Pod) emit(e kubelet.Event) {
	recorded := p.events.record(Event{
		Type: e.Type, Reason: e.Reason, Message: e.Message, FieldPath: e.FieldPath,
		Namespace: p.spec.Namespace, Pod: p.spec.Name, Source: cmp.Or(e.Source, "kubelet"), LastTime: e.Time,
	})
	p.publish(PodUpdate{Event: &recorded})
	if f := p.cluster.config.OnEvent; f != nil {
		f(recorded)
	}
}
