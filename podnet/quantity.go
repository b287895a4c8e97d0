package podnet

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// The errors of Kubernetes for what is no quantity (apimachinery,
// api/resource/quantity.go).
var (
	errQuantityFormat = errors.New("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
	errQuantitySuffix = errors.New("unable to parse quantity's suffix")
)

// quantitySuffixes says what a number is multiplied with: a power of 10 or of 2.
var quantitySuffixes = map[string]struct {
	base     int64
	exponent int
}{
	"": {10, 0}, "n": {10, -9}, "u": {10, -6}, "m": {10, -3},
	"k": {10, 3}, "M": {10, 6}, "G": {10, 9}, "T": {10, 12}, "P": {10, 15}, "E": {10, 18},
	"Ki": {2, 10}, "Mi": {2, 20}, "Gi": {2, 30}, "Ti": {2, 40}, "Pi": {2, 50}, "Ei": {2, 60},
}

// nano is the number of the smallest units of a quantity in one.
var nano = big.NewInt(1e9)

// maxBinaryQuantity is the greatest quantity with a binary suffix, in billionths:
// 1<<63 - 1. A greater one is cut down to it.
var maxBinaryQuantity = new(big.Int).Mul(big.NewInt(1<<63-1), nano)

// parse returns the amount in billionths. What is finer than that is rounded away
// from zero: who wants a little gets a little. As in Kubernetes a sign or a point
// alone is zero.
func (q Quantity) parse() (*big.Int, error) {
	if q == "" {
		return nil, errQuantityFormat
	}
	whole, rest := cutDigits(cutSign(string(q)))
	fraction := ""
	if after, ok := strings.CutPrefix(rest, "."); ok {
		fraction, rest = cutDigits(after)
	}
	base, exponent, err := parseQuantitySuffix(rest)
	if err != nil {
		return nil, err
	}
	n := new(big.Int)
	n.SetString("0"+whole+fraction, 10) // only digits: it cannot fail
	scale := 9 - len(fraction)
	if base == 2 {
		n.Lsh(n, uint(exponent))
	} else {
		scale += exponent
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(scale, -scale))), nil)
	if scale >= 0 {
		n.Mul(n, power)
	} else {
		n = divideUp(n, power)
	}
	if base == 2 && n.Cmp(maxBinaryQuantity) > 0 {
		n.Set(maxBinaryQuantity)
	}
	if q[0] == '-' {
		n.Neg(n)
	}
	return n, nil
}

func cutSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

func cutDigits(s string) (digits, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return s[:len(s)-len(rest)], rest
}

// maxExponent is where an exponent is cut. Beyond it every amount is either
// nearly nothing or more than anything has, and costs memory.
const maxExponent = 1000

func parseQuantitySuffix(suffix string) (base int64, exponent int, err error) {
	number := cutSign(strings.TrimLeft(suffix, "eEinumkKMGTP"))
	if _, rest := cutDigits(number); rest != "" {
		return 0, 0, errQuantityFormat
	}
	if s, ok := quantitySuffixes[suffix]; ok {
		return s.base, s.exponent, nil
	}
	if suffix[0] != 'e' && suffix[0] != 'E' { // not empty: that is in the table
		return 0, 0, errQuantitySuffix
	}
	n, err := strconv.ParseInt(suffix[1:], 10, 64)
	if err != nil {
		return 0, 0, errQuantitySuffix
	}
	return 10, int(min(max(n, -maxExponent), maxExponent)), nil
}

// divideUp divides two numbers that are not negative, and rounds up.
func divideUp(n, d *big.Int) *big.Int {
	quotient, rest := new(big.Int).QuoRem(n, d, new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

// amount is parse for a quantity that is known to be valid, or not set.
func (q Quantity) amount() *big.Int {
	n, err := q.parse()
	if err != nil {
		return new(big.Int)
	}
	return n
}

// cmp compares two quantities. One that is not set is zero.
func (q Quantity) cmp(other Quantity) int { return q.amount().Cmp(other.amount()) }

// isZero reports whether the amount is zero or not set.
func (q Quantity) isZero() bool { return q.amount().Sign() == 0 }

// units returns the amount as a number of 1/parts, rounded up: parts is 1 or
// 1000. The amount must not be negative.
func (q Quantity) units(parts int64) *big.Int {
	return divideUp(q.amount(), new(big.Int).Quo(nano, big.NewInt(parts)))
}
