package podnet_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet"
	"podnet.dev/podnet/podnettest"
)

func TestOriginalDst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := idlePod(t, netAdmin)
		l, err := c.Listen("tcp", ":15001")
		require.NoError(t, err)
		accepted := func(address string) net.Conn {
			_, err := c.Dial("tcp", address)
			require.NoError(t, err)
			conn, err := l.Accept()
			require.NoError(t, err)
			return conn
		}
		_, err = podnet.OriginalDst(accepted("127.0.0.1:15001"))
		assert.ErrorIs(t, err, syscall.ENOENT)
		assert.ErrorContains(t, err, ": getsockopt: no such file or directory")
		require.NoError(t, c.IPTablesRestore(false, "*nat\n-A OUTPUT -p tcp --dport 80 -m owner --uid-owner 0 -j REDIRECT --to-ports 15001\nCOMMIT\n", true))
		conn := accepted("192.0.2.1:80")
		want := netip.MustParseAddrPort("192.0.2.1:80")
		dst, err := podnet.OriginalDst(conn)
		require.NoError(t, err)
		assert.Equal(t, want, dst)
		dst, err = podnet.OriginalDst(tls.Server(conn, &tls.Config{}))
		require.NoError(t, err)
		assert.Equal(t, want, dst)
	})
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	_, err := podnet.OriginalDst(one)
	assert.EqualError(t, err, "podnet: OriginalDst of a *net.pipe: it is no TCP connection of a Pod: unsupported operation")
	assert.ErrorIs(t, err, errors.ErrUnsupported)
}

// The owner match knows as whom a process runs.
func TestOwnerOfAPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var containers []podnet.ContainerSpec
		for _, user := range []int64{0, 1337} {
			as := *netAdmin
			as.RunAsUser, as.RunAsGroup = &user, new(int64(42))
			containers = append(containers, podnet.ContainerSpec{Name: fmt.Sprint("user-", user), Run: untilStopped, SecurityContext: &as})
		}
		pod := podnettest.StartPod(t, podnettest.NewCluster(t, podnet.Config{}), podnet.PodSpec{Name: "pod", Containers: containers})
		rules := "*filter\n-A OUTPUT -o lo -m owner --uid-owner 1337 --gid-owner 42 -j REJECT\nCOMMIT\n"
		require.NoError(t, pod.Container("user-0").IPTablesRestore(false, rules, true))
		_, err := pod.Container("user-0").Listen("tcp", ":80")
		require.NoError(t, err)
		_, err = pod.Container("user-0").Dial("tcp", "127.0.0.1:80")
		assert.NoError(t, err)
		_, err = pod.Container("user-1337").Dial("tcp", "127.0.0.1:80")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}
