package podnet

// VolumeSpec describes a volume of a Pod. Exactly one source must be set.
type VolumeSpec struct {
	Name        string // required; unique in the Pod; a DNS label
	EmptyDir    *EmptyDirVolumeSource
	ConfigMap   *ConfigMapVolumeSource
	Secret      *SecretVolumeSource
	DownwardAPI *DownwardAPIVolumeSource
	Projected   *ProjectedVolumeSource
}

// EmptyDirVolumeSource is a directory that is empty when the Pod starts and
// lives as long as the Pod, whatever its containers do.
type EmptyDirVolumeSource struct {
	// SizeLimit in bytes, 0 for none. A write beyond it fails with ENOSPC.
	// (Kubernetes does that for medium Memory only; from a disk it evicts
	// the Pod.)
	SizeLimit int64
}

// ConfigMapVolumeSource is a directory with a file for each entry of a ConfigMap
// of the Pod's namespace. It cannot be written to.
type ConfigMapVolumeSource struct {
	Name        string
	Items       []KeyToPath // default: a file of its name for each entry
	DefaultMode *int32      // of the files; default 0644
	Optional    bool        // the directory is empty if there is no such ConfigMap
}

// SecretVolumeSource is a directory with a file for each entry of a Secret of
// the Pod's namespace. It cannot be written to.
type SecretVolumeSource struct {
	SecretName  string
	Items       []KeyToPath // default: a file of its name for each entry
	DefaultMode *int32      // of the files; default 0644
	Optional    bool        // the directory is empty if there is no such Secret
}

// KeyToPath makes a file of an entry.
type KeyToPath struct {
	Key  string
	Path string // relative, without ".."
	Mode *int32 // default: the volume's
}

// DownwardAPIVolumeSource is a directory with files about the Pod itself. It
// cannot be written to.
type DownwardAPIVolumeSource struct {
	Items       []DownwardAPIVolumeFile
	DefaultMode *int32 // of the files; default 0644
}

// DownwardAPIVolumeFile is a file about the Pod. Exactly one of FieldRef and
// ResourceFieldRef must be set.
type DownwardAPIVolumeFile struct {
	Path             string // relative, without ".."
	FieldRef         *ObjectFieldSelector
	ResourceFieldRef *ResourceFieldSelector
	Mode             *int32 // default: the volume's
}

// ProjectedVolumeSource is a directory with the files of several sources. It
// cannot be written to.
type ProjectedVolumeSource struct {
	Sources     []VolumeProjection
	DefaultMode *int32 // of the files; default 0644
}

// VolumeProjection is one source of a [ProjectedVolumeSource]. Exactly one field
// must be set. DefaultMode of the source does not count: the volume's does.
type VolumeProjection struct {
	ConfigMap   *ConfigMapVolumeSource
	Secret      *SecretVolumeSource
	DownwardAPI *DownwardAPIVolumeSource
}

// VolumeMount shows a volume of the Pod in a container's file system.
type VolumeMount struct {
	Name      string // of a volume of the Pod
	MountPath string // absolute, or relative to "/"; without ".." or ":"
	ReadOnly  bool   // writes fail with EROFS

	// SubPath, if set, is the file or directory of the volume that is shown,
	// instead of all of it. It is made as a directory if it is not there.
	SubPath string

	// SubPathExpr is SubPath with $(NAME) for variables of the container.
	SubPathExpr string
}
