package dns

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolver looks up names as package net's Go resolver does on Linux, with
// files and sockets that are given to it. It reads the files at each look-up,
// where net looks every 5 seconds whether they have changed, and does not
// merge look-ups of the same name. Its methods are net.Resolver's, with the
// same errors. Fill it in before use, then do not copy it.
type Resolver struct {
	// Dial opens a connection to a name server.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Hosts returns /etc/hosts, ResolvConf /etc/resolv.conf; "" if there is
	// none. Hosts may be nil.
	Hosts, ResolvConf func() string
	// Source returns the address that packets to another would come from, the
	// zero Addr for none; it decides the order of addresses. It may be nil.
	Source func(netip.Addr) netip.Addr
	// Hostname is the machine's name; its domain is searched if resolv.conf
	// has no search list.
	Hostname string
	// Seed decides the numbers of queries and the order of SRV records.
	Seed uint64

	mu       sync.Mutex // guards what follows
	random   *rand.Rand
	rotation int // servers passed over with the option rotate
}

// draw returns a generator for one look-up, of a seed of its own.
func (r *Resolver) draw() *rand.Rand {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.random == nil {
		r.random = rand.New(rand.NewPCG(r.Seed, 0))
	}
	return rand.New(rand.NewPCG(r.random.Uint64(), r.random.Uint64()))
}

func (r *Resolver) config() clientConfig {
	return parseResolvConf(r.ResolvConf(), r.Hostname)
}

func (r *Resolver) asker(conf clientConfig, kind dnsmessage.Type) *asker {
	a := &asker{dial: r.Dial, conf: conf, kind: kind, random: r.draw(), sent: func() {}}
	if conf.rotate {
		r.mu.Lock()
		a.offset = r.rotation
		r.rotation = (r.rotation + 1) % len(conf.servers)
		r.mu.Unlock()
	}
	return a
}

func (r *Resolver) hosts() string {
	if r.Hosts == nil {
		return ""
	}
	return r.Hosts()
}

// lookup asks for records of a type, for each name of the search list until
// there are some. The parser is at the first of them.
func (r *Resolver) lookup(ctx context.Context, name string, kind dnsmessage.Type) (p dnsmessage.Parser, server string, err error) {
	if !IsName(name) {
		return p, "", newError(ErrNoSuchHost, name, "")
	}
	conf := r.config()
	for _, full := range conf.names(name) {
		p, server, err = r.asker(conf, kind).ask(ctx, full)
		if err == nil {
			return p, server, nil
		}
	}
	if e, ok := err.(*net.DNSError); ok {
		e.Name = name // as it was asked for
	}
	return p, "", err
}

// addresses looks up the addresses of a name, and its canonical name. network
// is ip, ip4 or ip6, or CNAME for a name that may have no addresses.
func (r *Resolver) addresses(ctx context.Context, network, name string) (addrs []net.IPAddr, canonical string, err error) {
	if found, canonical := lookupHosts(r.hosts(), name); len(found) > 0 {
		for _, a := range found {
			addrs = append(addrs, toIPAddr(a))
		}
		sortAddrs(addrs, r.Source)
		return addrs, canonical, nil
	}
	if !IsName(name) {
		return nil, "", newError(ErrNoSuchHost, name, "")
	}
	kinds := []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	switch network {
	case "CNAME":
		kinds = append(kinds, dnsmessage.TypeCNAME)
	case "ip4":
		kinds = kinds[:1]
	case "ip6":
		kinds = kinds[1:]
	}
	conf := r.config()
	var lastErr error
	for _, full := range conf.names(name) {
		for _, a := range r.askAll(ctx, conf, full, kinds) {
			if a.err == nil {
				more, cname, err := addressesOf(a.parser)
				addrs = append(addrs, more...)
				if canonical == "" {
					canonical = cname
				}
				if err != nil {
					lastErr = &net.DNSError{Err: err.Error(), Name: name, Server: a.server}
				}
			} else if lastErr == nil || full == name+"." { // the one about the name itself counts
				lastErr = a.err
			}
		}
		if len(addrs) > 0 || network == "CNAME" && canonical != "" {
			break
		}
	}
	if e, ok := lastErr.(*net.DNSError); ok {
		e.Name = name
	}
	sortAddrs(addrs, r.Source)
	if len(addrs) == 0 && !(network == "CNAME" && canonical != "") && lastErr != nil {
		return nil, "", lastErr
	}
	return addrs, canonical, nil
}

// answer is what came of asking for one type of records.
type answer struct {
	parser dnsmessage.Parser
	server string
	err    error
}

// askAll asks for several types of records at once, or one after the other. The
// queries are sent in the order of kinds, so that in a
// bubble on one processor they always are the same packets.
func (r *Resolver) askAll(ctx context.Context, conf clientConfig, name string, kinds []dnsmessage.Type) []answer {
	list := make([]answer, len(kinds))
	var all sync.WaitGroup
	var after <-chan struct{}
	for i, kind := range kinds {
		a := r.asker(conf, kind) // here, so that the draw does not depend on who comes first
		sent := make(chan struct{})
		a.after, a.sent = after, sync.OnceFunc(func() { close(sent) })
		after = sent
		ask := func() { list[i].parser, list[i].server, list[i].err = a.ask(ctx, name) }
		if conf.single || len(kinds) == 1 {
			ask()
		} else {
			all.Go(ask)
		}
	}
	all.Wait()
	return list
}

// addressesOf reads the addresses of an answer, and the first name that has
// one or that an alias stands for.
func addressesOf(p dnsmessage.Parser) (addrs []net.IPAddr, canonical string, err error) {
	for {
		h, err := p.AnswerHeader()
		if err == dnsmessage.ErrSectionDone {
			return addrs, canonical, nil
		}
		if err != nil {
			return addrs, canonical, errCannotUnmarshal
		}
		name := h.Name.String()
		switch h.Type {
		case dnsmessage.TypeA:
			var a dnsmessage.AResource
			if a, err = p.AResource(); err == nil {
				addrs = append(addrs, net.IPAddr{IP: a.A[:]})
			}
		case dnsmessage.TypeAAAA:
			var a dnsmessage.AAAAResource
			if a, err = p.AAAAResource(); err == nil {
				addrs = append(addrs, net.IPAddr{IP: a.AAAA[:]})
			}
		case dnsmessage.TypeCNAME:
			var c dnsmessage.CNAMEResource
			c, err = p.CNAMEResource()
			name = c.CNAME.String()
		default:
			err, name = p.SkipAnswer(), ""
		}
		if err != nil {
			return addrs, canonical, errCannotUnmarshal
		}
		if canonical == "" {
			canonical = name
		}
	}
}
