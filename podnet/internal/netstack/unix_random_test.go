package netstack

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// randomUnixUse does what a seed says with three sockets and notes it.
func randomUnixUse(r *unixRig, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	var ends []unixEnd
	network := []string{"unix", "unixpacket", "unixgram"}[random.IntN(3)]
	if network == "unixgram" {
		ends = append(ends, r.packet("/a"), r.packet("/b"), r.dial(network, "/b"))
	} else {
		c, s := r.pipe(network)
		ends = append(ends, c, s)
	}
	size := func() int {
		// Below 705 bytes it depends on the kernel what a message costs.
		return []int{0, 1000, 3777, 20000, 60000, 120000}[random.IntN(6)] + random.IntN(700)*random.IntN(2)
	}
	names := []string{"/a", "/b", "/none"}
	for range 60 {
		i := random.IntN(len(ends))
		c := ends[i]
		switch op := random.IntN(100); {
		case op < 40 && network == "unixgram" && i < 2:
			to := names[random.IntN(len(names))]
			r.note(i, "to", to)
			r.writeTo(c, strings.Repeat("x", size()), r.addr(network, to))
		case op < 40:
			r.note(i)
			r.write(c, strings.Repeat("x", size()))
		case op < 80:
			r.note(i)
			r.readFrom(c, 1+size())
		case op < 90:
			r.note(i)
			r.read(c, 1+size())
		case op < 92:
			r.note(i, "CloseRead", c.CloseRead())
		case op < 94:
			r.note(i, "CloseWrite", c.CloseWrite())
		case op < 95:
			r.note(i, "Close", c.Close())
		case op < 97:
			n := 1000 + random.IntN(100000)
			r.note(i, "SetWriteBuffer", n, c.SetWriteBuffer(n))
		}
	}
}

func TestRandomUnixUseBehavesAsLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the oracle is Linux")
	}
	for seed := range uint64(40) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			var got []string
			synctest.Test(t, func(t *testing.T) {
				r := newUnixRig(t)
				randomUnixUse(r, seed)
				got = r.finish()
			})
			host := newHostUnixRig(t)
			host.want = got
			randomUnixUse(host, seed)
			require.Equal(t, host.finish(), got)
		})
	}
}

func FuzzUnixName(f *testing.F) {
	for _, name := range []string{"", "@", "\x00", "/run/s", "a\x00b", "@a\x00b", strings.Repeat("a", 107), "@" + strings.Repeat("a", 108)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, ok := parseUnixName(text)
		require.Equal(t, text != "" && (text[0] == '@' || text[0] == 0), name.isAbstract())
		require.Equal(t, len(text) < maxUnixPath || len(text) == maxUnixPath && name.isAbstract(), ok)
		require.NotEmpty(t, name.text())
		require.NotContains(t, name.text(), "\x00")
		if again, ok := parseUnixName(name.text()); ok && name != "" && !name.isAbstract() {
			require.Equal(t, name, again)
		}
	})
}
