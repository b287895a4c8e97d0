// Package quantity reads amounts of resources as Kubernetes writes them: "500m",
// "64Mi", "1e3". It compares and prints as Kubernetes does (apimachinery,
// pkg/api/resource).
package quantity

import (
	"cmp"
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// The errors of [Parse], in Kubernetes' words.
var (
	ErrFormat = errors.New("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
	ErrSuffix = errors.New("unable to parse quantity's suffix")
)

// Quantity is an exact amount, and the kind of suffix it was written with. The
// zero value is 0.
type Quantity struct {
	num    decimal
	format format
	text   string // set if it prints as it was written, like "+5" and "1.500"
}

// format is the kind of a suffix.
type format int

const (
	decimalSI       format = iota // m, k, M
	decimalExponent               // e3
	binarySI                      // Ki, Mi
)

// The number 10^exp that a decimal suffix stands for, by exp, and 1024^exp.
var (
	decimalSuffixes = map[int]string{-9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}
	binarySuffixes  = []string{"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"}
)

// nano is the exponent of the smallest amount that there is.
const nano = -9

var maxInt64 = decimal{mant: big.NewInt(math.MaxInt64)}

// Parse reads a quantity. What is smaller than a billionth is rounded up to
// one, and what has a binary suffix is capped at 2^63-1. A suffix alone is 0.
func Parse(s string) (Quantity, error) {
	number, suffix, err := split(s)
	if err != nil {
		return Quantity{}, err
	}
	exp, form, ok := parseSuffix(suffix)
	if !ok {
		return Quantity{}, ErrSuffix
	}
	whole, fraction, _ := strings.Cut(strings.TrimLeft(number, "+-"), ".")
	whole = cmp.Or(strings.TrimLeft(whole, "0"), "0")
	digits := whole + fraction
	mant, _ := new(big.Int).SetString(digits, 10) // they are digits
	if strings.HasPrefix(number, "-") {
		mant.Neg(mant)
	}
	q := Quantity{format: form}
	if form == binarySI {
		if fraction == "" && len(whole) <= 14-3*exp && mant.Uint64()%8 != 0 {
			q.text = s
		}
		mant.Lsh(mant, uint(10*exp))
		exp = 0
	}
	exp -= len(fraction)
	q.num = newDecimal(mant, exp).roundUp(nano)
	switch {
	case form == binarySI:
		// Amounts are compared without their signs.
		if abs := q.num.abs(); abs.cmp(maxInt64) > 0 {
			q.num = decimal{mant: new(big.Int).Mul(maxInt64.mant, big.NewInt(int64(q.Sign())))}
		} else if abs.cmp(one) < 0 {
			q.format = decimalSI
		}
	case exp%3 == 0 && exp >= nano && len(digits) <= 18 && digits[0] != '0' && !strings.HasSuffix(digits, "000"):
		q.text = s
	}
	return q, nil
}

// split cuts a quantity into its number, with its sign, and its suffix.
func split(s string) (number, suffix string, err error) {
	if s == "" {
		return "", "", ErrFormat
	}
	end := 0
	if s[0] == '+' || s[0] == '-' {
		end++
	}
	end += span(s[end:], digitSet)
	if end < len(s) && s[end] == '.' {
		end++
		end += span(s[end:], digitSet)
	}
	suffix = s[end:]
	i := span(suffix, "eEinumkKMGTP")
	if i < len(suffix) && (suffix[i] == '+' || suffix[i] == '-') {
		i++
	}
	if i += span(suffix[i:], digitSet); i < len(suffix) {
		return "", "", ErrFormat
	}
	return s[:end], suffix, nil
}

const digitSet = "0123456789"

// span is how many of the first bytes of s are in set.
func span(s, set string) int { return len(s) - len(strings.TrimLeft(s, set)) }

// parseSuffix returns the exponent of a suffix: to 10 or, for binarySI, to 1024.
func parseSuffix(suffix string) (exp int, f format, ok bool) {
	for exp, s := range decimalSuffixes {
		if s == suffix {
			return exp, decimalSI, true
		}
	}
	if exp := slices.Index(binarySuffixes, suffix); exp > 0 {
		return exp, binarySI, true
	}
	if suffix[0] == 'e' || suffix[0] == 'E' {
		exp, err := strconv.ParseInt(suffix[1:], 10, 32)
		return int(exp), decimalExponent, err == nil
	}
	return 0, 0, false
}

// Sign is -1, 0 or 1.
func (q Quantity) Sign() int { return q.num.sign() }

// Cmp is -1, 0 or 1 if q is less than, equal to or greater than o.
func (q Quantity) Cmp(o Quantity) int { return q.num.cmp(o.num) }

// IsWhole reports whether q has no fraction.
func (q Quantity) IsWhole() bool { return q.num.exp >= 0 }

// RoundUpToMilli returns q without what is smaller than a thousandth, away from
// zero: the API server keeps no more.
func (q Quantity) RoundUpToMilli() Quantity {
	if rounded := q.num.roundUp(-3); rounded.cmp(q.num) != 0 {
		return Quantity{num: rounded, format: q.format}
	}
	return q
}

// Units returns q as a number of 10^exp, rounded away from zero.
func (q Quantity) Units(exp int) *big.Int {
	d := q.num.roundUp(exp)
	return d.scaled(d.exp - exp)
}

// IsMultipleOf reports whether q, rounded up to a whole number, is a multiple of
// unit. Of what is no whole number greater than 0 nothing is.
func (q Quantity) IsMultipleOf(unit Quantity) bool {
	if unit.Sign() <= 0 || !unit.IsWhole() || unit.num.cmp(maxInt64) > 0 {
		return false
	}
	if q.Sign() == 0 {
		return true
	}
	whole, size := q.num.roundUp(0), unit.num.scaled(unit.num.exp)
	rest := new(big.Int).Exp(ten, big.NewInt(int64(whole.exp)), size) // the power may be great
	return rest.Rem(rest.Mul(rest, whole.mant), size).Sign() == 0
}

// String is q in canonical form: no fraction, and the greatest suffix with which
// that is possible.
func (q Quantity) String() string {
	if q.text != "" {
		return q.text
	}
	if q.Sign() == 0 {
		return "0"
	}
	if q.format == binarySI && q.IsWhole() && q.num.abs().cmp(decimal{mant: big.NewInt(1024)}) >= 0 {
		mant, exp := q.num.scaled(q.num.exp), 0
		for mant.TrailingZeroBits() >= 10 && exp < len(binarySuffixes)-1 {
			mant.Rsh(mant, 10)
			exp++
		}
		return mant.String() + binarySuffixes[exp]
	}
	extra := ((q.num.exp % 3) + 3) % 3
	digits := q.num.mant.String() + strings.Repeat("0", extra)
	exp := q.num.exp - extra
	if suffix, ok := decimalSuffixes[exp]; ok && q.format != decimalExponent {
		return digits + suffix
	}
	if exp == 0 {
		return digits
	}
	return digits + "e" + strconv.Itoa(exp)
}
