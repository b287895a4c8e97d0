package podnet

import (
	"fmt"
	"strings"
)

// warnFilePaths warns of files of one volume that are in each other's way.
func (s PodSpec) warnFilePaths() []string {
	var w []string
	for i := range s.Volumes {
		v := &s.Volumes[i]
		switch {
		case v.ConfigMap != nil:
			o := overlaps{volume: v.Name, source: fmt.Sprintf("ConfigMap %q", v.ConfigMap.Name)}
			o.add(itemPaths(v.ConfigMap.Items, ""))
			w = append(w, o.warnings...)
		case v.Secret != nil:
			o := overlaps{volume: v.Name, source: fmt.Sprintf("Secret %q", v.Secret.SecretName)}
			o.add(itemPaths(v.Secret.Items, ""))
			w = append(w, o.warnings...)
		case v.DownwardAPI != nil:
			o := overlaps{volume: v.Name, source: "DownwardAPI"}
			o.add(downwardPaths(v.DownwardAPI.Items, ""))
			w = append(w, o.warnings...)
		case v.Projected != nil:
			w = append(w, v.Projected.warn(v.Name)...)
		}
	}
	return w
}

func (p *ProjectedVolumeSource) warn(volume string) []string {
	o := overlaps{volume: volume, source: "Projected"}
	for _, source := range p.Sources {
		switch {
		case source.ConfigMap != nil:
			o.add(itemPaths(source.ConfigMap.Items, fmt.Sprintf("ConfigMap %q", source.ConfigMap.Name)))
		case source.Secret != nil:
			o.add(itemPaths(source.Secret.Items, fmt.Sprintf("Secret %q", source.Secret.SecretName)))
		case source.DownwardAPI != nil:
			o.add(downwardPaths(source.DownwardAPI.Items, "DownwardAPI"))
		default:
			o.warnings = append(o.warnings, fmt.Sprintf("volume %q (Projected) has no sources provided", volume))
		}
	}
	return o.warnings
}

// overlaps finds the files of a volume that are in each other's way.
type overlaps struct {
	volume, source string // for the texts
	paths          []filePath
	warnings       []string
}

// add warns of each path that equals one before it, or is the directory of one,
// or lies in one.
func (o *overlaps) add(paths []filePath) {
	for _, p := range paths {
		p.path = strings.TrimRight(p.path, "/")
		for _, before := range o.paths {
			a, b := before.path+"/", p.path+"/"
			if strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
				o.warnings = append(o.warnings, fmt.Sprintf("volume %q (%s): overlapping paths: %s with %s", o.volume, o.source, p, before))
			}
		}
		o.paths = append(o.paths, p)
	}
}

// filePath is the path of a file and where its content comes from, which is
// empty if there is only one source.
type filePath struct{ path, source string }

func (p filePath) String() string {
	if p.source == "" {
		return fmt.Sprintf("%q", p.path)
	}
	return fmt.Sprintf("%q (%s)", p.path, p.source)
}

func itemPaths(items []KeyToPath, source string) []filePath {
	var paths []filePath
	for _, item := range items {
		paths = append(paths, filePath{item.Path, source})
	}
	return paths
}

func downwardPaths(files []DownwardAPIVolumeFile, source string) []filePath {
	var paths []filePath
	for _, file := range files {
		paths = append(paths, filePath{file.Path, source})
	}
	return paths
}
