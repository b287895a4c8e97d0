package podnet

import (
	"math/big"

	"podnet.dev/podnet/internal/quantity"
)

// amount returns what q says. One that is not set, or not valid, is zero.
func (q Quantity) amount() quantity.Quantity {
	a, err := quantity.Parse(string(q))
	if err != nil {
		return quantity.Quantity{}
	}
	return a
}

// cmp compares two quantities.
func (q Quantity) cmp(other Quantity) int { return q.amount().Cmp(other.amount()) }

// isZero reports whether the amount is zero or not set.
func (q Quantity) isZero() bool { return q.amount().Sign() == 0 }

// units returns the amount as a number of ones or thousandths, rounded up.
func (q Quantity) units(milli bool) *big.Int {
	if milli {
		return q.amount().Units(-3)
	}
	return q.amount().Units(0)
}

// divideUp divides two numbers that are not negative, and rounds up.
func divideUp(n, d *big.Int) *big.Int {
	quotient, rest := new(big.Int).QuoRem(n, d, new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}
