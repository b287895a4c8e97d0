package capture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"podnet.dev/podnet"
	"podnet.dev/podnet/capture"
	"podnet.dev/podnet/podnettest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

// packet is what a reader finds in a file.
type packet struct {
	itf      string
	at       time.Time
	out, in  bool
	comments []string
	gopacket.Packet
}

func (p packet) String() string {
	n := p.NetworkLayer().NetworkFlow()
	text := fmt.Sprintf("%s: %s > %s", p.itf, n.Src(), n.Dst())
	if tcp, ok := p.TransportLayer().(*layers.TCP); ok {
		text = fmt.Sprintf("%s: %s:%d > %s:%d", p.itf, n.Src(), tcp.SrcPort, n.Dst(), tcp.DstPort)
	}
	return text
}

// read reads a file with gopacket, which knows nothing of podnet.
func read(t *testing.T, b []byte) (list []packet) {
	t.Helper()
	r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{})
	require.NoError(t, err)
	for {
		data, info, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		itf, err := r.Interface(info.InterfaceIndex)
		require.NoError(t, err)
		p := packet{itf: itf.Name, at: info.Timestamp, comments: options.Comments, Packet: gopacket.NewPacket(data, layers.LayerTypeIPv4, gopacket.Default)}
		if data[0]>>4 == 6 {
			p.Packet = gopacket.NewPacket(data, layers.LayerTypeIPv6, gopacket.Default)
		}
		if f := options.Flags; f != nil {
			p.out = f.Direction == pcapgo.NgEpbFlagDirectionOutbound
			p.in = f.Direction == pcapgo.NgEpbFlagDirectionInbound
		}
		list = append(list, p)
	}
}

// tshark runs tshark on a capture, if it is installed.
func tshark(t *testing.T, b []byte, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	if err != nil {
		t.Log("tshark is not installed")
		return ""
	}
	file := filepath.Join(t.TempDir(), "a.pcapng")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	var stderr strings.Builder
	cmd := exec.Command(program, append([]string{"-n", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-r", file}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	for line := range strings.Lines(stderr.String()) {
		assert.Contains(t, line, "Running as user", "tshark warns of nothing")
	}
	return string(out)
}

// noWarnings fails if Wireshark has anything to say about a packet.
func noWarnings(t *testing.T, b []byte) {
	t.Helper()
	// A full window is how TCP waits for a slow reader; 0x600000 is a warning.
	assert.Empty(t, tshark(t, b, "-Y", "_ws.expert.severity >= 0x600000 && !tcp.analysis.window_full || _ws.malformed"+
		" || tcp.analysis.retransmission || tcp.analysis.out_of_order || tcp.analysis.duplicate_ack || tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment"+
		" || tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0"))
}

func echo(ctx context.Context, c *podnet.Container) error {
	l, err := c.Listen("tcp", ":8080")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil
		}
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

func idle(ctx context.Context, _ *podnet.Container) error { <-ctx.Done(); return nil }

// world is a Pod that is its own Service's endpoint, and another on another node.
func world(t *testing.T) (*podnet.Cluster, *podnet.Pod, *podnet.Pod) {
	t.Helper()
	c := podnettest.NewCluster(t, podnet.Config{
		Nodes: 2, NodeLatency: time.Millisecond,
		PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.0.0/16")}, ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")},
	})
	p := podnettest.StartPod(t, c, podnet.PodSpec{
		Name: "web", NodeName: "node-1", Labels: map[string]string{"app": "web"},
		Containers: []podnet.ContainerSpec{{Name: "app", Run: echo, SecurityContext: &podnet.SecurityContext{Capabilities: &podnet.Capabilities{Add: []podnet.Capability{podnet.CapNetAdmin}}}}, {Name: "side", Run: idle}},
	})
	require.NoError(t, p.WaitListening(t.Context(), 8080))
	other := podnettest.StartPod(t, c, podnet.PodSpec{Name: "other", NodeName: "node-2", Containers: []podnet.ContainerSpec{{Name: "main", Run: idle}}})
	require.NoError(t, c.Apply(t.Context(), podnet.ServiceSpec{
		Name: "web", ClusterIP: "10.96.1.1", Selector: map[string]string{"app": "web"},
		Ports: []podnet.ServicePort{{Port: 80, TargetPort: podnet.Port(8080)}},
	}))
	return c, p, other
}

// talk sends bytes there and back, and closes.
func talk(t *testing.T, from interface {
	Dial(network, address string) (net.Conn, error)
}, to string, bytes int) {
	t.Helper()
	conn, err := from.Dial("tcp", to)
	require.NoError(t, err)
	go conn.Write(make([]byte, bytes))
	_, err = io.ReadFull(conn, make([]byte, bytes))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	time.Sleep(time.Second)
}

func TestLocalhostIsCapturedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := world(t)
		var file bytes.Buffer
		k, err := capture.Start(c, &file, capture.Config{})
		require.NoError(t, err)
		talk(t, p.Container("side"), "127.0.0.1:8080", 300_000)
		require.NoError(t, k.Stop())
		list := read(t, file.Bytes())
		next := make(map[string]uint32)
		for _, q := range list {
			assert.Equal(t, "default/web lo", q.itf)
			assert.False(t, q.in || q.out)
			tcp := q.TransportLayer().(*layers.TCP)
			from := tcp.SrcPort.String()
			if tcp.SYN {
				next[from] = tcp.Seq + 1
				continue
			}
			assert.Equal(t, next[from], tcp.Seq, "every segment once, and none missing: %s", q)
			next[from] += uint32(len(tcp.Payload))
			if tcp.FIN {
				next[from]++
			}
		}
		first := list[0]
		assert.Equal(t, []string{"sent by default/web/side lo", "delivered to default/web/app lo"}, first.comments)
		assert.Equal(t, 2000, first.at.Year(), "the bubble's time")
		noWarnings(t, file.Bytes())
	})
}

func TestAHairpinShowsItsTranslations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := world(t)
		var file bytes.Buffer
		k, err := capture.Start(c, &file, capture.Config{})
		require.NoError(t, err)
		talk(t, p.Container("side"), "10.96.1.1:80", 300_000)
		require.NoError(t, k.Stop())
		list := read(t, file.Bytes())
		require.Greater(t, len(list), 8)
		var ways []string
		for _, q := range list[:4] {
			ways = append(ways, q.String())
		}
		port := list[0].TransportLayer().(*layers.TCP).SrcPort
		drawn := list[1].TransportLayer().(*layers.TCP).SrcPort
		assert.Equal(t, []string{
			fmt.Sprintf("default/web eth0: 10.244.0.2:%d > 10.96.1.1:80", port),
			fmt.Sprintf("node-1 veth19b6aa24: 10.244.0.1:%d > 10.244.0.2:8080", drawn),
			fmt.Sprintf("default/web eth0: 10.244.0.2:8080 > 10.244.0.1:%d", drawn),
			fmt.Sprintf("node-1 veth19b6aa24: 10.96.1.1:80 > 10.244.0.2:%d", port),
		}, ways)
		assert.Equal(t, []string{
			"sent by default/web/side eth0",
			fmt.Sprintf("node-1 veth19b6aa24: translated to 10.244.0.1:%d > 10.244.0.2:8080 (default/web)", drawn),
		}, list[0].comments)
		assert.Equal(t, []string{"delivered to default/web/app eth0"}, list[1].comments)
		noWarnings(t, file.Bytes())
		if out := tshark(t, file.Bytes(), "-Y", "tcp.flags.syn == 1", "-T", "fields", "-e", "frame.interface_name", "-e", "ip.src", "-e", "ip.dst"); out != "" {
			assert.Equal(t, `default/web eth0	10.244.0.2	10.96.1.1
node-1 veth19b6aa24	10.244.0.1	10.244.0.2
default/web eth0	10.244.0.2	10.244.0.1
node-1 veth19b6aa24	10.96.1.1	10.244.0.2
`, out)
		}
	})
}

func TestInterfacesAreChosen(t *testing.T) {
	for pattern, want := range map[string][]string{
		"default/web eth0":   {"default/web eth0 in", "default/web eth0 out"},
		"default/other *":    {"default/other eth0 out", "default/other eth0 in"},
		"node-1 eth0":        {"node-1 eth0 in", "node-1 eth0 out"},
		"node-2 veth*":       {"node-2 veth7b4c4640 in", "node-2 veth7b4c4640 out"},
		"*/* lo":             nil,
		"default/nobody eth": nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			c, p, other := world(t)
			var file bytes.Buffer
			k, err := capture.Start(c, &file, capture.Config{Interfaces: []string{pattern}})
			require.NoError(t, err)
			talk(t, other, p.IP().String()+":8080", 1000)
			require.NoError(t, k.Stop())
			var got []string
			for i, q := range read(t, file.Bytes()) {
				direction := "out"
				if q.in {
					direction = "in"
				}
				if i < 2 {
					got = append(got, q.itf+" "+direction)
				}
				assert.True(t, q.in != q.out)
			}
			assert.Equal(t, want, got, pattern)
			noWarnings(t, file.Bytes())
		})
	}
}

func TestDropsAreCommented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, other := world(t)
		var file bytes.Buffer
		filter, err := podnet.ParseTraceFilter("tcp port 81")
		require.NoError(t, err)
		k, err := capture.Start(c, &file, capture.Config{Filter: filter})
		require.NoError(t, err)
		_, err = other.Dial("tcp", p.IP().String()+":81")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		_, err = p.Container("app").IPTables(false, "-A", "OUTPUT", "-p", "tcp", "--dport", "81", "-j", "DROP")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = p.DialContext(ctx, "tcp", other.IP().String()+":81")
		assert.Error(t, err)
		talk(t, p, "localhost:8080", 10) // the filter wants none of it
		require.NoError(t, k.Stop())
		list := read(t, file.Bytes())
		require.GreaterOrEqual(t, len(list), 3)
		assert.Equal(t, []string{"sent by default/other/pause eth0", "dropped at default/web eth0: no listener"}, list[0].comments)
		assert.Equal(t, []string{"dropped at default/web/pause eth0: iptables rule (-t filter -A OUTPUT -p tcp -m tcp --dport 81 -j DROP); it has not crossed the interface"}, list[2].comments)
		tshark(t, file.Bytes())
	})
}

func TestACaptureIsLimited(t *testing.T) {
	for _, cfg := range []capture.Config{{MaxBytes: 20_000}, {Ring: 20_000}, {MaxBytes: 20_000, Ring: 200_000}, {SnapLen: 64}, {MaxBytes: 1}} {
		synctest.Test(t, func(t *testing.T) {
			c, p, _ := world(t)
			var file bytes.Buffer
			k, err := capture.Start(c, &file, cfg)
			require.NoError(t, err)
			for range 20 {
				talk(t, p, "localhost:8080", 1000)
			}
			before := k.Stats()
			require.NoError(t, k.Stop())
			if cfg.MaxBytes == 1 {
				assert.Zero(t, file.Len())
				assert.True(t, k.Stats().Full)
				return
			}
			list := read(t, file.Bytes())
			require.NotEmpty(t, list)
			begin, end := list[0].at, list[len(list)-1].at
			switch {
			case cfg.MaxBytes > 0:
				assert.LessOrEqual(t, file.Len(), 20_000)
				assert.Greater(t, file.Len(), 18_000)
				assert.True(t, k.Stats().Full)
			case cfg.Ring > 0:
				assert.LessOrEqual(t, file.Len(), 21_000)
				assert.Greater(t, time.Since(begin), time.Second)
				assert.Less(t, time.Since(end), 2*time.Second, "the last ones are kept")
				assert.Greater(t, time.Until(begin), -15*time.Second, "the first ones are not")
				assert.NotZero(t, before.Packets)
			case cfg.SnapLen > 0:
				for _, q := range list {
					assert.LessOrEqual(t, len(q.Data()), 64)
				}
			}
			tshark(t, file.Bytes())
		})
	}
}

// full is a disk without room.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, &os.PathError{Op: "write", Path: "a.pcapng", Err: syscall.ENOSPC}
	}
	return len(b), nil
}

func TestTheClusterGoesOnWhenTheDiskIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := world(t)
		k, err := capture.Start(c, &full{10_000}, capture.Config{})
		require.NoError(t, err)
		for range 20 {
			talk(t, p, "localhost:8080", 10_000)
		}
		err = k.Stop()
		assert.ErrorIs(t, err, syscall.ENOSPC)
		assert.Regexp(t, `^capture: after \d+ packets: write a.pcapng: no space left on device$`, err)
		assert.Equal(t, err, k.Stop())
	})
}

func TestBadInput(t *testing.T) {
	c := podnettest.NewCluster(t, podnet.Config{})
	_, err := capture.StartFile(c, filepath.Join(t.TempDir(), "no", "such.pcapng"), capture.Config{})
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "capture: open ")
	for _, cfg := range []capture.Config{{SnapLen: -1}, {MaxBytes: -1}, {Ring: -1}, {Interfaces: []string{"eth0"}}, {Interfaces: []string{"[ eth0"}}} {
		_, err := capture.StartFile(c, filepath.Join(t.TempDir(), "a.pcapng"), cfg)
		assert.ErrorContains(t, err, "capture: Config.")
	}
}

func TestACaptureWithoutPackets(t *testing.T) {
	c, err := podnet.NewCluster(podnet.Config{})
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), "a.pcapng")
	k, err := capture.StartFile(c, name, capture.Config{})
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, k.Stop())
	require.NoError(t, k.Stop())
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Empty(t, read(t, b))
	tshark(t, b)
}
