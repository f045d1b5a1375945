package money

import (
	"errors"
	"math/big"
)

// noiseUlps is how far a double may be from a multiple, in units of its last place, to be taken for it: the error of
// two or three operations on doubles.
const noiseUlps = 2

// ParseJSONNumberTo is ParseJSONNumber for an amount in a currency with so many decimals, written by a program that
// reckons with doubles: 0.1+0.2 comes as 0.30000000000000004 and is 0.3. A number within two units in the last place of
// a double of a multiple of the currency's smallest unit, other than nought, is that multiple. Whether it is so close
// is decided by whole numbers: no float has a part in it. Any other number is what ParseJSONNumber makes of it.
func ParseJSONNumberTo(lit string, decimals int) (Amount, error) {
	a, err := ParseJSONNumber(lit)
	fits := err == nil && a.Decimals() <= decimals
	if fits || decimals < 0 || decimals > Scale || err != nil && !errors.Is(err, ErrPrecision) {
		return a, err
	}
	if near, ok := denoise(lit, decimals); ok {
		return near, nil
	}
	return a, err
}

// denoise returns the multiple that the literal of a JSON number is close enough to.
func denoise(lit string, decimals int) (Amount, bool) {
	n, ok := scanJSONNumber(lit)
	if !ok {
		return Amount{}, false
	}
	// The value is num/den; the multiples are of 1/units.
	num, ok := new(big.Int).SetString(n.whole+n.fraction, 10)
	if !ok {
		return Amount{}, false
	}
	den, units := power10(len(n.fraction)-n.exponent), power10(decimals)
	if places := len(n.fraction) - n.exponent; places < 0 {
		num.Mul(num, power10(-places))
		den = big.NewInt(1)
	}
	// steps = round(num*units/den), which is no smaller than 1 where it counts
	scaled := new(big.Int).Mul(num, units)
	steps := new(big.Int).Lsh(scaled, 1)
	steps.Add(steps, den)
	steps.Quo(steps, new(big.Int).Lsh(den, 1))
	if steps.Sign() == 0 || !steps.IsUint64() {
		return Amount{}, false
	}
	// |num/den - steps/units| <= noiseUlps * 2^(e-52), with 2^e the largest power of two up to steps/units
	off := new(big.Int).Mul(steps, den)
	off.Abs(off.Sub(scaled, off)) // over den*units
	bound := new(big.Int).Mul(den, units)
	bound.Mul(bound, big.NewInt(noiseUlps))
	if e := log2(steps, units) - doubleBits; e < 0 {
		off.Lsh(off, uint(-e))
	} else {
		bound.Lsh(bound, uint(e))
	}
	if off.Cmp(bound) > 0 {
		return Amount{}, false
	}
	a, err := FromMinor(steps.Uint64(), decimals)
	return a, err == nil && a.inRange()
}

// doubleBits is how many binary places the significand of a double has.
const doubleBits = 52

// log2 is the e with 2^e <= n/d < 2^(e+1), for n and d above zero.
func log2(n, d *big.Int) int {
	e := n.BitLen() - d.BitLen()
	low, high := new(big.Int).Set(n), new(big.Int).Set(d)
	if e < 0 {
		low.Lsh(low, uint(-e))
	} else {
		high.Lsh(high, uint(e))
	}
	if low.Cmp(high) < 0 {
		e--
	}
	return e
}

func power10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, 0))), nil)
}
