package podnettest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podnet.dev/podnet"
	"podnet.dev/podnet/capture"
)

var captureDir = flag.String("podnet.capture", "", "write the last packets of a failed test's clusters as pcapng into this `directory`")

// captureBytes is how much is kept of what a test sends.
const captureBytes = 16 << 20

// capturing is the capture of one cluster of a test.
type capturing struct {
	*capture.Capture
	file bytes.Buffer
}

// startCapture returns nil if nobody wants a capture.
func startCapture(tb testing.TB, c *podnet.Cluster) *capturing {
	if *captureDir == "" {
		return nil
	}
	k := new(capturing)
	var err error
	if k.Capture, err = capture.Start(c, &k.file, capture.Config{Ring: captureBytes}); err != nil {
		tb.Fatal(err) // it cannot be
	}
	return k
}

// end writes the capture of a test that has failed, and says where.
func (k *capturing) end(tb testing.TB) {
	tb.Helper()
	if k == nil {
		return
	}
	err := k.Stop()
	if !tb.Failed() {
		return
	}
	if err == nil {
		var name string
		if name, err = k.write(*captureDir, tb.Name()); err == nil {
			tb.Log("its last packets are in " + name)
			return
		}
	}
	tb.Log("its packets could not be written: " + err.Error())
}

// write writes a file that is named after the test, and after how many others of
// that name there are.
func (k *capturing) write(dir, test string) (string, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	test = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) {
			return '_'
		}
		return r
	}, test)
	for i := 1; ; i++ {
		name := filepath.Join(dir, test+".pcapng")
		if i > 1 {
			name = filepath.Join(dir, fmt.Sprintf("%s.%d.pcapng", test, i))
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if errors.Is(err, os.ErrExist) && i < 1000 {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(k.file.Bytes())
		return name, errors.Join(err, f.Close())
	}
}
