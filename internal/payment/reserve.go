package payment

import (
	"github.com/sluicepay/sluice/internal/money"
)

// Reserve holds part of a deposit's money for a refund. The deposit's log and
// what it shows do not change.
type Reserve struct {
	Amount   money.Amount // zero: all that is left
	Currency money.Currency
	Reversal bool // because the deposit was abandoned
}

// Of returns how much the reservation takes from the deposit, or why it cannot.
func (c Reserve) Of(p *Payment) (money.Amount, error) {
	if p.Type != Deposit || p.state != Completed {
		return money.Amount{}, refuse(CodeWrongState, "parentPaymentId", "only a completed deposit can be refunded")
	}
	if !p.Abandoned.IsZero() && !c.Reversal {
		return money.Amount{}, refuse(CodeWrongState, "parentPaymentId", "the deposit was abandoned and goes back by itself")
	}
	in := p.Moves().Currency
	if c.Currency != in {
		return money.Amount{}, refuse(CodeInvalidCurrency, "currency", "the deposit is in %s", in)
	}
	left, amount := p.Refundable(), c.Amount
	if amount.IsZero() {
		amount = left
	}
	if left.IsZero() || amount.Cmp(left) > 0 {
		return money.Amount{}, refuse(CodeInvalidAmount, "amount", "at most %s can be refunded", left)
	}
	if tooFine(amount, in) {
		return money.Amount{}, refuse(CodeInvalidAmount, "amount", "%s has %d decimals", in, in.MinorUnits())
	}
	return amount, nil
}

func (c Reserve) apply(d *draft) {
	amount, err := c.Of(d.p)
	if err == nil {
		d.p.RefundReserved, err = d.p.RefundReserved.Add(amount)
	}
	d.err = err
}

func (m ParentMove) apply(d *draft) {
	d.failed, d.refundTry = !m.Release.IsZero() || !m.Undo.IsZero(), m.Try
	d.forGood = d.failed && m.ForGood
	if d.p.Refundable().Cmp(m.Redo) < 0 || d.p.state != Completed && !m.Redo.IsZero() {
		d.err = refuse(CodeInvalidAmount, "", "the deposit has no %s left that could have been refunded", m.Redo)
		return
	}
	reserved, refunded := &d.p.RefundReserved, &d.p.Refunded
	for _, by := range []struct {
		sum    *money.Amount
		amount money.Amount
		change func(money.Amount, money.Amount) (money.Amount, error)
	}{
		{reserved, m.Release, money.Amount.Sub}, {refunded, m.Settle, money.Amount.Add},
		{refunded, m.Undo, money.Amount.Sub}, {reserved, m.Undo, money.Amount.Sub},
		{reserved, m.Redo, money.Amount.Add}, {refunded, m.Redo, money.Amount.Add},
	} {
		if *by.sum, d.err = by.change(*by.sum, by.amount); d.err != nil {
			return
		}
	}
	if d.p.Refunded.Cmp(d.p.RefundReserved) > 0 {
		d.err = refuse(CodeInvalidAmount, "", "refunded %s of %s reserved", d.p.Refunded, d.p.RefundReserved)
	}
}
