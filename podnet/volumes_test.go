package podnet_test

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

// tree shows a directory of a container, as `ls -R` would: modes, links and
// contents. The random part of a directory's name is not shown.
func tree(t *testing.T, f *podnet.FS, dir string) string {
	t.Helper()
	var b strings.Builder
	var walk func(name string)
	walk = func(name string) {
		info, err := f.Lstat(dir + name)
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s %s", info.Mode(), strings.TrimPrefix(name, "/"))
		switch {
		case info.Mode().Type() == fs.ModeSymlink:
			to, err := f.Readlink(dir + name)
			require.NoError(t, err)
			fmt.Fprintf(&b, " -> %s\n", to)
		case info.IsDir():
			b.WriteByte('\n')
			entries, err := f.ReadDir(dir + name)
			require.NoError(t, err)
			for _, e := range entries {
				walk(name + "/" + e.Name())
			}
		default:
			data, err := f.ReadFile(dir + name)
			require.NoError(t, err)
			fmt.Fprintf(&b, " %q\n", data)
		}
	}
	walk("")
	return regexp.MustCompile(`(\.\.\d{4}(_\d\d){5})\.\d+`).ReplaceAllString(b.String(), "$1.N")
}

func configMap(name string, items ...podnet.KeyToPath) podnet.VolumeSpec {
	return podnet.VolumeSpec{Name: "v", ConfigMap: &podnet.ConfigMapVolumeSource{Name: name, Items: items}}
}

func TestVolumesOfFiles(t *testing.T) {
	mode := func(m int32) *int32 { return &m }
	for name, tt := range map[string]struct {
		volume podnet.VolumeSpec
		want   string
	}{
		"ConfigMap": {configMap("app"), `drwxrwxrwx 
drwxr-xr-x ..2000_01_01_00_00_00.N
-rw-r--r-- ..2000_01_01_00_00_00.N/bin "\xff"
-rw-r--r-- ..2000_01_01_00_00_00.N/level "$(mode)"
-rw-r--r-- ..2000_01_01_00_00_00.N/mode "test"
-rw-r--r-- ..2000_01_01_00_00_00.N/not-a-name "1"
Lrwxrwxrwx ..data -> ..2000_01_01_00_00_00.N
Lrwxrwxrwx bin -> ..data/bin
Lrwxrwxrwx level -> ..data/level
Lrwxrwxrwx mode -> ..data/mode
Lrwxrwxrwx not-a-name -> ..data/not-a-name
`},
		"items": {configMap("app", podnet.KeyToPath{Key: "mode", Path: "etc/app/mode"}, podnet.KeyToPath{Key: "bin", Path: "bin", Mode: mode(0o755)}), `drwxrwxrwx 
drwxr-xr-x ..2000_01_01_00_00_00.N
-rwxr-xr-x ..2000_01_01_00_00_00.N/bin "\xff"
drwxr-xr-x ..2000_01_01_00_00_00.N/etc
drwxr-xr-x ..2000_01_01_00_00_00.N/etc/app
-rw-r--r-- ..2000_01_01_00_00_00.N/etc/app/mode "test"
Lrwxrwxrwx ..data -> ..2000_01_01_00_00_00.N
Lrwxrwxrwx bin -> ..data/bin
Lrwxrwxrwx etc -> ..data/etc
`},
		"an optional ConfigMap": {podnet.VolumeSpec{Name: "v", ConfigMap: &podnet.ConfigMapVolumeSource{Name: "x", Optional: true, Items: []podnet.KeyToPath{{Key: "a", Path: "a"}}}}, `drwxrwxrwx 
drwxr-xr-x ..2000_01_01_00_00_00.N
Lrwxrwxrwx ..data -> ..2000_01_01_00_00_00.N
`},
		"Secret": {podnet.VolumeSpec{Name: "v", Secret: &podnet.SecretVolumeSource{SecretName: "key", DefaultMode: mode(0o400)}}, `dtrwxrwxrwx 
drwxr-xr-x ..2000_01_01_00_00_00.N
-r-------- ..2000_01_01_00_00_00.N/mode "secret"
-r-------- ..2000_01_01_00_00_00.N/token "s3cret"
Lrwxrwxrwx ..data -> ..2000_01_01_00_00_00.N
Lrwxrwxrwx mode -> ..data/mode
Lrwxrwxrwx token -> ..data/token
`},
		"downward API": {podnet.VolumeSpec{Name: "v", DownwardAPI: &podnet.DownwardAPIVolumeSource{Items: []podnet.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.labels"}},
			{Path: "cpu", ResourceFieldRef: &podnet.ResourceFieldSelector{ContainerName: "main", Resource: "limits.cpu", Divisor: "1m"}, Mode: mode(0o600)},
			{Path: "name", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}},
			{Path: "notes", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.annotations"}},
		}}}, `dtrwxrwxrwx 
drwxr-xr-x ..2000_01_01_00_00_00.N
-rw------- ..2000_01_01_00_00_00.N/cpu "4000"
-rw-r--r-- ..2000_01_01_00_00_00.N/labels "app=\"front\"\ntier=\"web\""
-rw-r--r-- ..2000_01_01_00_00_00.N/name "web"
-rw-r--r-- ..2000_01_01_00_00_00.N/notes ""
Lrwxrwxrwx ..data -> ..2000_01_01_00_00_00.N
Lrwxrwxrwx cpu -> ..data/cpu
Lrwxrwxrwx labels -> ..data/labels
Lrwxrwxrwx name -> ..data/name
Lrwxrwxrwx notes -> ..data/notes
`},
		"projected": {podnet.VolumeSpec{Name: "v", Projected: &podnet.ProjectedVolumeSource{DefaultMode: mode(0o440), Sources: []podnet.VolumeProjection{
			{ConfigMap: &podnet.ConfigMapVolumeSource{Name: "late", DefaultMode: mode(0o777)}},
			{Secret: &podnet.SecretVolumeSource{SecretName: "key", Items: []podnet.KeyToPath{{Key: "token", Path: "auth/token"}}}},
			{DownwardAPI: &podnet.DownwardAPIVolumeSource{Items: []podnet.DownwardAPIVolumeFile{{Path: "auth/who", FieldRef: &podnet.ObjectFieldSelector{FieldPath: "metadata.name"}}}}},
			{Secret: &podnet.SecretVolumeSource{SecretName: "x", Optional: true}},
		}}}, `dtrwxrwxrwx 
drwxr-xr-x ..2000_01_01_00_00_00.N
drwxr-xr-x ..2000_01_01_00_00_00.N/auth
-r--r----- ..2000_01_01_00_00_00.N/auth/token "s3cret"
-r--r----- ..2000_01_01_00_00_00.N/auth/who "web"
-r--r----- ..2000_01_01_00_00_00.N/mode "late"
Lrwxrwxrwx ..data -> ..2000_01_01_00_00_00.N
Lrwxrwxrwx auth -> ..data/auth
Lrwxrwxrwx mode -> ..data/mode
`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := podnettest.StartPod(t, applied(t), podnet.PodSpec{
					Name: "web", Namespace: "shop", Labels: map[string]string{"tier": "web", "app": "front"}, Volumes: []podnet.VolumeSpec{tt.volume},
					Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped, VolumeMounts: []podnet.VolumeMount{{Name: "v", MountPath: "/etc/app"}}}},
				})
				c := p.Container("main")
				assert.Equal(t, tt.want, tree(t, c.FS(), "/etc/app"))
				assert.EqualError(t, c.FS().WriteFile("/etc/app/new", nil, 0o644), "open /etc/app/new: read-only file system")
				assert.ErrorIs(t, c.FS().WriteFile("/etc/app/mode", []byte("x"), 0o644), syscall.EROFS)
				assert.ErrorIs(t, c.FS().Remove("/etc/app/..data"), syscall.EROFS)
			})
		})
	}
}

func TestVolumesThatCannotBeMounted(t *testing.T) {
	for name, tt := range map[string]struct {
		volume podnet.VolumeSpec
		err    string
	}{
		"no ConfigMap": {configMap("x"), `configmap "x" not found`},
		"no key":       {configMap("app", podnet.KeyToPath{Key: "k", Path: "p"}), `configmap references non-existent config key: k`},
		"no Secret":    {podnet.VolumeSpec{Secret: &podnet.SecretVolumeSource{SecretName: "x"}}, `secret "x" not found`},
		"no entry":     {podnet.VolumeSpec{Secret: &podnet.SecretVolumeSource{SecretName: "key", Items: []podnet.KeyToPath{{Key: "k", Path: "p"}}}}, `references non-existent secret key: k`},
		"several sources": {podnet.VolumeSpec{Projected: &podnet.ProjectedVolumeSource{Sources: []podnet.VolumeProjection{
			{ConfigMap: &podnet.ConfigMapVolumeSource{Name: "x"}}, {ConfigMap: &podnet.ConfigMapVolumeSource{Name: "app"}},
			{Secret: &podnet.SecretVolumeSource{SecretName: "x"}}, {ConfigMap: &podnet.ConfigMapVolumeSource{Name: "x"}},
		}}}, `[configmap "x" not found, secret "x" not found]`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := applied(t)
				tt.volume.Name = "cfg"
				other := configMap("y")
				other.Name = "other"
				unused := configMap("z")
				unused.Name = "unused"
				spec := podnet.PodSpec{
					Name: "web", Namespace: "shop", Volumes: []podnet.VolumeSpec{tt.volume, other, unused},
					Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped, VolumeMounts: []podnet.VolumeMount{{Name: "cfg", MountPath: "/a"}, {Name: "other", MountPath: "/b"}}}},
				}
				require.NoError(t, c.Apply(t.Context(), spec))
				synctest.Wait()
				p := c.Pod("shop", "web")
				want := `MountVolume.SetUp failed for volume "cfg" : ` + tt.err + "\n" + `MountVolume.SetUp failed for volume "other" : configmap "y" not found`
				assert.EqualError(t, p.MountVolumes(), want)
				require.NoError(t, c.Apply(t.Context(), podnet.ConfigMapSpec{Name: "y", Namespace: "shop"}))
				assert.EqualError(t, p.MountVolumes(), strings.SplitN(want, "\n", 2)[0])
				assert.False(t, p.RefreshVolumes(), "what is mounted is up to date")
			})
		})
	}
}

// A container sees its volume change, and all of it at once; what it was given
// by subPath or as a variable stays.
func TestVolumesAreRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{})
		m := podnet.ConfigMapSpec{Name: "app", Data: map[string]string{"mode": "one", "old": "x"}}
		require.NoError(t, c.Apply(t.Context(), m, podnet.SecretSpec{Name: "unrelated"}))
		p := podnettest.StartPod(t, c, podnet.PodSpec{
			Name: "web", Volumes: []podnet.VolumeSpec{configMap("app"), {Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
			Containers: []podnet.ContainerSpec{{
				Name: "main", Run: untilStopped, Env: []podnet.EnvVar{{Name: "MODE", ValueFrom: &podnet.EnvVarSource{ConfigMapKeyRef: &podnet.ConfigMapKeySelector{Name: "app", Key: "mode"}}}},
				VolumeMounts: []podnet.VolumeMount{{Name: "v", MountPath: "/cfg"}, {Name: "v", MountPath: "/etc/mode", SubPath: "mode"}, {Name: "data", MountPath: "/data"}},
			}},
		})
		f := p.Container("main").FS()
		read := func(name string) string {
			b, err := f.ReadFile(name)
			require.NoError(t, err)
			return string(b)
		}
		before, err := f.Readlink("/cfg/..data")
		require.NoError(t, err)
		open, err := f.Open("/cfg/mode")
		require.NoError(t, err)
		defer open.Close()
		synctest.Wait() // the worker sleeps
		assert.False(t, p.RefreshVolumes())
		require.NoError(t, p.MountVolumes())
		require.NoError(t, c.Apply(t.Context(), podnet.SecretSpec{Name: "unrelated", StringData: map[string]string{"a": "1"}}))
		assert.False(t, p.RefreshVolumes(), "nothing of it has changed")

		time.Sleep(time.Minute)
		synctest.Wait() // the worker, which looks every minute, sleeps again
		m.Data = map[string]string{"mode": "two", "new": "y"}
		require.NoError(t, c.Apply(t.Context(), m))
		assert.Equal(t, "one", read("/cfg/mode"), "until the kubelet looks")
		assert.True(t, p.RefreshVolumes())
		assert.False(t, p.RefreshVolumes())
		assert.Equal(t, "two", read("/cfg/mode"))
		assert.Equal(t, "drwxrwxrwx \ndrwxr-xr-x ..2000_01_01_00_01_00.N\n-rw-r--r-- ..2000_01_01_00_01_00.N/mode \"two\"\n-rw-r--r-- ..2000_01_01_00_01_00.N/new \"y\"\n"+
			"Lrwxrwxrwx ..data -> ..2000_01_01_00_01_00.N\nLrwxrwxrwx mode -> ..data/mode\nLrwxrwxrwx new -> ..data/new\n", tree(t, f, "/cfg"))
		_, err = f.Lstat("/cfg/" + before)
		assert.ErrorIs(t, err, fs.ErrNotExist)
		assert.Equal(t, "one", read("/etc/mode"), "subPath")
		assert.Equal(t, "one", p.Container("main").Getenv("MODE"))
		buf := make([]byte, 9)
		n, err := open.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, "one", string(buf[:n]), "an open file")

		assert.True(t, c.DeleteConfigMap("", "app"))
		assert.False(t, p.RefreshVolumes())
		assert.Equal(t, "two", read("/cfg/mode"), "what was deleted stays where it is mounted")

		require.NoError(t, c.Apply(t.Context(), m))
		p.KillSandbox()
		synctest.Wait() // it may be ready again before one sees that it was not
		require.NoError(t, p.WaitReady(t.Context()))
		f = p.Container("main").FS()
		assert.Equal(t, "two", read("/etc/mode"), "of the next run")
	})
}

func TestAVolumeInAVolume(t *testing.T) {
	c := applied(t)
	inner := podnet.VolumeSpec{Name: "inner", EmptyDir: &podnet.EmptyDirVolumeSource{}}
	p := podnettest.StartPod(t, c, podnet.PodSpec{
		Name: "web", Namespace: "shop", Volumes: []podnet.VolumeSpec{configMap("late"), inner},
		Containers: []podnet.ContainerSpec{{Name: "main", Run: untilStopped, VolumeMounts: []podnet.VolumeMount{
			{Name: "v", MountPath: "/etc/app"}, {Name: "inner", MountPath: "/etc/app/run/cache"}, {Name: "inner", MountPath: "/etc/app/run/cache/deep"}, {Name: "inner", MountPath: "/etc/app-data"},
		}}},
	})
	f := p.Container("main").FS()
	require.NoError(t, f.WriteFile("/etc/app/run/cache/x", []byte("1"), 0o644))
	b, err := f.ReadFile("/etc/app-data/x")
	require.NoError(t, err)
	assert.Equal(t, "1", string(b))
	assert.ErrorIs(t, f.WriteFile("/etc/app/run/x", nil, 0o644), syscall.EROFS)
	b, err = f.ReadFile("/etc/app/mode")
	require.NoError(t, err)
	assert.Equal(t, "late", string(b))
}

func TestSubPath(t *testing.T) {
	type mount struct {
		volume, sub, expr string
		want, err         string
	}
	prepare := func(_ context.Context, c *podnet.Container) error {
		f := c.FS()
		for _, name := range []string{"/data/site", "/data/site/deep"} {
			if err := f.Mkdir(name, 0o755); err != nil {
				return err
			}
		}
		for to, name := range map[string]string{"site": "/data/link", "/etc": "/data/root", "../..": "/data/up", "nowhere": "/data/dangling", "/nowhere": "/data/out"} {
			if err := f.Symlink(to, name); err != nil {
				return err
			}
		}
		return f.WriteFile("/data/site/index.html", []byte("hello"), 0o644)
	}
	const failed = `failed to prepare subPath for volumeMount "data" of container "user"`
	for name, tt := range map[string]mount{
		"a directory":              {"data", "site", "", "drwxr-xr-x", ""},
		"a file":                   {"data", "site/index.html", "", "-rw-r--r--", ""},
		"through a link":           {"data", "link/index.html", "", "-rw-r--r--", ""},
		"one to be made":           {"data", "new/dir", "", "drwxrwxrwx", ""},
		"one to be made in it":     {"data", "link/./new/", "", "drwxrwxrwx", ""},
		"by a variable":            {"data", "", "$(WHERE)/deep", "drwxr-xr-x", ""},
		"a file of a ConfigMap":    {"v", "mode", "", "-rw-r--r--", ""},
		"no file of a ConfigMap":   {"v", "nginx.conf", "", "drwxrwxrwx", ""},
		"a variable that is not":   {"data", "", "$(NOWHERE)", "", "missing value for NOWHERE"},
		"a variable with dots":     {"data", "", "$(DOTS)", "", "unable to provision SubPath `../x`: must not contain '..'"},
		"a variable with a root":   {"data", "", "$(ROOT)", "", "error SubPath `/etc` must not be an absolute path"},
		"out by an absolute link":  {"data", "root", "", "", failed},
		"out by a relative link":   {"data", "up/etc", "", "", failed},
		"a link to nothing":        {"data", "dangling", "", "", failed},
		"a link to nothing, there": {"data", "out", "", "", failed},
		"in a file":                {"data", "site/index.html/x", "", "", failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := applied(t)
				user := podnet.ContainerSpec{
					Name: "user", Run: untilStopped,
					Env:          []podnet.EnvVar{{Name: "WHERE", Value: "site"}, {Name: "DOTS", Value: "../x"}, {Name: "ROOT", Value: "/etc"}},
					VolumeMounts: []podnet.VolumeMount{{Name: tt.volume, MountPath: "/it", SubPath: tt.sub, SubPathExpr: tt.expr}},
				}
				p, err := c.StartPod(t.Context(), podnet.PodSpec{
					Name: "web", Namespace: "shop", Volumes: []podnet.VolumeSpec{configMap("app"), {Name: "data", EmptyDir: &podnet.EmptyDirVolumeSource{}}},
					Containers: []podnet.ContainerSpec{
						{Name: "maker", VolumeMounts: []podnet.VolumeMount{{Name: "data", MountPath: "/data"}}, Run: func(ctx context.Context, c *podnet.Container) error {
							if err := prepare(ctx, c); err != nil {
								return err
							}
							return untilStopped(ctx, c)
						}},
						user,
					},
				})
				if tt.err != "" {
					assert.EqualError(t, err, "podnet: start Pod shop/web: container user: CreateContainerConfigError: "+tt.err)
					return
				}
				require.NoError(t, err)
				info, err := p.Container("user").FS().Stat("/it")
				require.NoError(t, err)
				assert.Equal(t, tt.want, info.Mode().String())
			})
		})
	}
}
