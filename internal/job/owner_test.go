package job_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/store"
)

// owned makes what stands before the dot of a key its owner, and reads the first item of each owner before any second one.
func owned(k job.Kind) job.Kind {
	due := k.Due
	k.Due = func(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
		items, err := due(ctx, shards, before, 1<<20)
		place := map[string]int{}
		for i := range items {
			owner, _, _ := strings.Cut(items[i].Key, ".")
			items[i].Owner, items[i].Value = owner, place[owner]
			place[owner]++
		}
		slices.SortStableFunc(items, func(a, b job.Item) int { return cmp.Compare(a.Value.(int), b.Value.(int)) })
		return items[:min(limit, len(items))], err
	}
	return k
}

// TestOneOwnerDoesNotTakeEveryHandler: one owner's work that hangs fills neither the handlers nor what is read ahead; work
// of others begins as soon as it comes.
func TestOneOwnerDoesNotTakeEveryHandler(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		for n := range 1000 {
			work.add(fmt.Sprintf("hog.%d", n), time.Now().Add(-time.Hour))
		}
		release := make(chan struct{})
		var hangs atomic.Int64
		kind := owned(work.kind("a", func(_ context.Context, item job.Item) error {
			if item.Owner == "hog" {
				hangs.Add(1)
				<-release
				hangs.Add(-1)
			}
			work.done(item.Key)
			return nil
		}))
		kind.Concurrency, kind.Limit = 8, 32
		r := run(t, nil, "a", []job.Kind{kind}, withNext(work))
		within(t, time.Minute, "begun", func() bool { return hangs.Load() >= 4 })
		for n := range 50 {
			for _, owner := range []string{"shop", "other"} {
				key := fmt.Sprintf("%s.%d", owner, n)
				work.add(key, time.Now())
				r.Wake("work", key, store.ShardOf(key))
			}
		}
		within(t, time.Minute, "done beside it", func() bool { return work.left() == 1000 })
		if n := hangs.Load(); n != 4 {
			t.Errorf("the one that hangs has %d of 8 handlers", n)
		}
		if s := r.Stats().Kinds[0]; s.Running != 4 || s.Waiting > 64 {
			t.Errorf("%+v", s)
		}
		close(release)
		within(t, time.Minute, "all done", func() bool { return work.left() == 0 })
		r.end(t)
		if n := len(work.started()); n != 1100 || len(work.doubles) > 0 {
			t.Errorf("%d runs, twice at once: %v", n, work.doubles)
		}
	})
}

// TestOwnersTakeTurns where several have more than they get, also where there are fewer handlers than owners.
func TestOwnersTakeTurns(t *testing.T) {
	for _, handlers := range []int{12, 2} {
		t.Run(fmt.Sprint(handlers, " handlers"), func(t *testing.T) { takeTurns(t, handlers) })
	}
}

func takeTurns(t *testing.T, handlers int) {
	t.Helper()
	alone(t, func(t *testing.T) {
		work := newBook()
		for n := range 300 {
			for _, owner := range []string{"a", "b", "c"} {
				if owner != "c" || n < 30 {
					work.add(fmt.Sprintf("%s.%d", owner, n), time.Now().Add(-time.Hour))
				}
			}
		}
		kind := owned(work.kind("a", work.finish(10*time.Millisecond)))
		kind.Concurrency, kind.Limit = handlers, 24
		r := run(t, nil, "a", []job.Kind{kind}, withNext(work))
		within(t, time.Minute, "done", func() bool { return work.left() == 0 })
		r.end(t)
		begun := 0
		for at, s := range work.started() {
			if strings.HasPrefix(s.Key, "c.") {
				if begun++; at > 5*begun+handlers { // a third of what began until then, or so
					t.Errorf("number %d of the smallest owner began as number %d", begun, at)
				}
			}
		}
		if begun != 30 {
			t.Errorf("%d of 30 of the smallest owner have begun", begun)
		}
		if n := len(work.started()); n != 630 || len(work.doubles) > 0 {
			t.Errorf("%d runs, twice at once: %v", n, work.doubles)
		}
	})
}
