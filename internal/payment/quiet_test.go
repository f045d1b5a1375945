package payment_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestQueriesWithoutNewsDoNotGrowTheLogForEver asks a thousand times, by due work and by notices, and lets the provider
// tell at last.
func TestQueriesWithoutNewsDoNotGrowTheLogForEver(t *testing.T) {
	t.Parallel()
	const most = 200
	for _, c := range []struct {
		name  string
		state payment.State
		open  payment.Fact
		end   payment.Fact
		want  payment.State
	}{
		{"open", payment.Pending, payment.Fact{Class: payment.ClassUnknown}, paid(payment.ClassApproved), payment.Completed},
		{"held", payment.Authorized, paid(payment.ClassAuthorized), payment.Fact{Class: payment.ClassCancelled}, payment.Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := at(t, c.state)
			for range 1000 {
				w.now = w.now.Add(25 * time.Hour)
				w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("k"), Paced: true})
				a := w.p.Attempts[0]
				if !a.Calling() || !a.Leased(w.now, "other", false) || a.LeaseOwner != w.call.Attempt.LeaseOwner {
					t.Fatalf("the call leaves no lease: %+v", a)
				}
				if _, err := payment.Decide(w.p, payment.BeginAsk{Op: payment.OpCheckState, Run: run("l")}, w.now); err == nil {
					t.Fatal("two ask at once")
				}
				w.answerAt(t, c.open, 24*time.Hour)
				if a := w.p.Attempts[0]; a.Calling() || a.NextCheck.IsZero() {
					t.Fatalf("the answer leaves %+v", a)
				}
				w.do(t, payment.Notice{Attempt: 1, Fact: c.open, NextCheck: w.now.Add(time.Hour), HoldCheck: w.now.Add(24 * time.Hour)})
				if err := w.p.Check(w.log); err != nil {
					t.Fatal(err)
				}
			}
			if len(w.log) != most || w.p.State() != c.state {
				t.Errorf("%d operations, %s", len(w.log), w.p.State())
			}
			w.now = w.now.Add(25 * time.Hour)
			w.do(t, payment.BeginAsk{Op: payment.OpManualCheckState, Run: run("m")})
			w.answerAt(t, c.open, 24*time.Hour)
			if n := len(w.log); n != most+1 {
				t.Errorf("an operator's query is not logged: %d operations", n)
			}
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("n")})
			w.answerAt(t, c.end, 24*time.Hour)
			if last := w.story()[len(w.log)-1]; len(w.log) != most+2 || last != "CHECK_STATE:"+string(c.want) {
				t.Errorf("in the end %d operations, last %s", len(w.log), last)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAskingHasAPace: whoever reads a payment asks once when a check is due, however many come, and a customer who comes
// back asks at once, once.
func TestAskingHasAPace(t *testing.T) {
	t.Parallel()
	w := sent(t, deposit("10", false))
	w.answer(t, payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo("https://acs.example")})
	asks := func(op payment.OperationKind, want bool) {
		t.Helper()
		d, err := payment.Decide(w.p, payment.BeginAsk{Op: op, Run: run("k"), Paced: true}, w.now)
		if err != nil {
			t.Fatal(err)
		}
		if (d.Call != nil) != want || d.Idle() == want {
			t.Errorf("%s asks %t, want %t", op, d.Call != nil, want)
		}
		if !d.Idle() {
			w.keep(d)
			w.answer(t, payment.Fact{Class: payment.ClassWaiting})
		}
	}
	asks(payment.OpCheckState, false)
	asks(payment.OpContinue, true)
	for range 3 {
		asks(payment.OpContinue, false)
		asks(payment.OpCheckState, false)
	}
	w.now = w.now.Add(time.Minute)
	asks(payment.OpContinue, true) // a check is due: this is no second return
	asks(payment.OpContinue, false)
	if got, want := w.story()[3:], []string{"DEPOSIT:PENDING", "CONTINUE:PENDING", "CHECK_STATE:PENDING"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}

	w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("k")})
	c := w.call
	w.do(t, payment.Answer{Attempt: 1, Op: c.Op, Fact: payment.Fact{Class: payment.ClassUnknown}}) // the ladder ends
	asks(payment.OpCheckState, false)
	w.now = w.now.Add(23 * time.Hour)
	asks(payment.OpCheckState, false)
	w.now = w.now.Add(2 * time.Hour)
	asks(payment.OpCheckState, true)
}
