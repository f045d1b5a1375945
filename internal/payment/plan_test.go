package payment_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/payment"
)

// soft is a refusal after which another terminal may succeed.
var soft = payment.Fact{Class: payment.ClassDeclinedSoft, Code: "4.02", RawCode: "05"}

// payout is a withdrawal.
var payout = func() payment.Payment {
	p := deposit("10", false)
	p.Type = payment.Withdrawal
	return p
}()

func place(id string) payment.Terminal { return payment.Terminal{ID: id, Name: "name of " + id} }

// toThree is a plan that goes on after soft declines, and to its last terminal also after what was not sent.
func toThree() payment.Plan {
	soft := []payment.Class{payment.ClassDeclinedSoft}
	return payment.Plan{Steps: []payment.Step{
		{Terminal: place("t1"), Rule: "test", Why: "first"}, {Terminal: place("t2"), Rule: "test", After: soft},
		{Terminal: place("t3"), Rule: "test", After: append(soft, payment.ClassNotSent, payment.ClassRejected)},
	}, Out: []payment.LeftOut{{Terminal: "old", Why: payment.BecauseDisabled}, {Terminal: "older", Why: payment.BecauseDisabled}}}
}

// allReady says that every terminal can be called.
func allReady() payment.Onward {
	return payment.Onward{Asks: true, Ready: []payment.Ready{
		{Terminal: "t1", Run: run("o1")}, {Terminal: "t2", Run: run("o2")}, {Terminal: "t3", Run: run("o3")},
	}}
}

func anyPlan(t *rapid.T) payment.Plan {
	if rapid.IntRange(0, 2).Draw(t, "steps") == 0 {
		return toOne()
	}
	p := toThree()
	for i := range p.Steps[1:] {
		p.Steps[i+1].After = rapid.SliceOf(rapid.SampledFrom(payment.Classes())).Draw(t, "after")
		if rapid.IntRange(0, 9).Draw(t, "until") == 0 {
			p.Steps[i+1].Until = start.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds")) * time.Second)
		}
	}
	return p
}

func anyOnward(t *rapid.T) payment.Onward {
	o := allReady()
	for i := range o.Ready {
		if rapid.IntRange(0, 3).Draw(t, "ready") == 0 {
			o.Ready[i].Why = payment.BecauseDisabled
		}
	}
	o.Ready = o.Ready[:rapid.IntRange(0, 3).Draw(t, "known")]
	o.Asks = rapid.Bool().Draw(t, "asks")
	return o
}

// byCustomer reports that whoever pays may follow the try by another, though no plan may: what they have closed, or can mend. It names the codes
// once more.
func byCustomer(a *payment.Attempt) bool {
	mended := []payment.ErrorCode{"3.07", "4.01", "4.03", "4.04", "4.05", "4.07", "4.11", "4.13", "5.00", "5.01", "6.15"}
	return a.Class == payment.ClassCancelled || a.Class == payment.ClassDeclinedHard && slices.Contains(mended, a.Code)
}

// againstPlan says what is wrong with a try that was opened: one more while another is open, or after one of which it is not proved
// that nothing was done.
func againstPlan(before *payment.Payment, c payment.Command, d *payment.Decision) string {
	p := &d.Payment
	if d.Fresh == nil || !d.Fresh.Kind.Main() || d.Fresh.Reverses != 0 {
		return ""
	}
	_, submitted := c.(payment.Submit)
	if _, judged := c.(payment.Judge); judged { // it goes on with what was submitted
		submitted = true
	}
	for i := range p.Attempts[:len(p.Attempts)-1] {
		a := &p.Attempts[i]
		switch {
		case a.Live():
			return "two tries are open"
		case a.Key == d.Fresh.Key:
			return "two tries have one key"
		case a.Kind.Main() && !a.Class.Another() && !(submitted && byCustomer(a)):
			return "a try follows one that is " + string(a.Class)
		case !submitted && a.Doubts > 0:
			return "a try follows one that is in doubt"
		}
	}
	switch {
	case submitted:
	case !before.Abandoned.IsZero():
		return "a payment that was given up goes on"
	case p.State() != payment.Pending || len(d.Events) > 0 || p.ErrorCode != "" || p.ExternalCode != "":
		return "a payment that goes on looks as if it had ended"
	case before.LiveAttempt().Rest == "" || len(d.Fresh.Rest) >= len(before.LiveAttempt().Rest):
		return "a step that is not in the plan"
	}
	for _, o := range append(slices.Clone(d.Ended), d.Opened...) {
		if o.State != payment.Pending && o.State != payment.Checkout {
			return "the log shows " + string(o.State)
		}
	}
	return ""
}

// planned is a payment of which the first of three steps is under way.
func planned(t *testing.T, p payment.Payment) *world {
	t.Helper()
	s := payment.Start{Plan: toThree(), Run: run("a")}
	if p.Type != payment.Deposit {
		return newWorld(t, p, &s)
	}
	w := newWorld(t, p, nil)
	w.do(t, payment.Submit{Start: s})
	return w
}

// refuses answers the call that runs, with every terminal ready.
func (w *world) refuses(t *testing.T, f payment.Fact) payment.Decision {
	t.Helper()
	c := w.call
	return w.do(t, payment.Answer{Attempt: c.Attempt.Seq, Op: c.Op, Lease: c.Attempt.LeaseOwner, Fact: f, NextCheck: w.now.Add(time.Minute),
		HoldCheck: w.now.Add(24 * time.Hour), Onward: allReady()})
}

// cascaded is a payment that was refused once, so that its second try is under way.
func cascaded(p payment.Payment) func(*testing.T) *world {
	return func(t *testing.T) *world {
		w := planned(t, p)
		w.refuses(t, soft)
		w.now = w.now.Add(time.Second)
		return w
	}
}

// routed is what the log keeps of the plan.
func (w *world) routed(t *testing.T) (all []payment.Routed) {
	t.Helper()
	for _, o := range w.log {
		read, err := payment.ReadRouted(o.Plan)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, read...)
	}
	return all
}

// TestTheNextTryOpensWithTheRefusal: however the refusal comes, the decision that books it opens the next try.
func TestTheNextTryOpensWithTheRefusal(t *testing.T) {
	t.Parallel()
	away := payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo("https://acs.example/1")}
	ask := func(t *testing.T, w *world, op payment.OperationKind) payment.Decision {
		w.do(t, payment.BeginAsk{Op: op, Run: run("other node")})
		return w.refuses(t, soft)
	}
	for name, c := range map[string]struct {
		play func(t *testing.T, w *world) payment.Decision
		want []string
	}{
		"by its answer": {func(t *testing.T, w *world) payment.Decision { return w.refuses(t, soft) }, []string{"DEPOSIT:PENDING"}},
		"by a status query after a crash": {func(t *testing.T, w *world) payment.Decision {
			w.now = w.now.Add(time.Hour)
			return ask(t, w, payment.OpCheckState)
		}, []string{"DEPOSIT:PENDING", "CHECK_STATE:PENDING"}},
		"by hand": {func(t *testing.T, w *world) payment.Decision {
			w.refuses(t, doubtful)
			return ask(t, w, payment.OpManualCheckState)
		}, []string{"DEPOSIT:PENDING", "MANUAL_CHECK_STATE:PENDING"}},
		"by a notice": {func(t *testing.T, w *world) payment.Decision {
			w.refuses(t, doubtful)
			return w.do(t, payment.Notice{Attempt: 1, Fact: soft, Onward: allReady()})
		}, []string{"DEPOSIT:PENDING", "HANDLE_WEBHOOK:PENDING"}},
		"by a notice while its call runs": {func(t *testing.T, w *world) payment.Decision {
			return w.do(t, payment.Notice{Attempt: 1, Fact: soft, Onward: allReady()})
		}, []string{"DEPOSIT:PENDING", "HANDLE_WEBHOOK:PENDING"}},
		"after the customer came back": {func(t *testing.T, w *world) payment.Decision {
			w.refuses(t, away)
			w.do(t, payment.Redirected{})
			return ask(t, w, payment.OpContinue)
		}, []string{"DEPOSIT:PENDING", "REDIRECT:PENDING", "CONTINUE:PENDING"}},
		"told while the customer is away, and asked": {func(t *testing.T, w *world) payment.Decision {
			w.refuses(t, away)
			w.do(t, payment.Redirected{})
			if d := w.do(t, payment.Notice{Attempt: 1, Fact: soft, Onward: allReady()}); d.Call != nil || w.p.Live != 1 || !w.p.Due.Equal(w.now) {
				t.Errorf("the customer may still pay there, and it goes on: %+v, due %s", d.Call, w.p.Due)
			}
			return ask(t, w, payment.OpCheckState)
		}, []string{"DEPOSIT:PENDING", "REDIRECT:PENDING", "HANDLE_WEBHOOK:PENDING", "CHECK_STATE:PENDING"}},
	} {
		w := planned(t, withCustomer())
		w.p.CheckoutUntil = start.Add(2 * time.Hour)
		before := len(w.log) - 1
		d := c.play(t, w)
		if d.Fresh == nil || d.Call == nil || d.Call.Ask || d.Call.Attempt != *d.Fresh || d.Fresh.Seq != 2 || d.Fresh.TerminalID != "t2" ||
			d.Fresh.Class != payment.ClassPrepared || d.Fresh.LeaseOwner != "node/o2" || len(d.Events) > 0 {
			t.Fatalf("%s: opened %+v, call %+v, events %+v", name, d.Fresh, d.Call, d.Events)
		}
		if w.p.State() != payment.Pending || w.p.Terminal != "name of t2" || w.p.ErrorCode != "" || w.p.ExternalCode != "" || w.p.Live != 2 {
			t.Errorf("%s: %s at %s, code %q %q", name, w.p.State(), w.p.Terminal, w.p.ErrorCode, w.p.ExternalCode)
		}
		w.refuses(t, paid(payment.ClassApproved))
		want := slices.Concat(c.want, []string{"CASCADING:PENDING", "DEPOSIT:COMPLETED"})
		if diff := cmp.Diff(want, w.story()[before:]); diff != "" {
			t.Errorf("%s: story (-want +got):\n%s", name, diff)
		}
		if held := w.p.Standing(); held == nil || held.Seq != 2 || w.p.Captured != w.p.Asked.Amount {
			t.Errorf("%s: it stands on %+v", name, held)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatThePlanKeeps: the plan stands beside the intent, what followed beside the refusal.
func TestWhatThePlanKeeps(t *testing.T) {
	t.Parallel()
	w := cascaded(deposit("10", false))(t)
	w.refuses(t, payment.Fact{Class: payment.ClassRejected})
	w.refuses(t, refusal)
	if w.p.State() != payment.Declined || w.p.ErrorCode != "4.01" || w.p.Tries != 3 {
		t.Errorf("%s %q after %d tries, want the last one's code", w.p.State(), w.p.ErrorCode, w.p.Tries)
	}
	after := []payment.Class{payment.ClassDeclinedSoft}
	want := []payment.Routed{
		{Steps: []payment.RoutedStep{
			{Terminal: "name of t1", Rule: "test", Why: "first"}, {Terminal: "name of t2", Rule: "test", After: after},
			{Terminal: "name of t3", Rule: "test", After: append(after, payment.ClassNotSent, payment.ClassRejected)},
		}, Out: map[payment.Obstacle][]string{payment.BecauseDisabled: {"old", "older"}}},
		{Refused: 1, Class: payment.ClassDeclinedSoft, Code: "4.02", Next: "name of t2"},
		{Refused: 2, Class: payment.ClassRejected, Code: "3.02", Next: "name of t3"},
	}
	if diff := cmp.Diff(want, w.routed(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if w.p.Attempts[0].Rest == "" || w.p.Attempts[2].Rest != "" {
		t.Errorf("the rest of the first is %q, of the last %q", w.p.Attempts[0].Rest, w.p.Attempts[2].Rest)
	}
	if diff := cmp.Diff([]string{"DEPOSIT:PENDING", "CASCADING:PENDING", "DEPOSIT:PENDING", "CASCADING:PENDING", "DEPOSIT:DECLINED"}, w.story()[3:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	none := newWorld(t, deposit("10", false), nil)
	none.do(t, payment.Submit{Start: payment.Start{Plan: payment.Plan{
		NoRoute: payment.CodeInvalidCurrency, Out: []payment.LeftOut{{Terminal: "a", Why: payment.BecauseCurrency}},
	}}})
	last := none.log[len(none.log)-1]
	if none.p.ErrorCode != payment.CodeInvalidCurrency || last.Plan != `{"o":{"currency":["a"]},"c":"1.09"}` {
		t.Errorf("%q, kept %s", none.p.ErrorCode, last.Plan)
	}
	one := planOf(t, toOne())
	if one != `{"s":[{"t":"sandbox","r":"only"}]}` {
		t.Errorf("an ordinary payment keeps %s", one)
	}
}

func planOf(t *testing.T, p payment.Plan) string {
	t.Helper()
	w := newWorld(t, deposit("10", false), nil)
	w.do(t, payment.Submit{Start: payment.Start{Plan: p, Run: run("a")}})
	return w.log[len(w.log)-1].Plan
}

// TestWhatEndsAPlan: where no step follows, the refusal decides as if there had been none, and the log says why.
func TestWhatEndsAPlan(t *testing.T) {
	t.Parallel()
	refuse := func(f payment.Fact, edit func(*payment.Answer)) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			a := payment.Answer{Attempt: 1, Op: w.call.Op, Lease: w.call.Attempt.LeaseOwner, Fact: f, Onward: allReady()}
			if edit != nil {
				edit(&a)
			}
			w.do(t, a)
		}
	}
	not := func(why payment.Obstacle, of ...int) func(*payment.Answer) {
		return func(a *payment.Answer) {
			for _, i := range of {
				a.Onward.Ready[i].Why = why
			}
		}
	}
	for name, c := range map[string]struct {
		play func(t *testing.T, w *world)
		want payment.Routed
	}{
		"for good": {refuse(refusal, nil), payment.Routed{Class: payment.ClassDeclinedHard, Code: "4.01", End: payment.OverClass}},
		"the steps follow other refusals": {func(t *testing.T, w *world) {
			refuse(soft, not(payment.BecauseDisabled, 1))(t, w) // to the third step at once
			w.refuses(t, payment.Fact{Class: payment.ClassRejected})
		}, payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", Passed: map[payment.Obstacle][]string{payment.BecauseDisabled: {"name of t2"}}, Next: "name of t3"}},
		"no step can be taken": {refuse(soft, func(a *payment.Answer) {
			not(payment.BecauseMeans, 1)(a)
			not(payment.BecauseRemoved, 2)(a)
		}), payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", End: payment.OverGone, Passed: map[payment.Obstacle][]string{
			payment.BecauseMeans: {"name of t2"}, payment.BecauseRemoved: {"name of t3"}}}},
		"nothing is known of them": {refuse(soft, func(a *payment.Answer) { a.Onward = payment.Onward{} }),
			payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", End: payment.OverGone, Passed: map[payment.Obstacle][]string{
				payment.BecauseMeans: {"name of t2", "name of t3"}}}},
		"abandoned": {func(t *testing.T, w *world) {
			w.do(t, payment.Abandon{})
			refuse(soft, nil)(t, w)
		}, payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", End: payment.OverGivenUp}},
		"its time is over": {func(t *testing.T, w *world) {
			w.now = w.p.CheckoutUntil
			refuse(soft, nil)(t, w)
		}, payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", End: payment.OverTime}},
		"restored": {func(t *testing.T, w *world) {
			w.p.Lost = payment.LostMark("0badc0de", 1)
			refuse(soft, nil)(t, w)
		}, payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", End: payment.OverLost}},
		"it cannot be read": {func(t *testing.T, w *world) {
			w.p.Attempts = slices.Clone(w.p.Attempts)
			w.p.Attempts[0].Rest = "{"
			refuse(soft, nil)(t, w)
		}, payment.Routed{Class: payment.ClassDeclinedSoft, Code: "4.02", End: payment.OverUnreadable}},
	} {
		w := planned(t, withCustomer())
		c.play(t, w)
		c.want.Refused = 1
		if w.p.State() != payment.Declined && w.p.State() != payment.Cancelled || w.p.Live != 0 {
			t.Errorf("%s: %s, open %d", name, w.p.State(), w.p.Live)
		}
		all := w.routed(t)
		if len(all) < 2 || !cmp.Equal(c.want, all[1]) {
			t.Errorf("%s: kept %+v", name, all)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNothingFollowsWhatIsNotProved: an unknown outcome, however old, and what never left for want of our own means.
func TestNothingFollowsWhatIsNotProved(t *testing.T) {
	t.Parallel()
	for _, class := range payment.Classes() {
		plan := toThree()
		plan.Steps[1].After = payment.Classes() // whatever a rule may say
		w := newWorld(t, withCustomer(), nil)
		w.do(t, payment.Submit{Start: payment.Start{Plan: plan, Run: run("a")}})
		d := w.refuses(t, payment.Fact{Class: class})
		if follows := d.Fresh != nil; follows != class.Another() {
			t.Errorf("%s: another try follows: %t", class, follows)
		}
	}
}

// TestATryInDoubtEndsThePlan: while the first try is perhaps paid after all, there is no third.
func TestATryInDoubtEndsThePlan(t *testing.T) {
	t.Parallel()
	w := cascaded(deposit("10", false))(t)
	w.hear(t, 1, approval)
	w.refuses(t, soft)
	if w.p.State() != payment.Declined || w.p.Tries != 2 {
		t.Fatalf("%s after %d tries", w.p.State(), w.p.Tries)
	}
	if all := w.routed(t); all[len(all)-1].End != payment.OverDoubt {
		t.Errorf("kept %+v", all)
	}
	if w.find(t, approval, true); w.p.State() != payment.Completed || w.p.Standing().Seq != 1 {
		t.Errorf("%s, it stands on %+v", w.p.State(), w.p.Standing())
	}
}

// TestLateSuccessOfAnEarlierStep: what a refused try turns out to have taken goes back when another was paid, from the terminal that
// took it; of a payout that went twice a human is told.
func TestLateSuccessOfAnEarlierStep(t *testing.T) {
	t.Parallel()
	w := then(cascaded(deposit("10", false)), answered(approval))(t)
	w.hear(t, 1, approval)
	d := w.find(t, approval, true)
	if back := d.Fresh; back == nil || back.Kind != payment.AttemptRefund || back.TerminalID != "t1" || back.Reverses != 1 || w.p.State() != payment.Completed {
		t.Fatalf("%s, gives back %+v", w.p.State(), back)
	}
	w.answer(t, approval)

	held := then(cascaded(deposit("10", true)), answered(holding))(t)
	held.hear(t, 1, holding)
	if d := held.find(t, holding, false); d.Call != nil || d.Alarm == "" || held.p.State() != payment.Authorized || !held.p.Doubted().NextCheck.Equal(held.now.Add(24*time.Hour)) {
		t.Fatalf("%s, call %+v, alarm %q, asked again %s", held.p.State(), d.Call, d.Alarm, held.p.Doubted().NextCheck)
	}
	captureOf("10", approval)(t, held)
	if held.p.State() != payment.Completed || !held.p.Due.Equal(held.now) {
		t.Fatalf("%s, due %s", held.p.State(), held.p.Due)
	}
	if d := held.find(t, holding, false); d.Fresh == nil || d.Fresh.Kind != payment.AttemptVoid || d.Fresh.TerminalID != "t1" {
		t.Fatalf("gives back %+v", d.Fresh)
	}
	held.answer(t, approval)

	twice := then(cascaded(payout), answered(approval))(t)
	twice.hear(t, 1, approval)
	if d := twice.find(t, approval, false); d.Call != nil || !strings.HasSuffix(d.Alarm, "a human has to look") || twice.p.State() != payment.Completed {
		t.Errorf("%s, call %+v, alarm %q", twice.p.State(), d.Call, d.Alarm)
	}
	later := cascaded(payout)(t)
	later.hear(t, 1, approval)
	later.refuses(t, soft)
	if later.find(t, approval, false); later.p.State() != payment.Completed {
		t.Errorf("a payout that the first terminal made after all is %s", later.p.State())
	}
	for _, w := range []*world{w, held, twice, later} {
		if err := w.p.Check(w.log); err != nil {
			t.Error(err)
		}
	}
}

// TestARestoredPayoutIsLookedForAtItsNextStep: what a backup does not know may have been done by the next terminal.
func TestARestoredPayoutIsLookedForAtItsNextStep(t *testing.T) {
	t.Parallel()
	w := planned(t, payout)
	w.p.Lost = payment.LostMark("0badc0de", 1)
	w.refuses(t, soft)
	tries := w.p.LostTries()
	if w.p.State() != payment.Declined || !slices.Equal(w.p.LostKinds(), []payment.AttemptKind{payment.AttemptWithdrawal}) || len(tries) == 0 || !w.p.Due.Equal(w.now) {
		t.Fatalf("%s, looks for %v %v, due %s", w.p.State(), w.p.LostKinds(), tries, w.p.Due)
	}
	w.do(t, payment.FoundLost{Try: tries[0], Kind: payment.AttemptWithdrawal, Terminal: place("t2"), Fact: approval})
	if w.find(t, approval, false); w.p.State() != payment.Completed || w.p.Standing().TerminalID != "t2" || w.p.Standing().Key != tries[0].Key {
		t.Errorf("%s, it stands on %+v", w.p.State(), w.p.Standing())
	}
	if err := w.p.Check(w.log); err != nil {
		t.Error(err)
	}
}

// TestANextTryThatNeverLeaves: the customer tries again, by a plan of its own; the earlier decline is what the payment ends with.
func TestANextTryThatNeverLeaves(t *testing.T) {
	t.Parallel()
	w := cascaded(withCustomer())(t)
	w.refuses(t, unsent)
	if !w.p.BetweenTries() {
		t.Fatalf("%s, open %+v", w.p.State(), w.p.LiveAttempt())
	}
	w.do(t, payment.Submit{Start: payment.Start{Plan: toThree(), Run: run("b")}})
	w.refuses(t, unsent)
	w.do(t, payment.Cancel{ByClock: true})
	if w.p.State() != payment.Declined || w.p.ErrorCode != "4.02" {
		t.Errorf("%s %q", w.p.State(), w.p.ErrorCode)
	}
	if err := w.p.Check(w.log); err != nil {
		t.Error(err)
	}
}

// BenchmarkRecord is what it costs to put a plan into the words that the log keeps, and how many bytes they are.
func BenchmarkRecord(b *testing.B) {
	one, many := toOne(), toThree()
	for range 18 {
		many.Out = append(many.Out, payment.LeftOut{Terminal: "terminal", Why: payment.BecauseMethod})
	}
	for name, p := range map[string]*payment.Plan{"one": &one, "20 terminals": &many} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = len(payment.RecordOf(p))
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
