package provider

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
)

// Unit is how a provider writes amounts of one currency as whole numbers.
type Unit struct {
	Digits int    // decimals that the number stands for: 2 where 1112 is 11.12
	Step   uint64 // the number has to be a multiple of it; zero and one are any
}

// Units is a provider's own table. It is never derived from a general rule alone: what is not in it is refused unless ISO says that the
// provider goes by ISO 4217 there.
type Units struct {
	// Of lists the currencies of which the provider's document says something of its own.
	Of map[money.Currency]Unit
	// ISO takes the decimals of ISO 4217 for every other currency of that list, but for those of Not. Cryptocurrencies are never among them.
	ISO bool
	Not []money.Currency
	// Most is the largest number that the provider takes; zero is the largest of 63 bits.
	Most uint64
}

// unit is the currency's row.
func (u Units) unit(c money.Currency) (Unit, bool) {
	if row, ok := u.Of[c]; ok {
		return row, true
	}
	if !u.ISO || !c.Fiat() || slices.Contains(u.Not, c) {
		return Unit{}, false
	}
	return Unit{Digits: c.MinorUnits()}, true
}

// Number writes an amount as the provider wants it. What cannot be said exactly, or is more than the provider takes, is
// connector.ErrIncomplete: nothing is rounded, and nothing is sent.
func (u Units) Number(a money.Amount, c money.Currency) (uint64, error) {
	row, ok := u.unit(c)
	if !ok {
		return 0, fmt.Errorf("%w: the provider takes no %s", connector.ErrIncomplete, c)
	}
	n, exact := a.Minor(row.Digits)
	if !exact || row.Step > 1 && n%row.Step != 0 {
		return 0, fmt.Errorf("%w: the provider cannot express %s %s", connector.ErrIncomplete, a, c)
	}
	if most := u.most(); n > most {
		return 0, fmt.Errorf("%w: %s %s is more than the provider takes", connector.ErrIncomplete, a, c)
	}
	return n, nil
}

// Decimal writes an amount as a decimal text with all the decimals that the table has for the currency: 5.00, not 5. What Number refuses it
// refuses.
func (u Units) Decimal(a money.Amount, c money.Currency) (string, error) {
	if _, err := u.Number(a, c); err != nil {
		return "", err
	}
	row, _ := u.unit(c)
	text, has := a.String(), a.Decimals()
	if has == 0 && row.Digits > 0 {
		text += "."
	}
	return text + strings.Repeat("0", row.Digits-has), nil
}

// Amount reads what the provider wrote. A number that Number would never write, of a currency of which the table says nothing or not
// of that step, is ErrAnswer.
func (u Units) Amount(n int64, c money.Currency) (money.Amount, error) {
	row, ok := u.unit(c)
	if !ok {
		return money.Amount{}, fmt.Errorf("%w: an amount in %s", ErrAnswer, c)
	}
	if n < 0 {
		return money.Amount{}, fmt.Errorf("%w: a negative amount", ErrAnswer)
	}
	a, err := money.FromMinor(uint64(n), row.Digits)
	if err != nil {
		return money.Amount{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return a, nil
}

func (u Units) most() uint64 {
	if u.Most > 0 {
		return u.Most
	}
	return math.MaxInt64
}
