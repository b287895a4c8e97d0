package probe

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestResolvePort(t *testing.T) {
	ports := []Port{{Number: 1}, {Name: "zero"}, {Name: "web", Number: 8080}, {Name: "web", Number: 9090}}
	for name, c := range map[string]struct {
		number int32
		name   string
		want   int
		err    string
	}{
		"a number":                 {number: 65535, want: 65535},
		"a number of no container": {number: 7, want: 7},
		"a name is the first one":  {name: "web", want: 8080},
		"a name before a number":   {number: 7, name: "web", want: 8080},
		"no such name":             {name: "metrics", err: `port "metrics" not found`},
		"a name without a port":    {name: "zero", err: "invalid port number: 0"},
		"nothing":                  {err: "invalid port number: 0"},
		"too large":                {number: 65536, err: "invalid port number: 65536"},
		"too small":                {number: -1, err: "invalid port number: -1"},
	} {
		t.Run(name, func(t *testing.T) {
			port, err := ResolvePort(c.number, c.name, ports)
			if c.err != "" {
				assert.EqualError(t, err, c.err)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, c.want, port)
		})
	}
}
