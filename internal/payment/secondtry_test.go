package payment_test

import (
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// tried is a hosted deposit of which a first try, by the page or not, was answered so.
func tried(t *testing.T, retries int, byPage bool, fact payment.Fact) *world {
	t.Helper()
	p := deposit("100", false)
	p.Method, p.Retries, p.CheckoutUntil = "", retries, start.Add(time.Hour)
	w := newWorld(t, p, nil)
	w.do(t, payment.Submit{Method: payment.BasicCard, ByPage: byPage, Start: payment.Start{Plan: toOne(), Run: run("a")}})
	w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: fact})
	return w
}

// TestARefusedTryNeedNotEndThePayment: which refusals the customer may follow by another try, and by what the payment ends.
func TestARefusedTryNeedNotEndThePayment(t *testing.T) {
	t.Parallel()
	soft := payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.02"}
	for _, c := range []struct {
		name    string
		retries int
		byPage  bool
		fact    payment.Fact
		state   payment.State
		again   bool
	}{
		{"soft", 1, true, soft, payment.Pending, true},
		{"soft, the last try", 0, true, soft, payment.Declined, false},
		{"soft, by API", 2, false, soft, payment.Declined, false},
		{"hard", 2, true, payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.06"}, payment.Declined, false},
		{"hard, but mistyped", 2, true, payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.07"}, payment.Pending, true},
		{"rejected", 2, true, payment.Fact{Class: payment.ClassRejected}, payment.Pending, true},
		{"not sent", 2, true, payment.Fact{Class: payment.ClassNotSent}, payment.Pending, true},
		{"left without paying", 2, true, payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeByCustomer}, payment.Pending, true},
		{"left, the last try", 0, true, payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeByCustomer}, payment.Cancelled, false},
		{"unknown", 2, true, payment.Fact{Class: payment.ClassUnknown}, payment.Pending, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := tried(t, c.retries, c.byPage, c.fact)
			if w.p.State() != c.state || (w.p.LastRefusal() != nil) != c.again {
				t.Fatalf("%s, last refusal %v\n%v", w.p.State(), w.p.LastRefusal(), w.story())
			}
			if c.again && (w.p.Retries != c.retries-1 || w.p.ErrorCode != "" || w.p.Means != "" || !w.p.ChoosesAgain() || !w.p.Payable()) {
				t.Errorf("between tries: %+v", w.p)
			}
		})
	}
}

func TestAnotherTryByAnotherMethod(t *testing.T) {
	t.Parallel()
	w := tried(t, 1, true, payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.02"})
	w.do(t, payment.Submit{Method: payment.GooglePay, ByPage: true, Start: payment.Start{Plan: toOne(), Run: run("b")}})
	if w.p.Method != payment.GooglePay || w.p.Tries != 2 {
		t.Fatalf("by %s, %d tries", w.p.Method, w.p.Tries)
	}
	w.do(t, payment.Answer{Attempt: 2, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: payment.Fact{
		Class: payment.ClassApproved, Echoed: money.Sum{Amount: money.MustParse("100"), Currency: "EUR"},
	}})
	if w.p.State() != payment.Completed || w.p.ErrorCode != "" {
		t.Errorf("%s %s\n%v", w.p.State(), w.p.ErrorCode, w.story())
	}
}

// TestTheLastTryDecides: when the checkout time is over, a payment that was declined is DECLINED by the last code.
func TestTheLastTryDecides(t *testing.T) {
	t.Parallel()
	w := tried(t, 1, true, payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.02"})
	if !w.p.Due.Equal(w.p.CheckoutUntil) {
		t.Errorf("looked at %s, ends %s", w.p.Due, w.p.CheckoutUntil)
	}
	w.now = w.p.CheckoutUntil
	w.do(t, payment.Cancel{ByClock: true})
	if w.p.State() != payment.Declined || w.p.ErrorCode != "4.02" {
		t.Errorf("%s %s", w.p.State(), w.p.ErrorCode)
	}
	w = tried(t, 1, true, payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeByCustomer})
	w.now = w.p.CheckoutUntil
	w.do(t, payment.Cancel{ByClock: true})
	if w.p.State() != payment.Cancelled || w.p.ErrorCode != payment.CodeTimeout {
		t.Errorf("%s %s", w.p.State(), w.p.ErrorCode)
	}
}

// TestALateRefusalAfterTheCheckoutEnds: nobody is at the page any more.
func TestALateRefusalAfterTheCheckoutEnds(t *testing.T) {
	t.Parallel()
	w := tried(t, 2, true, payment.Fact{Class: payment.ClassUnknown})
	w.now = w.p.CheckoutUntil
	w.do(t, payment.Notice{Attempt: 1, Fact: payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.02"}})
	if w.p.State() != payment.Declined || w.p.ErrorCode != "4.02" {
		t.Errorf("%s %s", w.p.State(), w.p.ErrorCode)
	}
}

// TestALateSuccessOfARefusedTryGoesBack: the customer has paid by the second try meanwhile.
func TestALateSuccessOfARefusedTryGoesBack(t *testing.T) {
	t.Parallel()
	w := tried(t, 1, true, payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.02"})
	w.do(t, payment.Submit{ByPage: true, Start: payment.Start{Plan: toOne(), Run: run("b")}})
	won := payment.Fact{Class: payment.ClassApproved, Echoed: money.Sum{Amount: money.MustParse("100"), Currency: "EUR"}}
	w.do(t, payment.Answer{Attempt: 2, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: won})
	late := payment.LatePolicy{Run: run("l")}
	w.do(t, payment.Notice{Attempt: 1, Fact: won, NextCheck: w.now, Late: late}) // of something settled only the provider's answer counts
	w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("k")})
	w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: won, Late: late})
	if w.p.State() != payment.Completed || w.p.Captured != money.MustParse("100") {
		t.Fatalf("%s, captured %s\n%v", w.p.State(), w.p.Captured, w.story())
	}
	a := w.p.LiveAttempt()
	if a == nil || a.Reverses != 1 {
		t.Errorf("the late success is not given back: %+v\n%v", a, w.story())
	}
}

// TestWhatWasMistypedIsEnteredAnew: also where the shop has its customers try once, and not for ever. What a merchant's server sent
// is a decline, and so is another refusal.
func TestWhatWasMistypedIsEnteredAnew(t *testing.T) {
	t.Parallel()
	wrong := payment.Fact{Class: payment.ClassDeclinedSoft, Code: payment.CodeAcquirerRequest}
	for _, c := range []struct {
		name    string
		method  payment.Method
		retries int
		byPage  bool
		fact    payment.Fact
		tries   int // that end it
	}{
		{"code", payment.Blik, 0, true, wrong, 6},
		{"code, of a shop with more tries", payment.Blik, 2, true, wrong, 8},
		{"code, by API", payment.Blik, 2, false, wrong, 1},
		{"another refusal", payment.Blik, 0, true, payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.00"}, 1},
		{"another method", payment.Pix, 0, true, wrong, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := deposit("100", false)
			p.Method, p.Retries, p.CheckoutUntil = c.method, c.retries, start.Add(time.Hour)
			w := newWorld(t, p, nil)
			for n := 1; w.p.Payable(); n++ {
				w.do(t, payment.Submit{ByPage: c.byPage, Start: payment.Start{Plan: toOne(), Run: run("a")}})
				w.do(t, payment.Answer{Attempt: n, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: c.fact})
			}
			if w.p.Tries != c.tries || w.p.State() != payment.Declined || w.p.ErrorCode != c.fact.Code {
				t.Errorf("%s %s after %d tries, want %d", w.p.State(), w.p.ErrorCode, w.p.Tries, c.tries)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWhoMissesTheWindowMayTryAgain: as long as the shop lets its customers.
func TestWhoMissesTheWindowMayTryAgain(t *testing.T) {
	t.Parallel()
	p := deposit("100", false)
	p.Method, p.Retries, p.CheckoutUntil = payment.Blik, 1, start.Add(time.Hour)
	w := newWorld(t, p, nil)
	for n, want := range []payment.State{payment.Pending, payment.Declined} {
		w.do(t, payment.Submit{ByPage: true, Start: payment.Start{Plan: toOne(), Run: run("a")}})
		w.do(t, payment.Answer{Attempt: n + 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout}})
		if w.p.State() != want || want == payment.Pending && (w.p.LastRefusal() == nil || w.p.LastRefusal().Code != payment.CodeAbandoned) {
			t.Fatalf("try %d: %s %s, %+v", n+1, w.p.State(), w.p.ErrorCode, w.p.LastRefusal())
		}
	}
	if w.p.ErrorCode != payment.CodeAbandoned {
		t.Error(w.p.ErrorCode)
	}
}
