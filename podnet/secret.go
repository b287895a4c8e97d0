package podnet

// SecretSpec describes a Secret: like a ConfigMap, for what not everybody should
// see. podnet hides nothing.
type SecretSpec struct {
	Name        string // required; a DNS subdomain
	Namespace   string // default "default"
	Labels      map[string]string
	Annotations map[string]string

	Type       string            // default "Opaque"
	Data       map[string][]byte // by key: letters, digits, "-", "_" and "."
	StringData map[string]string // added to Data, over which it wins

	Immutable bool // Apply refuses to change it afterwards
}
