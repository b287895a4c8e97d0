// Package chaos runs Chaos Mesh's manifests in a test.
package chaos

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"podnet.dev/podnet"
	"podnet.dev/podnet/image"
	"podnet.dev/podnet/manifest"
	"podnet.dev/podnet/podnettest"
)

func TestAMinuteOfChaos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := podnettest.NewCluster(t, podnet.Config{Images: image.Standard()})
		for _, file := range []string{"shop.yaml", "chaos.yaml"} {
			objects, err := manifest.Load(os.DirFS("."), file)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Apply(t.Context(), objects...); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		log := c.Pod("", "client").Container("ask").Logs()
		if n := strings.Count(log, "ok\n"); n < 35 {
			t.Errorf("%d times it got an answer", n)
		}
		if n := strings.Count(log, "bad address"); n < 6 || n > 12 { // 5 seconds, twice
			t.Errorf("%d times it found no name", n)
		}
		if n := len(c.Deployment("", "web").Pods()); n != 2 {
			t.Errorf("there are %d servers", n)
		}
	})
}
