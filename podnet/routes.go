package podnet

import (
	"errors"
	"net"
	"net/netip"

	"podnet.dev/podnet/internal/iproute"
)

// Route is a route of a Pod, as `ip route` shows it.
type Route struct {
	Type    string       // "" is unicast; blackhole, unreachable or prohibit
	Dst     netip.Prefix // 0.0.0.0/0 or ::/0 is the default route
	Gateway netip.Addr   // not valid: Dst is on the link
	Dev     string       // the interface
	Src     netip.Addr   // the source that sockets get; not valid: the interface's address
	Metric  int          // smaller wins
	Proto   string       // who made the route: kernel, boot, static…; "" is boot
	Scope   string       // of IPv4: link, host…; "" is global
	OnLink  bool         // Gateway is on the link, whatever the other routes say
}

// router is where a network namespace has its routes, if they can change.
type router interface {
	Routes() []iproute.Route
	ChangeRoutes(func([]iproute.Route) ([]iproute.Route, error)) error
}

// routing returns what ip route needs to know of the Pod, and where to change it:
// nil if its routes are those that follow from its addresses.
func (c *Container) routing() (*iproute.Namespace, router) {
	s := c.sandbox()
	if s == nil {
		return &iproute.Namespace{}, nil
	}
	ns, r := s.routing()
	ns.UID = uint32(c.UID())
	return ns, r
}

func (s *sandbox) routing() (*iproute.Namespace, router) {
	ns := new(iproute.Namespace)
	for _, l := range s.interfaces() {
		ns.Links = append(ns.Links, iproute.Link{Name: l.Name, Up: l.Flags&net.FlagUp != 0, Addrs: l.Addrs})
	}
	r, ok := any(s.net).(router)
	if ok {
		ns.Routes = r.Routes()
		return ns, r
	}
	ns.Routes = fixedRoutes(ns.Links)
	return ns, nil
}

// fixedRoutes are the routes that follow from the links' addresses: a Pod's
// default route leads to the first address of its subnet.
func fixedRoutes(links []iproute.Link) []iproute.Route {
	var routes []iproute.Route
	for _, l := range links {
		for _, a := range l.Addrs {
			if a.Addr().IsLoopback() || a.Addr().IsLinkLocalUnicast() || a.IsSingleIP() {
				continue
			}
			onLink := iproute.Route{Dst: a.Masked(), Dev: l.Name, Proto: "kernel", Scope: "link", Src: a.Addr()}
			all := iproute.Route{Dst: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Gateway: a.Masked().Addr().Next(), Dev: l.Name}
			if a.Addr().Is6() {
				onLink = iproute.Route{Dst: a.Masked(), Dev: l.Name, Proto: "kernel", Metric: 256}
				all.Dst, all.Metric = netip.PrefixFrom(netip.IPv6Unspecified(), 0), 1024
			}
			routes = append(routes, all, onLink)
		}
	}
	return iproute.Sorted(routes)
}

// Routes returns the routes of the container's Pod, IPv4's first, in the order of
// ip route. There are none while the Pod has no sandbox.
func (c *Container) Routes() []Route {
	ns, _ := c.routing()
	var routes []Route
	for _, r := range iproute.Sorted(ns.Routes) {
		routes = append(routes, Route(r))
	}
	return routes
}

// IPRoute does what `ip route args` does in the container; the first argument may
// be -4 or -6, as in front of route. It returns what the command prints. What it
// says when it fails is a [*CommandError]. [ErrNotRunning] if the container has
// no process.
//
// Texts are those of iproute2 6.1. There is the table main; a route has one next
// hop. Where routes cannot be changed, trying so is "Operation not permitted".
func (c *Container) IPRoute(args ...string) (output string, err error) {
	if _, err := c.running(); err != nil {
		return "", err
	}
	ns, r := c.routing()
	if r == nil {
		ns.ReadOnly = true
		_, output, err = ns.Command(args...)
		return output, routeError(err)
	}
	err = r.ChangeRoutes(func(routes []iproute.Route) ([]iproute.Route, error) {
		ns.Routes = routes
		routes, output, err = ns.Command(args...)
		return routes, err
	})
	return output, routeError(err)
}

func routeError(err error) error {
	var e *iproute.Error
	if errors.As(err, &e) {
		return &CommandError{e.Text, e.Code}
	}
	return err
}
