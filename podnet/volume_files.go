package podnet

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"podnet.dev/podnet/internal/volume"
)

// volumeFiles are the files of a volume by their paths.
type volumeFiles = map[string]volume.ProjectedFile

// files returns what is to be in a volume that is no emptyDir. The errors are
// those of the kubelet's volume plugins.
func (p *Pod) files(v VolumeSpec) (volumeFiles, error) {
	switch {
	case v.ConfigMap != nil:
		return p.configMapFiles(v.ConfigMap, *v.ConfigMap.DefaultMode)
	case v.Secret != nil:
		return p.secretFiles(v.Secret, *v.Secret.DefaultMode)
	case v.DownwardAPI != nil:
		return p.downwardFiles(v.DownwardAPI, *v.DownwardAPI.DefaultMode)
	case v.Projected != nil:
		return p.projectedFiles(v.Projected)
	}
	return nil, nil
}

func (p *Pod) configMapFiles(source *ConfigMapVolumeSource, mode int32) (volumeFiles, error) {
	m, err := p.configMap(source.Name)
	if err := unless(source.Optional, err); err != nil {
		return nil, err
	}
	data := maps.Clone(m.BinaryData)
	if data == nil {
		data = make(map[string][]byte, len(m.Data))
	}
	for key, text := range m.Data {
		data[key] = []byte(text)
	}
	return keyFiles(data, source.Items, mode, source.Optional, "configmap references non-existent config key")
}

func (p *Pod) secretFiles(source *SecretVolumeSource, mode int32) (volumeFiles, error) {
	s, err := p.secret(source.SecretName)
	if err := unless(source.Optional, err); err != nil {
		return nil, err
	}
	return keyFiles(s.Data, source.Items, mode, source.Optional, "references non-existent secret key")
}

// keyFiles makes files of the entries that items name, of all if they name none.
// missing begins the error of an entry that is not there.
func keyFiles(data map[string][]byte, items []KeyToPath, mode int32, optional bool, missing string) (volumeFiles, error) {
	files := make(volumeFiles)
	if len(items) == 0 {
		for key, content := range data {
			files[key] = volumeFile(content, nil, mode)
		}
	}
	for _, item := range items {
		content, ok := data[item.Key]
		switch {
		case ok:
			files[item.Path] = volumeFile(content, item.Mode, mode)
		case !optional:
			return nil, fmt.Errorf("%s: %s", missing, item.Key)
		}
	}
	return files, nil
}

func volumeFile(content []byte, own *int32, mode int32) volume.ProjectedFile {
	if own != nil {
		mode = *own
	}
	return volume.ProjectedFile{Data: content, Mode: fs.FileMode(mode) & fs.ModePerm}
}

func (p *Pod) downwardFiles(source *DownwardAPIVolumeSource, mode int32) (volumeFiles, error) {
	files := make(volumeFiles)
	var errs []error
	for _, item := range source.Items {
		var text string
		var err error
		switch {
		case item.FieldRef != nil:
			text, err = p.metadata(item.FieldRef.FieldPath)
		case item.ResourceFieldRef != nil:
			text, err = p.resource(item.ResourceFieldRef, nil)
		}
		if err != nil {
			errs = append(errs, err)
		}
		files[item.Path] = volumeFile([]byte(text), item.Mode, mode)
	}
	return files, aggregate(errs)
}

func (p *Pod) projectedFiles(source *ProjectedVolumeSource) (volumeFiles, error) {
	all := make(volumeFiles)
	var errs []error
	for _, s := range source.Sources {
		var files volumeFiles
		var err error
		switch {
		case s.ConfigMap != nil:
			files, err = p.configMapFiles(s.ConfigMap, *source.DefaultMode)
		case s.Secret != nil:
			files, err = p.secretFiles(s.Secret, *source.DefaultMode)
		case s.DownwardAPI != nil:
			files, err = p.downwardFiles(s.DownwardAPI, *source.DefaultMode)
		}
		if err != nil {
			errs = append(errs, err)
		}
		maps.Copy(all, files)
	}
	return all, aggregate(errs)
}

// aggregate prints several errors in one line, as Kubernetes does (apimachinery,
// util/errors).
func aggregate(errs []error) error {
	var texts []string
	for _, err := range errs {
		if !slices.Contains(texts, err.Error()) {
			texts = append(texts, err.Error())
		}
	}
	switch len(texts) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return errors.New("[" + strings.Join(texts, ", ") + "]")
}
