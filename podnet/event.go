package podnet

import (
	"cmp"
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
	mu   sync.Mutex // guards list
	list []Event    // by FirstTime
}

// record counts e and returns it with its count.
func (l *eventLog) record(e Event) Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.list) - 1; i >= 0; i-- { // what happens again, happened lately
		if have := &l.list[i]; have.Reason == e.Reason && have.Message == e.Message && have.Type == e.Type && have.FieldPath == e.FieldPath {
			have.Count++
			have.LastTime = e.LastTime
			return *have
		}
	}
	e.Count, e.FirstTime = 1, e.LastTime
	l.list = append(l.list, e)
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
