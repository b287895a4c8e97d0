package main

import (
	"cmp"
	"fmt"
	"slices"

	"podnet.dev/podnet"
)

// portUse is a port that a container of a Pod will listen on, as far as can be
// told without running it.
type portUse struct {
	Port      uint16          `json:"port"`
	Protocol  podnet.Protocol `json:"protocol"`
	Name      string          `json:"name,omitempty"`
	Container string          `json:"container"`
	Source    string          `json:"source"` // declared, argument, variable or image default
	Note      string          `json:"note,omitempty"`

	member member
	order  int    // of member in the Pod
	field  string // that tells of it
	unused bool   // declared, but the image is known to listen elsewhere
	text   string // of an argument or a variable
}

// The values of portUse.Source.
const (
	sourceDeclared = "declared"
	sourceArgument = "argument"
	sourceVariable = "variable"
	sourceImage    = "image default"
)

// socketKey is what only one container of a Pod can have.
type socketKey struct {
	port     uint16
	protocol podnet.Protocol
}

func (u portUse) key() socketKey { return socketKey{u.Port, u.Protocol} }

// String names the port as `kubectl describe` does.
func (k socketKey) String() string { return fmt.Sprintf("%d/%s", k.port, k.protocol) }

// portPlan returns the ports of a Pod by number, and in the order of the
// containers for one number. Of a port that a container declares twice it has
// the first.
func portPlan(spec podnet.PodSpec, images imageSet) []portUse {
	var plan []portUse
	for i, c := range members(spec) {
		defaults := images.defaults(c.ContainerSpec).Ports
		listens := make(map[socketKey]bool)
		for _, p := range defaults {
			listens[socketKey{p.Number, p.Protocol}] = true
		}
		declared := make(map[socketKey]bool)
		for j, p := range c.Ports {
			use := portUse{
				Port: p.ContainerPort, Protocol: cmp.Or(p.Protocol, podnet.ProtocolTCP), Name: p.Name, Container: c.Name,
				Source: sourceDeclared, member: c, order: i, field: fmt.Sprintf("%s.ports[%d]", c.field, j),
			}
			if declared[use.key()] {
				continue
			}
			declared[use.key()] = true
			if len(defaults) > 0 && !listens[use.key()] {
				use.unused, use.Note = true, "nothing listens: image "+c.Image+" uses other ports"
			}
			plan = append(plan, use)
		}
		for _, p := range claims(c) {
			use := portUse{
				Port: p.port, Protocol: podnet.ProtocolTCP, Container: c.Name,
				Source: p.source, member: c, order: i, field: p.field, text: p.text,
			}
			if !declared[use.key()] {
				declared[use.key()] = true
				plan = append(plan, use)
			}
		}
		for _, p := range defaults {
			use := portUse{
				Port: p.Number, Protocol: p.Protocol, Container: c.Name,
				Source: sourceImage, member: c, order: i, field: c.field + ".image",
			}
			if !declared[use.key()] {
				plan = append(plan, use)
			}
		}
	}
	slices.SortStableFunc(plan, func(a, b portUse) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.order, b.order))
	})
	noteClashes(plan)
	return plan
}

// noteClashes marks in a sorted plan the ports that more than one container
// wants at a time.
func noteClashes(plan []portUse) {
	for i, w := range clashes(plan) {
		plan[i].Note = "clash: " + plan[w].Container + " gets the port"
		plan[w].Note = "clash: gets the port"
	}
}

// clashes returns, by the index in a sorted plan of each port that is not to be
// had, the index of the one that has it. The first container is started first,
// and so gets the port unless it is slow to listen. An init container that is no
// sidecar gives its ports back before another container is started.
func clashes(plan []portUse) map[int]int {
	found := make(map[int]int)
	winners := make(map[socketKey]int)
	for i, u := range plan {
		if u.unused {
			continue
		}
		if w, ok := winners[u.key()]; ok {
			found[i] = w
		} else if !u.member.endsBeforeOthers() {
			winners[u.key()] = i
		}
	}
	return found
}

// checkClashes finds ports that more than one container wants.
func (a *analysis) checkClashes() {
	lost := clashes(a.ports)
	for i, u := range a.ports {
		winner, ok := lost[i]
		if !ok {
			continue
		}
		w := a.ports[winner]
		severity := severityError
		if u.text != "" || w.text != "" { // a guess at what the words mean
			severity = severityWarning
		}
		a.add(severity, u.field,
			fmt.Sprintf(`%s and %s both listen on port %s, and containers of a Pod share their ports. %s is started first and so gets it, unless it is slow; %s then gets "bind: address already in use" and %s.`,
				a.declarer(w), a.declarer(u), u.key(), w.Container, u.Container, a.failing(u.member)),
			fmt.Sprintf("Let %s listen on another port, or put it in a Pod of its own.", u.Container))
	}
}

// declarer names the container of u and what says that it uses the port.
func (a *analysis) declarer(u portUse) string {
	switch u.Source {
	case sourceImage:
		return fmt.Sprintf("%s (image %s does so by default)", u.Container, u.member.Image)
	case sourceArgument, sourceVariable:
		return fmt.Sprintf("%s (by %s)", u.Container, u.text)
	}
	return fmt.Sprintf("%s (declared in %s)", u.Container, a.pod.field(u.field))
}

// checkPorts finds declarations of ports that say something else than happens.
func (a *analysis) checkPorts() {
	named := make(map[string]string) // port name to container
	for _, c := range members(a.pod.spec) {
		first := make(map[socketKey]int)
		for j, p := range c.Ports {
			field := fmt.Sprintf("%s.ports[%d]", c.field, j)
			key := socketKey{p.ContainerPort, cmp.Or(p.Protocol, podnet.ProtocolTCP)}
			if k, ok := first[key]; ok {
				a.add(severityWarning, field, fmt.Sprintf("%s declares port %s twice; ports[%d] is the first.", c.Name, key, k), "Remove one of the two.")
			} else {
				first[key] = j
			}
			if p.Name == "" {
				continue
			}
			if other, ok := named[p.Name]; ok {
				a.add(severityWarning, field+".name", fmt.Sprintf("%s and %s both name a port %q: what looks a port up by this name, as Services and probes do, finds the one of %s.", other, c.Name, p.Name, other),
					"Give the ports different names.")
			} else {
				named[p.Name] = c.Name
			}
		}
	}
	for _, u := range a.ports {
		if u.unused {
			a.add(severityWarning, u.field, fmt.Sprintf("%s declares port %s, but image %s does not listen there: containerPort configures nothing.", u.Container, u.key(), u.member.Image),
				"Declare the port that the image listens on.")
		}
	}
}
