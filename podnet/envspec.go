package podnet

// EnvVar is one variable of a container's environment. In Value, and in Command
// and Args, $(NAME) stands for a variable before it or one of a Service, $$ for
// a dollar sign, and a name that is not known for itself.
type EnvVar struct {
	Name, Value string

	// ValueFrom, if set, is where the value comes from, instead of Value.
	ValueFrom *EnvVarSource
}

// EnvVarSource is where the value of a variable comes from. Exactly one field
// must be set. It is looked up when the container is started, and not again.
type EnvVarSource struct {
	FieldRef         *ObjectFieldSelector
	ResourceFieldRef *ResourceFieldSelector
	ConfigMapKeyRef  *ConfigMapKeySelector
	SecretKeyRef     *SecretKeySelector
}

// ObjectFieldSelector names a field of the Pod: metadata.name,
// metadata.namespace, metadata.uid, metadata.labels['KEY'],
// metadata.annotations['KEY'], and in variables also spec.nodeName,
// spec.serviceAccountName, status.hostIP, status.hostIPs, status.podIP and
// status.podIPs; in volumes also metadata.labels and metadata.annotations.
type ObjectFieldSelector struct {
	FieldPath string
}

// ResourceFieldSelector names a resource of a container: limits.cpu,
// requests.memory and so on. A limit that is not set is what a node of 4 CPUs
// and 8 GiB has.
type ResourceFieldSelector struct {
	ContainerName string // default in a variable: its own container
	Resource      string
	Divisor       Quantity // default 1
}

// ConfigMapKeySelector names an entry of a ConfigMap of the Pod's namespace.
type ConfigMapKeySelector struct {
	Name, Key string
	Optional  bool // the variable is not set if there is no such entry
}

// SecretKeySelector names an entry of a Secret of the Pod's namespace.
type SecretKeySelector struct {
	Name, Key string
	Optional  bool // the variable is not set if there is no such entry
}

// EnvFromSource makes variables of all entries of a ConfigMap or Secret. Exactly
// one of ConfigMapRef and SecretRef must be set. Variables of Env count more,
// and those of a later source more than those of an earlier one.
type EnvFromSource struct {
	Prefix       string // of the variables' names
	ConfigMapRef *ConfigMapEnvSource
	SecretRef    *SecretEnvSource
}

// ConfigMapEnvSource names a ConfigMap of the Pod's namespace.
type ConfigMapEnvSource struct {
	Name     string
	Optional bool // nothing is set if there is no such ConfigMap
}

// SecretEnvSource names a Secret of the Pod's namespace.
type SecretEnvSource struct {
	Name     string
	Optional bool // nothing is set if there is no such Secret
}
