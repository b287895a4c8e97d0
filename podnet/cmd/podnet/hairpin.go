package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"podnet.dev/podnet"
)

// text is something that a container is told: a variable's value or a word of
// its command.
type text struct {
	field string
	name  string // of the variable; empty for a word
	value string
}

// checkHairpins finds containers that are told to reach their own Pod through a
// Service, or that reach it when they mean the Service: one finding for each
// container and Service.
func (n *network) checkHairpins() {
	for _, p := range n.pods {
		if p.spec.HostNetwork { // it is reached at its node's address
			continue
		}
		for _, s := range n.services {
			for _, c := range members(p.spec) {
				n.checkHairpin(p, s, c)
			}
		}
	}
}

func (n *network) checkHairpin(p source, s service, c member) {
	for _, t := range n.texts(p, c) {
		use, ok := s.usedIn(t, p.namespace())
		if !ok {
			continue
		}
		if use.host == p.hostname() {
			if n.checkOwnName(p, s, c, t, use) {
				return
			}
			continue
		}
		if s.headless || !s.selects(p) {
			continue
		}
		port := s.portOf(use.port)
		if port == nil {
			continue // there is nothing that would come back
		}
		target, ok := port.targetOf(p)
		if !ok {
			continue // checkTarget tells of it
		}
		local := "localhost:" + fmt.Sprint(target)
		message := fmt.Sprintf("%s reaches port %s of Service %s by %s, and the Service selects this very Pod: the connection goes out of the Pod, through kube-proxy's translation on the node, and back into the same Pod, whose server sees the node's address as its client.",
			c.Name, port, s.name, use.text)
		fix := fmt.Sprintf("Write %s: containers of a Pod share localhost.", local)
		if p.replicas > 1 {
			message = fmt.Sprintf("%s reaches port %s of Service %s by %s, and the Service selects this very Pod among %d replicas: one connection in %d goes out of the Pod, through kube-proxy's translation on the node, and back into the same Pod, whose server sees the node's address as its client; the others go to other replicas.",
				c.Name, port, s.name, use.text, p.replicas, p.replicas)
			fix = fmt.Sprintf("If its own Pod is meant, write %s: containers of a Pod share localhost.", local)
		}
		n.report(severityWarning, p.file, identify(p.given()), t.where(p), message, fix)
		return
	}
}

// checkOwnName tells of a container that means a Service by a name that is its
// Pod's hostname, which /etc/hosts has. It does not if the Pod serves that port.
func (n *network) checkOwnName(p source, s service, c member, t text, use use) bool {
	port := s.portOf(use.port)
	if port == nil || slices.ContainsFunc(portPlan(p.spec, n.images), func(u portUse) bool { return int32(u.Port) == port.port && !u.unused }) {
		return false
	}
	fix := fmt.Sprintf("Write %s.%s, or give the Pod another name.", s.name, s.namespace)
	if s.selects(p) {
		target, ok := port.targetOf(p)
		if ok && target == port.port {
			return false
		}
		if ok {
			fix = fmt.Sprintf("Write localhost:%d: containers of a Pod share localhost.", target)
		}
	}
	n.report(severityWarning, p.file, identify(p.given()), t.where(p),
		fmt.Sprintf("%s means Service %s by %s, but %s is also the Pod's hostname: its /etc/hosts has the Pod's own address for it, and no connection gets to the Service.", c.Name, s.name, use.text, s.name), fix)
	return true
}

// where is the field of a text, which may be in a ConfigMap.
func (t text) where(p source) string {
	if strings.HasPrefix(t.field, "spec.") {
		return p.field(t.field)
	}
	return t.field
}

// texts returns what a container is told, with the variables in it that the
// manifests give.
func (n *network) texts(p source, c member) []text {
	var list []text
	values := make(map[string]string)
	configMap := func(name string) (podnet.ConfigMapSpec, bool) {
		m, ok := n.configMaps[identity{"ConfigMap", p.namespace(), name}]
		return m, ok
	}
	for i, e := range c.EnvFrom {
		if e.ConfigMapRef == nil {
			continue
		}
		m, _ := configMap(e.ConfigMapRef.Name)
		for _, key := range sortedKeys(m.Data) {
			values[e.Prefix+key] = m.Data[key]
			list = append(list, text{fmt.Sprintf("%s.envFrom[%d]", c.field, i), e.Prefix + key, m.Data[key]})
		}
	}
	for i, e := range c.Env {
		value := expand(e.Value, values)
		if from := e.ValueFrom; from != nil {
			value = ""
			if ref := from.ConfigMapKeyRef; ref != nil {
				m, _ := configMap(ref.Name)
				value = m.Data[ref.Key]
			}
		}
		values[e.Name] = value
		list = append(list, text{fmt.Sprintf("%s.env[%d]", c.field, i), e.Name, value})
	}
	for _, w := range []struct {
		field string
		words []string
	}{{"command", c.Command}, {"args", c.Args}} {
		for i, word := range w.words {
			list = append(list, text{field: fmt.Sprintf("%s.%s[%d]", c.field, w.field, i), value: expand(word, values)})
		}
	}
	return list
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// reference matches a variable as Kubernetes and as a shell have it.
var reference = regexp.MustCompile(`\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)`)

// expand puts in the variables that are known. Others stay.
func expand(value string, values map[string]string) string {
	return reference.ReplaceAllStringFunc(value, func(ref string) string {
		if v, ok := values[strings.Trim(ref, "${()}")]; ok {
			return v
		}
		return ref
	})
}

// use is how a text names a Service.
type use struct {
	text string // "http://web:8080"; without a user and password
	host string // the name in it; empty for a variable
	port int32  // 0 if it says none
}

// usedIn finds the Service in what a container of a namespace is told, as the
// host of a connection.
func (s service) usedIn(t text, namespace string) (use, bool) {
	for _, name := range s.hostNames(namespace) {
		if u, ok := findHost(t, name); ok {
			u.host = name
			return u, true
		}
	}
	if namespace == s.namespace {
		variable := strings.ToUpper(strings.ReplaceAll(s.name, "-", "_")) + "_SERVICE_HOST"
		for _, m := range reference.FindAllString(t.value, -1) {
			if strings.Trim(m, "${()}") == variable {
				return use{text: m}, true
			}
		}
	}
	return use{}, false
}

// hostNames are the names under which a Pod of a namespace finds the Service,
// the longest first.
func (s service) hostNames(namespace string) []string {
	names := []string{s.name + "." + s.namespace + ".svc.cluster.local", s.name + "." + s.namespace + ".svc", s.name + "." + s.namespace}
	if namespace == s.namespace {
		names = append(names, s.name)
	}
	return names
}

// findHost finds a name where a text means a host by it.
func findHost(t text, name string) (use, bool) {
	for at := 0; ; {
		i := strings.Index(t.value[at:], name)
		if i < 0 {
			return use{}, false
		}
		start, end := at+i, at+i+len(name)
		at = start + 1
		if start > 0 && isNameByte(t.value[start-1]) || end < len(t.value) && isNameByte(t.value[end]) && t.value[end] != '.' {
			continue // a part of a longer name
		}
		if end < len(t.value) && t.value[end] == '.' { // of the root, or of a longer name
			if end++; end < len(t.value) && isNameByte(t.value[end]) {
				continue
			}
		}
		if u, ok := hostAt(t, start, end, name); ok {
			return u, true
		}
	}
}

// hostAt reports whether the name in a text from start to end is a host's.
func hostAt(t text, start, end int, name string) (use, bool) {
	before, after := t.value[:start], t.value[end:]
	scheme := schemeBefore(before)
	port, hasPort := portAfter(after)
	u := use{text: t.value[start:end], port: port}
	if hasPort {
		u.text = t.value[start : end+1+len(strconv.Itoa(int(port)))]
	}
	if scheme != "" {
		u.text = scheme + "://" + u.text
		u.port = cmp.Or(port, defaultPorts[scheme])
	}
	switch {
	case scheme == "" && strings.HasSuffix(before, "/"): // a part of a path
		return use{}, false
	case scheme != "", hasPort:
		return u, true
	case t.name != "":
		return u, before == "" && after == "" && (strings.Contains(name, ".") || namesHost(t.name))
	}
	return clientOf(before, after, u)
}

// defaultPorts are those of URLs without one.
var defaultPorts = map[string]int32{"http": 80, "https": 443, "ws": 80, "wss": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379, "amqp": 5672, "mongodb": 27017, "nats": 4222}

// schemeBefore returns the scheme of a URL whose host comes next.
func schemeBefore(text string) string {
	i := strings.LastIndex(text, "://")
	if i < 0 {
		return ""
	}
	if user := text[i+3:]; user != "" && (!strings.HasSuffix(user, "@") || strings.ContainsAny(user, "/ \t\n\"'")) {
		return ""
	}
	scheme := text[:i]
	return scheme[strings.LastIndexFunc(scheme, func(r rune) bool { return r > '~' || !isNameByte(byte(r)) && r != '+' })+1:]
}

// portAfter returns the port that ":8080" says, and false if there is none.
func portAfter(text string) (int32, bool) {
	digits, ok := strings.CutPrefix(text, ":")
	if !ok {
		return 0, false
	}
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return int32(n), err == nil && n > 0 && len(strconv.FormatUint(n, 10)) == len(digits)
}

// namesHost reports whether a variable's name says that its value is a host.
func namesHost(variable string) bool {
	v := strings.ToUpper(variable)
	for _, word := range []string{"HOST", "HOSTNAME", "ADDR", "ADDRESS", "SERVER", "ENDPOINT", "URL", "UPSTREAM", "BACKEND", "TARGET"} {
		if v == word || strings.HasSuffix(v, "_"+word) {
			return true
		}
	}
	return false
}

// clients are commands whose argument is a host, with the port that they connect
// to if none is given; nc is given one in the next word.
var clients = map[string]int32{"curl": 80, "wget": 80, "nc": 0}

// keywords of a shell come before a command.
var keywords = []string{"!", "do", "elif", "else", "exec", "if", "then", "time", "until", "while", "{"}

// optionWithValue matches options of clients whose value is the next word.
var optionWithValue = regexp.MustCompile(`^-\w*[AdeHimoOTuUwX]$|^--(output|header|data|request|user|max-time|timeout)$`)

// clientOf reports whether a word without scheme and port is the host that a
// command of a script connects to.
func clientOf(before, after string, u use) (use, bool) {
	line := before[strings.LastIndexAny(before, "\n;|&(`")+1:]
	words := strings.Fields(line)
	for len(words) > 0 && slices.Contains(keywords, words[0]) {
		words = words[1:]
	}
	if len(words) == 0 || !strings.HasSuffix(line, " ") || optionWithValue.MatchString(words[len(words)-1]) {
		return use{}, false
	}
	port, ok := clients[words[0]]
	if !ok {
		return use{}, false
	}
	if words[0] == "nc" {
		rest := strings.Fields(after)
		if len(rest) == 0 || !strings.HasPrefix(after, " ") {
			return use{}, false
		}
		n, err := strconv.ParseUint(rest[0], 10, 16)
		u.port, u.text = int32(n), u.text+" "+rest[0]
		return u, err == nil && n > 0
	}
	u.port = port
	return u, after == "" || strings.ContainsRune(" \n/;|&?", rune(after[0]))
}

func isNameByte(b byte) bool {
	return b == '-' || b == '_' || b == '.' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// portOf returns the Service's port of a number, or its only one if the number
// is 0; nil if there is none such.
func (s service) portOf(number int32) *servicePort {
	for i, p := range s.ports {
		if p.port == number || number == 0 && len(s.ports) == 1 {
			return &s.ports[i]
		}
	}
	return nil
}
