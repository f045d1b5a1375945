package job_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

const leaseFor = 10 * time.Second

func TestOneNodeHoldsAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		a := run(t, db, "a", nil)
		within(t, time.Second, "all shards held", func() bool { return len(a.Held()) == store.Shards })
		if fence, ok := a.Holds(7); !ok || fence != 1 {
			t.Errorf("first holder of shard 7: fence %d, %t", fence, ok)
		}
		time.Sleep(10 * time.Minute)
		if len(a.Held()) != store.Shards {
			t.Error("not all held after ten minutes")
		}
		a.end(t)
		b := run(t, db, "b", nil)
		within(t, time.Second, "what was left is held at once", func() bool { return len(b.Held()) == store.Shards })
		if fence, ok := b.Holds(7); !ok || fence != 2 {
			t.Errorf("second holder of shard 7: fence %d, %t", fence, ok)
		}
		b.end(t)
	})
}

func TestNodesShareAndHandOver(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		var h holders
		shares := func(nodes []*running, want ...int) func() bool {
			return func() bool {
				h.check(t, nodes...)
				return slices.Equal(counts(nodes...), want)
			}
		}
		a := run(t, db, "a", nil)
		within(t, time.Second, "64", shares([]*running{a}, 64))
		b := run(t, db, "b", nil)
		t.Log("second node has its part after", within(t, leaseFor/2, "32 each", shares([]*running{a, b}, 32, 32)))
		c := run(t, db, "c", nil)
		t.Log("third node has its part after", within(t, leaseFor/2, "a third each",
			func() bool { return shares([]*running{a, b, c}, 22, 22, 20)() }))
		b.end(t)
		t.Log("a stopped node's part is taken after", within(t, leaseFor/2, "32 each", shares([]*running{a, c}, 32, 32)))
		time.Sleep(time.Minute)
		if !shares([]*running{a, c}, 32, 32)() {
			t.Error("does not stay so:", counts(a, c))
		}
		a.end(t)
		c.end(t)
	})
}

func TestAFrozenNodeLosesItsShardsBeforeTheyAreTaken(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		work := newBook()
		lost := make(chan error, 1)
		stuck := keyIn(0, 1) // shard 0 is among those that the first node keeps
		first := func(ctx context.Context, item job.Item) error {
			<-ctx.Done()
			lost <- context.Cause(ctx)
			return ctx.Err()
		}
		var h holders
		a := run(t, db, "a", []job.Kind{work.kind("a", first)})
		within(t, time.Second, "64", func() bool { return len(a.Held()) == store.Shards })
		b := run(t, db, "b", []job.Kind{work.kind("b", work.finish(0))})
		within(t, leaseFor, "32 each", func() bool { return slices.Equal(counts(a, b), []int{32, 32}) })
		if _, ok := a.Holds(0); !ok {
			t.Fatal("the first node does not hold shard 0")
		}
		work.add(stuck, time.Now())
		a.Wake("work", stuck, 0)
		within(t, time.Second, "work begun", func() bool { return len(work.started()) == 1 })

		a.Freeze(true)
		frozen := time.Now()
		within(t, leaseFor, "let go", func() bool { h.check(t, a, b); return len(a.Held()) == 0 })
		if len(b.Held()) != 32 {
			t.Error("taken over before they were let go")
		}
		if cause := <-lost; !errors.Is(cause, job.ErrLeaseLost) {
			t.Errorf("the handler's context ended with %v", cause)
		}
		within(t, leaseFor, "taken over", func() bool { h.check(t, a, b); return len(b.Held()) == store.Shards })
		if took := time.Since(frozen); took > leaseFor+time.Second {
			t.Errorf("taken over after %s", took)
		} else {
			t.Log("taken over after", took)
		}
		within(t, time.Second, "work done by the other", func() bool { return work.left() == 0 })
		if r := work.row(stuck); r.fails != 0 {
			t.Errorf("losing the lease was counted as %d failures", r.fails)
		}

		a.Freeze(false)
		within(t, leaseFor, "32 each again", func() bool { h.check(t, a, b); return slices.Equal(counts(a, b), []int{32, 32}) })
		a.end(t)
		b.end(t)
	})
}

func TestLeavingShardsFinishWhatRuns(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		work := newBook()
		slow := func(ctx context.Context, item job.Item) error {
			select {
			case <-ctx.Done():
				t.Error("interrupted:", context.Cause(ctx))
			case <-time.After(time.Minute):
			}
			work.done(item.Key)
			return nil
		}
		kind := work.kind("a", slow)
		kind.Concurrency = store.Shards
		for shard := range int64(store.Shards) {
			work.add(keyIn(shard, 1), time.Now())
		}
		var h holders
		a := run(t, db, "a", []job.Kind{kind})
		within(t, time.Second, "all begun", func() bool { return len(work.started()) == store.Shards })
		b := run(t, db, "b", []job.Kind{work.kind("b", work.finish(0))})
		time.Sleep(50 * time.Second)
		if !slices.Equal(counts(a, b), []int{64, 0}) {
			t.Error("shards with running work were given up:", counts(a, b))
		}
		work.add(keyIn(63, 2), time.Now()) // leaving: not begun there any more
		within(t, 20*time.Second, "32 each", func() bool { h.check(t, a, b); return slices.Equal(counts(a, b), []int{32, 32}) })
		within(t, time.Second, "all done", func() bool { return work.left() == 0 })
		if last := work.started()[store.Shards]; last.Node != "b" {
			t.Errorf("begun in a shard that was being given up: %+v", last)
		}
		a.end(t)
		b.end(t)
		if len(work.doubles) > 0 {
			t.Error(work.doubles)
		}
	})
}

func TestAStoppingNodeGivesUpWhatIsIdleAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		work := newBook()
		work.add(keyIn(5, 1), time.Now())
		var h holders
		a := run(t, db, "a", []job.Kind{work.kind("a", work.finish(20*time.Second))})
		within(t, time.Second, "begun", func() bool { return len(work.started()) == 1 })
		b := run(t, db, "b", []job.Kind{work.kind("b", work.finish(0))})
		a.stop()
		within(t, leaseFor/2, "all but one", func() bool { h.check(t, a, b); return slices.Equal(counts(a, b), []int{1, 63}) })
		time.Sleep(5 * time.Second)
		if _, ok := a.Holds(5); !ok {
			t.Error("the shard of what runs was given up")
		}
		within(t, 20*time.Second, "all", func() bool { h.check(t, a, b); return len(b.Held()) == store.Shards })
		a.end(t)
		b.end(t)
		if len(work.started()) != 1 || work.left() != 0 {
			t.Errorf("starts %v, %d left", work.started(), work.left())
		}
	})
}

func TestTheWorkOfADeadNodeIsPickedUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		// A process that was killed leaves its row and its leases behind.
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			tx.Nodes().Insert(store.Node{ID: "dead", Expires: tx.Now().Add(8 * time.Second)})
			for shard := range int64(store.Shards) {
				tx.Leases().Take(store.Lease{Shard: shard}, "dead")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		work := newBook()
		for n := range 200 {
			work.add(fmt.Sprint("key", n), time.Now())
		}
		killed := time.Now()
		a := run(t, db, "a", []job.Kind{work.kind("a", work.finish(time.Millisecond))})
		within(t, leaseFor+time.Second, "work done", func() bool { return work.left() == 0 })
		t.Log("all work of a dead node done after", time.Since(killed))
		a.end(t)
	})
}

// TestClocksMayDiffer has two nodes whose clocks differ by almost as much as is allowed.
func TestClocksMayDiffer(t *testing.T) {
	t.Parallel()
	opts := storetest.New(t, store.Postgres).Options()
	synctest.Test(t, func(t *testing.T) {
		start := func(name string, ahead time.Duration) (*running, *store.DB) {
			own := opts
			own.Now = func() time.Time { return time.Now().Add(ahead) }
			db, err := store.Open(t.Context(), own)
			if err != nil {
				t.Fatal(err)
			}
			return run(t, db, name, nil, func(o *job.Options) { o.Now = own.Now }), db
		}
		var h holders
		slow, db := start("slow", 0)
		defer db.Close()
		fast, other := start("fast", leaseFor/4-100*time.Millisecond)
		defer other.Close()
		even := func() bool { h.check(t, slow, fast); return slices.Equal(counts(slow, fast), []int{32, 32}) }
		within(t, leaseFor, "32 each", even)
		slow.Freeze(true)
		within(t, leaseFor, "taken over early", func() bool { h.check(t, slow, fast); return len(fast.Held()) == store.Shards })
		slow.Freeze(false)
		within(t, leaseFor, "32 each again", even)
		fast.Freeze(true)
		within(t, 2*leaseFor, "taken over late", func() bool { h.check(t, slow, fast); return len(slow.Held()) == store.Shards })
		slow.end(t)
		fast.end(t)
	})
}

// TestManyNodes lets nodes join, stop, freeze and thaw in any order, with work running,
// and looks all the time for a shard with two holders.
func TestManyNodes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, db *store.DB) {
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
			var h holders
			var alive, all []*running
			work := newBook()
			steps := rapid.SliceOfN(rapid.IntRange(0, 99), 1, 12).Draw(rt, "steps")
			frozen := map[*running]bool{}
			for i, step := range steps {
				switch pick := step / 5; {
				case step%5 <= 1 && len(alive) < 5:
					name := fmt.Sprintf("n%d", i)
					n := run(t, db, name, []job.Kind{work.kind(name, work.finish(30*time.Millisecond))})
					alive, all = append(alive, n), append(all, n)
				case len(alive) == 0:
				case step%5 == 2:
					at := pick % len(alive)
					alive[at].end(t)
					alive = slices.Delete(alive, at, at+1)
				default:
					n := alive[pick%len(alive)]
					frozen[n] = !frozen[n]
					n.Freeze(frozen[n])
				}
				wait := rapid.SampledFrom([]int{0, 100, 1900, 2100, 5600, 8100, 12000}).Draw(rt, "ms")
				for range wait/250 + 1 {
					work.add(fmt.Sprint("w", i, wait), time.Now())
					time.Sleep(250 * time.Millisecond)
					h.check(rt, all...)
				}
			}
			for _, n := range alive {
				n.end(t)
			}
			if len(work.doubles) > 0 {
				rt.Errorf("ran twice at once: %v", work.doubles)
			}
		})
	})
}
