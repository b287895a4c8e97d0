package fabric_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"podnet.dev/podnet/internal/fabric"
)

// A network that is closed while packets are under way, before, while and after
// they arrive.
func TestANetworkIsClosedWithPacketsUnderWay(t *testing.T) {
	for _, after := range []time.Duration{0, 5 * time.Millisecond, 5*time.Millisecond + 1, time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, fabric.Rules{}, 2)
				w.network.SetLatency(5 * time.Millisecond)
				for _, v4 := range []bool{true, false} {
					c, err := w.hosts[0].Dial(t.Context(), "udp", netip.AddrPortFrom(w.hosts[2].addr(v4), 53).String())
					require.NoError(t, err)
					for range 20 {
						c.Write(make([]byte, 20000))
					}
				}
				time.Sleep(after)
				w.network.Close()
				w.network.Close()
				time.Sleep(time.Second)
			})
		})
	}
}

// Nothing is delivered any more when Close returns.
func TestClosingANetworkWaitsForWhatArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrives := make(chan struct{})
		w := newWorld(t, fabric.Rules{Allow: func(c fabric.Connection, _ netip.AddrPort) (bool, string) {
			if c.From == fabric.FromNetwork {
				<-arrives // no rule may wait, but it shows who does
			}
			return true, ""
		}}, 2)
		w.network.SetLatency(time.Millisecond)
		c, err := w.hosts[0].Dial(t.Context(), "udp", netip.AddrPortFrom(w.hosts[2].ipv4, 53).String())
		require.NoError(t, err)
		for range 3 {
			c.Write([]byte("x"))
		}
		time.Sleep(time.Second)
		closed := make(chan struct{})
		go func() {
			w.network.Close()
			close(closed)
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("a packet is still being delivered")
		default:
		}
		close(arrives)
		<-closed
		c.Write([]byte("x"))
		assert.Len(t, w.routers[1].Conntrack().Entries(), 1)
	})
}
