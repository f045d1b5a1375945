package payment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// answerAt answers the open call and says when a hold is to be asked about.
func (w *world) answerAt(t *testing.T, f payment.Fact, hold time.Duration) payment.Decision {
	t.Helper()
	c := w.call
	return w.do(t, payment.Answer{Attempt: c.Attempt.Seq, Op: c.Op, Lease: c.Attempt.LeaseOwner, Fact: f, NextCheck: w.now.Add(time.Minute),
		HoldCheck: w.now.Add(hold), Token: "tok"})
}

// sent is a deposit that was sent to a provider and not answered yet.
func sent(t *testing.T, p payment.Payment) *world {
	t.Helper()
	w := newWorld(t, p, nil)
	w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	return w
}

// at is a deposit in a state, reached in the plain way.
func at(t *testing.T, s payment.State) *world {
	t.Helper()
	switch s {
	case payment.Checkout:
		return newWorld(t, deposit("10", false), nil)
	case payment.Pending:
		w := sent(t, deposit("10", false))
		w.answerAt(t, payment.Fact{Class: payment.ClassUnknown}, 0)
		return w
	case payment.Authorized:
		w := sent(t, deposit("10", true))
		w.answerAt(t, paid(payment.ClassAuthorized), 24*time.Hour)
		return w
	case payment.Completed:
		w := sent(t, deposit("10", false))
		w.answerAt(t, paid(payment.ClassApproved), 0)
		return w
	case payment.Declined:
		w := sent(t, deposit("10", false))
		w.answerAt(t, payment.Fact{Class: payment.ClassDeclinedHard}, 0)
		return w
	}
	w := at(t, payment.Checkout)
	w.do(t, payment.Cancel{})
	return w
}

// reserve holds part of the deposit for a refund, as the engine does it.
func (w *world) reserve(t *testing.T, value string, back bool) {
	t.Helper()
	w.do(t, payment.Reserve{Amount: money.MustParse(value), Currency: "EUR", Reversal: back})
}

func TestAbandonByState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state, after payment.State
		marked, owes bool
		events       int
	}{
		{payment.Checkout, payment.Cancelled, true, false, 1},
		{payment.Pending, payment.Pending, true, false, 0},
		{payment.Authorized, payment.Authorized, true, true, 0},
		{payment.Completed, payment.Completed, true, true, 0},
		{payment.Declined, payment.Declined, true, false, 0},
		{payment.Cancelled, payment.Cancelled, true, false, 0},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			t.Parallel()
			w := at(t, c.state)
			w.now = w.now.Add(time.Second)
			ops := w.p.Ops
			d := w.do(t, payment.Abandon{})
			if w.p.State() != c.after || w.p.Abandoned.IsZero() == c.marked || w.p.Owes() != c.owes || len(d.Events) != c.events {
				t.Errorf("%s, abandoned %s, owes %t, %d events", w.p.State(), w.p.Abandoned, w.p.Owes(), len(d.Events))
			}
			if c.owes && !w.p.Due.Equal(w.now) {
				t.Errorf("due %s, want now", w.p.Due)
			}
			if d.Idle() == c.marked || c.marked && (w.p.Ops != ops+1 || w.log[ops].Kind != payment.OpCancel) {
				t.Errorf("idle %t, story %v", d.Idle(), w.story())
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
			again := w.do(t, payment.Abandon{})
			if !again.Idle() {
				t.Errorf("a second time: %v", w.story())
			}
		})
	}
}

func TestAbandonIsForDepositsOnly(t *testing.T) {
	t.Parallel()
	for _, kind := range []payment.Type{payment.Withdrawal, payment.Refund} {
		p := deposit("10", false)
		p.Type = kind
		w := newWorld(t, p, &payment.Start{Plan: toOne(), Run: run("a")})
		_, err := payment.Decide(w.p, payment.Abandon{}, w.now)
		var r *payment.Refusal
		if !errors.As(err, &r) || r.Code != payment.CodeWrongState {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAbandonWaitsForWhatIsOpen(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*world){
		"capture": func(w *world) { w.do(t, payment.Capture{Run: run("b")}) },
		"void":    func(w *world) { w.do(t, payment.Void{Run: run("b")}) },
	} {
		w := at(t, payment.Authorized)
		begin(w)
		if _, err := payment.Decide(w.p, payment.Abandon{}, w.now); !errors.Is(err, payment.ErrBusy) {
			t.Errorf("%s: %v, want ErrBusy", name, err)
		}
	}
	w := at(t, payment.Completed)
	w.reserve(t, "4", false)
	if _, err := payment.Decide(w.p, payment.Abandon{}, w.now); !errors.Is(err, payment.ErrBusy) {
		t.Errorf("refund: %v, want ErrBusy", err)
	}
	w.do(t, payment.ParentMove{Settle: money.MustParse("4")})
	w.do(t, payment.Abandon{})
	if !w.p.Owes() || w.p.Refundable() != money.MustParse("6") {
		t.Errorf("owes %t, %s left", w.p.Owes(), w.p.Refundable())
	}
	whole := at(t, payment.Completed)
	whole.reserve(t, "10", false)
	whole.do(t, payment.ParentMove{Settle: money.MustParse("10")})
	if whole.do(t, payment.Abandon{}); whole.p.Abandoned.IsZero() || !whole.p.WentBack || whole.p.Owes() {
		t.Errorf("a deposit that went back whole: abandoned %s, went back %t, owes %t", whole.p.Abandoned, whole.p.WentBack, whole.p.Owes())
	}
	whole.do(t, payment.ParentMove{Undo: money.MustParse("4")})
	if !whole.p.Owes() || whole.p.Refundable() != money.MustParse("4") {
		t.Errorf("a refund of it is undone: owes %t, %s left", whole.p.Owes(), whole.p.Refundable())
	}
}

// TestAbandonedTakesNoMoney lists what is refused from then on.
func TestAbandonedTakesNoMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state payment.State
		c     payment.Command
	}{
		{payment.Checkout, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("b")}}},
		{payment.Authorized, payment.Capture{Run: run("b")}},
		{payment.Completed, payment.Reserve{Currency: "EUR"}},
		{payment.Completed, payment.Reserve{Amount: money.MustParse("1"), Currency: "EUR"}},
	} {
		w := at(t, c.state)
		w.do(t, payment.Abandon{})
		var r *payment.Refusal
		if _, err := payment.Decide(w.p, c.c, w.now); !errors.As(err, &r) || r.Code != payment.CodeWrongState {
			t.Errorf("%T of an abandoned payment in %s: %v", c.c, w.p.State(), err)
		}
	}
	w := sent(t, deposit("10", false))
	w.answerAt(t, payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo("https://acs.example/1")}, 0)
	w.do(t, payment.Abandon{})
	if _, err := payment.Decide(w.p, payment.Redirected{}, w.now); err == nil {
		t.Error("the customer of an abandoned payment is sent to the bank")
	}
}

// TestOutcomeAfterAbandoning: what was open when the payment was abandoned owes its money once it is known.
func TestOutcomeAfterAbandoning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		hold  bool
		fact  payment.Fact
		state payment.State
		owes  bool
	}{
		{"paid", false, paid(payment.ClassApproved), payment.Completed, true},
		{"held", true, paid(payment.ClassAuthorized), payment.Authorized, true},
		{"declined", false, payment.Fact{Class: payment.ClassDeclinedHard}, payment.Declined, false},
		{"closed", false, payment.Fact{Class: payment.ClassCancelled}, payment.Cancelled, false},
		{"still open", false, payment.Fact{Class: payment.ClassUnknown}, payment.Pending, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, running := range []bool{true, false} {
				p := deposit("10", c.hold)
				p.StartRecurring = true
				w := sent(t, p)
				if !running { // the outcome is open, and no call runs any more
					w.answerAt(t, payment.Fact{Class: payment.ClassUnknown}, 0)
				}
				w.do(t, payment.Abandon{})
				if !running {
					w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
				}
				w.now = w.now.Add(time.Hour)
				fact := c.fact
				fact.Credential = "cred"
				d := w.answerAt(t, fact, 24*time.Hour)
				if w.p.State() != c.state || w.p.Owes() != c.owes {
					t.Errorf("%s, owes %t", w.p.State(), w.p.Owes())
				}
				if c.owes && !w.p.Due.Equal(w.now) {
					t.Errorf("due %s, want now", w.p.Due)
				}
				if !c.owes && c.state.Final() && !w.p.Due.IsZero() {
					t.Errorf("due %s, want never", w.p.Due)
				}
				if d.Chain != nil || w.p.RecurringToken != "" {
					t.Error("an abandoned payment starts a chain")
				}
				if err := w.p.Check(w.log); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestLateSuccessOfAnAbandonedPaymentIsNeverHonoured(t *testing.T) {
	t.Parallel()
	w := sent(t, deposit("10", false))
	w.answerAt(t, payment.Fact{Class: payment.ClassUnknown}, 0)
	w.do(t, payment.Abandon{})
	w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
	w.answerAt(t, payment.Fact{Class: payment.ClassRejected}, 0)
	w.hear(t, 1, paid(payment.ClassApproved))
	d := w.find(t, paid(payment.ClassApproved), true)
	if w.p.State() != payment.Cancelled || d.Call == nil || d.Call.Attempt.Kind != payment.AttemptRefund {
		t.Errorf("%s, call %+v", w.p.State(), d.Call)
	}
	w.answerAt(t, payment.Fact{Class: payment.ClassApproved}, 0)
	if err := w.p.Check(w.log); err != nil || w.p.Owes() || !w.p.Due.IsZero() || w.p.DueFails != 0 {
		t.Errorf("%v, owes %t, due %s, fails %d", err, w.p.Owes(), w.p.Due, w.p.DueFails)
	}
}

// TestTriesToGiveBackWaitLonger: some quick tries first, then as long again as it has been, a day at most, and no more
// after a month.
func TestTriesToGiveBackWaitLonger(t *testing.T) {
	t.Parallel()
	tries := 0 // of refunds
	for _, c := range []struct {
		name  string
		state payment.State
		fail  func(t *testing.T, w *world)
		done  func(t *testing.T, w *world)
	}{
		{"void", payment.Authorized, func(t *testing.T, w *world) {
			w.do(t, payment.Void{Run: run("v")})
			w.answerAt(t, payment.Fact{Class: payment.ClassRejected}, 24*time.Hour)
		}, func(t *testing.T, w *world) {
			w.do(t, payment.Void{Run: run("v")})
			w.answerAt(t, payment.Fact{Class: payment.ClassApproved}, 24*time.Hour)
		}},
		{"refund", payment.Completed, func(t *testing.T, w *world) {
			w.reserve(t, "10", true)
			tries++
			w.do(t, payment.ParentMove{Release: money.MustParse("10"), Try: tries})
		}, func(t *testing.T, w *world) {
			w.reserve(t, "10", true)
			w.do(t, payment.ParentMove{Settle: money.MustParse("10")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := at(t, c.state)
			w.do(t, payment.Abandon{})
			began := w.now
			var waits []time.Duration
			for !w.p.Due.IsZero() {
				w.now = w.p.Due
				c.fail(t, w)
				if !w.p.Owes() {
					t.Fatal("nothing is owed after a failure")
				}
				if !w.p.Due.IsZero() {
					waits = append(waits, w.p.Due.Sub(w.now))
				}
				if len(waits) > 100 {
					t.Fatal("it is tried for ever")
				}
			}
			for i, wait := range waits {
				if wait > 24*time.Hour || i > 0 && wait < waits[i-1] {
					t.Errorf("waits: %v", waits)
					break
				}
			}
			want := []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second,
				77 * time.Second, 154 * time.Second}
			if diff := cmp.Diff(want, waits[:7]); diff != "" || waits[len(waits)-1] != 24*time.Hour {
				t.Errorf("first waits (-want +got):\n%s, last %s", diff, waits[len(waits)-1])
			}
			if took := w.now.Sub(began); w.p.DueFails != 1 || took < 30*24*time.Hour || took > 31*24*time.Hour {
				t.Errorf("parked after %s, fails %d", took, w.p.DueFails)
			}
			// What somebody does about it later unparks it.
			c.done(t, w)
			if w.p.Owes() || w.p.DueFails != 0 || !w.p.Due.IsZero() {
				t.Errorf("in the end: owes %t, fails %d, due %s", w.p.Owes(), w.p.DueFails, w.p.Due)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestARefusalForGoodEndsTheTries: a decline is the end, and a human is called; what was not processed, or refused because
// somebody was out of order, is tried again. Whoever abandons the deposit once more has it tried once more.
func TestARefusalForGoodEndsTheTries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fact payment.Fact
		ends bool
	}{
		{payment.Fact{Class: payment.ClassDeclinedHard}, true},
		{payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.10"}, true},
		{payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.00"}, true},
		{payment.Fact{Class: payment.ClassDeclinedSoft, Code: "3.05"}, true},
		{payment.Fact{Class: payment.ClassDeclinedSoft, Code: "3.03"}, false},
		{payment.Fact{Class: payment.ClassDeclinedSoft, Code: "3.04"}, false},
		{payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.15"}, false},
		{payment.Fact{Class: payment.ClassRejected, Code: "3.02"}, false},
		{payment.Fact{Class: payment.ClassNotSent}, false},
	} {
		held, owed := "", "" // what a human is told
		if c.ends {
			held, owed = "the provider refuses to release the hold of an abandoned payment", "the provider refuses to give the money of an abandoned payment back"
		}
		w := at(t, payment.Authorized)
		w.do(t, payment.Abandon{})
		w.do(t, payment.Void{Run: run("v")})
		d := w.answerAt(t, c.fact, 24*time.Hour)
		if w.p.HeldInVain() != c.ends || d.Alarm != held || c.ends && !w.p.Due.Equal(w.now) || !w.p.Owes() {
			t.Errorf("void, %+v: in vain %t, due %s at %s, alarm %q", c.fact, w.p.HeldInVain(), w.p.Due, w.now, d.Alarm)
		}
		if c.ends { // whether the hold stands is asked at once, and from then on once a day
			if w.find(t, paid(payment.ClassAuthorized), false); !w.p.HeldInVain() || !w.p.Due.Equal(w.now.Add(24*time.Hour)) {
				t.Errorf("void, %+v, the hold stands: due %s at %s", c.fact, w.p.Due, w.now)
			}
		}
		w.do(t, payment.Void{Run: run("v")})
		w.answerAt(t, payment.Fact{Class: payment.ClassApproved}, 0)
		if w.p.Owes() || w.p.HeldInVain() || !w.p.Due.IsZero() {
			t.Errorf("void, %+v, then done: due %s", c.fact, w.p.Due)
		}

		p := deposit("10", false)
		p.Type, p.Terms.Reversal = payment.Refund, true
		r := newWorld(t, p, &payment.Start{Plan: toOne(), Run: run("r")})
		refused := r.answerAt(t, c.fact, 0)
		w = at(t, payment.Completed)
		w.do(t, payment.Abandon{})
		w.reserve(t, "10", true)
		d = w.do(t, refused.Parent)
		if w.p.GaveUpBy(&r.p) != c.ends || w.p.Due.IsZero() != c.ends || d.Alarm != owed || (w.p.DueFails == 1) != c.ends {
			t.Errorf("refund, %+v: given up %t, due %s, fails %d, alarm %q", c.fact, w.p.GaveUpBy(&r.p), w.p.Due, w.p.DueFails, d.Alarm)
		}
		w.reserve(t, "10", true)
		w.do(t, payment.ParentMove{Settle: money.MustParse("10")})
		if w.p.Owes() || w.p.DueFails != 0 || !w.p.Due.IsZero() {
			t.Errorf("refund, %+v, then done: due %s, fails %d", c.fact, w.p.Due, w.p.DueFails)
		}
	}
}

// TestOtherFactsDoNotHurryTheGivingBack: a notice between two tries moves the next one neither forward nor back.
func TestOtherFactsDoNotHurryTheGivingBack(t *testing.T) {
	t.Parallel()
	w := at(t, payment.Authorized)
	w.do(t, payment.Abandon{})
	w.now = w.now.Add(time.Hour)
	w.do(t, payment.Void{Run: run("v")})
	w.answerAt(t, payment.Fact{Class: payment.ClassRejected}, 24*time.Hour)
	due := w.p.Due
	if !due.Equal(w.now.Add(2 * time.Second)) {
		t.Fatalf("due %s after the failure", due.Sub(w.now))
	}
	w.now = w.now.Add(time.Second)
	w.do(t, payment.Notice{Attempt: 1, Fact: paid(payment.ClassAuthorized), HoldCheck: w.now.Add(24 * time.Hour)})
	if !w.p.Due.Equal(due) {
		t.Errorf("due moved by %s", w.p.Due.Sub(due))
	}
	w.hear(t, 1, payment.Fact{Class: payment.ClassCancelled})
	if w.p.State() != payment.Authorized || !w.p.Due.Equal(due) {
		t.Errorf("a notice alone: %s, due moved by %s", w.p.State(), w.p.Due.Sub(due))
	}
	w.find(t, payment.Fact{Class: payment.ClassCancelled}, false)
	if w.p.State() != payment.Cancelled || w.p.Owes() || !w.p.Due.IsZero() {
		t.Errorf("the hold is gone: %s, owes %t, due %s", w.p.State(), w.p.Owes(), w.p.Due)
	}
}
