package podnet

// An Object is something that [Cluster.Apply] accepts: a [PodSpec].
type Object interface {
	// check reports why c would refuse the object.
	check(c *Cluster) error
	// apply creates the object, or updates the one of its name.
	apply(c *Cluster) error
}

// PodSpec describes a Pod. Its fields are named as in Kubernetes, and the zero
// value of each means what Kubernetes' default means.
//
// Only what podnet does is here: what a manifest may say beyond it is refused
// by package manifest, with the field's name.
type PodSpec struct {
	Name        string            // required; a DNS subdomain
	Namespace   string            // default "default"; podnet has every namespace that is named
	Labels      map[string]string // free for the reader; no selector reads them yet
	Annotations map[string]string // free for the reader

	Containers []ContainerSpec // at least one; started in this order

	// RestartPolicy says when a container that ended is started again.
	// The default is [RestartPolicyAlways].
	RestartPolicy RestartPolicy

	// TerminationGracePeriodSeconds is the time between SIGTERM (the end of a
	// Program's context) and SIGKILL (the end of its sockets). The default is
	// 30; zero means one second, as it does to the kubelet.
	TerminationGracePeriodSeconds *int64

	Hostname    string      // default: the Pod's name
	HostAliases []HostAlias // further lines of /etc/hosts
	Volumes     []VolumeSpec
}

// ContainerSpec describes a container of a Pod.
type ContainerSpec struct {
	Name string // required; unique in the Pod; a DNS label

	// Image names the Program to run, as registered in [Config].Images or by
	// [Cluster.HandleImage]. It may be empty if Run is set.
	Image string

	// Run is the container's process, instead of the one that Image names.
	// Exec still runs Image's Program, so with both set a test has its own
	// process in a container that also has a shell.
	Run Program

	Command    []string // the process's command; default: the image's own
	Args       []string // arguments to Command or to the image's own command
	WorkingDir string   // default "/"
	Env        []EnvVar

	// Ports are for the reader, as in Kubernetes: leaving one out does not
	// close it, and naming one twice is only warned of.
	Ports []ContainerPort

	VolumeMounts    []VolumeMount
	ImagePullPolicy PullPolicy // default Always for a tag of "latest" or none, else IfNotPresent
}

// RestartPolicy says when containers of a Pod are started again.
type RestartPolicy string

// The restart policies of Kubernetes. The zero value means RestartPolicyAlways.
const (
	RestartPolicyAlways    RestartPolicy = "Always"
	RestartPolicyOnFailure RestartPolicy = "OnFailure"
	RestartPolicyNever     RestartPolicy = "Never"
)

// PullPolicy says when an image is fetched. podnet has nothing to fetch, so it
// only decides what happens and is said when no Program stands for the image.
type PullPolicy string

// The pull policies of Kubernetes.
const (
	PullAlways       PullPolicy = "Always"
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullNever        PullPolicy = "Never"
)

// Protocol is a transport protocol of a port.
type Protocol string

// The protocols of Kubernetes. The zero value means ProtocolTCP.
const (
	ProtocolTCP  Protocol = "TCP"
	ProtocolUDP  Protocol = "UDP"
	ProtocolSCTP Protocol = "SCTP"
)

// EnvVar is one variable of a container's environment. In Value, and in Command
// and Args, $(NAME) stands for a variable before it or one of a Service, $$ for
// a dollar sign, and a name that is not known for itself.
type EnvVar struct {
	Name, Value string
}

// ContainerPort declares a port that a container means to listen on.
type ContainerPort struct {
	Name          string // optional; unique in the container
	ContainerPort uint16 // required
	Protocol      Protocol
}

// HostAlias is a line of the Pod's /etc/hosts.
type HostAlias struct {
	IP        string
	Hostnames []string
}

// VolumeSpec describes a volume of a Pod. Exactly one source must be set.
type VolumeSpec struct {
	Name     string // required; unique in the Pod; a DNS label
	EmptyDir *EmptyDirVolumeSource
}

// EmptyDirVolumeSource is a directory that is empty when the Pod starts and
// lives as long as the Pod, whatever its containers do.
type EmptyDirVolumeSource struct {
	// SizeLimit in bytes, 0 for none. A write beyond it fails with ENOSPC.
	// (Kubernetes does that for medium Memory only; from a disk it evicts
	// the Pod.)
	SizeLimit int64
}

// VolumeMount shows a volume of the Pod in a container's file system.
type VolumeMount struct {
	Name      string // of a volume of the Pod
	MountPath string // absolute, or relative to "/"; without ".." or ":"
	ReadOnly  bool   // writes fail with EROFS
}
