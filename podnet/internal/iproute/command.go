package iproute

import (
	"fmt"
	"net/netip"
	"slices"
)

// Command does what ip route does with the arguments behind it, of which -4 and
// -6 may be the first, and returns the routes that are left and what is printed.
// An error is an *Error; the routes are as before then.
func (n *Namespace) Command(args ...string) (routes []Route, output string, err error) {
	f := family(0)
	for len(args) > 0 && (args[0] == "-4" || args[0] == "-6") {
		f = family(args[0][1] - '0')
		args = args[1:]
	}
	verb := "list"
	if len(args) > 0 {
		verb, args = args[0], args[1:]
	}
	routes = n.Routes
	switch {
	case is(verb, "list") || is(verb, "show") || is(verb, "lst"):
		output, err = n.show(f, args)
	case is(verb, "add"):
		routes, err = n.change(f, args, (*Namespace).add)
	case is(verb, "change") || verb == "chg":
		routes, err = n.change(f, args, (*Namespace).modify)
	case is(verb, "replace"):
		routes, err = n.change(f, args, (*Namespace).replace)
	case is(verb, "prepend"):
		routes, err = n.change(f, args, (*Namespace).prepend)
	case is(verb, "append"):
		routes, err = n.change(f, args, (*Namespace).append)
	case is(verb, "delete"):
		routes, err = n.remove(f, args)
	case is(verb, "get"):
		output, err = n.get(f, args)
	case is(verb, "flush"):
		routes, err = n.flush(f, args)
	case is(verb, "help"):
		err = errUsage
	default:
		err = &Error{fmt.Sprintf("Command \"%s\" is unknown, try \"ip route help\".\n", verb), codeUsage}
	}
	if err != nil {
		return n.Routes, "", err
	}
	return routes, output, nil
}

var errUsage = &Error{`Usage: ip route { list | flush } SELECTOR
       ip route get [ from ADDRESS ] [ oif STRING ] ADDRESS
       ip route { add | del | change | append | replace } ROUTE
SELECTOR := [ root PREFIX ] [ match PREFIX ] [ exact PREFIX ]
            [ dev STRING ] [ via ADDRESS ] [ proto RTPROTO ] [ scope SCOPE ]
ROUTE := [ TYPE ] PREFIX [ via ADDRESS ] [ dev STRING ] [ src ADDRESS ]
         [ metric METRIC ] [ proto RTPROTO ] [ scope SCOPE ] [ onlink ]
TYPE := { unicast | unreachable | prohibit | blackhole }
`, codeUsage}

// toChange reads the arguments of what changes routes, if the process may do so.
func (n *Namespace) toChange(f family, args []string) (given, error) {
	if len(args) == 0 {
		return given{}, errUsage
	}
	g, err := parseRoute(f, args)
	switch {
	case err != nil:
		return given{}, err
	case g.Dev != "" && n.link(g.Dev) == nil:
		return given{}, noLink(g.Dev)
	case n.ReadOnly:
		return given{}, errNotPermitted
	}
	return g, nil
}

// change reads a route, completes it as the kernel does, and does something with
// it.
func (n *Namespace) change(f family, args []string, do func(*Namespace, Route) ([]Route, error)) ([]Route, error) {
	g, err := n.toChange(f, args)
	if err != nil {
		return nil, err
	}
	r := g.Route
	if r.Proto == "boot" {
		r.Proto = ""
	}
	if g.family == 6 {
		err = n.complete6(&r)
	} else {
		err = n.complete4(&r, g.scoped)
	}
	if err != nil {
		return nil, err
	}
	return do(n, r)
}

// complete4 checks an IPv4 route and fills in what was not said.
func (n *Namespace) complete4(r *Route, scoped bool) error {
	if r.Dst != r.Dst.Masked() {
		return errPrefix
	}
	if !scoped {
		r.Scope = ""
		if r.Type == "" && !r.Gateway.IsValid() {
			r.Scope = "link"
		}
	}
	if r.Scope == "global" {
		r.Scope = ""
	}
	switch {
	case scopeNumber(r.Scope) > scopes["host"]:
		return kernel("Invalid scope.")
	case r.Type != "" && (r.Dev != "" || r.Gateway.IsValid()):
		return kernel("Gateway, device and multipath can not be specified for this route type.")
	case r.Type != "":
	case r.Gateway.IsValid() && scopeNumber(r.Scope) == scopes["host"]:
		return kernel("Route with host scope can not have a gateway.")
	case r.Gateway.IsValid() && r.OnLink:
		if r.Dev == "" {
			return errOnLinkDevice
		}
		if !n.link(r.Dev).Up {
			return kernel("Nexthop device is not up.")
		}
	case r.Gateway.IsValid():
		// The way to a gateway must be narrower than the route.
		dev, ok := n.onLink(r.Gateway, r.Dev, max(scopeNumber(r.Scope)+1, scopes["link"]))
		if !ok {
			return errGateway
		}
		r.Dev = dev
	case r.Dev == "":
		return errNoDevice
	case !n.link(r.Dev).Up:
		return errDown
	}
	if r.Src.IsValid() && !n.local(r.Src) {
		return errPrefSrc
	}
	return nil
}

// complete6 checks an IPv6 route and fills in what was not said.
func (n *Namespace) complete6(r *Route) error {
	r.Dst = r.Dst.Masked()
	r.Scope = ""
	if r.Metric == 0 {
		r.Metric = defaultMetric6
	}
	switch {
	case r.Type != "":
		r.Dev, r.Gateway, r.OnLink = "", netip.Addr{}, false
	case r.Gateway.IsValid() && r.OnLink && r.Dev == "":
		return errOnLinkDevice
	case r.Gateway.IsValid() && r.Gateway.IsLinkLocalUnicast() && r.Dev == "":
		return errEgress
	case r.Gateway.IsValid() && (r.OnLink || r.Gateway.IsLinkLocalUnicast()):
	case r.Gateway.IsValid():
		if n.local(r.Gateway) {
			return kernel("Gateway can not be a local address.")
		}
		dev, ok := n.onLink(r.Gateway, r.Dev, 0)
		if !ok {
			return errNoHost
		}
		r.Dev = dev
	case r.Dev == "":
		return errNoDevice
	}
	if l := n.link(r.Dev); l != nil && !l.Up {
		return answers("Network is down")
	}
	if r.Src.IsValid() && !n.local(r.Src) {
		return errSource6
	}
	return nil
}

// onLink returns the interface by which a gateway is reached without another
// gateway, by a route of such a scope or a narrower one. If dev is not "" it must
// be that one.
func (n *Namespace) onLink(gateway netip.Addr, dev string, scope int) (string, bool) {
	r, ok := n.lookup(gateway, dev, func(r Route) bool { return !r.Gateway.IsValid() && scopeNumber(r.Scope) >= scope })
	return r.Dev, ok && r.Type == ""
}

// same reports whether two routes are in each other's way: one place, one metric.
func (r Route) same(o Route) bool { return r.Dst == o.Dst && r.Metric == o.Metric }

func (n *Namespace) find(r Route) int { return slices.IndexFunc(n.Routes, r.same) }

func (n *Namespace) add(r Route) ([]Route, error) {
	if n.find(r) >= 0 {
		return nil, errExists
	}
	return append(slices.Clone(n.Routes), r), nil
}

func (n *Namespace) modify(r Route) ([]Route, error) {
	i := n.find(r)
	if i < 0 {
		return nil, errNoFile
	}
	routes := slices.Clone(n.Routes)
	routes[i] = r
	return routes, nil
}

func (n *Namespace) replace(r Route) ([]Route, error) {
	if n.find(r) < 0 {
		return n.add(r)
	}
	return n.modify(r)
}

func (n *Namespace) append(r Route) ([]Route, error) {
	if slices.Contains(n.Routes, r) {
		return nil, errExists
	}
	if r.is6() && n.find(r) >= 0 {
		return nil, unsupported("nexthop")
	}
	return append(slices.Clone(n.Routes), r), nil
}

func (n *Namespace) prepend(r Route) ([]Route, error) {
	if slices.Contains(n.Routes, r) {
		return nil, errExists
	}
	if r.is6() && n.find(r) >= 0 {
		return nil, unsupported("nexthop")
	}
	return append([]Route{r}, n.Routes...), nil
}

// remove deletes the first route that is as the arguments say.
func (n *Namespace) remove(f family, args []string) ([]Route, error) {
	g, err := n.toChange(f, args)
	if err != nil {
		return nil, err
	}
	if g.family == 6 {
		g.Dst = g.Dst.Masked()
	} else if g.Dst != g.Dst.Masked() {
		return nil, errPrefix
	}
	best := -1
	for i, r := range n.Routes {
		if g.matches(r) && (best < 0 || r.Metric < n.Routes[best].Metric) {
			best = i
		}
	}
	if best < 0 {
		return nil, errNoProcess
	}
	return slices.Delete(slices.Clone(n.Routes), best, best+1), nil
}

// matches reports whether a route is the one to delete.
func (g given) matches(r Route) bool {
	return r.Dst == g.Dst && (!g.metric || g.Metric == 0 || r.Metric == g.Metric) &&
		(g.Type == "" || g.Type == r.Type) &&
		(!g.Gateway.IsValid() || g.Gateway == r.Gateway) &&
		(g.Dev == "" || g.Dev == r.Dev) &&
		(!g.Src.IsValid() || g.Src == r.Src) &&
		(!g.proto || g.Proto == r.proto()) &&
		(!g.scoped || g.family == 6 || g.Scope == r.scope())
}

func (r Route) proto() string {
	if r.Proto == "" {
		return "boot"
	}
	return r.Proto
}

func (r Route) scope() string {
	if r.Scope == "" {
		return "global"
	}
	return r.Scope
}
