package image

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
)

// hostname is hostname [-sifd]. -i is what the name resolves to.
func hostname(ctx context.Context, p *proc) int {
	set, names, ok := p.flags("sifd")
	if !ok {
		return 1
	}
	if len(names) > 0 {
		p.errorf("sethostname: Operation not permitted")
		return 1
	}
	name := p.Hostname()
	switch {
	case set['s']:
		name, _, _ = strings.Cut(name, ".")
	case set['i']:
		addrs, err := p.LookupHost(ctx, name)
		if err != nil {
			p.errorf("%s: Host name lookup failure", name)
			return 1
		}
		// As gethostbyname, and busybox with it: IPv4 if there is any.
		name = strings.Join(preferIPv4(addrs), " ")
	case set['f']:
		name = p.fqdn()
	case set['d']:
		_, name, _ = strings.Cut(p.fqdn(), ".")
	}
	fmt.Fprintln(p.out, name)
	return 0
}

func preferIPv4(addrs []string) []string {
	var v4 []string
	for _, a := range addrs {
		if ip, err := netip.ParseAddr(a); err == nil && ip.Is4() {
			v4 = append(v4, a)
		}
	}
	if v4 == nil {
		return addrs
	}
	return v4
}

// fqdn is the first name in /etc/hosts for the host's own.
func (p *proc) fqdn() string {
	data, err := p.FS().ReadFile("/etc/hosts")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			fields := strings.Fields(line)
			for _, name := range fields[min(1, len(fields)):] {
				if name == p.Hostname() {
					return fields[1]
				}
			}
		}
	}
	return p.Hostname()
}

// uname is uname [-asnrvm]. The release names podnet: there is no kernel.
func uname(_ context.Context, p *proc) int {
	set, names, ok := p.flags("asnrvmpo")
	if !ok {
		return 1
	}
	if len(names) > 0 {
		return p.usageError()
	}
	if len(set) == 0 {
		set['s'] = true
	}
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i686"}[runtime.GOARCH]
	if machine == "" {
		machine = runtime.GOARCH
	}
	parts := []struct {
		flag byte
		text string
	}{{'s', "Linux"}, {'n', p.Hostname()}, {'r', "6.18.0-podnet"}, {'v', "#1 SMP"}, {'m', machine}, {'o', "Linux"}}
	var out []string
	for _, part := range parts {
		if set['a'] || set[part.flag] {
			out = append(out, part.text)
		}
	}
	fmt.Fprintln(p.out, strings.Join(out, " "))
	return 0
}
