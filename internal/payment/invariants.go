package payment

import "fmt"

// Check verifies what must hold for a payment at rest between two transactions:
// the money never exceeds what it may, at most one attempt is live and at most one
// approval stands. log is the whole log, oldest first; Attempts must be loaded.
func (p *Payment) Check(log []Operation) error {
	state, err := Fold(log)
	if err != nil {
		return fmt.Errorf("payment %s: %w", p.ID, err)
	}
	if state != p.state {
		return fmt.Errorf("payment %s: state %s, log says %s", p.ID, p.state, state)
	}
	if n := len(log); n > 0 && log[n-1].State != p.state {
		return fmt.Errorf("payment %s: state %s, its newest operation shows %s", p.ID, p.state, log[n-1].State)
	}
	if err := checkInstants(p, log); err != nil {
		return err
	}
	if len(log) != p.Ops || len(p.Attempts) != p.Tries {
		return fmt.Errorf("payment %s: counts %d operations and %d attempts, has %d and %d",
			p.ID, p.Ops, p.Tries, len(log), len(p.Attempts))
	}
	if p.Means != "" && (p.state != Checkout && p.state != Pending || p.Live == 0 && !p.Payable() && !p.InReview()) {
		return fmt.Errorf("payment %s: what it was to be paid with is still kept in state %s", p.ID, p.state)
	}
	if err := p.checkMoney(); err != nil {
		return err
	}
	return p.checkAttempts()
}

// checkInstants makes sure that nothing in the log happened before what was there already.
func checkInstants(p *Payment, log []Operation) error {
	last := p.Created
	for _, s := range steps(log) {
		at := s.op.Started
		if s.ends {
			at = s.op.Completed
		}
		if at.Before(last) || s.starts && s.ends && s.op.Completed.Before(s.op.Started) {
			return fmt.Errorf("payment %s: operation %d is recorded at %s, after something at %s", p.ID, s.op.Seq, at, last)
		}
		last = at
	}
	if last.After(p.Changed) || p.Updated.After(p.Changed) {
		return fmt.Errorf("payment %s: last changed at %s, something of it at %s", p.ID, p.Changed, last)
	}
	return nil
}

func (p *Payment) checkMoney() error {
	if p.Captured.Cmp(p.Authorised) > 0 {
		return fmt.Errorf("payment %s: captured %s of %s", p.ID, p.Captured, p.Authorised)
	}
	if p.RefundReserved.Cmp(p.Captured) > 0 || p.Refunded.Cmp(p.RefundReserved) > 0 {
		return fmt.Errorf("payment %s: refunded %s, reserved %s, captured %s",
			p.ID, p.Refunded, p.RefundReserved, p.Captured)
	}
	return nil
}

func (p *Payment) checkAttempts() error {
	live, standing := 0, 0
	for i := range p.Attempts {
		a := &p.Attempts[i]
		if a.Live() {
			live++
			if a.Seq != p.Live {
				return fmt.Errorf("payment %s: attempt %d is live, payment says %d", p.ID, a.Seq, p.Live)
			}
			if a.NextCheck.IsZero() && p.DueFails == 0 {
				return fmt.Errorf("payment %s: attempt %d is open without a next check", p.ID, a.Seq)
			}
		}
		if a.stands() {
			standing++
		}
	}
	if live > 1 || standing > 1 || live == 0 && p.Live != 0 {
		return fmt.Errorf("payment %s: %d live attempts (%d named), %d approvals", p.ID, live, p.Live, standing)
	}
	if wants := p.state == Completed || p.state == Authorized; wants && standing != 1 {
		return fmt.Errorf("payment %s: %s with %d approvals", p.ID, p.state, standing)
	}
	if p.InReview() && (p.state != Pending || live > 0 || p.Type == Refund || p.Due.IsZero()) {
		return fmt.Errorf("payment %s: in review, %s, %d live attempts, due %s", p.ID, p.state, live, p.Due)
	}
	if p.state == Pending && live == 0 && !p.InReview() && (p.Type != Deposit || p.CheckoutUntil.IsZero()) {
		return fmt.Errorf("payment %s: PENDING with nothing under way and no customer", p.ID)
	}
	if p.state.Final() && live > 0 && p.LiveAttempt().Reverses == 0 {
		return fmt.Errorf("payment %s: %s with a live attempt", p.ID, p.state)
	}
	return nil
}
