package podnet

import "cmp"

// PodSpec describes a Pod. Its fields are named as in Kubernetes, and the zero
// value of each means what Kubernetes' default means.
//
// Only what podnet does is here: what a manifest may say beyond it is refused
// by package manifest, with the field's name.
type PodSpec struct {
	Name        string            // required; a DNS subdomain
	Namespace   string            // default "default"; podnet has every namespace that is named
	Labels      map[string]string // what selectors select by; Apply may change them
	Annotations map[string]string // free for the reader; Apply may change them

	// InitContainers run one after the other before Containers are started, and
	// each must end with exit code 0. One whose RestartPolicy is Always is a
	// sidecar: it is only started in its turn, runs for as long as the Pod, and
	// is stopped after Containers.
	InitContainers []ContainerSpec

	Containers []ContainerSpec // at least one; started in this order

	// RestartPolicy says when a container that ended is started again.
	// The default is [RestartPolicyAlways].
	RestartPolicy RestartPolicy

	// TerminationGracePeriodSeconds is the time between SIGTERM (the end of a
	// Program's context) and SIGKILL (the end of its sockets). The default is
	// 30; zero means one second, as it does to the kubelet.
	TerminationGracePeriodSeconds *int64

	// ActiveDeadlineSeconds is how long the Pod may be active, from its start.
	// Then it fails with the reason DeadlineExceeded. The default is for ever.
	ActiveDeadlineSeconds *int64

	// NodeName puts the Pod on the node of that name, past the scheduler. If it
	// does not fit there, it fails with the kubelet's reason: NodeAffinity or
	// NodePorts. On a node that does not exist it stays Pending.
	// (Kubernetes deletes it after a minute.)
	NodeName string

	// NodeSelector names labels that the Pod's node must have, with their
	// values; see [Config].NodeLabels. The default is any node.
	NodeSelector map[string]string

	// HostNetwork puts the Pod into its node's network namespace: it has the
	// node's addresses, ports, interfaces and hostname.
	HostNetwork bool

	// ReadinessGates are conditions that must be true, too, for the Pod to be
	// Ready. [Pod.SetCondition] sets them.
	ReadinessGates []PodReadinessGate

	Hostname          string // default: the Pod's name
	Subdomain         string // makes the full name <hostname>.<subdomain>.<namespace>.svc.<domain>
	SetHostnameAsFQDN bool   // the hostname is the full name, if there is one

	// HostnameOverride is the hostname, whatever else is set; the Pod then has
	// no full name. nil for none.
	HostnameOverride *string

	// EnableServiceLinks gives containers the variables of the Services that the
	// namespace has when they start, for compatibility with Docker: WEB_SERVICE_HOST,
	// WEB_PORT_80_TCP and so on. The default is true; those of the Service
	// kubernetes are always there.
	EnableServiceLinks *bool

	HostAliases []HostAlias   // further lines of /etc/hosts
	DNSPolicy   DNSPolicy     // default DNSClusterFirst
	DNSConfig   *PodDNSConfig // merged into what DNSPolicy gives

	SecurityContext *PodSecurityContext // default for all containers

	Volumes []VolumeSpec
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
	EnvFrom    []EnvFromSource
	Env        []EnvVar

	// Ports are for the reader, as in Kubernetes, but for their HostPort:
	// leaving one out does not close it, and naming one twice is only warned of. Probes and hooks find
	// ports by their names here.
	Ports []ContainerPort

	// Resources are shown and not enforced: podnet limits neither CPU nor
	// memory, and kills nobody for using too much.
	Resources ResourceRequirements

	// RestartPolicy, if set, counts instead of the Pod's. In an init container
	// Always makes a sidecar.
	RestartPolicy RestartPolicy

	// RestartPolicyRules count before RestartPolicy, which they need: the first
	// that matches the exit code decides.
	RestartPolicyRules []ContainerRestartRule

	LivenessProbe  *Probe // the container is restarted when it fails
	ReadinessProbe *Probe // the container is not Ready when it fails
	StartupProbe   *Probe // the other probes wait for it; the container is restarted when it fails
	Lifecycle      *Lifecycle

	SecurityContext *SecurityContext

	// TerminationMessagePath is the file whose content becomes the message of
	// the container's end. The default is /dev/termination-log.
	TerminationMessagePath string

	// TerminationMessagePolicy says what else may. The default is
	// TerminationMessageReadFile.
	TerminationMessagePolicy TerminationMessagePolicy

	VolumeMounts    []VolumeMount
	ImagePullPolicy PullPolicy // default Always for a tag of "latest" or none, else IfNotPresent
}

// PodReadinessGate names a condition that must be true for the Pod to be Ready.
type PodReadinessGate struct {
	ConditionType string // a qualified name, as in "example.com/load-balancer"
}

// RestartPolicy says when containers that ended are started again: all of a Pod
// or, in a container's own, that one.
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

// TerminationMessagePolicy says where the message of a container's end comes
// from.
type TerminationMessagePolicy string

// The policies of Kubernetes. The zero value means TerminationMessageReadFile.
const (
	// TerminationMessageReadFile takes what is in TerminationMessagePath.
	TerminationMessageReadFile TerminationMessagePolicy = "File"
	// TerminationMessageFallbackToLogsOnError takes the end of the log if the
	// file is empty and the exit code is not 0.
	TerminationMessageFallbackToLogsOnError TerminationMessagePolicy = "FallbackToLogsOnError"
)

// ContainerPort declares a port that a container means to listen on.
type ContainerPort struct {
	Name          string // optional; unique in the container
	ContainerPort uint16 // required
	Protocol      Protocol

	// HostPort is a port of the node that leads to ContainerPort. No two Pods
	// of a node can have the same. The default is none and, with HostNetwork,
	// ContainerPort, which is all that it then may be.
	HostPort uint16

	// HostIP is the address of the node on which HostPort is open. The default
	// is all. It is a string because the API server takes any: what is no
	// address of the node leads nowhere.
	HostIP string
}

// withHostPort returns the port with the HostPort that it has in a Pod with or
// without HostNetwork.
func (p ContainerPort) withHostPort(hostNetwork bool) ContainerPort {
	if hostNetwork {
		p.HostPort = cmp.Or(p.HostPort, p.ContainerPort)
	}
	return p
}

// HostAlias is a line of the Pod's /etc/hosts.
type HostAlias struct {
	IP        string
	Hostnames []string
}
