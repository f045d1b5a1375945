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

// anyVerdict is what a person or the clock may say of a payment that is, or is not, in review.
func anyVerdict(t *rapid.T) payment.Judge {
	return payment.Judge{
		Pass: rapid.Bool().Draw(t, "pass"), ByClock: rapid.Bool().Draw(t, "clock judges"), Lost: rapid.IntRange(0, 3).Draw(t, "lost") == 0,
		Start: payment.Start{Plan: toOne(), Run: run("j")},
	}
}

// againstReview says which promise of a review the decision breaks.
func againstReview(before *payment.Payment, c payment.Command, d *payment.Decision) string {
	p := &d.Payment
	submit, _ := c.(payment.Submit)
	judge, judged := c.(payment.Judge)
	screened := p.Screened != before.Screened
	switch {
	case before.InReview() && d.Call != nil && !d.Call.Ask && !(judged && judge.Pass):
		return "something is sent of a payment in review without leave"
	case submit.Start.Verdict.Kind != payment.VerdictPass && d.Call != nil:
		return "a provider is called although the screening did not let it pass"
	case p.InReview() && (p.Live != 0 || p.State() != payment.Pending || p.Due.IsZero()):
		return "it is in review, and more"
	case p.InReview() && p.Doubted() == nil && !p.Due.Equal(p.Review):
		return "the end of the review is not looked at"
	case !before.InReview() && judged:
		return "a verdict on what is in no review"
	case judged && p.InReview():
		return "it was judged, and is in review"
	case d.Screened != (screened || !p.Review.Equal(before.Review)):
		return "what is to be kept of the screening is not told"
	case judged && judge.ByClock && (judge.Pass && !before.Screened.PassAfter):
		return "the clock lets pass what it may not"
	}
	return ""
}

// reviewed is the verdict of a screening that has a payment reviewed within an hour.
func reviewed(passAfter bool) payment.Verdict {
	return payment.Verdict{
		Kind: payment.VerdictReview, Code: "6.21", Reason: "new customer, large amount", Until: start.Add(time.Hour), PassAfter: passAfter,
	}
}

func with(v payment.Verdict) payment.Start {
	return payment.Start{Plan: toOne(), Run: run("a"), Verdict: v}
}

func hosted() payment.Payment {
	p := deposit("10", false)
	p.CheckoutUntil = start.Add(30 * time.Minute)
	return p
}

func inReview(t *testing.T, p payment.Payment, v payment.Verdict) *world {
	t.Helper()
	if p.Type != payment.Deposit || p.CheckoutUntil.IsZero() {
		s := with(v)
		return newWorld(t, p, &s)
	}
	w := newWorld(t, p, nil)
	w.now = w.now.Add(10 * time.Minute)
	w.do(t, payment.Submit{Start: with(v)})
	return w
}

func withdrawal() payment.Payment {
	p := deposit("10", false)
	p.Type = payment.Withdrawal
	return p
}

// TestScreeningStories: what the log shows of payments that were stopped or reviewed, and how they end.
func TestScreeningStories(t *testing.T) {
	t.Parallel()
	again := payment.Judge{Pass: true, Start: payment.Start{Plan: toOne(), Run: run("j")}}
	for name, c := range map[string]struct {
		p       payment.Payment
		verdict payment.Verdict
		then    []payment.Command
		late    bool // the review's time is over first
		want    []string
		code    payment.ErrorCode
	}{
		"stopped": {
			hosted(), payment.Verdict{Kind: payment.VerdictStop, Code: "6.01"}, nil, false,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:DECLINED"}, "6.01",
		},
		"stopped without a code": {
			hosted(), payment.Verdict{Kind: payment.VerdictStop}, nil, false,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:DECLINED"}, "6.00",
		},
		"a withdrawal is stopped": {
			withdrawal(), payment.Verdict{Kind: payment.VerdictStop, Code: "7.00"}, nil, false,
			[]string{"CREATE_PAYMENT:PENDING", "DETECT_FRAUD:DECLINED"}, "7.00",
		},
		"passed by a person": {
			hosted(), reviewed(false), []payment.Command{again}, false,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:PENDING", "DEPOSIT:PENDING"}, "",
		},
		"stopped by a person": {
			hosted(), reviewed(true), []payment.Command{payment.Judge{}}, false,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:DECLINED"}, "6.21",
		},
		"stopped by a person with another code": {
			withdrawal(), reviewed(true), []payment.Command{payment.Judge{Code: "6.02"}}, false,
			[]string{"CREATE_PAYMENT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:DECLINED"}, "6.02",
		},
		"stopped by the clock": {
			hosted(), reviewed(false), []payment.Command{payment.Judge{ByClock: true}}, true,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:DECLINED"}, "6.21",
		},
		"a withdrawal passed by the clock": {
			withdrawal(), reviewed(true), []payment.Command{payment.Judge{ByClock: true, Pass: true, Start: again.Start}}, true,
			[]string{"CREATE_PAYMENT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:PENDING", "WITHDRAWAL:PENDING"}, "",
		},
		"no terminal any more": {
			hosted(), reviewed(true), []payment.Command{payment.Judge{Pass: true}}, false,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:PENDING", "DEPOSIT:DECLINED"}, "1.05",
		},
		"the card of a payout is lost": {
			withdrawal(), reviewed(true), []payment.Command{payment.Judge{Pass: true, Lost: true, Start: again.Start}}, false,
			[]string{"CREATE_PAYMENT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:PENDING", "WITHDRAWAL:DECLINED"}, "1.03",
		},
		"the customer's card is lost, and given again": {
			hosted(), reviewed(true), []payment.Command{
				payment.Judge{Pass: true, Lost: true}, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("b")}},
			}, false,
			[]string{
				"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "CONTINUE_ANTI_FRAUD:PENDING",
				"CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "DEPOSIT:PENDING",
			}, "",
		},
		"abandoned": {
			hosted(), reviewed(true), []payment.Command{payment.Abandon{}}, false,
			[]string{"CREATE_PAYMENT:CHECKOUT", "CHECKOUT:PENDING", "DETECT_FRAUD:PENDING", "CANCEL:CANCELLED"}, "2.00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := inReview(t, c.p, c.verdict)
			if c.late {
				w.now = w.p.Review
			}
			for _, command := range c.then {
				w.do(t, command)
			}
			if diff := cmp.Diff(c.want, w.story()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			if w.p.ErrorCode != c.code {
				t.Errorf("code %q, want %q", w.p.ErrorCode, c.code)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAReviewHoldsWhatCouldBeSent: what no terminal takes ends at once, as it does without a review; a stop is a stop.
func TestAReviewHoldsWhatCouldBeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hosted(), nil)
	w.do(t, payment.Submit{Start: payment.Start{Run: run("a"), Verdict: reviewed(true)}})
	if w.p.State() != payment.Declined || w.p.ErrorCode != payment.CodeNoTerminal || w.p.InReview() {
		t.Errorf("it is %s with %s, in review: %t", w.p.State(), w.p.ErrorCode, w.p.InReview())
	}
	w = newWorld(t, hosted(), nil)
	d := w.do(t, payment.Submit{Start: payment.Start{Run: run("a"), Verdict: payment.Verdict{Kind: payment.VerdictStop, Code: "6.01"}}})
	if w.p.State() != payment.Declined || w.p.ErrorCode != "6.01" || len(d.Events) != 1 {
		t.Errorf("it is %s with %s, %d events", w.p.State(), w.p.ErrorCode, len(d.Events))
	}
}

// TestWhatIsInReviewTakesOnlyAVerdict: nothing else is done with it meanwhile, by whoever and however late; merchants hear
// nothing of it until it has ended.
func TestWhatIsInReviewTakesOnlyAVerdict(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]payment.Payment{"deposit": hosted(), "withdrawal": withdrawal(), "follow-up": deposit("10", false)} {
		w := inReview(t, p, reviewed(false))
		w.now = w.now.Add(24 * time.Hour)
		for _, c := range []payment.Command{
			payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("s")}}, payment.Cancel{}, payment.Cancel{ByClock: true},
			payment.Capture{Run: run("c")}, payment.Void{Run: run("v")}, payment.Reserve{Currency: "EUR", Amount: money.MustParse("1")},
			payment.Redirected{}, payment.Retry{Run: run("g")}, payment.NeverSent{},
			payment.ManualUpdate{To: payment.Completed}, payment.ManualUpdate{To: payment.Declined}, payment.ManualUpdate{To: payment.Cancelled},
			payment.Judge{Of: start.Add(-time.Hour), Pass: true}, payment.Judge{ByClock: true, Pass: true},
		} {
			if d, err := payment.Decide(w.p, c, w.now); err == nil {
				t.Errorf("%s: %T %+v leads to %s", name, c, c, d.Payment.State())
			}
		}
		for _, op := range []payment.OperationKind{payment.OpCheckState, payment.OpContinue, payment.OpManualCheckState} {
			d, err := payment.Decide(w.p, payment.BeginAsk{Op: op, Run: run("k")}, w.now)
			if err != nil || !d.Idle() || d.Call != nil {
				t.Errorf("%s: %s: %v, %+v", name, op, err, d.Opened)
			}
		}
		if w.p.Payable() || w.p.GivenUp(w.now) || w.p.ReturnMatters(w.now, "node", true) || !w.p.Due.Equal(w.p.Review) {
			t.Errorf("%s: payable %t, given up %t, due %s", name, w.p.Payable(), w.p.GivenUp(w.now), w.p.Due)
		}
	}
}

// TestTheClockOfACheckoutStandsStillInReview: who was let pass has as much time left as before, so that the bank can still be
// asked and what is open is not given up at once.
func TestTheClockOfACheckoutStandsStillInReview(t *testing.T) {
	t.Parallel()
	p := hosted()
	p.Terms.Lasts = 30 * time.Minute
	w := inReview(t, p, reviewed(false))
	left := w.p.CheckoutUntil.Sub(w.now)
	w.now = w.now.Add(72 * time.Hour)
	w.do(t, payment.Judge{Pass: true, Start: payment.Start{Plan: toOne(), Run: run("j")}})
	if got := w.p.CheckoutUntil.Sub(w.now); got != left || w.p.GivenUp(w.now) {
		t.Errorf("%s left, want %s; given up: %t", got, left, w.p.GivenUp(w.now))
	}
	if w.p.Screened.Passed != true || w.p.InReview() || !w.p.Screened.Ended.Equal(w.now) {
		t.Errorf("it is kept as %+v", w.p.Screened)
	}
}

// TestEventsOfScreening: a review is told to nobody, its end by refusal is.
func TestEventsOfScreening(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hosted(), nil)
	if d := w.do(t, payment.Submit{Start: with(reviewed(false))}); len(d.Events) != 0 || d.Alarm != "" {
		t.Errorf("events %v, alarm %q", d.Events, d.Alarm)
	}
	d := w.do(t, payment.Judge{})
	if len(d.Events) != 1 || d.Events[0].State != payment.Declined || d.Events[0].Before != payment.Pending {
		t.Errorf("events %+v", d.Events)
	}
}

// TestWhatABackupHasInReviewIsSearched: it may have been let pass, and sent, in the lost time. So no verdict sends it before
// the providers were asked, and what one knows is taken up.
func TestWhatABackupHasInReviewIsSearched(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    payment.Payment
		kind payment.AttemptKind
	}{
		"deposit":    {hosted(), payment.AttemptDeposit},
		"withdrawal": {withdrawal(), payment.AttemptWithdrawal},
		"follow-up":  {deposit("10", false), payment.AttemptDeposit},
	} {
		w := inReview(t, c.p, reviewed(false))
		w.p.Lost = payment.LostMark("e0", w.p.Tries)
		if kinds := w.p.LostKinds(); !slices.Equal(kinds, []payment.AttemptKind{c.kind}) {
			t.Fatalf("%s: searched for %v", name, kinds)
		}
		w.now = w.now.Add(2 * time.Hour)
		for _, judge := range []payment.Judge{{Pass: true, Start: with(payment.Verdict{})}, {}, {ByClock: true}} {
			if _, err := payment.Decide(w.p, judge, w.now); !errors.Is(err, payment.ErrLost) {
				t.Errorf("%s: %+v: %v", name, judge, err)
			}
		}
		none, err := payment.Decide(w.p, payment.NothingLost{}, w.now)
		if err != nil || !none.Payment.InReview() || !none.Payment.Due.Equal(w.p.Review) {
			t.Errorf("%s: nothing found: %v, due %s", name, err, none.Payment.Due)
		}
		closed, err := payment.Decide(w.p, payment.ManualUpdate{To: payment.Cancelled}, w.now)
		if err != nil || closed.Payment.State() != payment.Cancelled || closed.Payment.InReview() || closed.Payment.Lost != "" {
			t.Errorf("%s: closed by hand: %s, %v", name, closed.Payment.State(), err)
		}
		w.do(t, payment.FoundLost{Try: w.p.LostTries()[0], Kind: c.kind, Terminal: toOne().Steps[0].Terminal})
		if w.p.InReview() || w.p.Live == 0 || !slices.Contains(w.story(), "CONTINUE_ANTI_FRAUD:PENDING") {
			t.Errorf("%s: %v", name, w.story())
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerdictsThatNobodyCanMean(t *testing.T) {
	t.Parallel()
	for _, v := range []payment.Verdict{
		{Kind: "MAYBE"}, {Kind: payment.VerdictReview}, {Kind: payment.VerdictStop, Code: "9.99"},
		{Kind: payment.VerdictReview, Until: start, Code: "no code"},
	} {
		if v.Check() == nil {
			t.Errorf("%+v is taken", v)
		}
	}
	for _, v := range []payment.Verdict{{}, {Kind: payment.VerdictStop}, reviewed(true)} {
		if err := v.Check(); err != nil {
			t.Errorf("%+v: %v", v, err)
		}
	}
}
