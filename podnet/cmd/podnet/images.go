package main

import (
	"path"
	"slices"
	"strings"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
)

// imageSet is the images that Pods may name.
type imageSet struct {
	programs map[string]podnet.Program
	describe func(name string) (image.Info, bool) // false for an image that is not in programs
}

func standardImages() imageSet { return imageSet{image.Standard(), image.Describe} }

// defaults returns what c does by itself because its image does: nothing if
// the image is unknown or c runs something else than the image's own command.
func (s imageSet) defaults(c podnet.ContainerSpec) image.Info {
	info, _ := s.describe(c.Image)
	words := words(c)
	// A manifest may spell the image's command out, as in ["nginx", "-g", "daemon off;"].
	if len(words) > 0 && path.Base(words[0]) != baseName(c.Image) {
		return image.Info{}
	}
	return info
}

// endsAtOnce reports whether c's command has nothing to do and says how it
// ends. It knows shells without a script, which read the empty stdin of a
// container, and curl's image without arguments, which exits as curl does
// without a URL.
func (s imageSet) endsAtOnce(c podnet.ContainerSpec) (code int, yes bool) {
	if _, ok := s.describe(c.Image); !ok {
		return 0, false
	}
	words := words(c)
	switch name := baseName(c.Image); {
	case len(words) == 1:
		return 0, slices.Contains([]string{"sh", "ash", "bash"}, path.Base(words[0]))
	case len(words) > 1:
		return 0, false
	case name == "curl":
		return 2, true
	default:
		return 0, name == "alpine" || name == "busybox"
	}
}

// words returns what c's spec runs, nothing if that is left to the image.
func words(c podnet.ContainerSpec) []string { return slices.Concat(c.Command, c.Args) }

// baseName returns the last element of an image's name, without tag and digest.
func baseName(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	name, _, _ := strings.Cut(path.Base(ref), ":")
	return name
}
