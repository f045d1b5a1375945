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

// quotient is a / b in at most the given decimals. It reports false when that is not exact, or b is nought.
func quotient(a, b money.Amount, decimals int) (money.Amount, bool) {
	if b.IsZero() {
		return money.Amount{}, false
	}
	q, rest := new(big.Int).QuoRem(new(big.Int).Mul(scaled(a), power(decimals)), scaled(b), new(big.Int))
	if rest.Sign() != 0 {
		return money.Amount{}, false
	}
	return unscaled(q, decimals)
}

// product is a * b in at most the given decimals. It reports false when that is not exact.
func product(a, b money.Amount, decimals int) (money.Amount, bool) {
	n := new(big.Int).Mul(scaled(a), scaled(b)) // steps of 10^-36
	q, rest := n.QuoRem(n, power(2*money.Scale-decimals), new(big.Int))
	if rest.Sign() != 0 {
		return money.Amount{}, false
	}
	return unscaled(q, decimals)
}
