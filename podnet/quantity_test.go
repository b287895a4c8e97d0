package podnet

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestQuantitiesAreComparedByAmount(t *testing.T) {
	for _, tt := range []struct {
		a, b Quantity
		want int
	}{
		{"500m", "0.5", 0}, {"1Gi", "1024Mi", 0}, {"1", "1k", -1}, {"1Ki", "1k", 1}, {"", "0", 0}, {"1n", "", 1}, {"1e3", "1k", 0},
	} {
		assert.Equal(t, tt.want, tt.a.cmp(tt.b), "%s and %s", tt.a, tt.b)
		assert.Equal(t, -tt.want, tt.b.cmp(tt.a), "%s and %s", tt.b, tt.a)
	}
	assert.True(t, Quantity("").isZero())
	assert.True(t, Quantity("0Gi").isZero())
	assert.False(t, Quantity("1n").isZero())
}

func TestQuantitiesAreRoundedUp(t *testing.T) {
	for _, tt := range []struct {
		q            Quantity
		ones, millis string
	}{
		{"250m", "1", "250"}, {"1.5", "2", "1500"}, {"1u", "1", "1"}, {"0", "0", "0"}, {"", "0", "0"}, {"1.0001", "2", "1001"}, {"0.3Ki", "308", "307200"}, {"64Mi", "67108864", "67108864000"},
	} {
		assert.Equal(t, tt.ones, tt.q.units(false).String(), tt.q)
		assert.Equal(t, tt.millis, tt.q.units(true).String(), tt.q)
	}
}
