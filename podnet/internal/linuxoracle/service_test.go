package linuxoracle_test

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// web returns a Service with these Pods as its endpoints.
func web(endpoints ...string) service {
	return service{name: "web", port: "http", clusterIP: "10.96.1.10", number: 80, target: 8080, endpoints: endpoints}
}

const webAddress = "10.96.1.10:80"

var serviceScenarios = []scenario{
	{name: "a Pod reaches a Service of another Pod", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.serve(web("b"))
		s.visit("a", webAddress)
	}},
	{name: "a Pod reaches a Service of another node's Pod", run: func(s *stage) {
		s.listen("c", ":8080", false)
		s.serve(web("c"))
		s.visit("a", webAddress)
	}},
	{name: "a Pod reaches itself through its Service", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.listen("c", ":8080", false)
		s.serve(web("a"))
		s.visit("a", webAddress)
		s.serve(web("c"))
		s.visit("c", webAddress)
	}},
	{name: "a Service leads to a Pod that listens on localhost only", run: func(s *stage) {
		s.listen("a", "127.0.0.1:8080", false)
		s.serve(web("a"))
		s.visit("a", webAddress)
		s.visit("b", webAddress)
		s.visit("c", webAddress)
	}},
	{name: "a Service leads to a Pod where nobody listens", run: func(s *stage) {
		s.serve(web("b"))
		s.visit("a", webAddress)
		s.visit("b", webAddress)
		s.visit("node-1", webAddress)
	}},
	{name: "a Service has no endpoints", run: func(s *stage) {
		s.serve(web())
		s.visit("a", webAddress)
		s.visit("node-1", webAddress)
		s.visit("c", webAddress)
	}},
	{name: "a Service with local policy has no local endpoints", run: func(s *stage) {
		s.listen("b", ":8080", false)
		local := web("b")
		local.internalLocal = true
		s.serve(local)
		s.together(visits("a", webAddress), visits("node-1", webAddress), visits("c", webAddress), visits("node-2", webAddress))
	}},
	{name: "a Service is dialled at a port that it does not have", needs: silentRouter, run: otherPort},
	{name: "a Service is dialled at a port that it does not have, and the router says so", needs: answeringRouter, run: otherPort},
	{name: "a node reaches Services", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.listen("c", ":8080", false)
		s.serve(web("a"))
		s.visit("node-1", webAddress)
		s.visit("node-2", webAddress)
		s.serve(web("c"))
		s.visit("node-1", webAddress)
	}},
	{name: "the world reaches a Service through a node", run: func(s *stage) {
		s.listen("a", ":8080", false)
		s.serve(web("a"))
		s.ip("router", "route add 10.96.0.0/16 via 172.18.0.3")
		s.visit("router", webAddress)
	}},
	{name: "a Service spreads connections over its endpoints", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.listen("c", ":8080", false)
		s.serve(web("b", "c"))
		b, c := s.count("a", webAddress, 60)
		s.Note("both are met", b > 0 && c > 0 && b+c == 60)
	}},
	{name: "a Service with affinity keeps to one endpoint", run: func(s *stage) {
		s.listen("b", ":8080", false)
		s.listen("c", ":8080", false)
		sticky := web("b", "c")
		sticky.affinity = true
		s.serve(sticky)
		b, c := s.count("a", webAddress, 20)
		s.Note("one is met", b*c == 0 && b+c == 20)
	}},
	{name: "a connection outlives its Service", run: func(s *stage) {
		s.echoTCP("b", ":8080")
		s.serve(web("b"))
		c := s.dial("a dials", "a", "tcp", webAddress, dialer{})
		s.line(c, "with endpoint b")
		s.serve(web("c"))
		s.line(c, "with endpoint c")
		s.serve(web())
		s.line(c, "without endpoints")
		s.serve()
		s.line(c, "without a Service")
	}},
	{name: "an endpoint's Pod is gone", run: func(s *stage) {
		s.serve(web("b"))
		s.Must(s.net.stop("b"))
		s.visit("a", webAddress)
		s.visit("a", "10.244.0.3:8080")
	}},
}

func otherPort(s *stage) {
	s.listen("b", ":8080", false)
	s.serve(web("b"))
	s.together(
		visits("a", "10.96.1.10:8080"), visits("node-1", "10.96.1.10:81"), visits("a", "10.96.1.99:80"),
		asks("a", webAddress), // UDP to a TCP Service
	)
}

// count dials n times and returns how often b and c answered.
func (s *stage) count(from, address string, n int) (b, c int) {
	for range n {
		conn := s.dial(from+" dials", from, "tcp", address, dialer{})
		if conn == nil {
			return b, c
		}
		line, err := io.ReadAll(conn)
		s.Must(err)
		conn.Close()
		switch {
		case strings.HasPrefix(string(line), "b "):
			b++
		case strings.HasPrefix(string(line), "c "):
			c++
		}
	}
	return b, c
}

// line sends a line to an echo server and notes what comes back.
func (s *stage) line(c interface {
	io.ReadWriter
	SetDeadline(time.Time) error
}, text string) {
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(c, text)
	b := make([]byte, len(text))
	_, err := io.ReadFull(c, b)
	if err != nil {
		s.Note(text, err)
		return
	}
	s.Note("echo", string(b))
}
