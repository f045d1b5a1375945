package payment_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

var unsent = payment.Fact{Class: payment.ClassUnsent}

// decidedByUs says where our own trouble has decided something, or nothing.
func decidedByUs(before *payment.Payment, c payment.Command, after *payment.Payment) string {
	if a := after.Unsent(); a != nil && (a.Op != 0 || !a.LeaseUntil.IsZero()) {
		return "a call that never left is running"
	}
	if again, ok := c.(payment.Retry); ok {
		was, is := before.Unsent(), after.LiveAttempt()
		if was == nil || is.Seq != was.Seq || is.Key != was.Key || is.Class != payment.ClassPrepared || is.Started.Before(was.Started) {
			return "something else was sent again than what never left, by " + again.Run.Call
		}
	}
	answer, ok := c.(payment.Answer)
	abandoned := !before.Abandoned.IsZero() && before.State() == payment.Pending
	if !ok || answer.Fact.Class != payment.ClassUnsent || abandoned {
		return ""
	}
	if after.State() != before.State() || after.ErrorCode != before.ErrorCode || after.Captured != before.Captured ||
		after.Authorised != before.Authorised || after.RefundReserved != before.RefundReserved {
		return "what did not leave has decided something"
	}
	return ""
}

// withCustomer is a deposit whose checkout lasts ten minutes.
func withCustomer() payment.Payment {
	p := deposit("10", false)
	p.CheckoutUntil = start.Add(10 * time.Minute)
	return p
}

// betweenTries is a deposit of which one try never left.
func betweenTries(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, withCustomer(), nil)
	w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	w.answer(t, unsent)
	if a := w.p.Attempts[0]; w.p.State() != payment.Pending || !w.p.BetweenTries() || !w.p.Payable() || a.Class != payment.ClassNotSent || a.Code != "" {
		t.Fatalf("%s, attempt %+v", w.p.State(), a)
	}
	if !w.p.Due.Equal(w.p.CheckoutUntil) || w.p.ErrorCode != "" || w.p.DueFails != 0 {
		t.Fatalf("due %s, code %q, fails %d", w.p.Due, w.p.ErrorCode, w.p.DueFails)
	}
	return w
}

// TestBetweenTries: how a deposit goes on of which a try never left.
func TestBetweenTries(t *testing.T) {
	t.Parallel()
	submit := payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("b")}}
	for name, c := range map[string]struct {
		play  func(w *world)
		state payment.State
		code  payment.ErrorCode
		want  []string
	}{
		"paid by the next try": {func(w *world) {
			w.do(t, submit)
			w.answer(t, paid(payment.ClassApproved))
		}, payment.Completed, "", []string{"CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:COMPLETED"}},
		"declined at the next try": {func(w *world) {
			w.do(t, submit)
			w.answer(t, payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.01"})
		}, payment.Declined, "4.01", []string{"CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:DECLINED"}},
		"never left again": {func(w *world) {
			w.do(t, submit)
			w.answer(t, unsent)
		}, payment.Pending, "", []string{"CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING"}},
		"cancelled":        {func(w *world) { w.do(t, payment.Cancel{}) }, payment.Cancelled, "2.00", []string{"CANCEL:CANCELLED"}},
		"the time is over": {func(w *world) { w.do(t, payment.Cancel{ByClock: true}) }, payment.Cancelled, "1.04", []string{"CANCEL:CANCELLED"}},
		"abandoned":        {func(w *world) { w.do(t, payment.Abandon{}) }, payment.Cancelled, "2.00", []string{"CANCEL:CANCELLED"}},
		"by hand": {func(w *world) { w.do(t, payment.ManualUpdate{To: payment.Declined, Code: "3.00"}) },
			payment.Declined, "3.00", []string{"MANUAL_UPDATE:DECLINED"}},
		"no terminal any more": {func(w *world) {
			w.do(t, payment.Submit{Start: payment.Start{Plan: payment.Plan{NoRoute: payment.CodeNoTerminal}}})
		},
			payment.Declined, "1.05", []string{"CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:DECLINED"}},
		"a visit means nothing": {func(w *world) {
			w.do(t, payment.Opened{})
			w.do(t, payment.BeginAsk{Op: payment.OpContinue, Run: run("c")})
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("c")})
		}, payment.Pending, "", nil},
	} {
		w := betweenTries(t)
		before, keys := len(w.log), map[string]bool{}
		c.play(w)
		if w.p.State() != c.state || w.p.ErrorCode != c.code {
			t.Errorf("%s: %s %q, want %s %q", name, w.p.State(), w.p.ErrorCode, c.state, c.code)
		}
		if got := w.story()[before:]; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, a := range w.p.Attempts {
			if keys[a.Key] {
				t.Errorf("%s: two tries have the key %s", name, a.Key)
			}
			keys[a.Key] = true
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheLastDeclineEndsWhatIsBetweenTries: the code is that of who refused last, whatever never left after it.
func TestTheLastDeclineEndsWhatIsBetweenTries(t *testing.T) {
	t.Parallel()
	w := betweenTries(t)
	for i, a := range []payment.Attempt{
		{Kind: payment.AttemptDeposit, Class: payment.ClassDeclinedSoft, Code: "4.02"},
		{Kind: payment.AttemptDeposit, Class: payment.ClassDeclinedSoft, Code: "4.01"},
		{Kind: payment.AttemptDeposit, Class: payment.ClassNotSent},
	} {
		a.Seq = i + 2
		w.p.Attempts, w.p.Tries = append(w.p.Attempts, a), w.p.Tries+1
	}
	w.do(t, payment.Cancel{ByClock: true})
	if w.p.State() != payment.Declined || w.p.ErrorCode != "4.01" {
		t.Errorf("%s %q, want DECLINED 4.01", w.p.State(), w.p.ErrorCode)
	}
	if err := w.p.Check(w.log); err != nil {
		t.Error(err)
	}
}

func TestTheNextTryIsByTheSameMethod(t *testing.T) {
	t.Parallel()
	w := betweenTries(t)
	_, err := payment.Decide(w.p, payment.Submit{Method: payment.Blik, Start: payment.Start{Plan: toOne(), Run: run("b")}}, w.now)
	var r *payment.Refusal
	if !errors.As(err, &r) || r.Code != payment.CodeWrongState || r.Field != "paymentMethod" {
		t.Errorf("%v", err)
	}
	w.do(t, payment.Submit{Method: payment.BasicCard, Start: payment.Start{Plan: toOne(), Run: run("b")}})
}

// unsentOnes is one payment for each kind of call that no customer can repeat, after it did not leave.
func unsentOnes(t *testing.T) map[string]*world {
	t.Helper()
	direct := func(kind payment.Type, method payment.Method) *world {
		p := deposit("10", false)
		p.Type, p.Method = kind, method
		w := newWorld(t, p, &payment.Start{Plan: toOne(), Run: run("a")})
		w.answer(t, unsent)
		return w
	}
	held := func(c payment.Command) *world {
		w := newWorld(t, deposit("10", true), nil)
		w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
		w.answer(t, paid(payment.ClassAuthorized))
		w.do(t, c)
		w.answer(t, unsent)
		return w
	}
	late := newWorld(t, deposit("10", false), nil)
	late.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	late.answer(t, payment.Fact{Class: payment.ClassRejected})
	late.hear(t, 1, paid(payment.ClassApproved))
	late.find(t, paid(payment.ClassApproved), false)
	late.answer(t, unsent)
	return map[string]*world{
		"refund": direct(payment.Refund, payment.BasicCard), "withdrawal": direct(payment.Withdrawal, payment.BasicCard),
		"follow-up": direct(payment.Deposit, payment.BasicCard),
		"capture":   held(payment.Capture{Amount: money.MustParse("4"), Run: run("c")}), "void": held(payment.Void{Run: run("v")}),
		"reversal": late,
	}
}

// TestLateSuccessOfAnotherTryGoesBack: the payment stays paid by the try that was approved first, also while what gives
// the other's money back cannot leave.
func TestLateSuccessOfAnotherTryGoesBack(t *testing.T) {
	t.Parallel()
	for _, won := range []payment.Class{payment.ClassApproved, payment.ClassAuthorized} {
		w := betweenTries(t)
		w.p.PreAuth = won == payment.ClassAuthorized
		w.p.Attempts = slices.Clone(w.p.Attempts)
		w.p.Attempts[0].Class, w.p.Attempts[0].Code = payment.ClassDeclinedSoft, "4.02"
		w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("b")}})
		w.answer(t, payment.Fact{Class: won, ProviderRef: "tx2"})
		if won == payment.ClassAuthorized {
			w.do(t, payment.Capture{Run: run("c")})
			w.answer(t, payment.Fact{Class: payment.ClassApproved})
		}
		w.hear(t, 1, paid(won))
		w.find(t, paid(won), true)
		w.answer(t, unsent)
		if w.p.Unsent() == nil || w.p.State() != payment.Completed {
			t.Fatalf("%s: %s, open %+v", won, w.p.State(), w.p.LiveAttempt())
		}
		w.now = w.p.Due
		w.do(t, payment.Retry{Run: run("again")})
		w.answer(t, paid(payment.ClassApproved))
		if w.p.State() != payment.Completed || w.p.Live != 0 || w.p.Captured != w.p.Asked.Amount {
			t.Errorf("%s: %s, captured %s, open %+v", won, w.p.State(), w.p.Captured, w.p.LiveAttempt())
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v: %v", won, err, w.story())
		}
	}
}

// TestWhatNeverLeftIsSentAgain: under the same key, one call at a time, until it leaves.
func TestWhatNeverLeftIsSentAgain(t *testing.T) {
	t.Parallel()
	ends := map[string]payment.State{
		"refund": payment.Completed, "withdrawal": payment.Completed, "follow-up": payment.Completed,
		"capture": payment.Completed, "void": payment.Cancelled, "reversal": payment.Declined,
	}
	for name, w := range unsentOnes(t) {
		state := w.p.State()
		first := *w.p.LiveAttempt()
		for n := range 3 {
			if a := w.p.Unsent(); a == nil || a.Key != first.Key || !w.p.Due.Equal(a.NextCheck) || w.p.BetweenTries() || w.p.GivenUp(w.now) {
				t.Fatalf("%s, %d: %+v due %s", name, n, w.p.LiveAttempt(), w.p.Due)
			}
			if _, err := payment.Decide(w.p, payment.BeginAsk{Op: payment.OpCheckState, Run: run("k")}, w.now); !errors.Is(err, payment.ErrBusy) {
				t.Errorf("%s: asked about: %v", name, err)
			}
			w.now = w.p.Due
			d := w.do(t, payment.Retry{Run: run("again")})
			if d.Call.Ask || d.Call.Attempt.Key != first.Key || d.Call.Waited.Round(time.Second) != time.Minute || d.Call.Attempt.Started.Before(w.now) {
				t.Errorf("%s: the call is %+v", name, d.Call)
			}
			stale := payment.Answer{Attempt: first.Seq, Op: d.Call.Op - 1, Fact: unsent, NextCheck: w.now}
			if again, err := payment.Decide(w.p, stale, w.now); err != nil || !again.Idle() {
				t.Errorf("%s: the answer of an earlier call changes something: %v", name, err)
			}
			if _, err := payment.Decide(w.p, payment.Retry{Run: run("other")}, w.now); !errors.Is(err, payment.ErrBusy) {
				t.Errorf("%s: sent twice at once: %v", name, err)
			}
			if w.p.State() != state {
				t.Errorf("%s: %s while it is sent", name, w.p.State())
			}
			if n < 2 {
				w.answer(t, unsent)
			}
		}
		w.answer(t, payment.Fact{Class: payment.ClassApproved})
		if w.p.State() != ends[name] || w.p.Live != 0 {
			t.Errorf("%s: ends %s, live %d", name, w.p.State(), w.p.Live)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v\n%v", name, err, w.story())
		}
	}
}

// TestOnlyTheRowTellsThatNothingLeft: a process that dies while it sends again leaves an open outcome, which is asked about;
// so does an answer that comes when another worker has taken over, or after word of the provider.
func TestOnlyTheRowTellsThatNothingLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(w *world){
		"died":       func(*world) {},
		"taken over": func(w *world) { w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("k")}) },
		"heard of": func(w *world) {
			w.do(t, payment.Notice{Attempt: w.p.Live, Fact: payment.Fact{Class: payment.ClassWaiting}, NextCheck: w.now.Add(time.Minute)})
		},
	} {
		for kind, w := range unsentOnes(t) {
			w.now = w.p.Due
			sent := w.do(t, payment.Retry{Run: run("again")})
			w.now = w.now.Add(2 * time.Minute)
			c(w)
			if name != "died" {
				w.do(t, payment.Answer{Attempt: sent.Call.Attempt.Seq, Op: sent.Call.Op, Fact: unsent, NextCheck: w.now.Add(time.Minute)})
			}
			if _, err := payment.Decide(w.p, payment.Retry{Run: run("twice")}, w.now); !errors.Is(err, payment.ErrBusy) || w.p.Unsent() != nil {
				t.Errorf("%s %s: could be sent again: %v", kind, name, err)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Errorf("%s %s: %v\n%v", kind, name, err, w.story())
			}
		}
	}
}

// TestWhatCannotBeSentAnyMore ends without money, and a refund gives its reservation back.
func TestWhatCannotBeSentAnyMore(t *testing.T) {
	t.Parallel()
	for name, w := range unsentOnes(t) {
		d, err := payment.Decide(w.p, payment.NeverSent{Code: payment.CodeInternal}, w.now)
		if name == "capture" || name == "void" || name == "reversal" {
			if !errors.Is(err, payment.ErrBusy) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w.keep(d)
		if w.p.State() != payment.Declined || w.p.ErrorCode != payment.CodeInternal || len(d.Events) != 1 {
			t.Errorf("%s: %s %q, %d events", name, w.p.State(), w.p.ErrorCode, len(d.Events))
		}
		if (d.Parent.Release != money.Amount{}) != (name == "refund") {
			t.Errorf("%s: releases %s", name, d.Parent.Release)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAbandonedBeforeItLeft: nothing left, nobody wants it, so it is over at once, and nothing is sent.
func TestAbandonedBeforeItLeft(t *testing.T) {
	t.Parallel()
	w := unsentOnes(t)["follow-up"]
	w.do(t, payment.Abandon{})
	if w.p.State() != payment.Cancelled || w.p.ErrorCode != "2.00" || w.p.Live != 0 || !w.p.Due.IsZero() || w.p.Abandoned.IsZero() {
		t.Errorf("waiting to be sent: %s %q, live %d", w.p.State(), w.p.ErrorCode, w.p.Live)
	}
	if err := w.p.Check(w.log); err != nil {
		t.Error(err)
	}
	while := newWorld(t, withCustomer(), nil)
	while.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	while.do(t, payment.Abandon{})
	while.answer(t, unsent)
	if while.p.State() != payment.Cancelled || while.p.ErrorCode != "2.00" || while.p.Live != 0 {
		t.Errorf("while it was to be sent: %s %q, live %d", while.p.State(), while.p.ErrorCode, while.p.Live)
	}
	if err := while.p.Check(while.log); err != nil {
		t.Error(err)
	}
}

// TestSendingAgainDoesNotFillTheLog: once it is long, only what comes of it is shown.
func TestSendingAgainDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	for name, w := range unsentOnes(t) {
		for range 300 {
			w.now = w.p.Due
			d := w.do(t, payment.Retry{Run: run("again")})
			w.do(t, payment.Answer{Attempt: d.Call.Attempt.Seq, Op: d.Call.Op, Lease: d.Call.Attempt.LeaseOwner, Fact: unsent, NextCheck: w.now.Add(time.Minute)})
			if a := w.p.Unsent(); a == nil || a.Calling() {
				t.Fatalf("%s: %+v", name, w.p.LiveAttempt())
			}
		}
		if w.p.Ops > 201 {
			t.Errorf("%s: %d operations", name, w.p.Ops)
		}
		before := w.p.Ops
		d := w.do(t, payment.Retry{Run: run("again")})
		w.do(t, payment.Answer{Attempt: d.Call.Attempt.Seq, Op: d.Call.Op, Lease: d.Call.Attempt.LeaseOwner, Fact: paid(payment.ClassApproved)})
		if w.p.Live != 0 || w.p.Ops != before+1 {
			t.Errorf("%s: %s, live %d, %d operations more", name, w.p.State(), w.p.Live, w.p.Ops-before)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAHumanIsToldOfACallThatCannotLeave.
func TestAHumanIsToldOfACallThatCannotLeave(t *testing.T) {
	t.Parallel()
	for _, long := range []bool{false, true} {
		w := unsentOnes(t)["refund"]
		w.do(t, payment.Retry{Run: run("again")})
		d := w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Fact: unsent, NextCheck: w.now.Add(time.Minute), Stalled: long})
		want := map[bool]string{true: "a call cannot leave for want of our own means, and is tried again"}[long]
		if d.Alarm != want {
			t.Errorf("stalled %t: alarm %q", long, d.Alarm)
		}
	}
}
