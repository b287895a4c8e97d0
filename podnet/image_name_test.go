package podnet

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestImagesAreFoundByTheirUsualNames(t *testing.T) {
	called := ""
	program := func(name string) Program {
		return func(context.Context, *Container) error { called = name; return nil }
	}
	m := images{
		"nginx": program("nginx"), "nginx:1.29": program("nginx:1.29"), "ghcr.io/acme/proxy": program("acme"),
		"localhost:5000/app": program("local"), "docker.io/library/exact": program("exact"),
	}
	for ref, want := range map[string]string{
		"nginx": "nginx", "nginx:alpine": "nginx", "nginx:1.29": "nginx:1.29", "docker.io/library/nginx:1.29": "nginx:1.29",
		"index.docker.io/library/nginx": "nginx", "library/nginx": "nginx", "nginx@sha256:0123": "nginx", "nginx:alpine@sha256:0123": "nginx",
		"ghcr.io/acme/proxy:v2": "acme", "localhost:5000/app": "local", "localhost:5000/app:v1": "local", "docker.io/library/exact": "exact",
		"acme/nginx": "", "ngnix": "", "": "", "exact": "",
	} {
		called = ""
		if p := m.find(ref); p != nil {
			assert.NoError(t, p(t.Context(), nil))
		}
		assert.Equal(t, want, called, ref)
	}
}

func TestFullImageNames(t *testing.T) {
	for ref, want := range map[string]string{
		"nginx": "docker.io/library/nginx:latest", "nginx:1": "docker.io/library/nginx:1", "acme/app": "docker.io/acme/app:latest",
		"ghcr.io/acme/app": "ghcr.io/acme/app:latest", "localhost/app:1": "localhost/app:1", "reg:5000/app": "reg:5000/app:latest",
	} {
		assert.Equal(t, want, fullName(ref))
	}
}
