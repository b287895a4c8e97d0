package podnet

// ConfigMapSpec describes a ConfigMap: data that Pods of its namespace show to
// their containers as variables or files.
type ConfigMapSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Data       map[string]string // by key: letters, digits, "-", "_" and "."
	BinaryData map[string][]byte // what is no text; no key may be in both

	Immutable bool // Apply refuses to change it afterwards
}
