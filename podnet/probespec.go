package podnet

// Probe asks a container how it is, again and again. Exactly one of Exec,
// HTTPGet, TCPSocket and GRPC must be set.
//
// The kubelet asks from the node, at the Pod's IP: a server that listens on
// 127.0.0.1 only does not hear it. Exec runs in the container.
type Probe struct {
	Exec      *ExecAction      // succeeds with exit code 0
	HTTPGet   *HTTPGetAction   // succeeds with a status from 200 to 399
	TCPSocket *TCPSocketAction // succeeds if it can connect
	GRPC      *GRPCAction      // succeeds if the service is SERVING

	InitialDelaySeconds int32 // after the container's start; default 0
	TimeoutSeconds      int32 // of one try; default 1
	PeriodSeconds       int32 // between two tries; default 10
	SuccessThreshold    int32 // tries in a row that count as success; default 1, and no other for liveness and startup
	FailureThreshold    int32 // tries in a row that count as failure; default 3

	// TerminationGracePeriodSeconds, if set, is the grace period of a container
	// that is killed because of this probe. It cannot be set for readiness.
	TerminationGracePeriodSeconds *int64
}

// Lifecycle are the hooks of a container.
type Lifecycle struct {
	// PostStart runs beside the process when the container was started. The
	// next container waits for its end; if it fails the container is killed.
	PostStart *LifecycleHandler

	// PreStop runs before SIGTERM, within the grace period. It does not run for
	// a container that ends by itself.
	PreStop *LifecycleHandler
}

// LifecycleHandler is what a hook does. Exactly one field must be set.
type LifecycleHandler struct {
	Exec    *ExecAction    // fails if the exit code is not 0
	HTTPGet *HTTPGetAction // fails if there is no response; any status will do
	Sleep   *SleepAction
}

// ExecAction runs a command in the container.
type ExecAction struct {
	// Command is required, unless Run is set. It is not run in a shell.
	Command []string

	// Run is what runs, instead of the Program of the container's image.
	Run Program
}

// HTTPGetAction makes an HTTP request.
type HTTPGetAction struct {
	Path        string      // default "/"
	Port        IntOrString // required
	Host        string      // default: the Pod's IP
	Scheme      URIScheme   // default URISchemeHTTP
	HTTPHeaders []HTTPHeader
}

// URIScheme is how an [HTTPGetAction] connects.
type URIScheme string

// The schemes of Kubernetes. A certificate is not verified. The zero value means
// URISchemeHTTP.
const (
	URISchemeHTTP  URIScheme = "HTTP"
	URISchemeHTTPS URIScheme = "HTTPS"
)

// HTTPHeader is a header of a request. A name may be there more than once.
type HTTPHeader struct {
	Name, Value string
}

// TCPSocketAction opens a connection and closes it.
type TCPSocketAction struct {
	Port IntOrString // required
	Host string      // default: the Pod's IP
}

// GRPCAction calls Check of grpc.health.v1.Health without TLS.
type GRPCAction struct {
	Port    int32  // required
	Service string // in the request; default ""
}

// SleepAction does nothing for a time.
type SleepAction struct {
	Seconds int64
}

// IntOrString is a port by its number or by its name in the container's Ports.
// [Port] and [PortName] make one.
type IntOrString struct {
	IntVal int32
	StrVal string // counts if it is not empty
}

// Port is the port of a number.
func Port(number int32) IntOrString { return IntOrString{IntVal: number} }

// PortName is the port of a name.
func PortName(name string) IntOrString { return IntOrString{StrVal: name} }
