package payment

import (
	"cmp"
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// undo books that money which was held or had moved does not any more.
func (d *draft) undo(s *situation, then Consequence, r report) {
	a, f, in := s.a, s.fact, InUndone
	if then == ThenClosed {
		in = InEnded
		if d.p.state == Authorized {
			in = InClosed
		}
	}
	a.Class, a.Code = f.Class, cmp.Or(f.Code, defaultCode(f.Class))
	switch {
	case s.part == PartVoid:
		a.Code = ""
	case f.Code == "" && then == ThenClosed:
		a.Code = CodeTimeout
	}
	if s.part == PartRefund {
		d.d.Parent.Undo = a.Sent.Amount
	}
	if held := d.p.Standing(); held != nil && held.Seq != a.Seq && !a.Kind.Main() {
		held.Class, held.NextCheck = ClassCancelled, time.Time{}
		d.d.Attempts = append(d.d.Attempts, *held)
	}
	d.p.ErrorCode, d.p.Captured = a.Code, money.Amount{}
	if then == ThenDeclined || !d.p.PreAuth { // as if it had never been done: an earlier telling of the same ends so
		d.p.Authorised = money.Amount{}
	}
	d.bookFound(a, r, in)
}

// gone books that nothing has to go back any more of a late success.
func (d *draft) gone(a *Attempt, f Fact, r report) {
	a.Class = f.Class
	if late := d.p.attempt(a.Reverses); late != nil {
		late.Class, late.NextCheck = ClassCancelled, time.Time{}
		d.d.Attempts = append(d.d.Attempts, *late)
	} else {
		a.Class = ClassCancelled
	}
	d.bookFound(a, r, InUnchanged)
}

// giveBack sends money back: of a late success, or once more what did not go back.
func (d *draft) giveBack(s *situation, r report) {
	a, back := s.a, s.a
	a.Class = s.fact.Class
	if s.part == PartReturn {
		back = d.p.attempt(a.Reverses)
		if back.Class = ClassAuthorized; a.Kind == AttemptRefund {
			back.Class = ClassApproved
		}
	}
	back.Reversed, back.NextCheck = true, time.Time{}
	d.bookFound(a, r, InUnchanged)
	d.d.Attempts = append(d.d.Attempts, *back)
	d.reverse(*back, r.late.Run)
}
