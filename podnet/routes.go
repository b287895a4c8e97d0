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

// routing returns what ip route needs to know of the namespace.
func (s *sandbox) routing() *iproute.Namespace {
	ns := &iproute.Namespace{Routes: s.net.Routes()}
	for _, l := range s.interfaces() {
		ns.Links = append(ns.Links, iproute.Link{Name: l.Name, Up: l.Flags&net.FlagUp != 0, Addrs: l.Addrs})
	}
	return ns
}

// Routes returns the routes of the container's Pod, IPv4's first, in the order of
// ip route. There are none while the Pod has no sandbox.
func (c *Container) Routes() []Route {
	s := c.sandbox()
	if s == nil {
		return nil
	}
	var routes []Route
	for _, r := range iproute.Sorted(s.net.Routes()) {
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
// hop. To change routes needs user 0 and [CapNetAdmin]: without, it is "Operation
// not permitted". Those of a Pod on the host network are its node's, for what the
// node's programs send.
func (c *Container) IPRoute(args ...string) (output string, err error) {
	p, err := c.running()
	if err != nil {
		return "", err
	}
	s := p.instance.sandbox
	ns := s.routing()
	ns.UID = uint32(p.uid)
	if !p.isNetAdmin() {
		ns.ReadOnly = true
		_, output, err = ns.Command(args...)
		return output, routeError(err)
	}
	err = s.net.ChangeRoutes(func(routes []iproute.Route) ([]iproute.Route, error) {
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
