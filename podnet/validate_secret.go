package podnet

import (
	"crypto/tls"
	"encoding/json"
	"maps"
	"slices"
)

// The types of Secrets that Kubernetes knows. What is in the others is nobody's
// business.
const (
	secretServiceAccountToken = "kubernetes.io/service-account-token"
	secretDockercfg           = "kubernetes.io/dockercfg"
	secretDockerConfigJSON    = "kubernetes.io/dockerconfigjson"
	secretBasicAuth           = "kubernetes.io/basic-auth"
	secretSSHAuth             = "kubernetes.io/ssh-auth"
	secretTLS                 = "kubernetes.io/tls"
)

// mergedData is Data with StringData in it.
func (s SecretSpec) mergedData() map[string][]byte {
	if len(s.StringData) == 0 {
		return s.Data
	}
	data := maps.Clone(s.Data)
	if data == nil {
		data = make(map[string][]byte, len(s.StringData))
	}
	for key, value := range s.StringData {
		data[key] = []byte(value)
	}
	return data
}

// Validate reports everything in s that Kubernetes' API server would refuse, in
// its words and in its order. The error is an *[InvalidError]; it is nil if
// there is nothing to report. StringData is added to Data before, as there.
func (s SecretSpec) Validate() error {
	var errs fieldErrors
	validateMeta(&errs, s.Name, s.Namespace, s.Labels, s.Annotations)
	data, size := s.mergedData(), 0
	for _, key := range slices.Sorted(maps.Keys(data)) {
		errs.invalid("data["+key+"]", key, dataKeyErrors(key)...)
		size += len(data[key])
	}
	errs.maxBytes("data", size, maxDataBytes)

	require := func(keys ...string) {
		for _, key := range keys {
			if _, ok := data[key]; !ok {
				errs.add(FieldRequired, "data["+key+"]", nil, "")
			}
		}
	}
	requireJSON := func(key string) {
		require(key)
		if text, ok := data[key]; ok {
			if err := json.Unmarshal(text, new(map[string]any)); err != nil {
				errs.invalid("data["+key+"]", "<secret contents redacted>", err.Error())
			}
		}
	}
	switch s.Type {
	case secretServiceAccountToken:
		if s.Annotations["kubernetes.io/service-account.name"] == "" {
			errs.add(FieldRequired, "metadata.annotations[kubernetes.io/service-account.name]", nil, "")
		}
	case secretDockercfg:
		requireJSON(".dockercfg")
	case secretDockerConfigJSON:
		requireJSON(".dockerconfigjson")
	case secretBasicAuth:
		// Either of them will do, and may be empty.
		_, user := data["username"]
		_, password := data["password"]
		if !user && !password {
			require("username", "password")
		}
	case secretSSHAuth:
		if len(data["ssh-privatekey"]) == 0 {
			errs.add(FieldRequired, "data[ssh-privatekey]", nil, "")
		}
	case secretTLS:
		require("tls.crt", "tls.key")
	}
	return errs.err("Secret", s.Name)
}

// Warnings returns what the API server accepts in s but warns of, in its words:
// a certificate that does not fit its key. It is meant for a spec that
// [SecretSpec.Validate] has nothing against.
func (s SecretSpec) Warnings() []string {
	if s.Type != secretTLS {
		return nil
	}
	data := s.mergedData()
	if _, err := tls.X509KeyPair(data["tls.crt"], data["tls.key"]); err != nil {
		return []string{err.Error()}
	}
	return nil
}
