package payment

import (
	"slices"

	"github.com/sluicepay/sluice/internal/money"
)

// The sums of a payment each have a role, and none is written over by another:
//
//   - Payment.Asked is what the merchant asked for, and what a customer is shown first;
//   - Roles.Sent is what providers are asked for instead, where that is other money, and Roles.Rate what joins the two;
//   - Attempt.Sent is what was sent to a provider with that try;
//   - Payment.Authorised is what is or was held or taken at once, Payment.Captured what was taken of it;
//   - Payment.RefundReserved and Payment.Refunded are what goes or went back: all four in the currency of Moves;
//   - Payment.Fee is what the provider takes, Roles.Settled what it pays out.

// Roles are the sums that most payments do not have, because they are in one currency and nobody has told of a settlement.
type Roles struct {
	Sent    money.Sum // what providers are asked for where that is other money than Asked; zero where it is the same
	Rate    string    // names the rate by which Sent was made of Asked; empty where it is the same money
	Settled money.Sum // what the provider pays out for the payment, where it has told
}

// Moves is the sum that providers move: what was asked for, or what it was converted into.
func (p *Payment) Moves() money.Sum {
	if p.Sent.Currency != "" {
		return p.Sent
	}
	return p.Asked
}

// Shown is the sum that merchants and customers are told: what was taken once something was, else what moves.
func (p *Payment) Shown() money.Sum {
	s := p.Moves()
	if p.Type == Deposit && !p.Captured.IsZero() {
		s.Amount = p.Captured
	}
	return s
}

// NamedSum is a sum in the role that people know it by.
type NamedSum struct {
	Name string
	Sum  money.Sum
}

// Beside lists the sums of a payment that Shown does not tell of, those that there are.
func (p *Payment) Beside() []NamedSum {
	all := []NamedSum{{"fee", p.Fee}, {"settled", p.Settled}}
	if p.Sent.Currency != "" {
		all = append(all, NamedSum{"asked", p.Asked})
	}
	return slices.DeleteFunc(all, func(s NamedSum) bool { return s.Sum.IsZero() })
}
