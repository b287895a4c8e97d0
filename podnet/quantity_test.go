package podnet

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The amounts are what apimachinery's resource.ParseQuantity gives, in
// billionths; "format" and "suffix" stand for its errors.
func TestParseQuantity(t *testing.T) {
	for text, want := range map[Quantity]string{
		"0": "0", "1": "1000000000", "-1": "-1000000000", "+1": "1000000000", "1.5": "1500000000", "100m": "100000000", "0.1": "100000000",
		"1k": "1000000000000", "1Ki": "1024000000000", "1.5Gi": "1610612736000000000", "64Mi": "67108864000000000",
		"1e3": "1000000000000", "1E3": "1000000000000", "1e+3": "1000000000000", "12e-3": "12000000", "1.5e-3": "1500000",
		"1E": "1000000000000000000000000000", "1Ei": "1152921504606846976000000000",
		"1n": "1", "0.1n": "1", "1.0000000001": "1000000001", "1u": "1000", "-0.5": "-500000000", "-1.5m": "-1500000", "1e-99": "1",
		"7Ei": "8070450532247928832000000000", "8Ei": "9223372036854775807000000000", "99999999999999999999Ki": "9223372036854775807000000000",
		"-99999999999999999999Ki": "-9223372036854775807000000000", "9223372036854775808": "9223372036854775808000000000", "1e20": "100000000000000000000000000000",
		"000": "0", "00.5": "500000000", "007": "7000000000", "5.": "5000000000", "1.G": "1000000000000000000", ".5": "500000000",
		".": "0", "+": "0", "-": "0", "Ki": "0", "E": "0", "e5": "0", "0.5Ki": "512000000000", "0.3Ki": "307200000000",
		"": "format", "1 ": "format", "x": "format", "1x": "format", "1e1e": "format", "1.5.5": "format", "1_0": "format", "0x1": "format",
		"1e3i": "format", "1e+-3": "format", "\uff11": "format", "0Q": "format",
		"+-1": "suffix", "--1": "suffix", "1e": "suffix", "1e+": "suffix", "1ke3": "suffix", "1K": "suffix", "1kk": "suffix", "ki": "suffix",
		"1m5": "suffix", "1m+5": "suffix", "1i": "suffix", "1Mi2": "suffix", "1M-": "suffix", "e": "suffix", "0e": "suffix", "1e-": "suffix",
	} {
		n, err := text.parse()
		switch want {
		case "format":
			assert.Equal(t, errQuantityFormat, err, "%q", text)
		case "suffix":
			assert.Equal(t, errQuantitySuffix, err, "%q", text)
		default:
			if assert.NoError(t, err, "%q", text) {
				assert.Equal(t, want, n.String(), "%q", text)
			}
		}
	}
}

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
		assert.Equal(t, tt.ones, tt.q.units(1).String(), tt.q)
		assert.Equal(t, tt.millis, tt.q.units(1000).String(), tt.q)
	}
}

func FuzzParseQuantity(f *testing.F) {
	for _, s := range []string{"1.5Gi", "-1e-3", "12E", "1e999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Quantity(text).parse()
		if err != nil || strings.HasPrefix(text, "-") {
			return
		}
		if n.Sign() < 0 {
			t.Fatalf("%q is %s", text, n)
		}
		if rounded := new(big.Int).Mul(Quantity(text).units(1), nano); rounded.Cmp(n) < 0 {
			t.Fatalf("%q was rounded down", text)
		}
	})
}
