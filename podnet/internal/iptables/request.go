package iptables

import (
	"fmt"
	"strings"
)

// request is a command as it was read.
type request struct {
	command byte // the letter: A, D, C, I, R, L, S, F, Z, N, X, E, P, V or h
	zero    bool // -Z beside -L or -S
	table   string
	chain   string // "" is all, where that is possible
	newName string // of -E
	policy  string
	number  int // of a rule, 0 if there is none
	rule    *Rule
	sources []addressMatch // of which each pair is a rule of its own
	dests   []addressMatch
	jump    string

	numeric, exact, lineNumbers bool
	verbose                     int
	options                     []byte // the letters of those given, in no order
}

// reader reads a request.
type reader struct {
	family Family
	args   arguments
	req    *request
	all    []*loaded // the extensions, in the order they came
	target *loaded
	invert bool
}

// chain names may have as many bytes.
const maxChain = 28

// read reads the words of a command for a table, unless they name another.
func read(f Family, table string, words []string) (*request, error) {
	r := &reader{
		family: f, args: arguments{words: words},
		req: &request{table: table, rule: &Rule{counters: new(Counters)}},
	}
	for {
		w, done := r.args.next(r.all)
		if done {
			break
		}
		if w.fault == unknownOption && r.loadProtocol() {
			// The protocol's own match may know it.
			w = r.args.long(w.raw, r.all)
		}
		if err := r.word(w); err != nil {
			return nil, err
		}
		if r.req.command == 'V' || r.req.command == 'h' {
			return r.req, nil
		}
	}
	return r.req, r.finish()
}

// word takes one word.
func (r *reader) word(w word) error {
	switch {
	case w.fault == unknownOption:
		return bad("unknown option \"%s\"", w.raw)
	case w.fault == missingArgument:
		return bad("option \"%s\" requires an argument", w.raw)
	case w.option != nil:
		return r.extended(w)
	case w.letter == 0 && w.plain == "!":
		if r.invert {
			return bad("multiple consecutive ! not allowed")
		}
		r.invert = true
		return nil
	case w.letter == 0:
		return &badArgument{w.plain}
	}
	if strings.IndexByte("ADCIRLSFZNXEPVh", w.letter) >= 0 {
		return r.commandLetter(w)
	}
	return r.optionLetter(w)
}

// extended takes an option of an extension.
func (r *reader) extended(w word) error {
	args := []string{w.value}
	if w.option.args == 2 {
		second, ok := r.args.optional()
		if !ok {
			return bad("--%s requires two args.", w.option.name)
		}
		args = append(args, second)
	}
	invert := r.invert
	r.invert = false
	return use(w.ext, r.req.rule, w.given, w.option, invert, args)
}

// loadProtocol adds the match of the rule's protocol, if it has one that is not
// there yet.
func (r *reader) loadProtocol() bool {
	rule := r.req.rule
	var m match
	switch rule.protocol {
	case protoTCP, protoUDP, protoICMP, protoICMPv6:
		m = newMatch(protocolName(rule.protocol), r.family)
	}
	if m == nil {
		return false
	}
	for _, have := range rule.matches {
		if have.extension() == m.extension() {
			return false
		}
	}
	r.load(m)
	return true
}

func (r *reader) load(m match) {
	r.req.rule.matches = append(r.req.rule.matches, m)
	r.all = append(r.all, &loaded{ext: m})
}

func (r *reader) commandLetter(w word) error {
	q := r.req
	if r.invert && w.letter != 'V' && w.letter != 'h' {
		return bad("unexpected '!' flag")
	}
	switch {
	case w.letter == 'Z' && (q.command == 'L' || q.command == 'S'):
		q.zero = true
	case (w.letter == 'L' || w.letter == 'S') && q.command == 'Z':
		q.zero, q.command = true, w.letter
	case w.letter == 'V' || w.letter == 'h':
		q.command = w.letter
		return nil
	case q.command != 0:
		return bad("Cannot use -%c with -%c", w.letter, q.command)
	default:
		q.command = w.letter
	}
	chain := w.value
	if !w.own {
		chain, _ = r.args.optional()
	}
	q.chain = chain
	switch w.letter {
	case 'I', 'D', 'L', 'S', 'Z', 'R':
		if chain == "" {
			break
		}
		number, ok := r.args.optional()
		if !ok {
			if w.letter == 'R' {
				return bad("-R requires a rule number")
			}
			if w.letter == 'I' {
				q.number = 1
			}
			break
		}
		n, ok := parseNumber(number, 1<<31-1)
		if !ok || n == 0 {
			return bad("Invalid rule number `%s'", number)
		}
		q.number = int(n)
	case 'N':
		return checkNewName(chain, r.family)
	case 'E':
		name, ok := r.args.optional()
		if !ok {
			return bad("-E requires old-chain-name and new-chain-name")
		}
		q.newName = name
	case 'P':
		policy, ok := r.args.optional()
		if !ok {
			return bad("-P requires a chain and a policy")
		}
		q.policy = policy
	}
	return nil
}

// checkNewName says what is wrong with the name of a chain to be.
func checkNewName(name string, f Family) error {
	switch {
	case strings.HasPrefix(name, "-") || strings.HasPrefix(name, "!"):
		return bad("chain name not allowed to start with `%c'", name[0])
	case name == "" || newTarget(name, f) != nil || otherTarget(name):
		return bad("chain name may not clash with target name")
	case strings.ContainsAny(name, " \t\n\v\f\r"):
		return bad("Invalid chain name `%s'", name)
	}
	return nil
}

// once notes a letter and refuses it the second time.
func (r *reader) once(letter byte, mayInvert bool) error {
	for _, have := range r.req.options {
		if have == letter {
			return bad("multiple -%c flags not allowed", letter)
		}
	}
	r.req.options = append(r.req.options, letter)
	if r.invert && !mayInvert {
		return bad("cannot have ! before -%c", letter)
	}
	return nil
}

func (r *reader) optionLetter(w word) (err error) {
	q, rule := r.req, r.req.rule
	switch w.letter {
	case 's', 'd', 'p', 'i', 'o', 'f':
		if w.letter == 'f' && r.family == IPv6 {
			return bad("`-f' is not supported in IPv6, use -m frag instead")
		}
		if err = r.once(w.letter, true); err != nil {
			return err
		}
	case 'j', 'g':
		if err = r.once('j', false); err != nil {
			return err
		}
	case 'n', 'x', '0', 'c':
		if err = r.once(w.letter, false); err != nil {
			return err
		}
	case 'm', 't':
		if r.invert {
			return bad("unexpected ! flag before --%s", map[byte]string{'m': "match", 't': "table"}[w.letter])
		}
	}
	invert := r.invert
	r.invert = false
	switch w.letter {
	case 's':
		q.sources, err = parseAddresses(r.family, w.value)
		rule.src.invert = invert
	case 'd':
		q.dests, err = parseAddresses(r.family, w.value)
		rule.dst.invert = invert
	case 'i':
		rule.in.invert = invert
		rule.in.name, err = parseInterface(w.value)
	case 'o':
		rule.out.invert = invert
		rule.out.name, err = parseInterface(w.value)
	case 'p':
		rule.notProtocol = invert
		rule.protocol, err = parseProtocol(w.value)
		if err == nil && rule.protocol == 0 && invert {
			err = bad("rule would never match protocol")
		}
	case 'f':
		rule.fragment = laterPart
		if invert {
			rule.fragment = firstPart
		}
	case 'j':
		err = r.jump(w.value)
	case 'g':
		q.jump, rule.isGoto = w.value, true
	case 'm':
		m := newMatch(w.value, r.family)
		if m == nil {
			return noMatch(w.value, r.family)
		}
		r.load(m)
	case 't':
		q.table = w.value
	case 'c':
		err = r.counters(w.value)
	case 'n':
		q.numeric = true
	case 'x':
		q.exact = true
	case '0':
		q.lineNumbers = true
	case 'v':
		if q.verbose == 0 {
			q.options = append(q.options, 'v')
		}
		q.verbose++
	case 'w', 'W':
		value := w.value
		if !w.own {
			value, _ = r.args.optional()
		}
		if _, ok := parseNumber(value, 1<<31-1); !ok && value != "" && w.letter == 'w' {
			err = bad("wait seconds not numeric")
		}
	case '4', '6':
		if (w.letter == '6') != (r.family == IPv6) {
			err = &wrongFamily{}
		}
	}
	return err
}

// jump takes -j.
func (r *reader) jump(name string) error {
	switch {
	case name == "":
		return bad("Invalid target name (too short)")
	case len(name) > maxChain:
		return bad("Invalid target name `%s' (%d chars max)", name, maxChain)
	case strings.ContainsAny(name, " \t\n\v\f\r"):
		return bad("Invalid target name `%s'", name)
	}
	r.req.jump = name
	if t := newTarget(name, r.family); t != nil {
		r.req.rule.target = *t
		r.target = &loaded{ext: &reading{&r.req.rule.target, r.family}}
		r.all = append(r.all, r.target)
	}
	return nil
}

// counters takes -c PACKETS BYTES or -c PACKETS,BYTES.
func (r *reader) counters(packets string) error {
	packets, bytes, ok := strings.Cut(packets, ",")
	if !ok {
		if bytes, ok = r.args.optional(); !ok {
			return bad("-c requires packet and byte counter")
		}
	}
	p, ok := parseNumber(packets, 1<<64-1)
	if !ok {
		return bad("-c packet counter not numeric")
	}
	b, ok := parseNumber(bytes, 1<<64-1)
	if !ok {
		return bad("-c byte counter not numeric")
	}
	r.req.rule.counters = newCounters(p, b)
	return nil
}

// forbidden are the options that a command does not take.
var forbidden = map[byte]string{
	'A': "nx0", 'I': "nx0", 'R': "nx0", 'D': "nx0c", 'C': "nx0c", 'L': "sdpjiocf", 'S': "nsdpjxio0cf",
	'F': "nsdpjxio0cf", 'Z': "nsdpjxio0cf", 'N': "nsdpjxio0cf", 'X': "nsdpjxio0cf", 'E': "nsdpjxio0cf", 'P': "nsdpjxio0f",
}

// finish checks the request as a whole.
func (r *reader) finish() error {
	q, rule := r.req, r.req.rule
	for _, l := range r.all {
		if l == r.target {
			continue
		}
		if err := r.check(l); err != nil {
			return err
		}
	}
	if r.target != nil {
		if err := r.check(r.target); err != nil {
			return err
		}
	}
	switch {
	case len(r.args.words) > 0:
		return bad("unknown arguments found on commandline")
	case q.command == 0:
		return bad("no command specified")
	case r.invert:
		return bad("nothing appropriate following !")
	case (len(q.sources) > 1 && rule.src.invert) || (len(q.dests) > 1 && rule.dst.invert) ||
		(len(q.sources) > 1 || len(q.dests) > 1) && (rule.src.invert || rule.dst.invert):
		return bad("! not allowed with multiple source or destination IP addresses")
	case q.command == 'R' && (len(q.sources) > 1 || len(q.dests) > 1):
		return bad("Replacement rule does not specify a unique address")
	}
	not := forbidden[q.command]
	if q.command == 'D' && q.number != 0 {
		not = "nsdpjxio0cf"
	}
	if q.command == 'L' && q.verbose == 0 {
		not = strings.Replace(not, "x", "", 1)
	}
	for _, letter := range "nsdpjvxio0cf" {
		if strings.ContainsRune(not, letter) && strings.ContainsRune(string(q.options), letter) {
			return bad("Illegal option `-%c' with this command", letter)
		}
	}
	if len(q.chain) > maxChain {
		return bad("chain name `%s' too long (must be under %d chars)", q.chain, maxChain+1)
	}
	if strings.IndexByte("ADCIR", q.command) >= 0 {
		if rule.out.name != "" && (q.chain == "PREROUTING" || q.chain == "INPUT") {
			return bad("Can't use -o with %s\n", q.chain)
		}
		if rule.in.name != "" && (q.chain == "POSTROUTING" || q.chain == "OUTPUT") {
			return bad("Can't use -i with %s\n", q.chain)
		}
	}
	if q.table == NAT.String() && (q.jump == "DROP" || q.policy == "DROP") {
		return bad("\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n")
	}
	return nil
}

func (r *reader) check(l *loaded) error {
	if err := l.ext.check(r.req.rule, l.given); err != nil {
		return err
	}
	return checkOptions(l.ext, l.given)
}

// rules returns the rules that the request stands for, one for each pair of
// addresses.
func (q *request) rules(f Family) []*Rule {
	var all []*Rule
	for _, s := range orAny(q.sources) {
		for _, d := range orAny(q.dests) {
			n := *q.rule
			if len(q.sources) > 0 {
				n.src = addressMatch{s.value, s.mask, q.rule.src.invert}
			}
			if len(q.dests) > 0 {
				n.dst = addressMatch{d.value, d.mask, q.rule.dst.invert}
			}
			n.counters = newCounters(n.counters.Packets(), n.counters.Bytes())
			n.write(f)
			all = append(all, &n)
		}
	}
	return all
}

// orAny returns the addresses, or one that is never looked at.
func orAny(addresses []addressMatch) []addressMatch {
	if len(addresses) == 0 {
		return []addressMatch{{}}
	}
	return addresses
}

// otherMatches and otherTargets are extensions of Linux that podnet has not.
var otherMatches = strings.Fields(`ah bpf cgroup cluster connbytes connlabel connlimit connmark cpu dccp devgroup dscp dst ecn
	esp eui64 frag hashlimit hbh helper hl iprange ipv6header ipvs length limit mac mh nfacct osf physdev pkttype policy quota
	rateest realm recent rpfilter rt sctp set socket string tcpmss time tos ttl u32`)

var otherTargets = strings.Fields(`AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK DNPT DSCP ECN HL HMARK IDLETIMER LED
	LOG NETMAP NFLOG NFQUEUE RATEEST SECMARK SET SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG`)

func otherTarget(name string) bool {
	for _, t := range otherTargets {
		if t == name {
			return true
		}
	}
	return false
}

// noMatch is a match that there is not.
func noMatch(name string, f Family) error {
	text := fmt.Sprintf("Couldn't load match `%s':No such file or directory\n", name)
	for _, m := range otherMatches {
		if m == name {
			own := "icmp"
			if f == IPv6 {
				own = "icmp6"
			}
			text += "podnet has the matches addrtype, comment, conntrack, " + own + ", mark, multiport, owner, state, statistic, tcp and udp.\n"
		}
	}
	return bad("%s", text)
}

// noTarget is a target that there is not.
func noTarget(name string) error {
	text := fmt.Sprintf("Couldn't load target `%s':No such file or directory\n", name)
	if otherTarget(name) {
		text += "podnet has the targets ACCEPT, CT, DNAT, DROP, MARK, MASQUERADE, NOTRACK, REDIRECT, REJECT, RETURN and SNAT.\n"
	}
	return bad("%s", text)
}
