package podnet

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/volume"
)

// mountedNode returns what a mount of the container shows: its volume, or the
// part of it that subPath or subPathExpr names. The kubelet keeps from its errors
// what they could tell of the node (makeMounts in kubelet_pods.go).
func (c *container) mountedNode(m VolumeMount, variables environment) (*volume.Node, error) {
	tree := c.pod.volumes[m.Name].tree
	sub := m.SubPath
	if m.SubPathExpr != "" {
		var err error
		if sub, err = expandSubPath(m.SubPathExpr, variables); err != nil {
			return nil, err
		}
	}
	switch {
	case sub == "":
		return tree.Root(), nil
	case path.IsAbs(sub):
		return nil, fmt.Errorf("error SubPath `%s` must not be an absolute path", sub)
	case slices.Contains(strings.Split(sub, "/"), ".."):
		return nil, fmt.Errorf("unable to provision SubPath `%s`: must not contain '..'", sub)
	}
	view := tree.Confined()
	node, err := view.Node(sub)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSubPath(view, sub); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("failed to create subPath directory for volumeMount %q of container %q", m.Name, c.spec.Name)
		}
		node, err = view.Node(sub)
	}
	if err != nil {
		return nil, fmt.Errorf("failed to prepare subPath for volumeMount %q of container %q", m.Name, c.spec.Name)
	}
	return node, nil
}

// makeSubPath makes the directories of a path that are missing, with the mode of
// the volume. It does so in volumes that containers cannot write to as well:
// there a file whose key comes later never shows.
func makeSubPath(view *volume.View, sub string) error {
	root, err := view.Stat("/")
	if err != nil {
		return err
	}
	dir := ""
	for name := range strings.SplitSeq(path.Clean(sub), "/") {
		dir = path.Join(dir, name)
		if _, err := view.Stat(dir); err == nil {
			continue
		}
		if err := view.Mkdir(dir, 0o777); err != nil {
			return err
		}
		if err := view.Chmod(dir, root.Mode()); err != nil {
			return err
		}
	}
	return nil
}

// expandSubPath replaces $(NAME) in a subPathExpr. Unlike elsewhere a variable
// that is not set, or empty, is an error.
func expandSubPath(expr string, variables environment) (string, error) {
	var missing []string
	sub := expand(expr, func(name string) (string, bool) {
		value, _ := variables.lookup(name)
		if value == "" {
			missing = append(missing, name)
		}
		return value, true
	})
	if len(missing) > 0 {
		slices.Sort(missing)
		return "", fmt.Errorf("missing value for %s", strings.Join(slices.Compact(missing), ", "))
	}
	return sub, nil
}
