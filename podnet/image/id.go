package image

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// accounts are the lines of /etc/passwd or /etc/group, by their fields.
type accounts [][]string

func (p *proc) accounts(file string) accounts {
	data, err := p.FS().ReadFile(file)
	if err != nil {
		return nil
	}
	var list accounts
	for line := range strings.Lines(string(data)) {
		if fields := strings.Split(strings.TrimSuffix(line, "\n"), ":"); len(fields) >= 4 {
			list = append(list, fields)
		}
	}
	return list
}

// name returns the name of an ID, or "".
func (a accounts) name(id int) string {
	for _, fields := range a {
		if fields[2] == strconv.Itoa(id) {
			return fields[0]
		}
	}
	return ""
}

// id is id [-ugGnr] [user]. A user has no groups but the first.
func id(_ context.Context, p *proc) int {
	set, names, ok := p.flags("ugGnr")
	if !ok {
		return 1
	}
	users, groups := p.accounts("/etc/passwd"), p.accounts("/etc/group")
	uid, gid := p.UID(), p.GID()
	if len(names) > 0 {
		found := false
		for _, fields := range users {
			if fields[0] == names[0] {
				uid, gid, found = atoi(fields[2]), atoi(fields[3]), true
			}
		}
		if !found {
			p.errorf("unknown user %s", names[0])
			return 1
		}
	}
	switch {
	case set['u']:
		return p.printID(uid, users, set['n'])
	case set['g'], set['G']:
		return p.printID(gid, groups, set['n'])
	}
	group := idAndName(gid, groups)
	fmt.Fprintf(p.out, "uid=%s gid=%s groups=%s\n", idAndName(uid, users), group, group)
	return 0
}

func idAndName(id int, a accounts) string {
	if name := a.name(id); name != "" {
		return fmt.Sprintf("%d(%s)", id, name)
	}
	return fmt.Sprint(id)
}

// printID prints an ID or, if it has one and byName says so, its name.
func (p *proc) printID(id int, a accounts, byName bool) int {
	name := a.name(id)
	switch {
	case !byName:
		fmt.Fprintln(p.out, id)
	case name != "":
		fmt.Fprintln(p.out, name)
	default:
		fmt.Fprintln(p.out, id)
		p.errorf("unknown ID %d", id)
		return 1
	}
	return 0
}

// whoami is whoami.
func whoami(_ context.Context, p *proc) int {
	name := p.accounts("/etc/passwd").name(p.UID())
	if name == "" {
		p.errorf("unknown uid %d", p.UID())
		return 1
	}
	fmt.Fprintln(p.out, name)
	return 0
}
