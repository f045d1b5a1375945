package job_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// TestPanicsEndNothing: each function of a kind panics for a while, and the work is done afterwards. A human is told once
// that due work cannot be read.
func TestPanicsEndNothing(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		var due, next, handler, failed atomic.Bool
		due.Store(true)
		blow := func(b *atomic.Bool) {
			if b.Load() {
				panic("content")
			}
		}
		var told, panics atomic.Int64
		kind := work.kind("a", func(ctx context.Context, i job.Item) error {
			blow(&handler)
			return work.finish(0)(ctx, i)
		})
		kind.Due = func(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
			blow(&due)
			return work.due(ctx, shards, before, limit)
		}
		kind.Failed = func(ctx context.Context, i job.Item, err error, at time.Time) error {
			if rescue.From(err) != nil {
				panics.Add(1)
			}
			blow(&failed)
			return work.failed(ctx, i, err, at)
		}
		r := run(t, nil, "a", []job.Kind{kind}, func(o *job.Options) {
			o.Next = func(ctx context.Context, shards []int64) (map[string]time.Time, error) {
				blow(&next)
				return work.next(ctx, shards)
			}
			o.Alarm = func(_ context.Context, kind string, err error) {
				if kind == "work" && rescue.From(err) != nil {
					told.Add(1)
				}
			}
		})
		work.add("key", time.Now())
		time.Sleep(time.Minute)
		if told.Load() != 1 {
			t.Errorf("told %d times that due work cannot be read", told.Load())
		}
		due.Store(false)
		next.Store(true)
		time.Sleep(10 * time.Second)
		next.Store(false)
		handler.Store(true)
		failed.Store(true)
		work.add("other", time.Now())
		time.Sleep(10 * time.Second)
		if panics.Load() == 0 {
			t.Error("the handler's panics were no failures")
		}
		failed.Store(false)
		handler.Store(false)
		within(t, time.Minute, "done", func() bool { return work.left() == 0 })
		r.end(t)
	})
}

// TestADatabaseThatIsAwayIsNoAlarm: that passes by itself.
func TestADatabaseThatIsAwayIsNoAlarm(t *testing.T) {
	alone(t, func(t *testing.T) {
		work := newBook()
		var told atomic.Int64
		kind := work.kind("a", work.finish(0))
		kind.Due = func(context.Context, []int64, time.Time, int) ([]job.Item, error) {
			return nil, fmt.Errorf("due: %w", errors.Join(store.ErrUnavailable))
		}
		r := run(t, nil, "a", []job.Kind{kind}, func(o *job.Options) {
			o.Alarm = func(context.Context, string, error) { told.Add(1) }
		})
		time.Sleep(time.Minute)
		if told.Load() != 0 {
			t.Errorf("told %d times", told.Load())
		}
		r.end(t)
	})
}
