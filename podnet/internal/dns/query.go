package dns

import (
	"encoding/binary"
	"sort"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Types that dnsmessage has no names for.
const (
	typeIXFR = dnsmessage.Type(251)
)

const (
	opQuery          = 0
	rcodeBadVersion  = dnsmessage.RCode(16)
	headerSize       = 12    // bytes
	minUDPSize       = 512   // bytes: what every client takes
	maxMessage       = 65535 // bytes
	maxQuery         = 4096  // bytes, over UDP; of a longer one the beginning is read, as CoreDNS does from 512 on
	maxAnswers       = 1     // of a query that is taken seriously
	maxAuthorities   = 1
	maxAdditionals   = 2
	ednsVersionShift = 16 // in the TTL of an OPT record
)

// query is a query that was understood.
type query struct {
	header   dnsmessage.Header
	question dnsmessage.Question
	name     string // of the question, in lower case
	edns     bool
	version  uint8 // of EDNS
	size     int   // bytes of answer that the client takes over UDP
}

// parseQuery reads a query. If it cannot be answered as asked, problem is the
// code to answer with; ok is false if it is to be passed over in silence.
func parseQuery(msg []byte) (q query, problem dnsmessage.RCode, ok bool) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil || h.Response {
		return q, 0, false
	}
	q.header, q.size = h, minUDPSize
	if h.OpCode != opQuery {
		return q, dnsmessage.RCodeNotImplemented, true
	}
	count := func(section int) int { return int(binary.BigEndian.Uint16(msg[4+2*section:])) }
	if count(0) != 1 || count(1) > maxAnswers || count(2) > maxAuthorities || count(3) > maxAdditionals {
		return q, dnsmessage.RCodeFormatError, true
	}
	q.question, err = p.Question()
	if err == nil {
		err = p.SkipAllQuestions()
	}
	if err == nil {
		err = p.SkipAllAnswers()
	}
	if err == nil {
		err = p.SkipAllAuthorities()
	}
	for err == nil {
		var h dnsmessage.ResourceHeader
		if h, err = p.AdditionalHeader(); err != nil {
			break
		}
		if h.Type == dnsmessage.TypeOPT {
			q.edns, q.version = true, uint8(h.TTL>>ednsVersionShift)
			q.size = max(minUDPSize, int(h.Class))
		}
		err = p.SkipAdditional()
	}
	if err != dnsmessage.ErrSectionDone {
		return q, dnsmessage.RCodeFormatError, true
	}
	q.name = strings.ToLower(q.question.Name.String())
	if q.version != 0 {
		return q, rcodeBadVersion, true
	}
	return q, dnsmessage.RCodeSuccess, true
}

// reply is what a query is answered with.
type reply struct {
	rcode         dnsmessage.RCode
	authoritative bool
	recursive     bool // somebody else was asked, or could be
	answers       []dnsmessage.Resource
	authorities   []dnsmessage.Resource
	additionals   []dnsmessage.Resource
}

// refused is the reply to what the server has nothing to do with.
func refused() reply { return reply{rcode: dnsmessage.RCodeRefused} }

// pack makes a message of at most size bytes out of a reply. Records that do
// not fit are left out, and the message says so.
func (r reply) pack(q query, size int) []byte {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: q.header.ID, Response: true, OpCode: q.header.OpCode, RecursionDesired: q.header.RecursionDesired, CheckingDisabled: q.header.CheckingDisabled,
			Authoritative: r.authoritative, RecursionAvailable: r.recursive, RCode: r.rcode & 0xf,
		},
		Authorities: r.authorities,
	}
	if q.name != "" {
		m.Questions = []dnsmessage.Question{q.question}
	}
	var opt []dnsmessage.Resource
	if q.edns {
		var h dnsmessage.ResourceHeader
		h.SetEDNS0(q.size, r.rcode, false)
		opt = append(opt, dnsmessage.Resource{Header: h, Body: &dnsmessage.OPTResource{}})
	}
	try := func(answers, additionals int) []byte {
		m.Answers = r.answers[:answers]
		m.Additionals = append(r.additionals[:additionals:additionals], opt...)
		msg, err := m.AppendPack(make([]byte, 0, min(size, minUDPSize)))
		if err != nil {
			// A name that is none, from outside.
			return reply{rcode: dnsmessage.RCodeServerFailure}.pack(q, size)
		}
		return msg
	}
	msg := try(len(r.answers), len(r.additionals))
	if len(msg) <= size {
		return msg
	}
	m.Header.Truncated = true
	const smallest = 12 // bytes of a record
	fit := func(most int, packed func(n int) []byte) int {
		most = min(most, size/smallest)
		return sort.Search(most, func(n int) bool { return len(packed(n+1)) > size })
	}
	answers := fit(len(r.answers), func(n int) []byte { return try(n, 0) })
	if answers < len(r.answers) {
		return try(answers, 0)
	}
	return try(answers, fit(len(r.additionals), func(n int) []byte { return try(answers, n) }))
}
