package dns

import (
	"fmt"
	"slices"
	"strings"
)

// Option is an option of a Pod's dnsConfig.
type Option struct {
	Name  string
	Value string // "" for an option without a value
}

// The limits of a Pod's resolv.conf (pkg/apis/core/validation). What is beyond
// them is left out.
const (
	maxNameservers = 3
	maxSearches    = 32
	maxSearchLine  = 2048 // bytes, with the spaces between
	maxSearch      = 253  // bytes; glibc 2.28 aborts at a longer one
)

// Append returns r with what a Pod's dnsConfig adds to it: nameservers and
// searches that it does not have, and options, which win over those it has.
func (r ResolvConf) Append(nameservers, searches []string, options []Option) ResolvConf {
	r.Nameservers = omitDuplicates(slices.Concat(r.Nameservers, nameservers))
	r.Search = omitDuplicates(slices.Concat(r.Search, searches))
	r.Options = mergeOptions(r.Options, options)
	return r
}

// Limit returns what of r fits in the limits, and warnings about the rest. They
// are the messages of the kubelet's events with the reason DNSConfigForming.
func (r ResolvConf) Limit() (fits ResolvConf, warnings []string) {
	if len(r.Nameservers) > maxNameservers {
		r.Nameservers = r.Nameservers[:maxNameservers]
		warnings = append(warnings, "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "+strings.Join(r.Nameservers, " "))
	}
	search := fitting(r.Search)
	if len(search) < len(r.Search) {
		warnings = append(warnings, "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "+strings.Join(search, " "))
	}
	r.Search = search
	return r, warnings
}

func fitting(searches []string) []string {
	var fit []string
	line := -1 // bytes; the first needs no space before it
	for _, s := range searches[:min(len(searches), maxSearches)] {
		if len(s) > maxSearch {
			continue
		}
		if line += 1 + len(s); line > maxSearchLine {
			break
		}
		fit = append(fit, s)
	}
	return fit
}

func omitDuplicates(list []string) []string {
	var once []string
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// mergeOptions puts options in the place of those of their names and the others
// at the end. (The kubelet's order is that of a Go map.)
func mergeOptions(have []string, more []Option) []string {
	merged := slices.Clone(have)
	for _, o := range more {
		text := o.Name
		if o.Value != "" {
			text = fmt.Sprintf("%s:%s", o.Name, o.Value)
		}
		i := slices.IndexFunc(merged, func(s string) bool {
			name, _, _ := strings.Cut(s, ":")
			return name == o.Name
		})
		if i >= 0 {
			merged[i] = text
		} else {
			merged = append(merged, text)
		}
	}
	return merged
}
