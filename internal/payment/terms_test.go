package payment_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// lasting is a deposit whose checkout lasts an hour, and a quarter more once its page was opened.
func lasting() payment.Payment {
	p := deposit("10", false)
	p.Terms = payment.Terms{Lasts: time.Hour, Grace: 15 * time.Minute}
	p.CheckoutUntil = p.Created.Add(p.Terms.Lasts)
	return p
}

func TestOpeningThePageExtendsTheCheckoutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lasting(), nil)
	if w.p.WasOpened() || !w.p.Due.Equal(start.Add(time.Hour)) {
		t.Fatalf("opened %t, due %s", w.p.WasOpened(), w.p.Due)
	}
	updated, ops := w.p.Updated, w.p.Ops
	w.now = start.Add(59 * time.Minute)
	if d := w.do(t, payment.Opened{}); d.Idle() || len(d.Events) > 0 {
		t.Errorf("idle %t, events %v", d.Idle(), d.Events)
	}
	want := start.Add(75 * time.Minute)
	if !w.p.WasOpened() || !w.p.CheckoutUntil.Equal(want) || !w.p.Due.Equal(want) {
		t.Errorf("opened %t, until %s, due %s", w.p.WasOpened(), w.p.CheckoutUntil, w.p.Due)
	}
	if w.p.Updated != updated || w.p.Ops != ops {
		t.Error("the opening shows")
	}
	if d := w.do(t, payment.Opened{}); !d.Idle() || !w.p.CheckoutUntil.Equal(want) {
		t.Errorf("a second time: until %s", w.p.CheckoutUntil)
	}
	w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	if d := w.do(t, payment.Opened{}); !d.Idle() || !w.p.WasOpened() {
		t.Error("opening does something after the checkout, or is forgotten")
	}
	if err := w.p.Check(w.log); err != nil {
		t.Error(err)
	}
}

func TestOpeningMeansNothingWithoutGrace(t *testing.T) {
	t.Parallel()
	for name, terms := range map[string]payment.Terms{"no terms": {}, "no grace": {Lasts: time.Hour}} {
		p := lasting()
		p.Terms = terms
		w := newWorld(t, p, nil)
		if d := w.do(t, payment.Opened{}); !d.Idle() || w.p.WasOpened() {
			t.Errorf("%s: idle %t, opened %t", name, d.Idle(), w.p.WasOpened())
		}
	}
	w := newWorld(t, lasting(), nil)
	w.do(t, payment.Abandon{})
	if d := w.do(t, payment.Opened{}); !d.Idle() || !w.p.Due.IsZero() {
		t.Errorf("the page of an abandoned payment: idle %t, due %s", d.Idle(), w.p.Due)
	}
}

func TestMethodsThatTheTermsDoNotAllow(t *testing.T) {
	t.Parallel()
	all := payment.Methods()
	p := deposit("10", false)
	p.Method, p.Terms.Methods = "", all[:1]
	w := newWorld(t, p, nil)
	submit := payment.Submit{Method: all[1], Start: payment.Start{Plan: toOne(), Run: run("a")}}
	var r *payment.Refusal
	if _, err := payment.Decide(w.p, submit, w.now); !errors.As(err, &r) || r.Code != payment.CodeNoTerminal || r.Field != "paymentMethod" {
		t.Errorf("%s: %v", all[1], err)
	}
	submit.Method = all[0]
	w.do(t, submit)
	var open payment.Terms
	if slices.ContainsFunc(all, func(m payment.Method) bool { return !open.Allow(m) }) || !open.IsZero() {
		t.Error("terms that say nothing forbid something")
	}
}

func TestWhereTheCustomerGoes(t *testing.T) {
	t.Parallel()
	terms := payment.Terms{ErrorURL: "https://shop.example/error", AbortURL: "https://shop.example/abort"}
	for _, c := range []struct {
		name  string
		terms payment.Terms
		reach func(t *testing.T, w *world)
		want  string
	}{
		{"paid", terms, func(t *testing.T, w *world) { w.pay(t, paid(payment.ClassApproved)) }, "ok"},
		{"open", terms, func(t *testing.T, w *world) { w.pay(t, payment.Fact{Class: payment.ClassUnknown}) }, "ok"},
		{"declined", terms, func(t *testing.T, w *world) { w.pay(t, payment.Fact{Class: payment.ClassDeclinedHard}) }, "error"},
		{"given up", terms, func(t *testing.T, w *world) { w.do(t, payment.Cancel{}) }, "abort"},
		{"given up at the provider", terms, func(t *testing.T, w *world) {
			w.pay(t, payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeByCustomer})
		}, "abort"},
		{"timed out", terms, func(t *testing.T, w *world) { w.do(t, payment.Cancel{ByClock: true}) }, "error"},
		{"abandoned, then paid", terms, func(t *testing.T, w *world) {
			w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
			w.do(t, payment.Abandon{})
			w.answer(t, paid(payment.ClassApproved))
		}, "error"},
		{"declined, no address for it", payment.Terms{}, func(t *testing.T, w *world) {
			w.pay(t, payment.Fact{Class: payment.ClassDeclinedHard})
		}, "ok"},
		{"given up, no address for it", payment.Terms{ErrorURL: terms.ErrorURL}, func(t *testing.T, w *world) { w.do(t, payment.Cancel{}) }, "error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := deposit("10", false)
			p.ReturnURL, p.Terms = "https://shop.example/ok", c.terms
			w := newWorld(t, p, nil)
			c.reach(t, w)
			if got := w.p.Return(); got != "https://shop.example/"+c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// pay submits the deposit and brings the provider's answer.
func (w *world) pay(t *testing.T, f payment.Fact) payment.Decision {
	t.Helper()
	w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	return w.answerAt(t, f, 24*time.Hour)
}

func TestHoldIsLookedAtWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hold, due time.Duration
	}{{0, 24 * time.Hour}, {time.Hour, time.Hour}, {48 * time.Hour, 24 * time.Hour}} {
		p := deposit("10", true)
		p.Terms.HoldFor = c.hold
		w := newWorld(t, p, nil)
		w.pay(t, paid(payment.ClassAuthorized))
		if due := w.p.Due.Sub(w.now); due != c.due {
			t.Errorf("held for %s: due in %s, want %s", c.hold, due, c.due)
		}
		for _, after := range []time.Duration{0, c.hold - 1, c.hold, c.hold + 1} {
			if want := c.hold > 0 && after >= c.hold; w.p.HoldOver(w.now.Add(after)) != want {
				t.Errorf("held for %s, over after %s: %t", c.hold, after, !want)
			}
		}
		if c.hold < 48*time.Hour {
			continue
		}
		w.now = w.p.Due // asked in the middle: the end comes before the check after that
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
		w.now = w.now.Add(time.Second)
		w.answerAt(t, paid(payment.ClassAuthorized), 24*time.Hour)
		if due := w.p.Due.Sub(start); due != c.hold {
			t.Errorf("due %s after the start, want %s", due, c.hold)
		}
		w.do(t, payment.Capture{Run: run("c")})
		if w.p.HoldOver(w.now.Add(72 * time.Hour)) {
			t.Error("over while a capture is open")
		}
		w.answerAt(t, payment.Fact{Class: payment.ClassDeclinedHard}, 24*time.Hour)
		if !w.p.Due.Equal(w.now) || !w.p.HoldOver(start.Add(c.hold)) {
			t.Errorf("after a capture that failed: due %s after the start, want at once", w.p.Due.Sub(start))
		}
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("d")})
		w.answerAt(t, paid(payment.ClassAuthorized), 24*time.Hour)
		if due := w.p.Due.Sub(start); due != c.hold {
			t.Errorf("after a look at its hold: due %s after the start, want %s", due, c.hold)
		}
	}
}

// verification is a deposit by which a card is checked and kept.
func verification() payment.Payment {
	p := deposit("0", false)
	p.Terms.Verify, p.StartRecurring = true, true
	return p
}

func TestVerificationMovesNoMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t, verification(), nil)
	if _, err := payment.Decide(newWorld(t, deposit("0", false), nil).p, payment.Submit{}, start); err == nil {
		t.Error("a deposit without an amount is submitted")
	}
	w.do(t, payment.Submit{Amount: money.MustParse("7"), Start: payment.Start{Plan: toOne(), Run: run("a")}})
	if w.call == nil || !w.call.Attempt.Sent.Amount.IsZero() {
		t.Fatalf("sent with %v", w.call)
	}
	fact := paid(payment.ClassApproved)
	fact.Credential = "cred"
	d := w.answerAt(t, fact, 0)
	if w.p.State() != payment.Completed || !w.p.Captured.IsZero() || !w.p.Authorised.IsZero() || !w.p.Refundable().IsZero() {
		t.Errorf("%s, captured %s, authorised %s", w.p.State(), w.p.Captured, w.p.Authorised)
	}
	if d.Chain == nil || d.Chain.Credential != "cred" || w.p.RecurringToken != "tok" || len(d.Events) != 1 {
		t.Errorf("chain %+v, token %q, events %v", d.Chain, w.p.RecurringToken, d.Events)
	}
	for _, c := range []payment.Reserve{{Currency: "EUR"}, {Currency: "EUR", Amount: money.MustParse("1")}, {Currency: "EUR", Reversal: true}} {
		var r *payment.Refusal
		if _, err := payment.Decide(w.p, c, w.now); !errors.As(err, &r) {
			t.Errorf("refund %+v: %v", c, err)
		}
	}
	if d := w.do(t, payment.Abandon{}); !d.Idle() || w.p.Owes() {
		t.Error("there is something to give back")
	}
	if err := w.p.Check(w.log); err != nil {
		t.Error(err)
	}
}

// TestVerificationWithPreAuthWaitsForItsVoid: like a hold, but of nothing. It can be closed and not captured, no provider
// hears of either, and nobody asks whether it still stands.
func TestVerificationWithPreAuthWaitsForItsVoid(t *testing.T) {
	t.Parallel()
	for _, class := range []payment.Class{payment.ClassApproved, payment.ClassAuthorized} {
		p := verification()
		p.PreAuth = true
		w := newWorld(t, p, nil)
		w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
		w.answerAt(t, paid(class), time.Hour)
		if w.p.State() != payment.Authorized || !w.p.Authorised.IsZero() || !w.p.Due.IsZero() {
			t.Fatalf("%s: %s of %s, due %s", class, w.p.State(), w.p.Authorised, w.p.Due)
		}
		for _, c := range []payment.Command{payment.Capture{Run: run("b")}, payment.Capture{Amount: money.MustParse("1"), Run: run("b")}} {
			var r *payment.Refusal
			if _, err := payment.Decide(w.p, c, w.now); !errors.As(err, &r) || r.Code != payment.CodeInvalidAmount {
				t.Errorf("%s: %+v: %v", class, c, err)
			}
		}
		if d := w.do(t, payment.BeginAsk{Op: payment.OpManualCheckState, Run: run("c")}); !d.Idle() {
			t.Error("the provider is asked about a hold that there is not")
		}
		d := w.do(t, payment.Void{Run: run("d")})
		if d.Call != nil || w.p.State() != payment.Cancelled || w.p.ErrorCode != "" || len(d.Events) != 1 {
			t.Errorf("%s: void: %s, call %v, events %v", class, w.p.State(), d.Call, d.Events)
		}
		if d := w.do(t, payment.Notice{Attempt: 1, Fact: paid(payment.ClassApproved)}); d.Alarm != "" || w.p.State() != payment.Cancelled {
			t.Errorf("%s: told again: %s, alarm %q", class, w.p.State(), d.Alarm)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Error(err)
		}
	}
}

func TestLateSuccessOfAVerificationIsNotGivenBack(t *testing.T) {
	t.Parallel()
	for _, honour := range []bool{true, false} {
		w := newWorld(t, verification(), nil)
		w.pay(t, payment.Fact{Class: payment.ClassRejected})
		if d := w.hear(t, 1, paid(payment.ClassApproved)); d.Alarm == "" {
			t.Error("nobody is told")
		}
		d := w.find(t, paid(payment.ClassApproved), honour)
		if d.Call != nil || w.p.Tries != 1 || w.p.State() != payment.Declined || d.Alarm == "" {
			t.Errorf("honour %t: %s, %d attempts, alarm %q", honour, w.p.State(), w.p.Tries, d.Alarm)
		}
		if err := w.p.Check(w.log); err != nil || !w.p.Due.IsZero() || w.p.DueFails != 0 {
			t.Errorf("%v, due %s, fails %d", err, w.p.Due, w.p.DueFails)
		}
	}
}

// TestEventsSayWhatTheyFollowed: from which state the payment came, and by which attempt.
func TestEventsSayWhatTheyFollowed(t *testing.T) {
	t.Parallel()
	type fact struct {
		State, Before payment.State
		Attempt       int
	}
	for _, c := range []struct {
		name string
		hold bool
		play func(w *world) payment.Decision
		want []fact
	}{
		{"capture done", true, func(w *world) payment.Decision {
			w.do(t, payment.Capture{Run: run("b")})
			return w.answerAt(t, payment.Fact{Class: payment.ClassApproved}, time.Hour)
		}, []fact{{payment.Completed, payment.Pending, 2}}},
		{"capture failed", true, func(w *world) payment.Decision {
			w.do(t, payment.Capture{Run: run("b")})
			return w.answerAt(t, payment.Fact{Class: payment.ClassDeclinedHard}, time.Hour)
		}, []fact{{payment.Authorized, payment.Pending, 2}}},
		{"second capture done", true, func(w *world) payment.Decision {
			w.do(t, payment.Capture{Run: run("b")})
			w.answerAt(t, payment.Fact{Class: payment.ClassRejected}, time.Hour)
			w.do(t, payment.Capture{Run: run("c")})
			return w.answerAt(t, payment.Fact{Class: payment.ClassApproved}, time.Hour)
		}, []fact{{payment.Completed, payment.Pending, 3}}},
		{"void failed, told by a notice", true, func(w *world) payment.Decision {
			w.do(t, payment.Void{Run: run("b")})
			w.answerAt(t, payment.Fact{Class: payment.ClassUnknown}, time.Hour)
			return w.do(t, payment.Notice{Attempt: 2, Fact: payment.Fact{Class: payment.ClassRejected}, NextCheck: w.now.Add(time.Hour)})
		}, []fact{{payment.Authorized, payment.Pending, 2}}},
		{"void done", true, func(w *world) payment.Decision {
			w.do(t, payment.Void{Run: run("b")})
			return w.answerAt(t, payment.Fact{Class: payment.ClassApproved}, time.Hour)
		}, []fact{{payment.Cancelled, payment.Pending, 2}}},
		{"hold expired", true, func(w *world) payment.Decision {
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
			return w.answerAt(t, payment.Fact{Class: payment.ClassCancelled}, time.Hour)
		}, []fact{{payment.Cancelled, payment.Authorized, 0}}},
		{"abandoned while held", true, func(w *world) payment.Decision { return w.do(t, payment.Abandon{}) }, nil},
		{"refund of it", false, func(w *world) payment.Decision {
			p := deposit("4", false)
			p.Type, p.Parent = payment.Refund, w.p.ID
			r := newWorld(t, p, &payment.Start{Plan: toOne(), Run: run("r")})
			return r.answerAt(t, payment.Fact{Class: payment.ClassDeclinedHard}, 0)
		}, []fact{{payment.Declined, payment.Pending, 1}}},
		{"set by hand", true, func(w *world) payment.Decision {
			w.do(t, payment.Capture{Run: run("b")})
			w.answerAt(t, payment.Fact{Class: payment.ClassUnknown}, time.Hour)
			return w.do(t, payment.ManualUpdate{To: payment.Completed})
		}, []fact{{payment.Completed, payment.Pending, 2}}},
	} {
		p := deposit("10", c.hold)
		w := newWorld(t, p, nil)
		class := payment.ClassApproved
		if c.hold {
			class = payment.ClassAuthorized
		}
		w.pay(t, paid(class))
		w.now = w.now.Add(time.Second)
		var got []fact
		for _, e := range c.play(w).Events {
			got = append(got, fact{e.State, e.Before, e.Attempt})
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
