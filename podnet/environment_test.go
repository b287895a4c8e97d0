package podnet

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEnvironmentsShareTheVariablesOfServices(t *testing.T) {
	services := &serviceVariables{services: []*variables{{"A_PORT=1", "A_PORT_B=1"}, {"B_PORT=2", "A_PORT_B=3"}}}
	for name, tt := range map[string]struct {
		env  environment
		want []string
	}{
		"nothing":                  {},
		"its own alone":            {environment{own: variables{"X=1"}}, []string{"X=1"}},
		"all, in order":            {environment{variables{"P=/"}, services, variables{"X=1"}}, []string{"P=/", "A_PORT=1", "A_PORT_B=3", "B_PORT=2", "X=1"}},
		"one in a Service's place": {environment{nil, services, variables{"X=1", "B_PORT=3"}}, []string{"A_PORT=1", "A_PORT_B=3", "B_PORT=3", "X=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			list := tt.env.list()
			assert.Equal(t, tt.want, list)
			for _, v := range list {
				name, want := v[:len(v)-2], v[len(v)-1:]
				value, ok := tt.env.lookup(name)
				assert.True(t, ok, name)
				assert.Equal(t, want, value, name)
			}
			_, ok := tt.env.lookup("PORT")
			assert.False(t, ok)
		})
	}
	assert.Equal(t, variables{"A_PORT=1", "A_PORT_B=3", "B_PORT=2"}, services.list(), "nobody has modified it")
}
