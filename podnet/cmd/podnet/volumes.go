package main

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"podnet.dev/podnet"
)

// checkVolumes finds volumes that are not shared.
func (a *analysis) checkVolumes() {
	for i, v := range a.pod.spec.Volumes {
		var users []string
		for _, c := range members(a.pod.spec) {
			for _, m := range c.VolumeMounts {
				if m.Name == v.Name && (len(users) == 0 || users[len(users)-1] != c.Name) {
					users = append(users, c.Name)
				}
			}
		}
		field := fmt.Sprintf("spec.volumes[%d]", i)
		switch {
		case len(users) == 0:
			a.add(severityWarning, field, fmt.Sprintf("No container mounts volume %s.", v.Name), "Mount it, or remove it.")
		case len(users) == 1 && v.EmptyDir != nil:
			a.add(severityWarning, field,
				fmt.Sprintf("Only %s mounts volume %s: no other container can write or read what is in it.", users[0], v.Name),
				"Mount it in another container too; as scratch space for one container it is fine.")
		}
	}
}

// checkLogFiles finds commands that name a file which another container's image
// writes, where the two do not share the directory.
func (a *analysis) checkLogFiles() {
	all := members(a.pod.spec)
	for _, reader := range all {
		for j, word := range words(reader.ContainerSpec) {
			for _, file := range pathsIn(word) {
				for _, writer := range all {
					if writer.Name == reader.Name || a.sharesLog(reader.ContainerSpec, writer.ContainerSpec, file) {
						continue
					}
					a.addLogFile(reader, j, writer.ContainerSpec, file)
				}
			}
		}
	}
}

// sharesLog reports whether file is one that reader can find: not one of
// writer's logs, a log that reader's image writes itself, or one in a volume
// that both see at the same place.
func (a *analysis) sharesLog(reader, writer podnet.ContainerSpec, file string) bool {
	if a.logDir(writer, file) == "" || a.logDir(reader, file) != "" {
		return true
	}
	in, out := mountOf(reader, file), mountOf(writer, file)
	return in != nil && out != nil && in.Name == out.Name &&
		strings.TrimPrefix(file, clean(in.MountPath)) == strings.TrimPrefix(file, clean(out.MountPath))
}

// addLogFile tells that the reader does not find file, named by its word j.
func (a *analysis) addLogFile(reader member, j int, writer podnet.ContainerSpec, file string) {
	dir := a.logDir(writer, file)
	in, out := mountOf(reader.ContainerSpec, file), mountOf(writer, file)
	where := "in its own file system"
	if out != nil {
		where = "to volume " + out.Name
	}
	var fix string
	switch {
	case in != nil:
		fix = fmt.Sprintf("Mount %s at %s in %s too.", in.Name, clean(in.MountPath), writer.Name)
	case out != nil:
		fix = fmt.Sprintf("Mount %s at %s in %s too.", out.Name, clean(out.MountPath), reader.Name)
	default:
		fix = fmt.Sprintf("Declare an emptyDir volume and mount it at %s in both.", dir)
	}
	field := fmt.Sprintf("%s.command[%d]", reader.field, j)
	if n := len(reader.Command); j >= n {
		field = fmt.Sprintf("%s.args[%d]", reader.field, j-n)
	}
	missing := "no file " + file
	if file == dir {
		missing = "none of its files"
	}
	effect := "its command fails and it " + a.failing(reader)
	if retries.MatchString(strings.Join(words(reader.ContainerSpec), " ")) {
		effect = "its command fails or waits in vain"
	}
	a.add(severityError, field, fmt.Sprintf("%s writes %s %s, %s will find %s: %s.", writer.Name, dir, where, reader.Name, missing, effect), fix)
}

// retries matches scripts that may go on without a file.
var retries = regexp.MustCompile(`\b(while|until|for|if)\b|&&|\|\||;|tail .*-F`)

// logDir returns the directory of logs of c's image that file is in, or "".
func (a *analysis) logDir(c podnet.ContainerSpec, file string) string {
	for _, dir := range a.images.defaults(c).LogDirs {
		if beneath(file, dir) {
			return dir
		}
	}
	return ""
}

// mountOf returns the mount of c that file is in, the innermost one, or nil.
func mountOf(c podnet.ContainerSpec, file string) *podnet.VolumeMount {
	var best *podnet.VolumeMount
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		if beneath(file, clean(m.MountPath)) && (best == nil || len(clean(m.MountPath)) > len(clean(best.MountPath))) {
			best = m
		}
	}
	return best
}

// clean returns a mount's path as the runtime takes it.
func clean(mountPath string) string { return path.Clean("/" + mountPath) }

func beneath(file, dir string) bool { return file == dir || strings.HasPrefix(file, dir+"/") }

// absolutePath is a path in a command line: at its start, or after what cannot
// be a part of a path or of a URL.
var absolutePath = regexp.MustCompile("(?:^|[\\s'\"`=<>|&;(){}])(/[^\\s'\"`<>|&;(){}$]*)")

// pathsIn returns the absolute paths that a word of a command names, or a
// script in it, each once.
func pathsIn(word string) []string {
	var paths []string
	seen := make(map[string]bool)
	for _, match := range absolutePath.FindAllStringSubmatch(word, -1) {
		if p := path.Clean(match[1]); !seen[p] {
			seen[p] = true
			paths = append(paths, p)
		}
	}
	return paths
}
