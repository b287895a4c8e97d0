package podnet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestIdentity(t *testing.T) {
	yes, no := true, false
	id := func(n int64) *int64 { return &n }
	for name, tt := range map[string]struct {
		pod      *podnet.PodSecurityContext
		own      *podnet.SecurityContext
		uid, gid int
		home     string
		err      string
	}{
		"root":                      {nil, nil, 0, 0, "/root", ""},
		"the Pod's":                 {&podnet.PodSecurityContext{RunAsUser: id(1000), RunAsGroup: id(3000)}, nil, 1000, 3000, "/", ""},
		"its own":                   {&podnet.PodSecurityContext{RunAsUser: id(1000), RunAsGroup: id(3000)}, &podnet.SecurityContext{RunAsUser: id(0), RunAsGroup: id(7)}, 0, 7, "/root", ""},
		"one of each":               {&podnet.PodSecurityContext{RunAsGroup: id(3000)}, &podnet.SecurityContext{RunAsUser: id(2147483647)}, 2147483647, 3000, "/", ""},
		"not root, and is not":      {&podnet.PodSecurityContext{RunAsNonRoot: &yes}, &podnet.SecurityContext{RunAsUser: id(1)}, 1, 0, "/", ""},
		"not root, but may":         {&podnet.PodSecurityContext{RunAsNonRoot: &yes}, &podnet.SecurityContext{RunAsNonRoot: &no}, 0, 0, "/root", ""},
		"not root, and is told to":  {&podnet.PodSecurityContext{RunAsUser: id(0), RunAsNonRoot: &yes}, nil, 0, 0, "", "container's runAsUser breaks non-root policy"},
		"not root, and is told not": {&podnet.PodSecurityContext{RunAsUser: id(5)}, &podnet.SecurityContext{RunAsNonRoot: &yes}, 5, 0, "/", ""},
		"not root, and its image's": {nil, &podnet.SecurityContext{RunAsNonRoot: &yes}, 0, 0, "", "container has runAsNonRoot and image will run as root"},
	} {
		t.Run(name, func(t *testing.T) {
			c := podnettest.NewCluster(t, podnet.Config{Images: map[string]podnet.Program{"tools": tools}})
			p, err := c.StartPod(t.Context(), podnet.PodSpec{Name: "web", SecurityContext: tt.pod, Containers: []podnet.ContainerSpec{{Name: "main", Image: "tools", SecurityContext: tt.own}}})
			if tt.err != "" {
				assert.EqualError(t, err, "podnet: start Pod default/web: container main: CreateContainerConfigError: "+tt.err+` (pod: "web_default(`+p.UID()+`)", container: main)`)
				return
			}
			require.NoError(t, err)
			main := p.Container("main")
			assert.Equal(t, tt.uid, main.UID())
			assert.Equal(t, tt.gid, main.GID())
			assert.Equal(t, tt.home, main.Getenv("HOME"))
			ps := main.Processes()
			require.Len(t, ps, 1)
			assert.Equal(t, []int{tt.uid, tt.gid}, []int{ps[0].UID, ps[0].GID})
		})
	}
}
