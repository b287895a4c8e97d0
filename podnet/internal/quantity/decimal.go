package quantity

import (
	"cmp"
	"math/big"
	"strings"
)

// decimal is mant*10^exp. mant does not end in a zero, and of 0 exp is 0, so the
// exponent of a great number costs nothing. A nil mant is 0.
type decimal struct {
	mant *big.Int
	exp  int
}

var (
	ten = big.NewInt(10)
	one = decimal{mant: big.NewInt(1)}
)

// newDecimal returns mant*10^exp.
func newDecimal(mant *big.Int, exp int) decimal {
	if mant.Sign() == 0 {
		return decimal{}
	}
	digits := mant.String()
	short := strings.TrimRight(digits, "0")
	mant, _ = new(big.Int).SetString(short, 10) // it was one before
	return decimal{mant, exp + len(digits) - len(short)}
}

func (d decimal) sign() int {
	if d.mant == nil {
		return 0
	}
	return d.mant.Sign()
}

func (d decimal) abs() decimal {
	if d.sign() < 0 {
		d.mant = new(big.Int).Neg(d.mant)
	}
	return d
}

// scaled returns mant*10^n, which the caller may change.
func (d decimal) scaled(n int) *big.Int {
	if d.mant == nil {
		return new(big.Int)
	}
	power := new(big.Int).Exp(ten, big.NewInt(int64(n)), nil)
	return power.Mul(power, d.mant)
}

func (d decimal) cmp(o decimal) int {
	sign := d.sign()
	if sign != o.sign() || sign == 0 {
		return cmp.Compare(sign, o.sign())
	}
	// The number of digits before the point decides, or else the digits.
	if a, b := d.magnitude(), o.magnitude(); a != b {
		if a < b {
			return -sign
		}
		return sign
	}
	shift := min(d.exp, o.exp)
	return d.scaled(d.exp - shift).Cmp(o.scaled(o.exp - shift))
}

// magnitude is how many digits d has before the point, negative for zeros after
// it.
func (d decimal) magnitude() int {
	return len(new(big.Int).Abs(d.mant).String()) + d.exp
}

// roundUp returns d in units of 10^exp, away from zero.
func (d decimal) roundUp(exp int) decimal {
	if d.exp >= exp || d.sign() == 0 {
		return d
	}
	up := big.NewInt(int64(d.sign()))
	if d.magnitude() <= exp {
		return newDecimal(up, exp) // all of it is smaller than a unit
	}
	power := new(big.Int).Exp(ten, big.NewInt(int64(exp-d.exp)), nil)
	quo, rem := new(big.Int).QuoRem(d.mant, power, new(big.Int))
	if rem.Sign() != 0 {
		quo.Add(quo, up)
	}
	return newDecimal(quo, exp)
}
