package checkout

import (
	"errors"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
)

// Limits of an amount that a customer may enter: those of the merchant API.
const (
	leastAmount = "0.00001"
	mostAmount  = "1000000000"
)

// errNoAmount: nothing, or nothing but zero, was entered.
var errNoAmount = errors.New("no amount")

// parseAmount reads an amount as customers type it: spaces are dropped, and a comma stands for the point where at
// most two digits follow, so that it cannot have meant thousands. It returns errNoAmount, money.ErrPrecision for
// more decimals than the currency has, money.ErrRange beyond the limits, or money.ErrSyntax.
func parseAmount(text string, c money.Currency) (money.Amount, error) {
	text = strings.Join(strings.Fields(text), "")
	if text == "" {
		return money.Amount{}, errNoAmount
	}
	if at := strings.IndexByte(text, ','); at >= 0 {
		if decimals := len(text) - at - 1; decimals < 1 || decimals > 2 {
			return money.Amount{}, money.ErrSyntax
		}
		text = strings.Replace(text, ",", ".", 1)
	}
	a, err := money.Parse(text)
	switch {
	case err != nil:
		return money.Amount{}, err
	case a.IsZero():
		return money.Amount{}, errNoAmount
	case a.Decimals() > c.MinorUnits():
		return money.Amount{}, money.ErrPrecision
	case a.Cmp(money.MustParse(leastAmount)) < 0, a.Cmp(money.MustParse(mostAmount)) > 0:
		return money.Amount{}, money.ErrRange
	}
	return a, nil
}

// formatAmount writes an amount for people: digits in groups of three, and the decimals that the currency is usually
// written with. A cryptocurrency gets as many as the amount has.
func formatAmount(a money.Amount, c money.Currency, w *words) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	if c.Fiat() {
		if missing := c.MinorUnits() - len(fraction); missing > 0 {
			fraction += strings.Repeat("0", missing)
		}
	}
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(w.Group)
		}
		b.WriteByte(whole[i])
	}
	if fraction != "" {
		b.WriteString(w.Point + fraction)
	}
	return b.String()
}
