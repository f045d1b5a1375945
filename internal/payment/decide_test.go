package payment_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is one payment with its log, as the store would keep it.
type world struct {
	p    payment.Payment
	log  []payment.Operation
	now  time.Time
	call *payment.Call
}

func run(call string) payment.Run {
	return payment.Run{Owner: "node", Call: call, Epoch: "e1", Lease: time.Minute}
}

// toOne is a plan of one terminal.
func toOne() payment.Plan {
	return payment.Plan{Steps: []payment.Step{{Terminal: payment.Terminal{ID: "t1", Name: "sandbox"}, Rule: "only"}}}
}

func deposit(amount string, preAuth bool) payment.Payment {
	return payment.Payment{
		ID: "0190", Shop: "5109", Type: payment.Deposit, Method: payment.BasicCard, Asked: money.Sum{Amount: money.MustParse(amount),
			Currency: "EUR"}, PreAuth: preAuth, Created: start,
	}
}

// keep stores a decision the way the engine does.
func (w *world) keep(d payment.Decision) {
	w.p = d.Payment
	w.p.Version++
	for _, o := range d.Ended {
		at := slices.IndexFunc(w.log, func(l payment.Operation) bool { return l.Seq == o.Seq })
		w.log[at].Completed, w.log[at].Ended, w.log[at].State, w.log[at].Messages = o.Completed, o.Ended, o.State, o.Messages
		w.log[at].Plan += o.Plan
	}
	w.log = append(w.log, d.Opened...)
	if d.Call != nil {
		w.call = d.Call
	}
}

func (w *world) do(t interface{ Fatalf(string, ...any) }, c payment.Command) payment.Decision {
	d, err := payment.Decide(w.p, c, w.now)
	if err != nil {
		t.Fatalf("%T: %v", c, err)
	}
	w.keep(d)
	return d
}

func newWorld(t interface{ Fatalf(string, ...any) }, p payment.Payment, s *payment.Start) *world {
	w := &world{now: start}
	d, err := payment.New(p, s, w.now)
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	w.keep(d)
	return w
}

func (w *world) answer(t interface{ Fatalf(string, ...any) }, f payment.Fact) payment.Decision {
	c := w.call
	return w.do(t, payment.Answer{Attempt: c.Attempt.Seq, Op: c.Op, Lease: c.Attempt.LeaseOwner, Fact: f, NextCheck: w.now.Add(time.Minute), Token: "tok"})
}

// hear brings a notice about an attempt.
func (w *world) hear(t interface{ Fatalf(string, ...any) }, attempt int, f payment.Fact) payment.Decision {
	return w.do(t, payment.Notice{Attempt: attempt, Fact: f, NextCheck: w.now.Add(time.Minute), HoldCheck: w.now.Add(24 * time.Hour),
		Late: payment.LatePolicy{Run: run("n")}})
}

// find asks about what is in doubt and finds the fact.
func (w *world) find(t interface{ Fatalf(string, ...any) }, f payment.Fact, honour bool) payment.Decision {
	w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("ask")})
	c := w.call
	return w.do(t, payment.Answer{Attempt: c.Attempt.Seq, Op: c.Op, Fact: f, NextCheck: w.now.Add(time.Minute), Token: "tok",
		HoldCheck: w.now.Add(24 * time.Hour), Late: payment.LatePolicy{Honour: honour, Run: run("late")}})
}

// story is the log in short: operation and state after it, oldest first.
func (w *world) story() []string {
	var s []string
	for _, o := range w.log {
		s = append(s, string(o.Kind)+":"+string(o.State))
	}
	return s
}

func paid(f payment.Class) payment.Fact {
	return payment.Fact{Class: f, ProviderRef: "tx1", RawCode: "00"}
}

func TestStories(t *testing.T) {
	submit := func(t *testing.T, w *world) {
		w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	}
	for _, c := range []struct {
		name string
		p    payment.Payment
		play func(*testing.T, *world)
		want []string
		code payment.ErrorCode
	}{
		{"host to host, approved", deposit("10", false), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, paid(payment.ClassApproved))
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:COMPLETED"}, ""},
		{"declined", deposit("10", false), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.01", RawCode: "51"})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:DECLINED"}, "4.01"},
		{"3DS", deposit("10", false), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo("https://acs.example/1")})
			w.do(t, payment.Redirected{})
			w.do(t, payment.Redirected{})
			w.do(t, payment.BeginAsk{Op: payment.OpContinue, Run: run("b")})
			w.answer(t, paid(payment.ClassApproved))
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING",
			"REDIRECT:PENDING", "CONTINUE:COMPLETED"}, ""},
		{"timeout, then found", deposit("10", false), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, payment.Fact{Class: payment.ClassUnknown})
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
			w.answer(t, payment.Fact{Class: payment.ClassUnknown})
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("c")})
			w.answer(t, paid(payment.ClassApproved))
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING",
			"CHECK_STATE:PENDING", "CHECK_STATE:COMPLETED"}, ""},
		{"crash during the call", deposit("10", false), func(t *testing.T, w *world) {
			submit(t, w)
			w.now = w.now.Add(time.Hour)
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
			w.answer(t, payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING",
			"CHECK_STATE:DECLINED"}, "1.02"},
		{"hold and capture of a part", deposit("10", true), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, paid(payment.ClassAuthorized))
			w.do(t, payment.Capture{Amount: money.MustParse("4"), Run: run("b")})
			w.answer(t, payment.Fact{Class: payment.ClassApproved})
			if w.p.Shown().Amount != money.MustParse("4") || w.p.Asked.Amount != money.MustParse("10") || w.p.Authorised != w.p.Asked.Amount {
				t.Errorf("shown %s, asked %s, authorised %s", w.p.Shown(), w.p.Asked.Amount, w.p.Authorised)
			}
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:AUTHORIZED",
			"CAPTURE:COMPLETED"}, ""},
		{"capture refused", deposit("10", true), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, paid(payment.ClassAuthorized))
			w.do(t, payment.Capture{Run: run("b")})
			w.answer(t, payment.Fact{Class: payment.ClassDeclinedSoft, Code: "3.05"})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:AUTHORIZED",
			"CAPTURE:AUTHORIZED"}, "3.05"},
		{"void of unknown outcome", deposit("10", true), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, paid(payment.ClassAuthorized))
			w.do(t, payment.Void{Run: run("b")})
			w.answer(t, payment.Fact{Class: payment.ClassUnknown})
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("c")})
			w.answer(t, payment.Fact{Class: payment.ClassApproved})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:AUTHORIZED",
			"VOID:PENDING", "CHECK_STATE:CANCELLED"}, ""},
		{"another amount is not believed", deposit("10", false), func(t *testing.T, w *world) {
			submit(t, w)
			d := w.answer(t, payment.Fact{Class: payment.ClassApproved, Echoed: money.Sum{Amount: money.MustParse("100")}})
			if d.Alarm == "" {
				t.Error("no alarm")
			}
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING"}, ""},
		{"hold expired", deposit("10", true), func(t *testing.T, w *world) {
			submit(t, w)
			w.answer(t, paid(payment.ClassAuthorized))
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
			w.answer(t, paid(payment.ClassAuthorized))
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("c")})
			w.answer(t, payment.Fact{Class: payment.ClassCancelled})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:AUTHORIZED",
			"CHECK_STATE:AUTHORIZED", "CHECK_STATE:CANCELLED"}, "1.04"},
		{"no terminal", deposit("10", false), func(t *testing.T, w *world) {
			w.do(t, payment.Submit{Start: payment.Start{}})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:DECLINED"}, "1.05"},
		{"too fine", deposit("10.001", false), func(*testing.T, *world) {}, []string{"CREATE_PAYMENT:DECLINED"}, "1.08"},
		{"checkout timeout", deposit("10", false), func(t *testing.T, w *world) {
			w.do(t, payment.Cancel{ByClock: true})
		}, []string{"CREATE_PAYMENT:CHECKOUT", "CANCEL:CANCELLED"}, "1.04"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.p, nil)
			c.play(t, w)
			if diff := cmp.Diff(c.want, w.story()); diff != "" {
				t.Errorf("story (-want +got):\n%s", diff)
			}
			if w.p.ErrorCode != c.code {
				t.Errorf("error code %q, want %q", w.p.ErrorCode, c.code)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, deposit("10", true), nil)
	for _, c := range []struct {
		name string
		c    payment.Command
		code payment.ErrorCode
	}{
		{"capture in checkout", payment.Capture{Run: run("x")}, payment.CodeWrongState},
		{"void in checkout", payment.Void{Run: run("x")}, payment.CodeWrongState},
		{"refund of what is not paid", payment.Reserve{Currency: "EUR"}, payment.CodeWrongState},
		{"redirect without an attempt", payment.Redirected{}, payment.CodeWrongState},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := payment.Decide(w.p, c.c, w.now)
			var r *payment.Refusal
			if !errors.As(err, &r) || r.Code != c.code {
				t.Errorf("got %v, want code %s", err, c.code)
			}
		})
	}
}

// TestAnyOrderKeepsTheMoney drives a payment with random inputs, legal or not, and
// checks after each that money, attempts and log agree.
func TestAnyOrderKeepsTheMoney(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, anyDeposit(t), nil)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			c := anyCommand(t, w)
			before := w.p
			d, err := payment.Decide(w.p, c, w.now)
			if err != nil {
				if diff := cmp.Diff(before.Ops, w.p.Ops); diff != "" {
					t.Fatalf("a refused %T changed the payment: %s", c, diff)
				}
				continue
			}
			w.keep(d)
			if err := w.p.Check(w.log); err != nil {
				t.Fatalf("after %T %+v: %v\n%v", c, c, err, w.story())
			}
			settled := before.State().Final() || before.State() == payment.Authorized && before.Live == 0
			if settled && w.p.State() != before.State() && !onPurpose(&before, c) {
				t.Fatalf("%T moved %s to %s", c, before.State(), w.p.State())
			}
			if why := decidedByUs(&before, c, &w.p); why != "" {
				t.Fatalf("after %T %+v: %s\n%v", c, c, why, w.story())
			}
			if why := keepsWrongly(&before, c, &w.p, w.now); why != "" {
				t.Fatalf("after %T %+v: %s\n%v", c, c, why, w.story())
			}
			if why := againstReview(&before, c, &d); why != "" {
				t.Fatalf("after %T %+v: %s\n%v", c, c, why, w.story())
			}
			if why := againstTerms(&before, c, &d); why != "" {
				t.Fatalf("after %T %+v: %s\n%v", c, c, why, w.story())
			}
			if why := againstPlan(&before, c, &d); why != "" {
				t.Fatalf("after %T %+v: %s\n%v", c, c, why, w.story())
			}
		}
	})
}

// anyDeposit is a deposit on terms of any kind.
func anyDeposit(t *rapid.T) payment.Payment {
	p := deposit("100", rapid.Bool().Draw(t, "preAuth"))
	p.StartRecurring = rapid.Bool().Draw(t, "recurring")
	if p.PreAuth {
		p.Terms.HoldFor = rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(t, "holdFor")
	}
	p.Retries = rapid.IntRange(0, 2).Draw(t, "retries")
	if rapid.Bool().Draw(t, "lasts") {
		p.Terms.Lasts, p.Terms.Grace = time.Hour, 15*time.Minute
		p.CheckoutUntil = p.Created.Add(p.Terms.Lasts)
	}
	p.Means = rapid.SampledFrom([]string{"", "sealed"}).Draw(t, "means")
	if rapid.IntRange(0, 4).Draw(t, "verify") == 0 {
		p.Terms.Verify, p.Asked.Amount = true, money.Amount{}
	}
	return p
}

// againstTerms says which promise of Abandon and Terms the decision breaks.
func againstTerms(before *payment.Payment, c payment.Command, d *payment.Decision) string {
	p := &d.Payment
	abandoned := !before.Abandoned.IsZero()
	reserve, _ := c.(payment.Reserve)
	capture := d.Fresh != nil && d.Fresh.Kind == payment.AttemptCapture
	switch {
	case abandoned && p.Abandoned != before.Abandoned:
		return "it is not abandoned any more, or anew"
	case abandoned && (capture || d.Chain != nil || reserve.Currency != "" && !reserve.Reversal):
		return "it was abandoned, and something new begins"
	case p.Retries > before.Retries && before.Version != 0:
		return "the customer may try more often than before"
	case before.Live != 0 && p.LastRefusal() != nil && p.Retries != before.Retries-1:
		return "the customer may try again without leave"
	case p.Owes() && p.Due.IsZero(): // no run takes a month
		return "money is owed, and nobody will send it"
	case p.Owes() && p.Live != 0:
		return "money is owed while a call is open"
	case (p.State() == payment.Checkout || p.BetweenTries()) && !p.Due.Equal(soonest(p)):
		return "the checkout's end is not looked at"
	case p.CheckoutUntil.After(before.CheckoutUntil) && !before.InReview() && p.CheckoutUntil.After(before.CheckoutUntil.Add(p.Terms.Grace)):
		return "the checkout is extended too far"
	case before.InReview() && !before.CheckoutUntil.IsZero() && p.CheckoutUntil.Sub(before.CheckoutUntil) > p.Changed.Sub(before.Screened.At):
		return "a review extends the checkout by more than it took"
	case p.Terms.Verify && !(p.Authorised.IsZero() && p.Captured.IsZero()):
		return "a verification moves money"
	case p.Terms.Verify && d.Fresh != nil && d.Fresh.Kind != payment.AttemptDeposit:
		return "a provider is to take or give back what nobody holds"
	case p.State() == payment.Authorized && p.Terms.HoldFor > 0 && p.Live == 0 && !p.Owes() && p.Due.IsZero() && !p.Terms.Verify:
		return "the end of the hold is not looked at"
	}
	for _, e := range d.Events {
		if e.State != p.State() || e.Before != before.State() || e.Attempt != 0 && e.Attempt != before.Live && !corrects(c, e.Attempt) {
			return "an event is not what happened"
		}
	}
	return ""
}

// keepsWrongly says what a decision keeps of what the payment is to be paid with and should not, or forgets too early.
func keepsWrongly(before *payment.Payment, c payment.Command, p *payment.Payment, now time.Time) string {
	answer, _ := c.(payment.Answer)
	submit, _ := c.(payment.Submit)
	a := p.LiveAttempt()
	waits, calls := p.State() == payment.Checkout || p.BetweenTries(), a != nil && p.State() == payment.Pending && a.Class == payment.ClassPrepared
	inTime := now.Before(p.Created.Add(payment.MeansHold))
	switch {
	case p.Means != "" && before.Means == "" && answer.Means == "" && (submit.Means == "" || !p.InReview()):
		return "means are kept that nobody gave"
	case p.Means != "" && waits && !inTime:
		return "means outlive their time"
	case p.Means != "" && !waits && !calls && !p.InReview() && p.Unsent() == nil && !(p.GoesOn() && inTime):
		return "means are kept that nothing needs any more"
	case p.Means == "" && before.Means != "" && p.LastRefusal() == nil && (waits && inTime || p.InReview() || p.Unsent() != nil && p.Abandoned.IsZero() && p.State() == payment.Pending):
		return "means are forgotten that are still needed"
	case waits && p.Means != "" && p.Due.After(p.Created.Add(payment.MeansHold)):
		return "nobody looks when the time of the means is over"
	}
	return ""
}

// soonest is when a payment is looked at that waits for its customer: when the checkout ends, or before it because a provider
// has contradicted what is known of a try, or because what it came with is to be forgotten.
func soonest(p *payment.Payment) time.Time {
	end := p.CheckoutUntil
	if p.Means != "" && (end.IsZero() || p.MeansUntil().Before(end)) {
		end = p.MeansUntil()
	}
	if a := p.Doubted(); a != nil && a.NextCheck.Before(end) {
		return a.NextCheck
	}
	return end
}

// corrects reports that the command tells how a capture or void really ended.
func corrects(c payment.Command, attempt int) bool {
	a, ok := c.(payment.Answer)
	return ok && a.Attempt == attempt
}

// onPurpose reports whether the command may end a settled state: by hand, by a command on a hold, or by what a query about
// a settled attempt has found, where no refund stands.
func onPurpose(before *payment.Payment, c payment.Command) bool {
	switch c := c.(type) {
	case payment.ManualUpdate:
		return true
	case payment.Capture, payment.Void:
		return before.State() == payment.Authorized
	case payment.Answer:
		a := before.Attempts[c.Attempt-1]
		return c.Op != 0 && a.Op == c.Op && !a.Live() && before.RefundReserved.IsZero()
	}
	return false
}

func anyCommand(t *rapid.T, w *world) payment.Command {
	classes := payment.Classes()
	amounts := []money.Amount{{}, money.MustParse("1"), money.MustParse("40.5"), money.MustParse("100"), money.MustParse("101")}
	amount := rapid.SampledFrom(amounts).Draw(t, "amount")
	switch rapid.IntRange(0, 21).Draw(t, "command") {
	case 21:
		return payment.ForgetMeans{}
	case 20, 19:
		return anyVerdict(t)
	case 18:
		return payment.NeverSent{Code: payment.CodeInternal}
	case 17:
		return payment.Retry{Run: run("g")}
	case 16:
		return payment.Opened{}
	case 15:
		return rapid.SampledFrom([]payment.ParentMove{{Settle: amount}, {Release: amount}, {Undo: amount}, {Redo: amount}}).Draw(t, "move")
	case 14, 13:
		return payment.Abandon{}
	case 12:
		return payment.ManualUpdate{To: rapid.SampledFrom(payment.States()).Draw(t, "to"), HoldCheck: w.now.Add(time.Hour)}
	case 0:
		return payment.Submit{Start: *anyStart(t, w.now), ByPage: rapid.Bool().Draw(t, "by page"), Means: rapid.SampledFrom([]string{"", "sealed"}).Draw(t, "submitted")}
	case 1:
		return payment.Capture{Amount: amount, Run: run("c")}
	case 2:
		return payment.Void{Run: run("v")}
	case 3:
		return payment.Cancel{ByClock: rapid.Bool().Draw(t, "clock")}
	case 4:
		return payment.BeginAsk{Op: payment.OpCheckState, Run: run("k"), Exclusive: rapid.Bool().Draw(t, "exclusive")}
	case 5:
		return payment.BeginAsk{Op: payment.OpContinue, Run: run("r"), Paced: rapid.Bool().Draw(t, "paced")}
	case 6:
		return payment.Reserve{Amount: amount, Currency: "EUR", Reversal: rapid.Bool().Draw(t, "giveBack")}
	case 7:
		return payment.Redirected{}
	default:
		a := payment.Answer{
			Attempt: rapid.IntRange(1, max(1, w.p.Tries)).Draw(t, "attempt"), NextCheck: w.now.Add(time.Minute),
			Op:          rapid.IntRange(0, w.p.Ops).Draw(t, "op"),
			MaxInFlight: time.Minute, Fact: payment.Fact{
				Class: rapid.SampledFrom(classes).Draw(t, "class"), NotFound: rapid.Bool().Draw(t, "notFound"),
				Next:   payment.GoTo(rapid.SampledFrom([]string{"", "https://acs.example"}).Draw(t, "redirect")),
				Echoed: money.Sum{Amount: amount},
			},
			HoldCheck: w.now.Add(time.Hour), Token: "tok",
		}
		if rapid.Bool().Draw(t, "credential") {
			a.Fact.Credential = "cred"
		}
		if w.call != nil && rapid.Bool().Draw(t, "fresh") {
			a.Attempt, a.Op, a.Lease = w.call.Attempt.Seq, w.call.Op, w.call.Attempt.LeaseOwner
		}
		a.Means = rapid.SampledFrom([]string{"", "sealed again"}).Draw(t, "means of the answer")
		if rapid.IntRange(0, 9).Draw(t, "ladder ends") == 0 {
			a.NextCheck = time.Time{}
		}
		a.Late, a.Onward = payment.LatePolicy{Honour: rapid.Bool().Draw(t, "honour"), Run: run("l")}, anyOnward(t)
		if rapid.IntRange(0, 2).Draw(t, "notice") == 0 {
			return payment.Notice{Attempt: a.Attempt, Fact: a.Fact, NextCheck: w.now.Add(time.Minute), Late: a.Late,
				HoldCheck: a.HoldCheck, Token: a.Token, Onward: a.Onward}
		}
		return a
	}
}

func TestLateSuccess(t *testing.T) {
	for _, c := range []struct {
		name   string
		honour bool
		won    payment.Class
		want   []string
		state  payment.State
	}{
		{"honoured", true, payment.ClassApproved, []string{"HANDLE_WEBHOOK:DECLINED", "CHECK_STATE:COMPLETED"}, payment.Completed},
		{"given back", false, payment.ClassApproved, []string{"HANDLE_WEBHOOK:DECLINED", "CHECK_STATE:DECLINED", "REFUND:DECLINED"}, payment.Declined},
		{"a hold is never honoured", true, payment.ClassAuthorized, []string{"HANDLE_WEBHOOK:DECLINED", "CHECK_STATE:DECLINED", "VOID:DECLINED"}, payment.Declined},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, deposit("10", c.won == payment.ClassAuthorized), nil)
			w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
			w.answer(t, payment.Fact{Class: payment.ClassRejected})
			before := len(w.log)
			notice := payment.Notice{Attempt: 1, Fact: paid(c.won), Late: payment.LatePolicy{Honour: c.honour, Run: run("b")}}
			if d := w.do(t, notice); d.Alarm == "" {
				t.Error("nobody is told")
			}
			if d := w.find(t, paid(c.won), c.honour); d.Alarm == "" {
				t.Error("nobody is told what was found")
			}
			if w.p.State() != payment.Completed {
				w.answer(t, payment.Fact{Class: payment.ClassApproved})
			}
			w.do(t, notice)
			if diff := cmp.Diff(append(c.want, "HANDLE_WEBHOOK:"+string(c.state)), w.story()[before:]); diff != "" {
				t.Errorf("story (-want +got):\n%s", diff)
			}
			if w.p.State() != c.state {
				t.Errorf("ends %s", w.p.State())
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEventsAreForWhatMatters(t *testing.T) {
	w := newWorld(t, deposit("10", true), nil)
	told := 0
	keep := func(d payment.Decision) { told += len(d.Events) }
	keep(w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}}))
	if told != 0 {
		t.Error("PENDING is told")
	}
	keep(w.answer(t, paid(payment.ClassAuthorized)))
	keep(w.do(t, payment.Capture{Run: run("b")}))
	keep(w.answer(t, payment.Fact{Class: payment.ClassApproved}))
	if told != 2 {
		t.Errorf("%d events, want AUTHORIZED and COMPLETED", told)
	}
	if d, err := payment.New(deposit("10.001", false), nil, start); err != nil || len(d.Events) != 1 {
		t.Errorf("born DECLINED: %d events, %v", len(d.Events), err)
	}
}
