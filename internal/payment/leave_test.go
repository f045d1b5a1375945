package payment_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// inAnApp is a deposit that waits for its customer, at the first of three terminals.
func inAnApp(t *testing.T, change func(*payment.Payment), next payment.Next) *world {
	t.Helper()
	p := deposit("100", false)
	p.Method, p.Retries, p.CheckoutUntil = "", 1, start.Add(time.Hour)
	change(&p)
	w := newWorld(t, p, nil)
	w.do(t, payment.Submit{Method: payment.Pix, ByPage: true, Start: payment.Start{Plan: toThree(), Run: run("a")}})
	w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: payment.Fact{Class: payment.ClassWaiting, Next: next}})
	return w
}

// TestACustomerLeavesForAnotherMethod: once the provider has closed the first try, and not before; it is followed by no other terminal.
func TestACustomerLeavesForAnotherMethod(t *testing.T) {
	t.Parallel()
	code := payment.Next{Kind: payment.NextCode, Code: "0002"}
	won := payment.Fact{Class: payment.ClassApproved, Echoed: money.Sum{Amount: money.MustParse("100"), Currency: "EUR"}}
	for _, c := range []struct {
		name  string
		fact  payment.Fact
		state payment.State
		again bool
	}{
		{"closed", payment.Fact{Class: payment.ClassRejected, Code: "1.02"}, payment.Pending, true},
		{"cancelled", payment.Fact{Class: payment.ClassCancelled}, payment.Pending, true},
		{"paid", won, payment.Completed, false},
		{"not known", payment.Fact{Class: payment.ClassUnknown}, payment.Pending, false},
		{"still open", payment.Fact{Class: payment.ClassWaiting}, payment.Pending, false},
	} {
		w := inAnApp(t, func(*payment.Payment) {}, code)
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Leave: true, Run: run("l")})
		if w.call == nil || !w.call.Fence {
			t.Fatalf("%s: the provider is not asked to close it: %+v", c.name, w.call)
		}
		w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fenced: true, Fact: c.fact, Onward: allReady()})
		if last := w.p.LastRefusal(); w.p.State() != c.state || (last != nil) != c.again || len(w.p.Attempts) != 1 {
			t.Fatalf("%s: %s, %+v\n%v", c.name, w.p.State(), w.p.Attempts, w.story())
		} else if last != nil && (last.Class != payment.ClassCancelled || w.p.Retries != 0 || !w.p.ChoosesAgain()) {
			t.Errorf("%s: %+v", c.name, last)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatNobodyLeaves: what is not waiting for its customer, and what no other try could follow.
func TestWhatNobodyLeaves(t *testing.T) {
	t.Parallel()
	code := payment.Next{Kind: payment.NextCode, Code: "0002"}
	for name, c := range map[string]struct {
		change func(*payment.Payment)
		next   payment.Next
		after  time.Duration
	}{
		"the last try":             {func(p *payment.Payment) { p.Retries = 0 }, code, 0},
		"ended by an API":          {func(p *payment.Payment) { p.Retries = -1 }, code, 0},
		"the method is the shop's": {func(p *payment.Payment) { p.Method = payment.Pix }, code, 0},
		"the checkout is over":     {func(*payment.Payment) {}, code, time.Hour},
		"the bank has it":          {func(*payment.Payment) {}, payment.Next{Kind: payment.NextDone}, 0},
		"nothing is to be done":    {func(*payment.Payment) {}, payment.Next{}, 0},
	} {
		w := inAnApp(t, c.change, c.next)
		w.now = w.now.Add(c.after)
		if w.p.MayLeave(w.now) {
			t.Errorf("%s: may be left", name)
		}
		w.call = nil
		if w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Leave: true, Run: run("l")}); w.call != nil {
			t.Errorf("%s: the provider is asked", name)
		}
	}
}

// TestALateSuccessOfATryThatWasLeftGoesBack: it had never been held, whatever another try has taken since.
func TestALateSuccessOfATryThatWasLeftGoesBack(t *testing.T) {
	t.Parallel()
	w := tried(t, 1, true, payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeByCustomer})
	w.do(t, payment.Submit{ByPage: true, Start: payment.Start{Plan: toOne(), Run: run("b")}})
	won := payment.Fact{Class: payment.ClassApproved, Echoed: money.Sum{Amount: money.MustParse("100"), Currency: "EUR"}}
	w.do(t, payment.Answer{Attempt: 2, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: won})
	late := payment.LatePolicy{Run: run("l"), Honour: true}
	w.do(t, payment.Notice{Attempt: 1, Fact: won, NextCheck: w.now, Late: late})
	w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("k")})
	w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: won, Late: late})
	if a := w.p.LiveAttempt(); w.p.State() != payment.Completed || a == nil || a.Reverses != 1 {
		t.Errorf("%s, not given back: %+v\n%v", w.p.State(), a, w.story())
	}
}
