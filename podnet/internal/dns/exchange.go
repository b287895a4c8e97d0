package dns

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxPacket is how large an answer over UDP may be, in bytes, as package net
// asks for it (dnsflagday.net).
const maxPacket = 1232

// asker asks the name servers of a configuration for one type of records.
type asker struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	conf   clientConfig
	kind   dnsmessage.Type
	random *rand.Rand // for the numbers of queries
	offset int        // of the first server

	after <-chan struct{} // nothing is sent before it is closed; nil for at once
	sent  func()          // called when the first query is sent, or will not be; again later
}

// ask asks the servers in turn for a full name until one knows about it. The
// parser is at the first answer of the type. The error is a *net.DNSError.
func (a *asker) ask(ctx context.Context, name string) (p dnsmessage.Parser, server string, err error) {
	defer a.sent()
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return p, "", &net.DNSError{Err: errCannotMarshal.Error(), Name: name}
	}
	q := dnsmessage.Question{Name: n, Type: a.kind, Class: dnsmessage.ClassINET}
	if a.after != nil {
		<-a.after
	}
	var lastErr error
	for range a.conf.attempts {
		for i := range a.conf.servers {
			server = a.conf.servers[(a.offset+i)%len(a.conf.servers)]
			p, h, err := a.exchange(ctx, server, q)
			if err != nil {
				e := newError(err, name, server)
				if _, ok := err.(*net.OpError); ok {
					e.IsTemporary = true
				}
				lastErr = e
				continue
			}
			if err = checkHeader(p, h); err == nil {
				err = skipTo(&p, a.kind)
			}
			switch err {
			case nil:
				return p, server, nil
			case ErrNoSuchHost: // the others would say the same
				return p, server, newError(err, name, server)
			}
			lastErr = newError(err, name, server)
		}
	}
	return p, "", lastErr
}

// exchange sends a query to a server and waits for its answer, which comes by
// TCP if UDP is too small for it. The parser is behind the question.
func (a *asker) exchange(ctx context.Context, server string, q dnsmessage.Question) (p dnsmessage.Parser, h dnsmessage.Header, err error) {
	id, msg, err := a.query(q)
	if err != nil {
		return p, h, errCannotMarshal
	}
	networks := []string{"udp", "tcp"}
	if a.conf.tcp {
		networks = networks[1:]
		a.sent() // the handshake may take its time
	}
	for _, network := range networks {
		if p, h, err = a.roundTrip(ctx, network, server, id, q, msg); err != nil {
			return p, h, err
		}
		if p.SkipQuestion() != dnsmessage.ErrSectionDone {
			return p, h, errInvalidResponse
		}
		if !h.Truncated || network == "tcp" {
			return p, h, nil
		}
	}
	return p, h, errNoAnswer
}

// query makes a message of a question.
func (a *asker) query(q dnsmessage.Question) (id uint16, msg []byte, err error) {
	id = uint16(a.random.Uint32())
	var opt dnsmessage.ResourceHeader
	if err = opt.SetEDNS0(maxPacket, dnsmessage.RCodeSuccess, false); err != nil {
		return 0, nil, err
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: id, RecursionDesired: true, AuthenticData: a.conf.trustAD},
		Questions:   []dnsmessage.Question{q},
		Additionals: []dnsmessage.Resource{{Header: opt, Body: &dnsmessage.OPTResource{}}},
	}
	msg, err = m.Pack()
	return id, msg, err
}

// roundTrip sends a message over a connection of its own and reads the answer.
// It gives up when the time for one try is over, and when ctx ends.
func (a *asker) roundTrip(ctx context.Context, network, server string, id uint16, q dnsmessage.Question, msg []byte) (p dnsmessage.Parser, h dnsmessage.Header, err error) {
	deadline := time.Now().Add(a.conf.timeout)
	dialing, cancel := context.WithDeadline(ctx, deadline)
	if d, ok := ctx.Deadline(); ok && over(ctx) {
		cancel()
		dialing, cancel = context.WithDeadline(context.Background(), d) // is over, even if ctx is about to find out
	}
	c, err := a.dial(dialing, network, server)
	cancel()
	if err != nil {
		return p, h, contextError(err)
	}
	defer c.Close()
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	c.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() {
		if ctx.Err() == context.Canceled {
			c.SetDeadline(time.Unix(1, 0)) // now; a context's own deadline is set already
		}
	})
	defer stop()
	if _, ok := c.(net.PacketConn); ok {
		p, h, err = a.packetTrip(c, id, q, msg)
	} else {
		p, h, err = streamTrip(c, id, q, msg)
	}
	if err != nil && ctx.Err() == context.Canceled {
		err = ctx.Err()
	}
	return p, h, contextError(err)
}

// packetTrip passes over what is no answer to the question: somebody may be
// forging one.
func (a *asker) packetTrip(c net.Conn, id uint16, q dnsmessage.Question, msg []byte) (p dnsmessage.Parser, h dnsmessage.Header, err error) {
	if _, err := c.Write(msg); err != nil {
		return p, h, err
	}
	a.sent()
	buf := make([]byte, maxPacket)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return p, h, err
		}
		if h, err = p.Start(buf[:n]); err != nil {
			continue
		}
		if got, err := p.Question(); err == nil && answers(h, got, id, q) {
			return p, h, nil
		}
	}
}

func streamTrip(c net.Conn, id uint16, q dnsmessage.Question, msg []byte) (p dnsmessage.Parser, h dnsmessage.Header, err error) {
	if err := writeStream(c, msg); err != nil {
		return p, h, err
	}
	answer, err := readStream(c)
	if err != nil {
		return p, h, err
	}
	if h, err = p.Start(answer); err != nil {
		return p, h, errCannotUnmarshal
	}
	got, err := p.Question()
	if err != nil {
		return p, h, errCannotUnmarshal
	}
	if !answers(h, got, id, q) {
		return p, h, errInvalidResponse
	}
	return p, h, nil
}

// answers reports whether a message is one to a question.
func answers(h dnsmessage.Header, got dnsmessage.Question, id uint16, q dnsmessage.Question) bool {
	return h.Response && h.ID == id && got.Type == q.Type && got.Class == q.Class && strings.EqualFold(got.Name.String(), q.Name.String())
}

// checkHeader reports what is wrong with an answer as such.
func checkHeader(p dnsmessage.Parser, h dnsmessage.Header) error {
	rcode, additional := extendedRCode(p, h)
	if rcode == dnsmessage.RCodeNameError {
		return ErrNoSuchHost
	}
	_, err := p.AnswerHeader()
	switch {
	case err != nil && err != dnsmessage.ErrSectionDone:
		return errCannotUnmarshal
	case rcode == dnsmessage.RCodeSuccess && !h.Authoritative && !h.RecursionAvailable && err != nil && !additional:
		return errLameReferral
	case rcode == dnsmessage.RCodeServerFailure:
		return errTemporarilyMisbehaving
	case rcode != dnsmessage.RCodeSuccess:
		return errMisbehaving
	}
	return nil
}

// extendedRCode returns the whole code of an answer, and whether there are
// additional records.
func extendedRCode(p dnsmessage.Parser, h dnsmessage.Header) (code dnsmessage.RCode, additional bool) {
	p.SkipAllAnswers()
	p.SkipAllAuthorities()
	for {
		r, err := p.AdditionalHeader()
		if err != nil {
			return h.RCode, additional
		}
		additional = true
		if r.Type == dnsmessage.TypeOPT {
			return r.ExtendedRCode(h.RCode), true
		}
		if p.SkipAdditional() != nil {
			return h.RCode, true
		}
	}
}

// skipTo goes on to the first answer of a type.
func skipTo(p *dnsmessage.Parser, t dnsmessage.Type) error {
	for {
		h, err := p.AnswerHeader()
		switch {
		case err == dnsmessage.ErrSectionDone:
			return ErrNoSuchHost
		case err != nil:
			return errCannotUnmarshal
		case h.Type == t:
			return nil
		}
		if p.SkipAnswer() != nil {
			return errCannotUnmarshal
		}
	}
}

// ErrNoSuchHost is the error of a Dial that knows without asking that a server
// would not know any name.
var ErrNoSuchHost = errors.New("no such host")

// Package net's other errors.
var (
	errLameReferral           = errors.New("lame referral")
	errCannotUnmarshal        = errors.New("cannot unmarshal DNS message")
	errCannotMarshal          = errors.New("cannot marshal DNS message")
	errMisbehaving            = errors.New("server misbehaving")
	errInvalidResponse        = errors.New("invalid DNS response")
	errNoAnswer               = errors.New("no answer from DNS server")
	errTemporarilyMisbehaving = errors.New("server misbehaving") // SERVFAIL
)

// newError makes the error of a look-up. Of other errors it wraps those of
// contexts alone, as package net does.
func newError(err error, name, server string) *net.DNSError {
	e := &net.DNSError{Err: err.Error(), Name: name, Server: server, IsNotFound: err == ErrNoSuchHost, IsTemporary: err == errTemporarilyMisbehaving}
	if n, ok := err.(interface {
		Timeout() bool
		Temporary() bool
	}); ok {
		e.IsTimeout, e.IsTemporary = n.Timeout(), n.Temporary()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		e.UnwrapErr = err
	}
	return e
}

// over reports whether a context has ended or is due to: its timer may come
// after another one of the same time.
func over(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(d)
}

// contextError gives a context's error net's words.
func contextError(err error) error {
	switch err {
	case context.Canceled:
		return canceled{}
	case context.DeadlineExceeded:
		return timedOut{}
	}
	return err
}

type canceled struct{}

func (canceled) Error() string        { return "operation was canceled" }
func (canceled) Is(target error) bool { return target == context.Canceled }

type timedOut struct{}

func (timedOut) Error() string        { return "i/o timeout" }
func (timedOut) Timeout() bool        { return true }
func (timedOut) Temporary() bool      { return true }
func (timedOut) Is(target error) bool { return target == context.DeadlineExceeded }
