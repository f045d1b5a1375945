// Package route decides which terminals can take a payment, and in which order. It
// is pure: what a terminal can do comes as data, and it does not open attempts.
package route

import (
	"slices"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Need is what a payment asks of a terminal.
type Need struct {
	Type      payment.Type
	Method    payment.Method
	Currency  money.Currency
	PreAuth   bool
	Recurring bool
}

// Choose returns the terminals that can serve the need, best first. When there is
// none it returns why: 1.09 when only the currency stands in the way, else 1.05.
func Choose(n Need, terminals []shop.Terminal) ([]payment.Terminal, payment.ErrorCode) {
	var fit []shop.Terminal
	reason := payment.CodeNoTerminal
	for _, t := range terminals {
		if !serves(n, t) {
			continue
		}
		if len(t.Currencies) > 0 && !slices.Contains(t.Currencies, n.Currency) {
			reason = payment.CodeInvalidCurrency
			continue
		}
		fit = append(fit, t)
	}
	if len(fit) == 0 {
		return nil, reason
	}
	slices.SortStableFunc(fit, func(a, b shop.Terminal) int { return a.Priority - b.Priority })
	chosen := make([]payment.Terminal, len(fit))
	for i, t := range fit {
		chosen[i] = payment.Terminal{ID: t.ID, Name: t.Name}
	}
	return chosen, ""
}

func serves(n Need, t shop.Terminal) bool {
	return t.Enabled && slices.Contains(t.Types, n.Type) && slices.Contains(t.Methods, n.Method) &&
		(!n.PreAuth || t.PreAuth && n.Method.PreAuth()) && (!n.Recurring || t.Recurring && n.Method.Recurring())
}
