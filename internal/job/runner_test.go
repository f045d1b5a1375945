package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
)

// withNext gives a runner the one question for all kinds.
func withNext(b *book) func(*job.Options) { return func(o *job.Options) { o.Next = b.next } }

// noJitter takes nothing off waits.
func noJitter(o *job.Options) { o.Random = strings.NewReader("") }

func TestWorkRunsWhenItIsDue(t *testing.T) {
	alone(t, func(t *testing.T) {
		work, begin := newBook(), time.Now()
		work.add("past", begin.Add(-time.Hour))
		for _, ms := range []int{1500, 1500, 1730, 30_005} {
			work.add(fmt.Sprint("in ", ms), begin.Add(time.Duration(ms)*time.Millisecond))
		}
		r := run(t, nil, "a", []job.Kind{work.kind("a", work.finish(0))}, withNext(work))
		time.Sleep(time.Minute)
		r.end(t)
		want := []start{
			{"a", "past", begin},
			{"a", "in 1500", begin.Add(1500 * time.Millisecond)},
			{"a", "in 1730", begin.Add(1730 * time.Millisecond)},
			{"a", "in 30005", begin.Add(30_005 * time.Millisecond)},
		}
		if diff := cmp.Diff(want, work.started()); diff != "" {
			t.Error("starts (-want +got):\n" + diff)
		}
	})
}

func TestWakeIsImmediate(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		r := run(t, nil, "a", []job.Kind{work.kind("a", work.finish(0))}, withNext(work))
		time.Sleep(300 * time.Millisecond)
		before := work.questions()
		work.add("now", time.Now())
		for range 1000 {
			r.Wake("work", "now", store.ShardOf("now"))
		}
		synctest.Wait()
		if work.left() != 0 {
			t.Error("not done at once")
		}
		time.Sleep(100 * time.Millisecond)
		// The runner works beside the loop, so how many wakes come to one look is up to the scheduler.
		if asked := work.questions() - before; asked > 20 {
			t.Errorf("1000 wakes made %d questions", asked)
		}
		r.Wake("nothing of the kind", "x", 1)
		r.end(t)
	})
}

func TestAWakeDuringARunIsNotLost(t *testing.T) {
	alone(t, func(t *testing.T) {
		work, begin := newBook(), time.Now()
		work.add("key", begin)
		r := run(t, nil, "a", []job.Kind{work.kind("a", func(_ context.Context, item job.Item) error {
			time.Sleep(100 * time.Millisecond)
			if time.Since(begin) > 150*time.Millisecond {
				work.done(item.Key)
			}
			return nil // the first time it is still due
		})}, withNext(work))
		time.Sleep(50 * time.Millisecond)
		r.Wake("work", "key", store.ShardOf("key"))
		time.Sleep(160 * time.Millisecond)
		if work.left() != 0 {
			t.Error("not run again right after the run that the wake fell into")
		}
		r.end(t)
		if len(work.doubles) > 0 {
			t.Error(work.doubles)
		}
	})
}

func TestAHandlerThatGetsNoFurtherIsSlowedDown(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		work.add("stays due", time.Now())
		r := run(t, nil, "a", []job.Kind{work.kind("a", func(context.Context, job.Item) error { return nil })}, withNext(work))
		time.Sleep(10*time.Second + 500*time.Millisecond)
		r.end(t)
		if n := len(work.started()); n < 5 || n > 11 {
			t.Errorf("ran %d times in 10 s", n)
		}
	})
}

func TestMoreRunsAgainAtOnceAndInTurn(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		for _, key := range []string{"a", "b"} {
			work.add(key, time.Now())
		}
		var runs atomic.Int64
		kind := work.kind("a", func(_ context.Context, item job.Item) error {
			time.Sleep(10 * time.Millisecond)
			if runs.Add(1) > 8 {
				work.done(item.Key)
				return nil
			}
			return fmt.Errorf("part: %w", job.ErrMore)
		})
		kind.Concurrency = 1
		r := run(t, nil, "a", []job.Kind{kind})
		time.Sleep(200 * time.Millisecond)
		if work.left() != 0 {
			t.Errorf("%d left", work.left())
		}
		var keys []string
		for _, s := range work.started() {
			keys = append(keys, s.Key)
		}
		for i := 2; i < 8; i++ {
			if keys[i] == keys[i-1] {
				t.Errorf("not in turn: %v", keys)
				break
			}
		}
		if s := r.Stats().Kinds[0]; s.Failed != 0 {
			t.Errorf("counted as failed: %+v", s)
		}
		r.end(t)
	})
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(context.Context, job.Item) error
	}{
		{"errors", func(context.Context, job.Item) error { return errors.New("no") }},
		{"panics", func(context.Context, job.Item) error { panic("no") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				work, begin := newBook(), time.Now()
				work.add("key", begin)
				r := run(t, nil, "a", []job.Kind{work.kind("a", c.run)}, withNext(work), noJitter, func(o *job.Options) {
					o.PollEvery = time.Minute // 72 hours of seconds would take long even in fake time
				})
				time.Sleep(72 * time.Hour)
				var waits []time.Duration
				last := begin
				for _, s := range work.started() {
					waits = append(waits, s.At.Sub(last))
					last = s.At
				}
				want := []time.Duration{
					0, time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute,
					time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
				}
				if diff := cmp.Diff(want, waits); diff != "" {
					t.Error("waits (-want +got):\n" + diff)
				}
				if row := work.row("key"); !row.due.IsZero() || row.fails != 11 {
					t.Errorf("not parked: %+v", row)
				}
				want1 := job.KindStats{Name: "work", Failed: 11, Parked: 1}
				if diff := cmp.Diff(want1, r.Stats().Kinds[0]); diff != "" {
					t.Error("stats (-want +got):\n" + diff)
				}
				r.end(t)
			})
		})
	}
}

func TestAFailureThatCannotBeRecordedIsTriedAgain(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		work.add("key", time.Now())
		kind := work.kind("a", func(context.Context, job.Item) error { return errors.New("database away") })
		kind.Failed = func(context.Context, job.Item, error, time.Time) error { return errors.New("database away") }
		r := run(t, nil, "a", []job.Kind{kind}, withNext(work))
		time.Sleep(10*time.Second + 500*time.Millisecond)
		r.end(t)
		if n := len(work.started()); n < 5 || n > 11 {
			t.Errorf("ran %d times in 10 s", n)
		}
	})
}

func TestABacklogIsWorkedOffWithoutPauses(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		for n := range 10_000 {
			work.add(fmt.Sprint(n), time.Now().Add(-time.Duration(n)*time.Second))
		}
		var most, current atomic.Int64
		kind := work.kind("a", func(_ context.Context, item job.Item) error {
			most.Store(max(most.Load(), current.Add(1)))
			defer current.Add(-1)
			time.Sleep(time.Millisecond)
			work.done(item.Key)
			return nil
		})
		kind.Concurrency, kind.Limit = 20, 100
		begin := time.Now()
		r := run(t, nil, "a", []job.Kind{kind}, withNext(work))
		within(t, time.Minute, "done", func() bool { return work.left() == 0 })
		// 10,000 at 20 a millisecond are 500 ms.
		if took := time.Since(begin); took > 600*time.Millisecond {
			t.Errorf("took %s", took)
		}
		if n := most.Load(); n != 20 {
			t.Errorf("at most %d at a time, want 20", n)
		}
		for _, s := range work.started()[:20] {
			if len(s.Key) != 4 || s.Key < "9980" {
				t.Errorf("began with %s, not with the longest due", s.Key)
			}
		}
		if n := len(work.started()); n != 10_000 || len(work.doubles) > 0 {
			t.Errorf("%d runs, twice at once: %v", n, work.doubles)
		}
		r.end(t)
	})
}

func TestOneKeyNeverRunsTwiceAtOnce(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		kind := work.kind("a", work.finish(7*time.Millisecond))
		r := run(t, nil, "a", []job.Kind{kind}, withNext(work))
		for n := range 2000 {
			key := fmt.Sprint("key", n%6)
			work.add(key, time.Now())
			r.Wake("work", key, store.ShardOf(key))
			if n%3 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		within(t, 5*time.Second, "done", func() bool { return work.left() == 0 })
		r.end(t)
		if len(work.doubles) > 0 {
			t.Error(work.doubles)
		}
	})
}

func TestASlowKindDelaysNoOther(t *testing.T) {
	alone(t, func(t *testing.T) {
		slow, quick := newBook(), newBook()
		kinds := []job.Kind{slow.kind("a", slow.finish(time.Hour)), quick.kind("a", quick.finish(0))}
		kinds[0].Name = "slow"
		for n := range 100 {
			slow.add(fmt.Sprint(n), time.Now())
		}
		r := run(t, nil, "a", kinds)
		time.Sleep(1300 * time.Millisecond) // between two polls: looks at the very same instant are kept apart
		quick.add("key", time.Now())
		r.Wake("work", "key", store.ShardOf("key"))
		synctest.Wait()
		if quick.left() != 0 {
			t.Error("not done at once")
		}
		want := []job.KindStats{
			{Name: "slow", Running: 4, Waiting: 12, Oldest: slow.started()[0].At},
			{Name: "work", Done: 1},
		}
		if diff := cmp.Diff(want, r.Stats().Kinds); diff != "" {
			t.Error("stats (-want +got):\n" + diff)
		}
		r.end(t)
	})
}

func TestStopWaitsForWhatRuns(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		work.add("ends in time", time.Now())
		work.add("too slow", time.Now())
		causes := map[string]error{}
		kind := work.kind("a", func(ctx context.Context, item job.Item) error {
			took := 20 * time.Second
			if item.Key == "too slow" {
				took = time.Hour
			}
			select {
			case <-time.After(took):
				work.done(item.Key)
			case <-ctx.Done():
				causes[item.Key] = context.Cause(ctx)
			}
			return ctx.Err()
		})
		r := run(t, nil, "a", []job.Kind{kind})
		time.Sleep(time.Second)
		begin := time.Now()
		r.stop()
		time.Sleep(time.Second)
		work.add("too late", time.Now())
		r.end(t)
		if took := time.Since(begin); took != 30*time.Second {
			t.Errorf("took %s", took)
		}
		if diff := cmp.Diff(map[string]string{"too slow": job.ErrStopping.Error()}, texts(causes)); diff != "" {
			t.Error("interrupted (-want +got):\n" + diff)
		}
		if len(work.started()) != 2 || work.row("too slow").fails != 0 {
			t.Errorf("%d started, %+v", len(work.started()), work.row("too slow"))
		}
	})
}

func texts(errs map[string]error) map[string]string {
	list := map[string]string{}
	for key, err := range errs {
		list[key] = err.Error()
	}
	return list
}

func TestIdleCost(t *testing.T) {
	t.Parallel()
	const seconds = 300
	t.Run("exclusive", func(t *testing.T) {
		alone(t, func(t *testing.T) {
			work := newBook()
			work.add("far", time.Now().Add(time.Hour))
			kinds := []job.Kind{work.kind("a", work.finish(0)), work.kind("a", work.finish(0)), work.kind("a", work.finish(0))}
			kinds[1].Name, kinds[2].Name = "more", "most"
			r := run(t, nil, "a", kinds, withNext(work))
			time.Sleep(seconds * time.Second)
			synctest.Wait() // a poll comes at this very instant: both counts are to be from before it or after it
			if n := work.questions(); n > seconds+len(kinds)+1 {
				t.Errorf("%d questions in %d s", n, seconds)
			}
			if got, want := r.Stats().Queries, uint64(work.questions()); got != want {
				t.Errorf("counted %d queries, want %d", got, want)
			}
			r.end(t)
		})
	})
	bubble(t, func(t *testing.T, db *store.DB) {
		work := newBook()
		var nodes []*running
		for _, name := range []string{"a", "b"} {
			nodes = append(nodes, run(t, db, name, []job.Kind{work.kind(name, work.finish(0))}, withNext(work)))
			time.Sleep(300 * time.Millisecond) // renewals at the very same instant can get in each other's way
		}
		within(t, leaseFor, "32 each", func() bool { return slices.Equal(counts(nodes...), []int{32, 32}) })
		asked, before, writes := work.questions(), nodes[0].Stats().Queries, db.Stats().Sets
		time.Sleep(seconds * time.Second)
		if n := work.questions() - asked; n > 2*seconds+2 {
			t.Errorf("two nodes asked %d questions in %d s", n, seconds)
		}
		t.Logf("in %d s: one node %d queries, both %d writes", seconds, nodes[0].Stats().Queries-before, db.Stats().Sets-writes)
		// A question a second, a renewal every two, and now and then a look at the nodes.
		if n := nodes[0].Stats().Queries - before; n > seconds*17/10 {
			t.Errorf("one node made %d queries in %d s", n, seconds)
		}
		for _, n := range nodes {
			n.end(t)
		}
	})
}

func TestTroubleWithTheStoreIsSurvived(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		var away atomic.Bool
		away.Store(true)
		kind := work.kind("a", work.finish(0))
		kind.Due = func(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
			if away.Load() {
				return nil, errors.New("database away")
			}
			return work.due(ctx, shards, before, limit)
		}
		work.add("key", time.Now())
		r := run(t, nil, "a", []job.Kind{kind}, withNext(work))
		time.Sleep(time.Minute)
		if n := r.Stats().Queries; n > 2*60+2 {
			t.Errorf("%d queries in a minute of trouble", n)
		}
		away.Store(false)
		within(t, 1100*time.Millisecond, "done", func() bool { return work.left() == 0 })
		r.end(t)
	})
}

func TestTheDatabaseMayGoAwayForAWhile(t *testing.T) {
	t.Parallel()
	bubbleWith(t, func() (func(*store.Options), func(*testing.T, *store.DB)) {
		away := new(atomic.Bool)
		fault := func(p store.FaultPoint, _ []string) error {
			if p == store.FaultBeforeGroup && away.Load() {
				return errors.New("away")
			}
			return nil
		}
		return func(o *store.Options) { o.Fault = fault }, func(t *testing.T, db *store.DB) { loseAndRegain(t, db, away) }
	})
}

// loseAndRegain runs one node on a database that goes away where the switch says so.
func loseAndRegain(t *testing.T, db *store.DB, away *atomic.Bool) {
	work := newBook()
	a := run(t, db, "a", []job.Kind{work.kind("a", work.finish(0))})
	within(t, time.Second, "64", func() bool { return len(a.Held()) == store.Shards })
	away.Store(true)
	time.Sleep(3 * time.Second)
	if len(a.Held()) != store.Shards {
		t.Error("let go at the first trouble")
	}
	within(t, 4*time.Second, "let go", func() bool { return len(a.Held()) == 0 })
	away.Store(false)
	within(t, time.Second, "held again", func() bool { return len(a.Held()) == store.Shards })
	if fence, _ := a.Holds(3); fence != 1 {
		t.Errorf("nobody else came, but the fence is %d", fence)
	}
	a.end(t)
}

func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	bubbleWith(t, func() (func(*store.Options), func(*testing.T, *store.DB)) {
		n := new(atomic.Int64)
		fault := func(p store.FaultPoint, _ []string) error {
			// Of three acknowledgements one is lost with its commit and one without; the third comes.
			if p == store.FaultBeforeCommit && n.Add(1)%3 == 1 || p == store.FaultAfterCommit && n.Load()%3 == 2 {
				return errors.New("lost")
			}
			return nil
		}
		return func(o *store.Options) { o.Fault = fault }, shareThoughAnswersAreLost
	})
}

func shareThoughAnswersAreLost(t *testing.T, db *store.DB) {
	var h holders
	a, b := run(t, db, "a", nil), run(t, db, "b", nil)
	within(t, leaseFor, "32 each", func() bool { h.check(t, a, b); return slices.Equal(counts(a, b), []int{32, 32}) })
	for range 60 {
		time.Sleep(time.Second)
		h.check(t, a, b)
	}
	a.end(t)
	within(t, leaseFor, "64", func() bool { h.check(t, a, b); return len(b.Held()) == store.Shards })
	b.end(t)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	work := newBook()
	good := work.kind("a", work.finish(0))
	broken := good
	broken.Failed = nil
	for _, c := range []struct {
		name string
		opts job.Options
	}{
		{"sharing without a database", job.Options{Node: "a", Kinds: []job.Kind{good}}},
		{"a kind twice", job.Options{Exclusive: true, Kinds: []job.Kind{good, good}}},
		{"a kind without a function", job.Options{Exclusive: true, Kinds: []job.Kind{broken}}},
	} {
		if _, err := job.New(c.opts); err == nil {
			t.Errorf("accepted: %s", c.name)
		}
	}
}
