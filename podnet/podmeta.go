package podnet

import "maps"

// podMeta is what applying a Pod again may change: it decides who selects the
// Pod, and not what runs in it. The maps are never modified, but replaced.
type podMeta struct{ labels, annotations map[string]string }

// metaOf takes the meta out of a spec.
func metaOf(s *PodSpec) podMeta {
	m := podMeta{s.Labels, s.Annotations}
	s.Labels, s.Annotations = nil, nil
	return m
}

func (p *Pod) currentMeta() podMeta {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meta
}

// labels returns the Pod's labels as they are now. They must not be changed.
func (p *Pod) labels() map[string]string { return p.currentMeta().labels }

// setMeta gives the Pod other labels and annotations. Whoever selects by labels is
// told here.
func (p *Pod) setMeta(m podMeta) {
	p.mu.Lock()
	same := maps.Equal(p.meta.labels, m.labels) && maps.Equal(p.meta.annotations, m.annotations)
	p.meta = m
	if !same && p.sandbox != nil && !p.sandbox.host {
		p.enforcePolicies(p.sandbox)
	}
	p.mu.Unlock()
	if !same {
		p.cluster.services.relabelPod(p, m.labels)
		p.cluster.touch() // for volumes that show them
		p.cluster.mu.Lock()
		p.cluster.wakeWorkloads(p.spec.Namespace)
		p.cluster.mu.Unlock()
	}
}

// sameButMeta reports whether two specs say the same but for what may be changed.
func sameButMeta(a, b PodSpec) bool {
	metaOf(&a)
	metaOf(&b)
	return deepEqual(a, b)
}
