package payment_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// scene is a payment with a settled attempt about which the provider tells something.
type scene struct {
	name    string
	attempt int
	make    func(t *testing.T) *world
}

func fact(c payment.Class) payment.Fact { return payment.Fact{Class: c, ProviderRef: "tx1"} }

var (
	refusal  = payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.01"}
	closing  = payment.Fact{Class: payment.ClassCancelled}
	approval = payment.Fact{Class: payment.ClassApproved}
	holding  = payment.Fact{Class: payment.ClassAuthorized}
	doubtful = payment.Fact{Class: payment.ClassUnknown}
)

// first is a payment whose first call was answered.
func first(t *testing.T, p payment.Payment, f payment.Fact) *world {
	t.Helper()
	var w *world
	if p.Type == payment.Deposit {
		w = sent(t, p)
	} else {
		w = newWorld(t, p, &payment.Start{Plan: toOne(), Run: run("a")})
	}
	f.ProviderRef = "tx1"
	w.answerAt(t, f, 24*time.Hour)
	w.now = w.now.Add(time.Second)
	return w
}

func sale(f payment.Fact) func(*testing.T) *world {
	return func(t *testing.T) *world { return first(t, deposit("10", false), f) }
}

func hold(f payment.Fact) func(*testing.T) *world {
	return func(t *testing.T) *world { return first(t, deposit("10", true), f) }
}

// waiting is a card that was verified and waits for the merchant to close it.
func waiting(t *testing.T) *world {
	p := verification()
	p.PreAuth = true
	return first(t, p, approval)
}

func other(kind payment.Type, f payment.Fact) func(*testing.T) *world {
	return func(t *testing.T) *world {
		p := deposit("10", false)
		p.Type, p.Parent = kind, "parent"
		return first(t, p, f)
	}
}

// then plays on.
func then(begin func(*testing.T) *world, steps ...func(*testing.T, *world)) func(*testing.T) *world {
	return func(t *testing.T) *world {
		w := begin(t)
		for _, step := range steps {
			step(t, w)
			w.now = w.now.Add(time.Second)
		}
		return w
	}
}

func doing(c payment.Command) func(*testing.T, *world) {
	return func(t *testing.T, w *world) { w.do(t, c) }
}

func answered(f payment.Fact) func(*testing.T, *world) {
	return func(t *testing.T, w *world) { w.answerAt(t, f, 24*time.Hour) }
}

func captureOf(amount string, f payment.Fact) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.do(t, payment.Capture{Amount: money.MustParse(amount), Run: run("c")})
		w.answerAt(t, f, 24*time.Hour)
	}
}

func voiding(f payment.Fact) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.do(t, payment.Void{Run: run("v")})
		w.answerAt(t, f, 24*time.Hour)
	}
}

// confirmed tells a fact about an attempt and finds it confirmed.
func confirmed(attempt int, f payment.Fact, honour bool) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.hear(t, attempt, f)
		w.find(t, f, honour)
	}
}

func refunded(amount string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.reserve(t, amount, false)
		w.do(t, payment.ParentMove{Settle: money.MustParse(amount)})
	}
}

func reserved(t *testing.T, w *world) { w.reserve(t, "1", false) }

// forgedBetween forges the state in which a try has ended and the payment has not.
func forgedBetween(t *testing.T, w *world) {
	t.Helper()
	w.p.ErrorCode, w.p.CheckoutUntil = "", start.Add(time.Hour)
	w.p = payment.Restore(w.p, payment.Pending)
	w.log[len(w.log)-1].State = payment.Pending
}

// anotherTry forges a second try, as it stands.
func anotherTry(class payment.Class, state payment.State) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		forgedBetween(t, w)
		a := w.p.Attempts[0]
		a.Seq, a.Key, a.Class, a.ProviderRef = 2, "other", class, "tx2"
		w.p.Attempts, w.p.Tries = append(slices.Clone(w.p.Attempts), a), 2
		w.p.Version++
		w.p.Ops++
		w.log = append(w.log, payment.Operation{Seq: w.p.Ops, Kind: payment.OpDeposit, State: state, Attempt: 2,
			Started: w.now, Completed: w.now, Began: w.p.Version, Ended: w.p.Version + 1})
		w.p.Version++
		switch class {
		case payment.ClassApproved:
			w.p.Authorised, w.p.Captured = a.Sent.Amount, a.Sent.Amount
		case payment.ClassAuthorized:
			w.p.Authorised, w.p.Attempts[1].NextCheck = a.Sent.Amount, w.now.Add(24*time.Hour)
		default:
			w.p.Live, w.p.Attempts[1].NextCheck = 2, w.now.Add(time.Minute)
		}
		w.p.Changed = w.now
		w.p = payment.Restore(w.p, state)
	}
}

// scenes are the settled attempts of every kind, in every state of their payment that they can be in.
var scenes = []scene{
	{"sale declined", 1, sale(refusal)},
	{"sale declined, rolled back", 1, then(sale(refusal), doing(payment.Abandon{}))},
	{"sale closed", 1, sale(closing)},
	{"sale closed, rolled back", 1, then(sale(closing), doing(payment.Abandon{}))},
	{"sale closed by hand", 1, then(sale(doubtful), doing(payment.ManualUpdate{To: payment.Cancelled}))},
	{"sale declined, between tries", 1, then(sale(refusal), forgedBetween)},
	{"sale declined, another try open", 1, then(sale(refusal), anotherTry(payment.ClassUnknown, payment.Pending))},
	{"sale declined, another try paid", 1, then(sale(refusal), anotherTry(payment.ClassApproved, payment.Completed))},
	{"sale paid, another try's late success going back", 2, then(sale(refusal), anotherTry(payment.ClassApproved, payment.Completed),
		confirmed(1, approval, false))},
	{"hold declined", 1, hold(refusal)},
	{"hold declined, between tries", 1, then(hold(refusal), forgedBetween)},
	{"sale declined, the next try open", 1, cascaded(deposit("10", false))},
	{"sale declined, the next try paid", 1, then(cascaded(deposit("10", false)), answered(approval))},
	{"sale declined, paid by the next try", 2, then(cascaded(deposit("10", false)), answered(approval))},
	{"hold declined, held by the next try", 2, then(cascaded(deposit("10", true)), answered(holding))},
	{"hold declined, the next try captured", 1, then(cascaded(deposit("10", true)), answered(holding), captureOf("4", approval))},
	{"hold declined, another try held", 1, then(hold(refusal), anotherTry(payment.ClassAuthorized, payment.Authorized))},
	{"verification declined", 1, func(t *testing.T) *world { return first(t, verification(), refusal) }},
	{"verification", 1, func(t *testing.T) *world { return first(t, verification(), approval) }},
	{"verification that waits", 1, waiting},
	{"verification, closed by the merchant", 1, then(waiting, doing(payment.Void{Run: run("v")}))},
	{"hold", 1, hold(holding)},
	{"hold, rolled back", 1, then(hold(holding), doing(payment.Abandon{}))},
	{"hold, capture open", 1, then(hold(holding), doing(payment.Capture{Run: run("c")}))},
	{"hold, void open", 1, then(hold(holding), doing(payment.Void{Run: run("v")}))},
	{"hold, part captured", 1, then(hold(holding), captureOf("4", approval))},
	{"hold, captured, refund open", 1, then(hold(holding), captureOf("10", approval), reserved)},
	{"hold, captured, refunded", 1, then(hold(holding), captureOf("10", approval), refunded("3"))},
	{"hold, taken at the provider", 1, then(hold(holding), confirmed(1, approval, false))},
	{"hold, voided", 1, then(hold(holding), voiding(approval))},
	{"hold, expired", 1, then(hold(holding), confirmed(1, closing, false))},
	{"sale", 1, sale(approval)},
	{"sale, rolled back", 1, then(sale(approval), doing(payment.Abandon{}))},
	{"sale, refund open", 1, then(sale(approval), reserved)},
	{"sale, refunded", 1, then(sale(approval), refunded("3"))},
	{"sale, undone", 1, then(sale(approval), confirmed(1, refusal, false))},
	{"sale, closed", 1, then(sale(approval), confirmed(1, closing, false))},
	{"sale, declined by hand", 1, then(sale(approval), doing(payment.ManualUpdate{To: payment.Declined}))},
	{"late success, going back", 1, then(sale(refusal), confirmed(1, approval, false))},
	{"late success, not taken back", 1, then(sale(refusal), confirmed(1, approval, false), answered(refusal))},
	{"late success, went back", 1, then(sale(refusal), confirmed(1, approval, false), answered(approval))},
	{"late success, honoured", 1, then(sale(refusal), confirmed(1, approval, true))},
	{"withdrawal", 1, other(payment.Withdrawal, approval)},
	{"withdrawal declined", 1, other(payment.Withdrawal, refusal)},
	{"withdrawal closed", 1, other(payment.Withdrawal, closing)},
	{"withdrawal refused, the next try open", 1, cascaded(payout)},
	{"withdrawal refused, the next try paid", 1, then(cascaded(payout), answered(approval))},
	{"withdrawal refused, the next too", 2, then(cascaded(payout), answered(soft))},
	{"withdrawal declined by hand", 1, then(other(payment.Withdrawal, approval), doing(payment.ManualUpdate{To: payment.Declined}))},
	{"refund", 1, other(payment.Refund, approval)},
	{"refund declined", 1, other(payment.Refund, refusal)},
	{"refund closed", 1, other(payment.Refund, closing)},
	{"capture", 2, then(hold(holding), captureOf("4", approval))},
	{"capture, rolled back", 2, then(hold(holding), captureOf("4", approval), doing(payment.Abandon{}))},
	{"capture, refunded", 2, then(hold(holding), captureOf("4", approval), refunded("1"))},
	{"capture, payment undone", 2, then(hold(holding), captureOf("4", approval), confirmed(1, refusal, false))},
	{"capture refused", 2, then(hold(holding), captureOf("4", refusal))},
	{"capture refused, another open", 2, then(hold(holding), captureOf("4", refusal), doing(payment.Capture{Run: run("d")}))},
	{"capture refused, another done", 2, then(hold(holding), captureOf("4", refusal), captureOf("5", approval))},
	{"capture refused, taken at the provider", 2, then(hold(holding), captureOf("10", refusal), confirmed(1, approval, false))},
	{"capture refused, voided", 2, then(hold(holding), captureOf("4", refusal), voiding(approval))},
	{"capture of what was not held any more", 2, then(hold(holding), captureOf("4", closing))},
	{"void", 2, then(hold(holding), voiding(approval))},
	{"void of what was not held any more", 2, then(hold(holding), voiding(closing))},
	{"void refused", 2, then(hold(holding), voiding(refusal))},
	{"void refused, rolled back", 2, then(hold(holding), voiding(refusal), doing(payment.Abandon{}))},
	{"void refused, capture open", 2, then(hold(holding), voiding(refusal), doing(payment.Capture{Run: run("d")}))},
	{"void refused, captured", 2, then(hold(holding), voiding(refusal), captureOf("10", approval))},
	{"void refused, expired", 2, then(hold(holding), voiding(refusal), confirmed(1, closing, false))},
	{"giving back done", 2, then(sale(refusal), confirmed(1, approval, false), answered(approval))},
	{"giving back of a hold done", 2, then(hold(refusal), confirmed(1, holding, false), answered(approval))},
	{"giving back of what was not held any more", 2, then(hold(refusal), confirmed(1, holding, false), answered(closing))},
	{"giving back refused", 2, then(sale(refusal), confirmed(1, approval, false), answered(refusal))},
	{"giving back done, then not, again open", 2, then(sale(refusal), confirmed(1, approval, false), answered(approval), confirmed(2, refusal, false))},
	{"giving back refused, kept by hand", 2, then(sale(refusal), confirmed(1, approval, false), answered(refusal),
		doing(payment.ManualUpdate{To: payment.Completed}))},
}

// told is what a provider can say about an attempt of that amount.
func told(a *payment.Attempt) []payment.Fact {
	wrong, currency, tx, half := fact(payment.ClassApproved), fact(payment.ClassApproved), fact(payment.ClassApproved), fact(payment.ClassApproved)
	wrong.Echoed.Amount, currency.Echoed.Currency, tx.ProviderRef = money.MustParse("1000"), "USD", "somebody's"
	half.Echoed.Amount = money.MustParse("4")
	whole := fact(payment.ClassApproved)
	whole.Echoed.Amount, whole.Echoed.Currency = a.Sent.Amount, a.Sent.Currency
	unknown := payment.Fact{Class: payment.ClassUnknown, NotFound: true}
	facts := []payment.Fact{wrong, currency, half, whole, unknown}
	if a.ProviderRef != "" {
		facts = append(facts, tx)
	}
	for _, c := range payment.Classes() {
		f := fact(c)
		f.ProviderRef = a.ProviderRef
		facts = append(facts, f)
	}
	for i := range facts[:5] {
		facts[i].ProviderRef = a.ProviderRef
	}
	return facts
}

// attemptOf is an attempt as it stands.
func (w *world) attemptOf(seq int) *payment.Attempt { return &w.p.Attempts[seq-1] }

// walkScenes calls fn for every scene, fact and policy.
func walkScenes(t *testing.T, fn func(t *testing.T, s *scene, f payment.Fact, honour, noRoom bool)) {
	t.Helper()
	for i := range scenes {
		s := &scenes[i]
		t.Run(s.name, func(t *testing.T) {
			w := s.make(t)
			if err := w.p.Check(w.log); err != nil {
				t.Fatal(err)
			}
			for _, f := range told(w.attemptOf(s.attempt)) {
				for n := range 4 {
					if honour, noRoom := n&1 != 0, n&2 != 0; !noRoom || w.p.Type == payment.Refund {
						fn(t, s, f, honour, noRoom)
					}
				}
			}
		})
	}
}

// same reports whether the payment, its money and its attempts are as they were, but for what is asked.
func same(a, b *payment.Payment) bool {
	if a.State() != b.State() || a.Authorised != b.Authorised || a.Captured != b.Captured || a.RefundReserved != b.RefundReserved ||
		a.Refunded != b.Refunded || a.ErrorCode != b.ErrorCode || a.Asked.Amount != b.Asked.Amount || a.Live != b.Live || a.Tries != b.Tries {
		return false
	}
	for i := range a.Attempts {
		if x, y := &a.Attempts[i], &b.Attempts[i]; x.Class != y.Class || x.Reversed != y.Reversed || x.Code != y.Code {
			return false
		}
	}
	return true
}

// TestWhatIsOnlyToldMovesNothing: a notice about a settled attempt is on record. What contradicts raises an alarm, unless it
// may be old news, and makes it due to ask, a bounded number of times.
func TestWhatIsOnlyToldMovesNothing(t *testing.T) {
	walkScenes(t, func(t *testing.T, s *scene, f payment.Fact, honour, noRoom bool) {
		w := s.make(t)
		row, part, was, says := payment.FindingOf(&w.p, s.attempt, f, honour, noRoom)
		name := fmt.Sprintf("%s, %s: %s (%s)", part, was, says, f.Class)
		before, ops := w.p, len(w.log)
		d := w.do(t, payment.Notice{Attempt: s.attempt, Fact: f, NextCheck: w.now.Add(time.Minute), HoldCheck: w.now.Add(24 * time.Hour),
			Messages: payment.Messages{Incoming: "[1]"}, Late: payment.LatePolicy{Honour: honour, Run: run("n")}})
		if !same(&before, &w.p) || d.Call != nil || len(d.Events) > 0 || d.Parent != (payment.ParentMove{}) {
			t.Errorf("%s: a notice alone moves the payment: %v", name, w.story())
		}
		if len(w.log) != ops+1 || w.log[ops].Kind != payment.OpHandleWebhook || w.log[ops].Messages.Incoming != "[1]" {
			t.Errorf("%s: it is not on record", name)
		}
		contradicts := row.Then != payment.ThenNothing
		if alarm := d.Alarm != ""; alarm != (contradicts && !row.Quiet) {
			t.Errorf("%s: alarm %q", name, d.Alarm)
		}
		a := w.attemptOf(s.attempt)
		if asks := a.Doubts > before.Attempts[s.attempt-1].Doubts; asks != contradicts || asks && !a.NextCheck.Equal(w.now) {
			t.Errorf("%s: doubts %d, next check %s", name, a.Doubts, a.NextCheck)
		}
		if contradicts && w.p.Live == 0 && !w.p.Owes() && (w.p.Due.IsZero() || w.p.Due.After(w.now)) {
			t.Errorf("%s: due %s", name, w.p.Due)
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		alarms, doubts := 0, a.Doubts
		for range 2 * payment.MostDoubts {
			if w.do(t, payment.Notice{Attempt: s.attempt, Fact: f}).Alarm != "" {
				alarms++
			}
		}
		if a := w.attemptOf(s.attempt); a.Doubts > payment.MostDoubts || alarms > 0 && w.p.Live == 0 || doubts == 0 && a.Doubts > 0 {
			t.Errorf("%s: told again and again: doubts %d, %d alarms", name, a.Doubts, alarms)
		}
	})
}

// TestWhatIsFoundIsFollowedByTheTable asks about a settled attempt and finds the fact: what happens is what the row says.
func TestWhatIsFoundIsFollowedByTheTable(t *testing.T) {
	reached := map[payment.Consequence]int{}
	walkScenes(t, func(t *testing.T, s *scene, f payment.Fact, honour, noRoom bool) {
		w := s.make(t)
		if w.p.Live != 0 {
			return // what is open is asked about first
		}
		w.doubtAbout(t, s.attempt)
		row, part, was, says := payment.FindingOf(&w.p, s.attempt, f, honour, noRoom)
		name := fmt.Sprintf("%s, %s: %s (%s, honour %t, room %t)", part, was, says, f.Class, honour, !noRoom)
		reached[row.Then]++
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("ask")})
		if c := w.call; !c.Ask || c.Fence || c.Attempt.Seq != s.attempt {
			t.Fatalf("%s: asked about attempt %d", name, c.Attempt.Seq)
		}
		before := w.p
		d := w.do(t, payment.Answer{Attempt: s.attempt, Op: w.call.Op, Fact: f, HoldCheck: w.now.Add(24 * time.Hour), Token: "tok",
			NextCheck: w.now.Add(time.Minute), Late: payment.LatePolicy{Honour: honour, Run: run("late")}})
		if noRoom && d.Otherwise != nil {
			w = s.make(t) // as the engine does it
			w.doubtAbout(t, s.attempt)
			w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("ask")})
			w.keep(*d.Otherwise)
			d = *d.Otherwise
		}
		if why := broken(&row, &before, &d, s.attempt, f); why != "" {
			t.Errorf("%s: %q: %s\n%v", name, row.Then, why, w.story())
		}
		if err := w.p.Check(w.log); err != nil {
			t.Errorf("%s: %q: %v\n%v", name, row.Then, err, w.story())
		}
	})
	for _, f := range payment.Findings() {
		if reached[f.Then] == 0 && f.Then != payment.ThenWait {
			t.Errorf("no scene leads to %q", f.Then)
		}
	}
}

// doubtAbout makes it due to ask about a settled attempt before any other.
func (w *world) doubtAbout(t *testing.T, seq int) {
	t.Helper()
	w.p.Attempts = slices.Clone(w.p.Attempts)
	a := w.attemptOf(seq)
	a.Doubts, a.NextCheck = a.Doubts+1, start
	w.now = w.now.Add(time.Second)
}

// TestProviderThatTellsNoMoreOfWhatItContradicts: when the ladder of queries ends without an answer a human is told.
func TestProviderThatTellsNoMoreOfWhatItContradicts(t *testing.T) {
	w := at(t, payment.Completed)
	w.hear(t, 1, payment.Fact{Class: payment.ClassDeclinedHard})
	w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("ask")})
	d := w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Fact: payment.Fact{Class: payment.ClassUnknown}})
	if d.Alarm != "the provider does not tell how an attempt stands that it has contradicted" || w.p.State() != payment.Completed || !w.p.Due.IsZero() {
		t.Errorf("%s, due %s, alarm %q", w.p.State(), w.p.Due, d.Alarm)
	}
}

// broken says what a decision does that is not what the row of the table says.
func broken(row *payment.Finding, before *payment.Payment, d *payment.Decision, seq int, f payment.Fact) string {
	p, was := &d.Payment, before.Attempts[seq-1]
	a := p.Attempts[seq-1]
	undone := d.Parent.Undo == was.Sent.Amount && !was.Sent.Amount.IsZero()
	moved := p.State() != before.State()
	switch {
	case moved && !before.RefundReserved.IsZero():
		return "it moves although a refund stands"
	case (moved || row.Then == payment.ThenAdopt) != (len(d.Events) == 1) || len(d.Events) == 1 && (d.Events[0].State != p.State() || d.Events[0].Before != before.State()):
		return fmt.Sprintf("events %+v", d.Events)
	case (d.Alarm != "") != (row.Then != payment.ThenNothing && !(row.Quiet && row.Then != payment.ThenLook)):
		return fmt.Sprintf("alarm %q", d.Alarm)
	case a.Op != 0 || p.State() == payment.Completed && p.Captured.IsZero() != p.Terms.Verify && p.Type == payment.Deposit:
		return fmt.Sprintf("captured %s, operation %d", p.Captured, a.Op)
	case (d.Call != nil) != (row.Then == payment.ThenReverse):
		return fmt.Sprintf("call %+v", d.Call)
	}
	if row.Then == payment.ThenLater {
		if !same(before, p) || a.Doubts <= was.Doubts || !a.NextCheck.After(p.Changed) {
			return fmt.Sprintf("it is not asked again later; doubts %d, next check %s", a.Doubts, a.NextCheck)
		}
		return ""
	}
	if row.Then == payment.ThenNothing || row.Then == payment.ThenLook || row.Then == payment.ThenWait {
		again := open(f.Class) && a.Doubts > was.Doubts && !a.NextCheck.IsZero()
		if hold := p.State() == payment.Authorized && a.Class == payment.ClassAuthorized; !same(before, p) || a.NextCheck.IsZero() == (again || hold) {
			return fmt.Sprintf("it is not as before; next check %s", a.NextCheck)
		}
		return ""
	}
	ok := !moved
	switch row.Then {
	case payment.ThenPaid:
		ok = p.State() == map[payment.Class]payment.State{payment.ClassApproved: payment.Completed, payment.ClassAuthorized: payment.Authorized}[f.Class] &&
			p.Authorised == was.Sent.Amount && a.Class == f.Class
	case payment.ThenHonour:
		ok = p.State() == payment.Completed && p.ErrorCode == "" && a.Class == payment.ClassApproved &&
			(p.Type == payment.Deposit) == (p.Captured == was.Sent.Amount) && (p.Type == payment.Refund) == (d.Parent.Redo == was.Sent.Amount)
	case payment.ThenTaken:
		sum := was.Sent.Amount
		if was.Kind == payment.AttemptDeposit && !f.Echoed.Amount.IsZero() {
			sum = f.Echoed.Amount
		}
		ok = p.State() == payment.Completed && p.Captured == sum && p.Shown().Amount == sum && p.Asked.Amount == before.Asked.Amount && p.Authorised == before.Authorised
	case payment.ThenStands:
		held := p.Standing()
		ok = p.State() == payment.Authorized && p.Captured.IsZero() && p.Asked.Amount == p.Authorised && a.Class == f.Class &&
			held.Class == payment.ClassAuthorized && p.Doubted() != nil && p.Doubted().Seq == held.Seq
	case payment.ThenDeclined:
		ok = p.State() == payment.Declined && p.Captured.IsZero() && p.ErrorCode != "" && a.Class == f.Class &&
			(p.Type == payment.Refund) == undone
	case payment.ThenClosed:
		ok = p.State() == payment.Cancelled && p.Captured.IsZero() && p.Standing() == nil && (p.Type == payment.Refund) == undone
	case payment.ThenReverse:
		back := p.Attempts[d.Call.Attempt.Reverses-1]
		ok = ok && p.Captured == before.Captured && back.Reversed && d.Call.Attempt.Sent.Amount == back.Sent.Amount && d.Fresh != nil && p.Live == d.Fresh.Seq
	case payment.ThenGone:
		ok = ok && p.DueFails == 0 && !slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool { return a.Reversed && a.Class != payment.ClassCancelled })
	case payment.ThenAdopt:
		ok = ok && a.Class == payment.ClassApproved && p.Captured == before.Captured
	}
	if !ok {
		return fmt.Sprintf("%s (code %q), authorised %s, captured %s, attempt %s, parent %+v", p.State(), p.ErrorCode, p.Authorised, p.Captured, a.Class, d.Parent)
	}
	return ""
}

func open(c payment.Class) bool { return (&payment.Attempt{Class: c}).Live() }

// TestVerificationToldTwice: that a card was verified is no news, while that waits for the merchant and after it was closed,
// of which the provider never hears.
func TestVerificationToldTwice(t *testing.T) {
	for _, closed := range []bool{false, true} {
		for _, f := range []payment.Fact{approval, holding} {
			w := waiting(t)
			if closed {
				w.do(t, payment.Void{Run: run("v")})
			}
			d := w.do(t, payment.Notice{Attempt: 1, Fact: f})
			if d.Alarm != "" || w.p.Doubted() != nil || !w.p.Due.IsZero() {
				t.Errorf("closed %t, %s: alarm %q, due %s", closed, f.Class, d.Alarm, w.p.Due)
			}
		}
	}
}

// TestDoubtAboutMoneyThatIsNotGivenBack: where sending the money of an abandoned deposit back was given up, what contradicts is
// asked about all the same, and only asked about: nothing is sent back because of it.
func TestDoubtAboutMoneyThatIsNotGivenBack(t *testing.T) {
	w := then(sale(approval), doing(payment.Abandon{}), func(t *testing.T, w *world) { w.reserve(t, "10", true) },
		doing(payment.ParentMove{Release: money.MustParse("10"), Try: 1, ForGood: true}))(t)
	if !w.p.Owes() || !w.p.Due.IsZero() || w.p.DueFails == 0 {
		t.Fatalf("owes %t, due %s, failed %d times", w.p.Owes(), w.p.Due, w.p.DueFails)
	}
	for range 2 {
		if w.hear(t, 1, refusal); !w.p.Due.Equal(w.now) {
			t.Errorf("told: due %s, want now", w.p.Due)
		}
		w.now = w.now.Add(time.Second)
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("ask")})
		if asked := w.attemptOf(1); !w.p.Due.Equal(asked.NextCheck) || !w.p.Due.Equal(asked.LeaseUntil) {
			t.Errorf("asked: due %s, leased until %s", w.p.Due, asked.LeaseUntil)
		}
		w.do(t, payment.Answer{Attempt: 1, Op: w.call.Op, Fact: approval})
		if !w.p.Owes() || !w.p.Due.IsZero() || w.p.DueFails == 0 {
			t.Errorf("found nothing: owes %t, due %s, failed %d times", w.p.Owes(), w.p.Due, w.p.DueFails)
		}
	}
	w.hear(t, 1, refusal)
	if w.find(t, refusal, false); w.p.State() != payment.Declined || w.p.Owes() || !w.p.Due.IsZero() {
		t.Errorf("confirmed: %s, due %s", w.p.State(), w.p.Due)
	}

	w = then(hold(holding), doing(payment.Abandon{}), voiding(refusal))(t)
	w.find(t, holding, false) // its refusal has the hold looked at
	if due := w.p.Due; !w.p.HeldInVain() || !due.After(w.now) {
		t.Fatalf("in vain %t, due %s", w.p.HeldInVain(), due)
	}
	if w.hear(t, 2, approval); !w.p.Due.Equal(w.now) {
		t.Errorf("the void was done: due %s, want now", w.p.Due)
	}
}
