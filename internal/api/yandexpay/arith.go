package yandexpay

import (
	"math/big"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
)

// plus is a + b. Requests are short and their amounts bounded, so that no sum of them comes near the most that an amount
// can be.
func plus(a, b money.Amount) money.Amount {
	sum, _ := a.Add(b) // see above
	return sum
}

// minus is a - b, or nought where b is the larger.
func minus(a, b money.Amount) money.Amount {
	rest, _ := a.Sub(b) // nought with the error
	return rest
}

// given is an amount that may not have been given as nought.
func given(a *money.Amount) money.Amount {
	if a == nil {
		return money.Amount{}
	}
	return *a
}

// scaled is an amount as a whole number of its smallest steps.
func scaled(a money.Amount) *big.Int {
	n, _ := new(big.Int).SetString(strings.Replace(a.Fixed(), ".", "", 1), 10) // Fixed has digits only
	return n
}

// power is ten to the n.
func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// unscaled is the inverse of scaled for n steps of which 10^decimals make a unit. It reports false when that is no
// amount.
func unscaled(n *big.Int, decimals int) (money.Amount, bool) {
	text := n.String()
	if len(text) <= decimals {
		text = strings.Repeat("0", decimals+1-len(text)) + text
	}
	if decimals > 0 {
		text = text[:len(text)-decimals] + "." + text[len(text)-decimals:]
	}
	a, err := money.Parse(text)
	return a, err == nil
}

// share is a quotient in the steps of a currency: the step below it, the one above it, and the nearest, half to even. All
// are equal where the quotient is exact.
type share struct{ low, near, high money.Amount }

// exact is the share that is an amount.
func exact(a money.Amount) share { return share{a, a, a} }

// shareOf is the product of some amounts divided by that of others, in at most the given decimals. It reports false where
// that is no amount.
func shareOf(decimals int, over, under []money.Amount) (share, bool) {
	n, d := power(decimals+len(under)*money.Scale), power(len(over)*money.Scale)
	for _, a := range over {
		n.Mul(n, scaled(a))
	}
	for _, a := range under {
		d.Mul(d, scaled(a))
	}
	if d.Sign() == 0 {
		return share{}, false
	}
	q, rest := n.QuoRem(n, d, new(big.Int))
	low, ok := unscaled(q, decimals)
	if rest.Sign() == 0 || !ok {
		return exact(low), ok
	}
	odd := q.Bit(0) == 1
	high, ok := unscaled(q.Add(q, big.NewInt(1)), decimals)
	s := share{low, low, high}
	if half := rest.Lsh(rest, 1).Cmp(d); half > 0 || half == 0 && odd {
		s.near = high
	}
	return s, ok
}

// apart is the difference of two amounts.
func apart(a, b money.Amount) money.Amount {
	if a.Cmp(b) < 0 {
		a, b = b, a
	}
	return minus(a, b)
}

// lesser is the smaller of two amounts.
func lesser(a, b money.Amount) money.Amount {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// steps is n of the smallest steps of a currency.
func steps(n int, c money.Currency) money.Amount {
	a, _ := money.FromMinor(uint64(max(n, 0)), c.MinorUnits()) // of no currency: nought
	return a
}
