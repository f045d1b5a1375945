package gateway

import (
	"errors"
	"strings"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// amount reads a number in the currency, or a string holding a plain decimal, in the bounds of the contract. The noise
// of binary arithmetic is taken off a number (see money.ParseJSONNumberTo), where the currency is known to have a
// smallest unit. An empty string is no amount: what was meant to be paid must not be guessed.
func (b binder) amount(name string, c money.Currency) money.Amount {
	v := b.from.Get(name)
	if v.Kind() == api.Absent {
		return money.Amount{}
	}
	read := v.Decimal
	if v.Kind() == api.Number && c.Fiat() {
		read = func() (money.Amount, error) { return money.ParseJSONNumberTo(v.Text(), c.MinorUnits()) }
	}
	a, err := read()
	switch {
	case errors.Is(err, money.ErrNegative), err == nil && a.Cmp(leastAmount) < 0:
		b.fault(name, decimalMin, "must be greater than or equal to 0.00001")
	case errors.Is(err, money.ErrPrecision), errors.Is(err, money.ErrRange) && tiny(v.Text()):
		b.fault(name, digitsBound, "numeric value out of bounds (<10 digits>.<18 digits> expected)")
	case errors.Is(err, money.ErrRange), err == nil && a.Cmp(mostAmount) > 0:
		b.fault(name, decimalMax, "must be less than or equal to 1000000000")
	case err != nil:
		b.fault(name, mismatch, "must be a decimal number such as 11.12")
	}
	return a
}

// isZero reports whether an amount is there and nought.
func isZero(v *api.Value) bool {
	a, err := v.Decimal()
	return err == nil && a.IsZero()
}

// noisy reports whether an amount can have noise on it that only its currency tells from digits that were meant: no
// currency has so many decimals.
func noisy(v *api.Value) bool {
	const mostUnits = 4
	if v.Kind() != api.Number {
		return false
	}
	a, err := money.ParseJSONNumber(v.Text())
	return errors.Is(err, money.ErrPrecision) || err == nil && a.Decimals() > mostUnits
}

// The bounds of every amount in a request.
var (
	leastAmount = money.MustParse("0.00001")
	mostAmount  = money.MustParse("1000000000")
)

// tiny reports whether a number is out of range for its negative exponent.
func tiny(literal string) bool {
	return strings.Contains(literal, "e-") || strings.Contains(literal, "E-")
}
