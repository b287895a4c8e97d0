package podnet_test

import (
	"testing"

	"podnet.dev/podnet"
)

func TestValidateVolumeSource(t *testing.T) {
	const at, mode = `spec.volumes[1]`, `must be a number between 0 and 0777 (octal), both inclusive`
	items := func(items ...podnet.KeyToPath) podnet.VolumeSpec {
		return podnet.VolumeSpec{ConfigMap: &podnet.ConfigMapVolumeSource{Name: "a", Items: items}}
	}
	files := func(files ...podnet.DownwardAPIVolumeFile) podnet.VolumeSpec {
		return podnet.VolumeSpec{DownwardAPI: &podnet.DownwardAPIVolumeSource{Items: files}}
	}
	sources := func(sources ...podnet.VolumeProjection) podnet.VolumeSpec {
		return podnet.VolumeSpec{Projected: &podnet.ProjectedVolumeSource{Sources: sources}}
	}
	name := &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}
	tests := map[string]struct {
		volume podnet.VolumeSpec
		want   string
	}{
		"none":                 {podnet.VolumeSpec{}, at + `: Required value: must specify a volume type`},
		"two":                  {podnet.VolumeSpec{EmptyDir: &podnet.EmptyDirVolumeSource{}, Secret: &podnet.SecretVolumeSource{}}, at + `.secret: Forbidden: may not specify more than 1 volume type`},
		"ConfigMap":            {podnet.VolumeSpec{ConfigMap: &podnet.ConfigMapVolumeSource{Name: "a", DefaultMode: new(int32(0o777))}}, ``},
		"no ConfigMap":         {podnet.VolumeSpec{ConfigMap: &podnet.ConfigMapVolumeSource{}}, at + `.configMap.name: Required value`},
		"no Secret":            {podnet.VolumeSpec{Secret: &podnet.SecretVolumeSource{DefaultMode: new(int32(-1))}}, `[` + at + `.secret.secretName: Required value, ` + at + `.secret.defaultMode: Invalid value: -1: ` + mode + `]`},
		"empty item":           {items(podnet.KeyToPath{}), `[` + at + `.configMap.items[0].key: Required value, ` + at + `.configMap.items[0].path: Required value]`},
		"absolute path":        {items(podnet.KeyToPath{Key: "a", Path: "/a"}), at + `.configMap.items[0].path: Invalid value: "/a": must be a relative path`},
		"path that leads out":  {items(podnet.KeyToPath{Key: "a", Path: "a"}, podnet.KeyToPath{Key: "a", Path: "b/../.."}), at + `.configMap.items[1].path: Invalid value: "b/../..": must not contain '..'`},
		"reserved path":        {items(podnet.KeyToPath{Key: "a", Path: "..a"}), at + `.configMap.items[0].path: Invalid value: "..a": must not start with '..'`},
		"mode of an item":      {items(podnet.KeyToPath{Key: "a", Path: "a", Mode: new(int32(0o1000))}), at + `.configMap.items[0].mode: Invalid value: 512: ` + mode},
		"field":                {files(podnet.DownwardAPIVolumeFile{Path: "a", FieldRef: name}), ``},
		"nothing in a file":    {files(podnet.DownwardAPIVolumeFile{Path: "a"}), at + `.downwardAPI: Required value: one of fieldRef and resourceFieldRef is required`},
		"two in a file":        {files(podnet.DownwardAPIVolumeFile{Path: "a", FieldRef: name, ResourceFieldRef: &podnet.ResourceFieldSelector{}}), at + `.downwardAPI: Invalid value: "resource": fieldRef and resourceFieldRef can not be specified simultaneously`},
		"field of variables":   {files(podnet.DownwardAPIVolumeFile{Path: "a", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "status.podIP"}}), at + `.downwardAPI.fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"`},
		"resource of nobody":   {files(podnet.DownwardAPIVolumeFile{Path: "a", ResourceFieldRef: &podnet.ResourceFieldSelector{Resource: "limits.cpu"}}), at + `.downwardAPI.resourceFieldRef.containerName: Required value`},
		"source with no name":  {sources(podnet.VolumeProjection{Secret: &podnet.SecretVolumeSource{}}), at + `.projected.sources[0].secret.name: Required value`},
		"two sources in one":   {sources(podnet.VolumeProjection{Secret: &podnet.SecretVolumeSource{SecretName: "a"}, ConfigMap: &podnet.ConfigMapVolumeSource{Name: "b"}}), at + `.projected.sources[0]: Forbidden: may not specify more than 1 volume type per source`},
		"one path of a source": {sources(podnet.VolumeProjection{ConfigMap: items(podnet.KeyToPath{Key: "a", Path: "p"}, podnet.KeyToPath{Key: "b", Path: "p"}).ConfigMap}), at + `.projected: Invalid value: "a": conflicting duplicate paths`},
		"one path of two sources": {sources(podnet.VolumeProjection{ConfigMap: items(podnet.KeyToPath{Key: "a", Path: "p"}).ConfigMap}, podnet.VolumeProjection{DownwardAPI: files(podnet.DownwardAPIVolumeFile{Path: "p", FieldRef: name}).DownwardAPI}),
			at + `.projected: Invalid value: "p": conflicting duplicate paths`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			test.volume.Name = "v"
			s.Volumes = append(s.Volumes, test.volume)
			checkInvalid(t, s, test.want)
		})
	}
}

func TestValidateSubPath(t *testing.T) {
	const at = `spec.containers[0].volumeMounts`
	tests := map[string]struct {
		mount podnet.VolumeMount
		want  string
	}{
		"path":           {podnet.VolumeMount{SubPath: "a/b"}, ``},
		"absolute":       {podnet.VolumeMount{SubPath: "/a"}, at + `.subPath: Invalid value: "/a": must be a relative path`},
		"leading out":    {podnet.VolumeMount{SubPath: "a/.."}, at + `.subPath: Invalid value: "a/..": must not contain '..'`},
		"dots in a name": {podnet.VolumeMount{SubPath: "..a"}, ``},
		"expression":     {podnet.VolumeMount{SubPathExpr: "$(A)"}, ``},
		"both":           {podnet.VolumeMount{SubPath: "a", SubPathExpr: "../$(A)"}, `[` + at + `[0].subPathExpr: Invalid value: "../$(A)": subPathExpr and subPath are mutually exclusive, ` + at + `.subPathExpr: Invalid value: "../$(A)": must not contain '..']`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := validPod()
			test.mount.Name, test.mount.MountPath = "data", "/data"
			s.Containers[0].VolumeMounts = []podnet.VolumeMount{test.mount}
			checkInvalid(t, s, test.want)
		})
	}
}
