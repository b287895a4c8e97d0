// Package image has the programs that the usual image names stand for: a web
// server that behaves as nginx does for static pages, and a POSIX shell with
// the busybox commands that people use in Pods.
//
// Nothing here touches the host. Files, names, addresses, processes and the
// environment are the container's; the clock's zone is UTC, as in the images.
//
// # Limits
//
//   - nginx does not read its configuration. A Pod that mounts another one is
//     refused with an error, not ignored.
//   - Messages are those of busybox 1.37 and, for errno texts, of the GNU C
//     library; alpine's own C library words a few of them differently.
//   - Commands know the options that are documented at each; another one is
//     answered with the command's usage, as busybox does for an unknown option.
//   - curl is part of the alpine image here, and ss, iptables, conntrack and tcpdump
//     too: as if the Pod had run "apk add curl iproute2 iptables conntrack-tools tcpdump".
//     netstat -s, which busybox has not, is that of net-tools.
//   - The shell is ash without aliases, job control and process substitution.
//     umask only shows the mask, and ulimit is refused.
//   - Every signal that can be handled counts as SIGTERM: a trap for INT, HUP
//     or QUIT is accepted and does not run.
//   - exec keeps the process and its PID, but ps goes on to show how the process
//     was started.
//   - nslookup answers from what the container's programs know, /etc/hosts
//     included, and asks no other server. There is no sed and no awk.
package image

import (
	"maps"
	"strings"

	"podnet.dev/podnet"
)

// Standard returns the programs by image name without a tag: alpine, busybox,
// curlimages/curl and nginx. The map is the caller's own, to change before it
// becomes [podnet.Config].Images.
func Standard() map[string]podnet.Program {
	return map[string]podnet.Program{
		"alpine":          alpine().program,
		"busybox":         busybox().program,
		"curlimages/curl": curlImage().program,
		"nginx":           nginxImage().program,
	}
}

// A Port is a port that an image listens on without being told to.
type Port struct {
	Number   uint16
	Protocol podnet.Protocol
}

// Info says what an image does by default, for a check of a Pod that is not
// started: what nobody declared can clash all the same.
type Info struct {
	Ports   []Port   // that its default command listens on, on every address
	LogDirs []string // directories that it writes its logs to
}

// infos has what is known of the images with a default worth knowing.
var infos = map[string]Info{
	"alpine":          {},
	"busybox":         {},
	"curlimages/curl": {},
	"nginx": {
		Ports:   []Port{{Number: 80, Protocol: podnet.ProtocolTCP}},
		LogDirs: []string{"/var/log/nginx"},
	},
}

// Describe returns what the named image does by default. The name may carry a
// tag, a digest, and Docker Hub's own prefix ("docker.io/library/nginx:1.29").
// It reports false for an image that is not one of [Standard].
func Describe(name string) (Info, bool) {
	info, ok := infos[familiar(name)]
	if !ok {
		return Info{}, false
	}
	info.Ports = append([]Port(nil), info.Ports...)
	info.LogDirs = append([]string(nil), info.LogDirs...)
	return info, true
}

// familiar shortens an image reference as Docker shows it: without digest, tag
// and the default registry.
func familiar(name string) string {
	name, _, _ = strings.Cut(name, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	name = strings.TrimPrefix(name, "docker.io/")
	return strings.TrimPrefix(name, "library/")
}

// alpine is Alpine Linux's base image, with curl, ss, iptables, conntrack and tcpdump added.
func alpine() *userland {
	extra := netfilterTools()
	extra["curl"] = command{run: curl, dir: "/usr/bin"}
	extra["ss"] = command{run: ss, dir: "/usr/sbin"}
	return newUserland("alpine", extra, "/bin/sh")
}

// busybox is the busybox image: every command lives in /bin.
func busybox() *userland {
	u := newUserland("busybox", nil, "sh")
	for name, c := range u.commands {
		c.dir = "/bin"
		u.commands[name] = c
	}
	return u
}

// curlImage is curl's own image: Alpine with curl as the entrypoint.
func curlImage() *userland {
	u := newUserland("curl", map[string]command{"curl": {run: curl, dir: "/usr/bin"}}, "curl")
	u.entrypoint = []string{"/entrypoint.sh"}
	u.commands["entrypoint.sh"] = command{run: curlEntrypoint, dir: "/", signals: true}
	return u
}

// newUserland returns an image with busybox's commands and more.
func newUserland(name string, extra map[string]command, cmd ...string) *userland {
	u := &userland{name: name, commands: maps.Clone(applets), cmd: cmd}
	maps.Copy(u.commands, extra)
	return u
}
