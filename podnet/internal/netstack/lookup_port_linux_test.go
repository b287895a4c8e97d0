package netstack

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLookupPortIsLikeNets(t *testing.T) {
	host := &net.Resolver{PreferGo: true}
	for _, network := range []string{"tcp", "tcp4", "udp6", "ip", "", "unix", "nosuch"} {
		for _, service := range []string{"80", "0", "65535", "65536", "-1", "+80", "", "http", "HTTPS", "nosuch", "8o"} {
			if network == "udp6" && service != "80" && service != "nosuch" {
				continue // which services the machine's file has for UDP is its own affair
			}
			want, wantErr := host.LookupPort(t.Context(), network, service)
			got, err := LookupPort(network, service)
			assert.Equal(t, want, got, "%s %s", network, service)
			if wantErr == nil {
				assert.NoError(t, err, "%s %s", network, service)
			} else {
				assert.EqualError(t, err, wantErr.Error())
				assert.IsType(t, wantErr, err)
			}
		}
	}
}
