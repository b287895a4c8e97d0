package image_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/podnettest"
)

func TestWhoTheUserIs(t *testing.T) {
	uid, gid := int64(1000), int64(65534)
	c := start(t, podnet.ContainerSpec{Image: "alpine", Command: []string{"sleep", "infinity"}, SecurityContext: &podnet.SecurityContext{RunAsUser: &uid, RunAsGroup: &gid}})
	runRows(t, c, []row{
		{name: "id", script: "id; id -u; id -g; id -G; id -gn", stdout: "uid=1000 gid=65534(nobody) groups=65534(nobody)\n1000\n65534\n65534\nnobody\n"},
		{name: "id of a name", script: "id root; id -un root; id nobody", stdout: "uid=0(root) gid=0(root) groups=0(root)\nroot\nuid=65534(nobody) gid=65534(nobody) groups=65534(nobody)\n"},
		{name: "no name", script: "id -un", stdout: "1000\n", stderr: "id: unknown ID 1000\n", code: 1},
		{name: "no user", script: "id x", stderr: "id: unknown user x\n", code: 1},
		{name: "whoami", script: "whoami", stderr: "whoami: unknown uid 1000\n", code: 1},
		{name: "whoami, once it is known", script: "echo app:x:1000:1000::/:/bin/sh >>/etc/passwd; whoami; id", stdout: "app\nuid=1000(app) gid=65534(nobody) groups=65534(nobody)\n"},
		{name: "ps", script: "ps | head -2", stdout: "PID   USER     TIME  COMMAND\n    1 app       0:00 sleep infinity\n"},
		{name: "home", script: "echo $HOME; cd; pwd", stdout: "/\n/\n"},
	})
}

// What a Pod's manifest says of its configuration, seen from a shell.
func TestConfigurationInAShell(t *testing.T) {
	cluster := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
	require.NoError(t, cluster.Apply(t.Context(),
		podnet.ConfigMapSpec{Name: "app", Data: map[string]string{"greeting": "hello", "app.conf": "port = 80\n"}},
		podnet.SecretSpec{Name: "db", StringData: map[string]string{"password": "s3cret"}},
	))
	pod := podnettest.StartPod(t, cluster, podnet.PodSpec{
		Name: "pod", Subdomain: "sub", SetHostnameAsFQDN: true, RestartPolicy: podnet.RestartPolicyNever,
		Volumes: []podnet.VolumeSpec{{Name: "conf", ConfigMap: &podnet.ConfigMapVolumeSource{Name: "app"}}, {Name: "db", Secret: &podnet.SecretVolumeSource{SecretName: "db"}}},
		Containers: []podnet.ContainerSpec{{
			Name: "c", Image: "alpine", Command: []string{"sh", "-c", "echo $(greeting), $$WHO; sleep infinity"},
			EnvFrom:      []podnet.EnvFromSource{{ConfigMapRef: &podnet.ConfigMapEnvSource{Name: "app"}}},
			Env:          []podnet.EnvVar{{Name: "WHO", ValueFrom: &podnet.EnvVarSource{FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}}}},
			VolumeMounts: []podnet.VolumeMount{{Name: "conf", MountPath: "/etc/app"}, {Name: "db", MountPath: "/etc/db"}, {Name: "conf", MountPath: "/etc/my.conf", SubPath: "app.conf"}},
		}},
	})
	c := pod.Container("c")
	require.NoError(t, c.WaitLog(t.Context(), "\n"))
	assert.Equal(t, "hello, pod\n", c.Logs())
	runRows(t, c, []row{
		{name: "files", script: "ls /etc/app; cat /etc/app/app.conf /etc/my.conf /etc/db/password", stdout: "app.conf\ngreeting\nport = 80\nport = 80\ns3cret"},
		{name: "links", script: "readlink /etc/app/greeting; ls -a /etc/app | wc -l", stdout: "..data/greeting\n6\n"},
		{name: "read-only", script: "echo x >/etc/app/new", stderr: "sh: can't create /etc/app/new: Read-only file system\n", code: 1},
		{name: "variables", script: "echo $greeting $WHO; printenv app.conf", stdout: "hello pod\n", code: 1},
		{name: "names", script: "hostname; hostname -f; hostname -s; echo $HOSTNAME; cat /etc/hostname", stdout: "pod.sub.default.svc.cluster.local\npod.sub.default.svc.cluster.local\npod\npod.sub.default.svc.cluster.local\npod.sub.default.svc.cluster.local\n"},
	})
	r, err := c.Exec(t.Context(), "printenv", "app.conf")
	require.NoError(t, err)
	assert.Equal(t, "port = 80\n\n", r.Stdout, "only a shell loses what is no name to it")
}

func TestLastWordsOfAShell(t *testing.T) {
	c := start(t, podnet.ContainerSpec{Image: "busybox", Command: []string{"sh", "-c", "ls -l /dev/termination-log | cut -c1-10; echo the end >/dev/termination-log; exit 3"}})
	require.NoError(t, c.Pod().Wait(t.Context(), func(s podnet.PodStatus) bool { return s.Phase == podnet.PodFailed }))
	assert.Equal(t, "the end\n", c.Status().State.Terminated.Message)
	assert.Equal(t, "-rw-rw-rw-\n", c.Logs())
}
