package quantity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("runtime.handleEvent"))
}

func parse(t *testing.T, s string) Quantity {
	q, err := Parse(s)
	require.NoError(t, err, s)
	return q
}

func TestString(t *testing.T) {
	for s, want := range map[string]string{
		"0": "0", "0.0": "0", "-0": "0", "000": "0", "m": "0", ".": "0", "0Gi": "0",
		"1": "1", "1.5": "1500m", "1.50": "1500m", "0.1": "100m", "-0.1": "-100m", ".5": "500m", "5.": "5.",
		"1000": "1k", "1500": "1500", "100000": "100k", "1000000": "1M", "1k": "1k", "1000k": "1M", "1000m": "1",
		"1500m": "1500m", "1u": "1u", "1n": "1n", "0.1n": "1n", "1.5n": "2n", "-1.5n": "-2n", "1E": "1E", "1000E": "1e21",
		"1e3": "1e3", "10e2": "1e3", "12E6": "12E6", "1e-3": "1e-3", "1e0": "1e0", "1e1": "10", "1e999999999": "1e999999999",
		"1Ki": "1Ki", "1024Ki": "1Mi", "1536Mi": "1536Mi", "1.5Gi": "1536Mi", "0.5Ki": "512", "0.0001Ki": "102400u",
		"1000Ki": "1000Ki", "-2Mi": "-2Mi", "8Ei": "9223372036854775807", "-8Ei": "-9223372036854775807", "4Ei": "4Ei",
		"1.0001Ki": "1024102400u",
		"+5":       "+5", "05": "05", "1.500": "1.500", "+5Ki": "+5Ki", // as the API server prints them too
	} {
		assert.Equal(t, want, parse(t, s).String(), s)
	}
}

func TestParseRefuses(t *testing.T) {
	for s, want := range map[string]error{
		"": ErrFormat, " 1": ErrFormat, "1 ": ErrFormat, "1Kib": ErrFormat, "a": ErrFormat, "1..": ErrFormat, "0x1": ErrFormat,
		"1K": ErrSuffix, "1kk": ErrSuffix, "1e": ErrSuffix, "1mi": ErrSuffix, "1e99999999999": ErrSuffix, "1i": ErrSuffix, "--1": ErrSuffix, "1m1": ErrSuffix,
	} {
		_, err := Parse(s)
		assert.ErrorIs(t, err, want, s)
	}
}

func TestCmp(t *testing.T) {
	ascending := []string{"-1e999999999", "-1Mi", "-1M", "-1", "-1n", "0", "1n", "1m", "0.999", "1", "1001m", "1k", "1Ki", "1M", "1Mi", "8Ei", "10E", "1e999999999"}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			assert.Equal(t, want, parse(t, a).Cmp(parse(t, b)), "%s and %s", a, b)
		}
	}
	for a, b := range map[string]string{"1000m": "1", "1Ki": "1024", "1e3": "1k", "0": "0Ki", "+5": "5.0"} {
		assert.Zero(t, parse(t, a).Cmp(parse(t, b)), "%s and %s", a, b)
	}
}

func TestRoundUpToMilli(t *testing.T) {
	for s, want := range map[string]string{
		"1n": "1m", "-1n": "-1m", "1.0001": "1001m", "-1.0001": "-1001m", "999999u": "1", "1m": "1m", "0": "0", "1.500": "1.500", "1e-4": "1e-3",
	} {
		assert.Equal(t, want, parse(t, s).RoundUpToMilli().String(), s)
	}
}

func TestIsWhole(t *testing.T) {
	for s, want := range map[string]bool{"1": true, "1000m": true, "1500m": false, "1.5Ki": true, "0.1Ki": false, "0": true, "1n": false, "1e9": true} {
		assert.Equal(t, want, parse(t, s).IsWhole(), s)
	}
}

func TestIsMultipleOf(t *testing.T) {
	for _, test := range []struct {
		q, unit string
		want    bool
	}{
		{"4Mi", "2Mi", true}, {"3Mi", "2Mi", false}, {"0", "2Mi", true}, {"-4Mi", "2Mi", true}, {"1.5", "2", true}, {"1e999999999", "10", true},
		{"1e999999999", "3", false}, {"4", "0", false}, {"4", "-2", false}, {"4", "1500m", false}, {"1e30", "1e30", false},
	} {
		assert.Equal(t, test.want, parse(t, test.q).IsMultipleOf(parse(t, test.unit)), "%s of %s", test.q, test.unit)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "-1.5Gi", "0.1n", "1e3", "12E-6", "+.5m", "99999999999999999999Ei", "1e2147483647", strings.Repeat("9", 50) + ".9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s)
		if err != nil || q.num.exp < -20 {
			return
		}
		again, err := Parse(q.String())
		require.NoError(t, err)
		assert.Zero(t, q.Cmp(again), "%s prints as %s", s, q)
		assert.Zero(t, q.Cmp(q))
		assert.GreaterOrEqual(t, q.RoundUpToMilli().num.abs().cmp(q.num.abs()), 0)
		assert.True(t, q.RoundUpToMilli().num.exp >= -3)
	})
}
