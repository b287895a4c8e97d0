package fabric_test

import (
	"context"
	"io"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/fabric"
	"podnet.dev/podnet/internal/netstack"
)

func pair(b testing.TB) [2]*netstack.Owner {
	e0, e1 := fabric.NewVeth(1500)
	var os [2]*netstack.Owner
	for i, e := range []*fabric.VethEnd{e0, e1} {
		ns, err := netstack.New(netstack.Config{Seed: uint64(i)})
		require.NoError(b, err)
		b.Cleanup(ns.Close)
		require.NoError(b, ns.AddLink(netstack.Link{Name: "eth0", Endpoint: e, Addrs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)}), 24)}}))
		os[i] = ns.NewOwner("x", 1, nil)
	}
	return os
}

func BenchmarkPair(b *testing.B) {
	for _, target := range []string{"10.0.0.2", "127.0.0.1"} {
		dial := func(b *testing.B) (c, s io.ReadWriteCloser) {
			os := pair(b)
			from := os[0]
			if target == "127.0.0.1" {
				from = os[1]
			}
			l, err := os[1].Listen(context.Background(), "tcp", ":80")
			require.NoError(b, err)
			cc, err := from.Dial(context.Background(), "tcp", target+":80")
			require.NoError(b, err)
			ss, err := l.Accept()
			require.NoError(b, err)
			return cc, ss
		}
		b.Run("roundtrip/"+target, func(b *testing.B) {
			c, s := dial(b)
			go io.Copy(s, struct{ io.Reader }{s})
			buf := make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				c.Write(buf)
				io.ReadFull(c, buf)
			}
		})
		b.Run("stream/"+target, func(b *testing.B) {
			c, s := dial(b)
			done := make(chan struct{})
			go func() { io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{s}, make([]byte, 64<<10)); close(done) }()
			buf := make([]byte, 64<<10)
			b.SetBytes(64 << 10)
			b.ReportAllocs()
			for b.Loop() {
				c.Write(buf)
			}
			c.Close()
			<-done
		})
	}
}
