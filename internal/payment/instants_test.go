package payment_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/payment"
)

// TestWhatIsRecordedNeverGoesBack drives payments by nodes whose clocks differ by hours and which stand still: no operation
// ends before it has started or before what was there already, and events and updates have an order. Check looks.
func TestWhatIsRecordedNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := func() time.Time {
			return start.Add(time.Duration(rapid.IntRange(-7200, 7200).Draw(t, "clock")) * time.Second)
		}
		w := &world{now: clock()}
		d, err := payment.New(anyDeposit(t), nil, w.now)
		if err != nil {
			t.Fatalf("new: %v", err)
		}
		told := time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			before := w.p
			w.keep(d)
			if err := w.p.Check(w.log); err != nil {
				t.Fatalf("%v\n%v", err, w.story())
			}
			if w.p.Updated.Before(before.Updated) || w.p.Changed.Before(before.Changed) {
				t.Fatalf("updated %s and changed %s became %s and %s", before.Updated, before.Changed, w.p.Updated, w.p.Changed)
			}
			for _, e := range d.Events {
				if !e.At.After(told) {
					t.Fatalf("an event at %s follows one at %s", e.At, told)
				}
				told = e.At
			}
			if rapid.IntRange(0, 3).Draw(t, "refund") == 0 { // an event of a refund is told among the deposit's own
				if told = w.p.Mark(clock()); !told.After(before.Changed) {
					t.Fatalf("marked %s after %s", told, before.Changed)
				}
			}
			w.now = clock()
			if d, err = payment.Decide(w.p, anyCommand(t, w), w.now); err != nil {
				d = payment.Decision{Payment: w.p}
				d.Payment.Version--
			}
		}
	})
}

func TestAnOperationEndsAfterItsStartWhateverTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, deposit("10", false), nil)
	w.now = start.Add(time.Minute)
	w.do(t, payment.Submit{Start: payment.Start{Plan: toOne(), Run: run("a")}})
	w.now = start.Add(30 * time.Second) // another node, or this one after it stood still
	d := w.answer(t, paid(payment.ClassApproved))
	op := w.log[len(w.log)-1]
	if op.Completed.Before(op.Started) || d.Events[0].At.Before(op.Completed) || w.p.Updated != d.Events[0].At {
		t.Errorf("started %s, completed %s, told %s, updated %s", op.Started, op.Completed, d.Events[0].At, w.p.Updated)
	}
}

// TestTheNewestOperationShowsTheState: whatever is added to the log while a call runs, what is shown last agrees with the
// payment.
func TestTheNewestOperationShowsTheState(t *testing.T) {
	t.Parallel()
	notice := payment.Notice{Attempt: 1, Fact: payment.Fact{Class: payment.ClassWaiting}, NextCheck: start.Add(time.Hour)}
	for _, c := range []struct {
		name string
		meet func(*world)
		fact payment.Fact
		want []string
	}{
		{"abandoned while it is paid", func(w *world) { w.do(t, payment.Abandon{}) }, paid(payment.ClassApproved),
			[]string{"DEPOSIT:PENDING", "CANCEL:PENDING", "CHECK_STATE:COMPLETED"}},
		{"abandoned while it is declined", func(w *world) { w.do(t, payment.Abandon{}) }, payment.Fact{Class: payment.ClassDeclinedHard},
			[]string{"DEPOSIT:PENDING", "CANCEL:PENDING", "CHECK_STATE:DECLINED"}},
		{"a notice without news", func(w *world) { w.do(t, notice) }, paid(payment.ClassApproved),
			[]string{"DEPOSIT:PENDING", "HANDLE_WEBHOOK:PENDING", "CHECK_STATE:COMPLETED"}},
		{"nothing comes of it", func(w *world) { w.do(t, payment.Abandon{}) }, payment.Fact{Class: payment.ClassUnknown},
			[]string{"DEPOSIT:PENDING", "CANCEL:PENDING"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := sent(t, deposit("10", false))
			call := w.call
			c.meet(w)
			w.call = call
			w.answer(t, c.fact)
			if got := w.story()[3:]; !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if err := w.p.Check(w.log); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("abandoned while a hold is looked at", func(t *testing.T) {
		w := at(t, payment.Authorized)
		w.do(t, payment.BeginAsk{Op: payment.OpCheckState, Run: run("b")})
		w.do(t, payment.Abandon{})
		w.answer(t, payment.Fact{Class: payment.ClassCancelled})
		if err := w.p.Check(w.log); err != nil || w.p.State() != payment.Cancelled {
			t.Errorf("%s %v\n%v", w.p.State(), err, w.story())
		}
	})
}
