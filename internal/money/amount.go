package money

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
)

// Scale is how many decimals an Amount holds.
const Scale = 18

// The value of an Amount is below 10^20 units, so that it is below 10^38 once scaled: 38 digits in all.
const (
	limit   = 100_000_000_000_000_000_000_000_000_000_000_000_000
	limitHi = limit >> 64
	limitLo = limit & (1<<64 - 1)

	ten18 = 1_000_000_000_000_000_000
	ten19 = 10 * ten18
)

// Errors of this package. They come wrapped with the text or the values at fault; compare with errors.Is.
var (
	// ErrSyntax: the text is not an amount in the form asked for, or is longer than 64 characters.
	ErrSyntax = errors.New("not a decimal amount")
	// ErrPrecision: the value needs more than 18 decimals.
	ErrPrecision = errors.New("amount has more than 18 decimals")
	// ErrRange: the value, or the exponent it is written with, is outside of what an Amount may be.
	ErrRange = errors.New("amount out of range")
	// ErrNegative: a minus sign, or a difference below zero. Amounts are never negative.
	ErrNegative = errors.New("amount is negative")
)

// Amount is an exact quantity of some currency, from 0 to just below 10^20 units in steps of 10^-18.
// It is a plain value: copy it, compare it with ==, use it as a map key. The zero value is nought.
type Amount struct {
	hi, lo uint64 // hi*2^64 + lo = units * 10^18
}

// FromMinor makes an amount from a whole number of minor units, where one unit is 10^digits of them:
// FromMinor(1112, 2) is 11.12. It returns ErrRange when digits is not in 0..18.
func FromMinor(n uint64, digits int) (Amount, error) {
	if digits < 0 || digits > Scale {
		return Amount{}, fmt.Errorf("%w: %d minor digits", ErrRange, digits)
	}
	hi, lo := bits.Mul64(n, pow10[Scale-digits])
	return Amount{hi, lo}, nil
}

// Minor is the inverse of FromMinor. It reports false when the amount is not a whole number of such minor
// units, when their number does not fit 64 bits, or when digits is not in 0..18.
func (a Amount) Minor(digits int) (uint64, bool) {
	if digits < 0 || digits > Scale {
		return 0, false
	}
	divisor := pow10[Scale-digits]
	if a.hi >= divisor {
		return 0, false
	}
	n, rest := bits.Div64(a.hi, a.lo, divisor)
	return n, rest == 0
}

// Add returns a + b, or ErrRange when the sum reaches 10^20 units.
func (a Amount) Add(b Amount) (Amount, error) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry) // no carry out: both are below 10^38, which is below 2^127
	sum := Amount{hi, lo}
	if !sum.inRange() {
		return Amount{}, fmt.Errorf("%w: %s + %s", ErrRange, a, b)
	}
	return sum, nil
}

// Sub returns a - b, or ErrNegative when b is the larger.
func (a Amount) Sub(b Amount) (Amount, error) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	if borrow != 0 {
		return Amount{}, fmt.Errorf("%w: %s - %s", ErrNegative, a, b)
	}
	return Amount{hi, lo}, nil
}

// Cmp returns -1, 0 or +1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// IsZero reports whether the amount is nought. JSON encoders use it for fields tagged omitzero.
func (a Amount) IsZero() bool { return a == Amount{} }

// Decimals is the number of decimals needed to write the amount, 0 to 18: 2 for 11.12 and 11.120, 0 for 10.
func (a Amount) Decimals() int {
	_, _, fraction := a.split()
	if fraction == 0 {
		return 0
	}
	n := Scale
	for fraction%10 == 0 {
		fraction /= 10
		n--
	}
	return n
}

func (a Amount) inRange() bool {
	return a.hi < limitHi || (a.hi == limitHi && a.lo < limitLo)
}

// split takes the 38 digits of the scaled value apart: the first 19, the 20th (which is that of the single
// units) and the 18 of the fraction.
func (a Amount) split() (upper, unit, fraction uint64) {
	upper, lower := bits.Div64(a.hi, a.lo, ten19) // cannot overflow: hi is below 10^19
	return upper, lower / ten18, lower % ten18
}

// join is the inverse of split, for upper below 10^19, unit below 10 and fraction below 10^18.
func join(upper, unit, fraction uint64) Amount {
	hi, lo := bits.Mul64(upper, ten19)
	lo, carry := bits.Add64(lo, unit*ten18+fraction, 0)
	return Amount{hi + carry, lo}
}

// pow10[n] is 10^n, for every shift between units and the smallest step.
var pow10 = [Scale + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}
