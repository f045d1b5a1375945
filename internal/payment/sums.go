package payment

import "github.com/sluicepay/sluice/internal/money"

// The amounts of a payment each have a role, and none is written over by another:
//
//   - Payment.Amount is what was asked for;
//   - Attempt.Amount is what was sent to a provider with that try;
//   - Payment.Authorised is what is or was held or taken at once, Payment.Captured what was taken of it;
//   - Payment.RefundReserved and Payment.Refunded are what goes or went back.

// Shown is the amount that merchants and customers are told: what was taken once something was, else what was asked for.
func (p *Payment) Shown() money.Amount {
	if p.Type == Deposit && !p.Captured.IsZero() {
		return p.Captured
	}
	return p.Amount
}
