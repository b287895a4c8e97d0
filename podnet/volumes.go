package podnet

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"podnet.dev/podnet/internal/volume"
)

// podVolume is a volume of a Pod.
type podVolume struct {
	spec VolumeSpec
	tree *volume.Tree

	// Of the Pod's worker, for all but an emptyDir.
	mounted  bool
	revision uint64 // of the cluster's objects that the files were made of
	writes   int    // how often they were written
}

// newVolume makes a volume that is empty, and is only to be mounted if something
// has to be in it.
func newVolume(spec VolumeSpec) *podVolume {
	v := &podVolume{spec: spec}
	mode := fs.FileMode(0o777) // as the kubelet makes it
	switch {
	case spec.EmptyDir != nil:
		v.tree, v.mounted = volume.New(spec.EmptyDir.SizeLimit), true
	case spec.ConfigMap != nil:
		v.tree = volume.New(0)
	default:
		v.tree = volume.New(0)
		mode |= fs.ModeSticky // as the root of the tmpfs that it is in a cluster
	}
	v.tree.View().Chmod("/", mode) // a fresh tree cannot refuse
	return v
}

// readOnly reports whether no container may write to the volume: the kubelet
// does that to all but an emptyDir.
func (v *podVolume) readOnly() bool { return v.spec.EmptyDir == nil }

// mountVolumes puts into the Pod's volumes what is to be in them, for as far as
// it is not there yet. It must have succeeded before a sandbox is made; the
// kubelet tries again and again. The error joins those of the volumes that fail,
// each with the message of its event with the reason FailedMount. A volume that
// no container mounts is not looked at.
//
// It is the worker's to call, as is refreshVolumes.
func (p *Pod) mountVolumes() error {
	var errs []error
	for _, spec := range p.spec.Volumes {
		v := p.volumes[spec.Name]
		if v.mounted || !p.spec.mounts(spec.Name) {
			continue
		}
		if err := p.mountVolume(v); err != nil {
			errs = append(errs, fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", spec.Name, err))
		}
	}
	return errors.Join(errs...)
}

// refreshVolumes brings the files of mounted volumes up to date with the
// ConfigMaps and Secrets that they are made of, and reports whether it wrote any.
// A volume whose source is gone, or lacks a key now, stays as it is. (In a
// cluster an event with the reason FailedMount says so.)
func (p *Pod) refreshVolumes() (changed bool) {
	revision := p.cluster.objectsRevision()
	for _, v := range p.volumes {
		if v.mounted && v.readOnly() && v.revision != revision {
			wrote, _ := p.project(v)
			changed = changed || wrote
		}
	}
	return changed
}

func (p *Pod) mountVolume(v *podVolume) error {
	for _, dir := range p.spec.nestedMountPoints(v.spec.Name) {
		if err := v.tree.View().MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("unable to create nested volume mountpoints: %w", err)
		}
	}
	_, err := p.project(v)
	v.mounted = err == nil
	return err
}

// project writes the volume's files if they are not as they should be.
func (p *Pod) project(v *podVolume) (changed bool, err error) {
	v.revision = p.cluster.objectsRevision()
	files, err := p.files(v.spec)
	if err != nil {
		return false, err
	}
	changed, err = v.tree.Project(p.timestampDir(v), files)
	if changed {
		v.writes++
	}
	return changed, err
}

// timestampDir returns the name of the next directory for a volume's files. The
// kubelet's ends in a random number, this one in one that is drawn from the
// Pod's UID.
func (p *Pod) timestampDir(v *podVolume) string {
	number := fnv.New32a()
	fmt.Fprintf(number, "%s/%s/%d", p.uid, v.spec.Name, v.writes)
	return fmt.Sprintf("%s%d", time.Now().UTC().Format("..2006_01_02_15_04_05."), number.Sum32())
}

// mounts reports whether a container mounts a volume.
func (s *PodSpec) mounts(name string) bool {
	return slices.ContainsFunc(slices.Concat(s.InitContainers, s.Containers), func(c ContainerSpec) bool {
		return slices.ContainsFunc(c.VolumeMounts, func(m VolumeMount) bool { return m.Name == name })
	})
}

// nestedMountPoints returns where, in a volume, containers mount something else.
// A runtime could not make the directory there, because it mounts the volume
// read-only (pkg/volume/util/nested_volumes.go).
func (s *PodSpec) nestedMountPoints(name string) []string {
	var nested []string
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		var all []string
		for _, m := range c.VolumeMounts {
			all = append(all, path.Clean("/"+m.MountPath))
		}
		slices.Sort(all)
		for _, m := range c.VolumeMounts {
			if m.Name == name {
				nested = append(nested, beneathPath(path.Clean("/"+m.MountPath), all)...)
			}
		}
	}
	return nested
}

// beneathPath returns those of the sorted paths that are beneath dir, relative to
// it, but not those beneath another one of them.
func beneathPath(dir string, paths []string) []string {
	var beneath []string
	for _, p := range paths {
		rest, ok := strings.CutPrefix(p, dir+"/")
		inner := func(outer string) bool { return strings.HasPrefix(rest, outer+"/") }
		if ok && !slices.ContainsFunc(beneath, inner) {
			beneath = append(beneath, rest)
		}
	}
	return beneath
}
