package checkout

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// receipt is what a customer keeps of a payment that was made.
type receipt struct {
	Amount    string // empty where no money moved
	At        string // when it was ordered, in UTC
	Machine   string // likewise, for programs
	With      string
	Reference string // ours
}

// receipt is nil of a payment that was not made. It says the same whenever it is looked at, whatever is refunded later.
func (v *visit) receipt() *receipt {
	p := &v.payment
	a := p.Standing()
	if s := p.State(); a == nil || s != payment.Completed && s != payment.Authorized {
		return nil
	}
	r := &receipt{Reference: string(p.ID), With: v.paidWith()}
	if at := a.Started.UTC(); !at.IsZero() {
		r.At, r.Machine = at.Format("2006-01-02 15:04")+" UTC", at.Format(time.RFC3339)
	}
	if !p.Terms.Verify {
		shown := p.Shown()
		r.Amount = v.sum(shown.Amount, shown.Currency)
	}
	return r
}

// paidWith names what was paid with: a card by its brand and last digits, anything else by its method.
func (v *visit) paidWith() string {
	i := &v.payment.Instrument
	last := lastFour(i.CustomerAccountNumber)
	if i.CardBrand == "" || last == "" {
		return v.words.method(v.payment.Method)
	}
	return fill(v.words.HeldCard, named(v.words.Brands, string(i.CardBrand)), last)
}

// lastFour are the digits at the end of a masked number, or nothing.
func lastFour(masked string) string {
	const shown = 4
	if len(masked) < shown || strings.Trim(masked[len(masked)-shown:], "0123456789") != "" {
		return ""
	}
	return masked[len(masked)-shown:]
}
