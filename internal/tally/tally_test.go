package tally

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/telemetry"
)

const ourShop = "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f"

// fixture is a shop on a database whose clock stands until it is moved.
type fixture struct {
	t    *testing.T
	d    *storetest.Database
	now  time.Time
	db   *store.DB
	keep *Keeper
	n    int
}

func newFixture(t *testing.T, d *storetest.Database) *fixture {
	t.Helper()
	f := &fixture{t: t, d: d, now: time.Date(2030, 12, 25, 10, 11, 12, 0, time.UTC)}
	clock := func() time.Time { return f.now }
	f.db = d.Open(func(o *store.Options) { o.Now = clock })
	bell := &alarm.Notifier{DB: f.db, IDs: id.NewSource(clock, rand.Reader), Now: clock, Log: slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics()}
	f.keep = New(Config{DB: f.db, Now: clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Bell: bell})
	f.update(func(tx *store.Tx) {
		tx.Shops().Insert(&shop.Shop{ID: ourShop, Merchant: "m", Name: "one", Active: true, Created: f.now})
	})
	return f
}

func (f *fixture) update(body func(*store.Tx)) {
	f.t.Helper()
	if err := f.db.Update(f.t.Context(), func(tx *store.Tx) error { body(tx); return nil }); err != nil {
		f.t.Fatal(err)
	}
}

// bear writes payments that were created at that instant.
func (f *fixture) bear(n int, at time.Time) {
	f.t.Helper()
	f.update(func(tx *store.Tx) {
		for range n {
			f.n++
			p := f.payment(f.n, at)
			tx.Payments().Insert(&p)
		}
	})
}

// payment is the one of that number.
func (f *fixture) payment(n int, at time.Time) payment.Payment {
	return payment.Restore(payment.Payment{
		ID: payment.ID(id.Floor(at)[:16] + fmt.Sprintf("%016x", n)), Shop: ourShop, Type: payment.Deposit,
		Asked: money.Sum{Amount: money.MustParse("10"), Currency: "EUR"}, Created: at, Updated: at,
	}, payment.Checkout)
}

// later moves the clock and has the work done that is due then, and returns how many marks there are.
func (f *fixture) later(after time.Duration) (marks int) {
	f.t.Helper()
	f.now = f.now.Add(after)
	// Transactions of other tests run on the server: it is done when none is left that had begun before.
	for done := false; !done; {
		err := f.keep.Work(f.t.Context(), job.Item{})
		if err != nil && !errors.Is(err, job.ErrMore) {
			f.t.Fatal(err)
		}
		if done = err == nil && !f.keep.until.Before(f.now.Add(-settlesAfter)); !done {
			clear(f.keep.looks)
		}
	}
	err := f.db.View(f.t.Context(), func(tx *store.Tx) error {
		found, err := tx.Tallies().Check(ourShop, 0, 1<<20)
		marks = found.Marks
		if found.Wrong {
			marks = -1
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return marks
}

func (f *fixture) alarms() string {
	f.t.Helper()
	var why []string
	err := f.db.View(f.t.Context(), func(tx *store.Tx) error {
		list, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 10})
		for _, a := range list {
			why = append(why, a.Why)
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Join(why, "; ")
}

// TestPaymentsAreCountedBehindThem: a while after they were created, those of an old database in steps, and those that come late
// together with what they lie below.
func TestPaymentsAreCountedBehindThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d)
		began := f.now
		f.bear(2500, f.now)
		for _, step := range []struct {
			does  string
			after time.Duration
			marks int
		}{{"at once", 0, 0}, {"two minutes later", settlesAfter + time.Second, 2}, {"later", looksSeldom, 2}} {
			if marks := f.later(step.after); marks != step.marks {
				t.Errorf("%s there are %d marks, want %d", step.does, marks, step.marks)
			}
		}
		f.bear(600, began)
		if marks := f.later(looksSeldom); marks != 3 {
			t.Errorf("after 600 were written late there are %d marks, want 3", marks)
		}
		f.now = began.Add(-time.Hour) // the clock is set back
		if marks := f.later(0); marks != 0 {
			t.Errorf("with the clock set back there are %d marks, want none: payments may be born below them", marks)
		}
		if got := f.alarms(); got != "" {
			t.Errorf("a human is told: %s", got)
		}
	})
}

// TestMarksKnowWhatWasChanged a while after it was.
func TestMarksKnowWhatWasChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d)
		f.bear(1500, f.now)
		f.later(settlesAfter + time.Second)
		f.now = f.now.Add(time.Hour)
		f.update(func(tx *store.Tx) {
			p := f.payment(1, f.now.Add(-time.Hour-settlesAfter-time.Second))
			p.Version, p.Updated = 1, f.now
			tx.Payments().Update(&p)
		})
		const knows = `UPDATE payment_mark SET n = n WHERE n = 1000 AND most %s ` // it must hit exactly one row
		at := f.now.UnixMicro()
		d.Exec(fmt.Sprintf(knows+"%d", "<", at))
		f.later(looksSeldom)
		d.Exec(fmt.Sprintf(knows+"%d", ">=", at))
	})
}

// TestACountThatIsWrongIsHeard, is used no more, and made anew: by the work that looks at a little each time, and by a full pass.
func TestACountThatIsWrongIsHeard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d)
		f.bear(2500, f.now)
		if marks := f.later(settlesAfter + time.Second); marks != 2 {
			t.Fatalf("%d marks", marks)
		}
		const lost = `DELETE FROM payment WHERE id = (SELECT MIN(id) FROM payment)`
		d.Exec(lost)
		if f.later(time.Minute); f.alarms() != "payments of a shop were counted wrong: pages far from the top of its lists may have been other ones" {
			t.Errorf("a human is told %q", f.alarms())
		}
		if marks := f.later(looksSeldom); marks != 2 {
			t.Errorf("counted anew there are %d marks, want 2", marks)
		}
		d.Exec(lost)
		for i, want := range []Checked{{0, true}, {0, false}} {
			if found, err := (Checker{f.db, f.keep.c.Bell}).All(t.Context(), ourShop); err != nil || found != want {
				t.Errorf("pass %d: %+v, %v, want %+v", i, found, err, want)
			}
		}
	})
}

// TestHistogramsFollowWhatIsChanged: the work makes them, loses one with a change below its mark, and makes it anew; one that is wrong
// is heard of like a count that is.
func TestHistogramsFollowWhatIsChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d)
		began := f.now
		f.bear(2500, f.now)
		f.later(settlesAfter + time.Second)
		const has = `UPDATE payment_histogram SET n = n WHERE n = 1000 AND %s ` // it must hit exactly one row
		d.Exec(fmt.Sprintf(has, "n > 0"))
		const alter = `UPDATE payment_histogram SET shift = 30 WHERE n = 1000`
		for n := range 2 {
			f.update(func(tx *store.Tx) {
				p := f.payment(1, began)
				p.Version, p.Updated = int64(n)+1, f.now
				tx.Payments().Update(&p)
			})
			d.Exec(alter)
			f.later(looksSeldom)
			d.Exec(fmt.Sprintf(has, "shift < 30"))
		}
		if f.alarms() != "" {
			t.Errorf("a human is told %q", f.alarms())
		}
		d.Exec(alter)
		if found, err := (Checker{f.db, f.keep.c.Bell}).All(t.Context(), ourShop); err != nil || !found.Wrong {
			t.Errorf("%+v, %v", found, err)
		}
		f.later(looksSeldom)
		d.Exec(fmt.Sprintf(has, "shift < 30"))
	})
}

// TestNothingIsCountedBesideAnOlderProgram: it does not say that a payment is late.
func TestNothingIsCountedBesideAnOlderProgram(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		f := newFixture(t, d)
		f.bear(1500, f.now)
		f.update(func(tx *store.Tx) { tx.Nodes().Insert(store.Node{ID: "old", Expires: f.now.Add(time.Hour)}) })
		d.Exec(`UPDATE node SET tells_late = FALSE WHERE id = 'old'`)
		if marks := f.later(settlesAfter + time.Second); marks != 0 {
			t.Errorf("%d marks beside it", marks)
		}
		f.update(func(tx *store.Tx) { tx.Nodes().Delete("old") })
		if marks := f.later(settlesAfter + time.Second); marks != 1 {
			t.Errorf("%d marks when it has gone", marks)
		}
	})
}

// TestWhatIsStillToBeCommittedIsNotCountedOver, however long it takes.
func TestWhatIsStillToBeCommittedIsNotCountedOver(t *testing.T) {
	t.Parallel()
	began := time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)
	var s settled
	read := func(after time.Duration, oldest, next int64) string {
		until, ok := s.read(store.Reading{At: began.Add(after), Oldest: oldest, Next: next})
		if !ok {
			return "nothing"
		}
		return until.Sub(began).String()
	}
	for _, step := range []struct {
		after        time.Duration
		oldest, next int64
		want         string
	}{
		{0, 5, 9, "nothing"},                // 5 runs
		{time.Hour, 5, 20, "nothing"},       // still
		{2 * time.Hour, 20, 30, "59m20s"},   // it has ended, as has all that had begun before the reading an hour ago
		{3 * time.Hour, 40, 40, "2h58m0s"},  // nothing runs
		{time.Hour, 41, 41, "58m0s"},        // the clock was set back
		{2 * time.Hour, 41, 50, "59m20s"},   // one that began after it runs
		{3 * time.Hour, 41, 60, "59m20s"},   // and does not end
		{4 * time.Hour, 61, 62, "2h59m20s"}, // it has ended
	} {
		if got := read(step.after, step.oldest, step.next); got != step.want {
			t.Errorf("at %s everything is written up to %s, want %s", step.after, got, step.want)
		}
	}
}
