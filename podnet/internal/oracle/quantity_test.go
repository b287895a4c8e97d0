package oracle

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/api/resource"

	"podnet.dev/podnet/internal/quantity"
)

// TestQuantities holds podnet's quantities against those of Kubernetes. It makes
// none so great that Kubernetes overflows, and none without a digit, which are 0
// or an error there as it happens.
func TestQuantities(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		s := pick(r, "", "", "", "", "-", "+")
		for range 1 + r.IntN(4) {
			s += pick(r, "0", "0", "1", "2", "4", "5", "8", "9", "1024", "1536")
		}
		if r.IntN(3) == 0 {
			s += "."
			for range r.IntN(4) {
				s += pick(r, "0", "0", "1", "5", "000", "0009", "9")
			}
		}
		return s + pick(r, "", "", "", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e0", "e3", "E-3", "e-10", "e+2", "e", "K", "mi", "e1.5", " ", "x")
	}
	for range 50_000 {
		a, b := text(), text()
		wantA, errA := resource.ParseQuantity(a)
		gotA, err := quantity.Parse(a)
		if errA != nil {
			if !assert.EqualError(t, err, errA.Error(), "%q", a) {
				return
			}
			continue
		}
		wantB, errB := resource.ParseQuantity(b)
		if errB != nil {
			continue
		}
		gotB, err := quantity.Parse(b)
		if !assert.NoError(t, err, "%q", b) {
			return
		}
		ok := assert.Equal(t, wantA.String(), gotA.String(), "%q", a) &&
			assert.Equal(t, wantA.Sign(), gotA.Sign(), "%q", a) &&
			assert.Equal(t, wantA.Cmp(wantB), gotA.Cmp(gotB), "%q and %q", a, b)
		wantA = resource.MustParse(a) // Cmp may have changed how it prints
		wantA.RoundUp(resource.Milli)
		gotA = gotA.RoundUpToMilli()
		ok = ok && assert.Equal(t, wantA.String(), gotA.String(), "%q rounded", a)
		// Value and MilliValue overflow early, with a minus at once.
		if great := resource.MustParse("9P"); wantA.Sign() >= 0 && wantA.Cmp(great) < 0 && wantB.Sign() > 0 && wantB.Cmp(great) < 0 {
			ok = ok && assert.Equal(t, wantA.MilliValue()%1000 == 0, gotA.IsWhole(), "%q rounded", a)
			if unit := wantB.Value(); gotB.IsWhole() {
				ok = ok && assert.Equal(t, wantA.Value()%unit == 0, gotA.IsMultipleOf(gotB), "%q of %q", a, b)
			}
		}
		if !ok {
			return
		}
	}
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }
