package kubelet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseImage(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	tests := []struct{ image, tag, digest, err string }{
		{image: "nginx", tag: "latest"},
		{image: "nginx:1.27-alpine", tag: "1.27-alpine"},
		{image: "docker.io/nginx", tag: "latest"},
		{image: "index.docker.io/nginx:1", tag: "1"},
		{image: "me/app", tag: "latest"},
		{image: "localhost/app:v1", tag: "v1"},
		{image: "localhost:5000/a/b__c/d-e:V1", tag: "V1"},
		{image: "[fd00::1]:5000/app", tag: "latest"},
		{image: "GCR.io/app:1", tag: "1"},
		{image: "no_domain.io/app:1", tag: "1"}, // a path of two elements
		{image: "app@sha256:" + sum, digest: "sha256:" + sum},
		{image: "app:1@sha256:" + sum, tag: "1", digest: "sha256:" + sum},

		{image: "", err: "invalid reference format"},
		{image: "a b", err: "invalid reference format"},
		{image: "nginx:", err: "invalid reference format"},
		{image: "nginx:-1", err: "invalid reference format"},
		{image: "-app", err: "invalid reference format"},
		{image: "a//b", err: "invalid reference format"},
		{image: "http://example.com/app", err: "invalid reference format"},
		{image: "app:" + strings.Repeat("a", 129), err: "invalid reference format"},
		{image: "Nginx:1", err: "invalid reference format: repository name (library/Nginx) must be lowercase"},
		{image: "me/App", err: "invalid reference format: repository name (me/App) must be lowercase"},
		{image: "No_Domain/app", err: "repository name must be lowercase"},
		{image: sum, err: "invalid repository name (" + sum + "), cannot specify 64-byte hexadecimal strings"},
		{image: "a/" + strings.Repeat("b", 254), err: "repository name must not be more than 255 characters"},
		{image: "app@md5:" + sum, err: "unsupported digest algorithm"},
		{image: "app:1@x.SHA256:" + sum, err: "invalid checksum digest format"},
		{image: "app@sha256:" + sum[:40], err: "invalid checksum digest length"},
		{image: "app@sha256:" + strings.ToUpper(sum), err: "invalid checksum digest format"},
	}
	for _, tt := range tests {
		t.Run(tt.image, func(t *testing.T) {
			tag, digest, err := parseImage(tt.image)
			if tt.err != "" {
				assert.EqualError(t, err, `couldn't parse image name "`+tt.image+`": `+tt.err)
			} else {
				assert.NoError(t, err)
			}
			assert.Equal(t, tt.tag, tag)
			assert.Equal(t, tt.digest, digest)
		})
	}
}

func FuzzParseImage(f *testing.F) {
	for _, image := range []string{"nginx", "localhost:5000/a/b:v1", "[::1]/x", "A/b", "a@sha256:" + strings.Repeat("0", 64), ":", "a/:@"} {
		f.Add(image)
	}
	f.Fuzz(func(t *testing.T, image string) {
		tag, digest, err := parseImage(image)
		if err != nil {
			require.Empty(t, tag+digest)
			return
		}
		require.NotEmpty(t, tag+digest, "a name without tag and digest gets the tag latest")
		if digest == "" && !strings.HasSuffix(image, ":"+tag) {
			again, _, err := parseImage(image + ":" + tag)
			require.NoError(t, err)
			require.Equal(t, tag, again)
		}
	})
}
