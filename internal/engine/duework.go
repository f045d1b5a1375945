package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// Names of the kinds of work that the engine does.
const (
	WorkPayments = "payments"
	WorkNotices  = "notices"
	WorkUntold   = "events" // that could not be put into words
)

// paymentsAtOnce leaves room for others when some terminals have all their turns taken.
const paymentsAtOnce = 8 * job.TurnsAtOnce

// DueWork is what a runner is given of the engine's.
type DueWork struct {
	// Kinds are the work on payments, on notices that wait for theirs, and on events that wait for their words.
	Kinds []job.Kind
	// Next tells in one question when each kind of work is due first.
	Next func(ctx context.Context, shards []int64) (map[string]time.Time, error)
	// Unread tells a human that due work of a kind cannot be read.
	Unread func(ctx context.Context, kind string, err error)
}

// DueWork is the work that comes due. Two kinds that it looks for are not the engine's, and are called as others do: sealing,
// and deliveries, which are looked at whenever any is open.
func (e *Engine) DueWork(sealing, deliveries string) DueWork {
	return DueWork{Kinds: e.kinds(), Next: e.nextWork(sealing, deliveries), Unread: e.workUnread}
}

func (e *Engine) kinds() []job.Kind {
	return []job.Kind{
		{Name: WorkPayments, Concurrency: paymentsAtOnce, Due: e.duePayments, Run: e.workPayment, Failed: e.postponePayment},
		{Name: WorkNotices, Concurrency: 4, Due: e.dueNotices, Run: e.workNotice, Failed: e.postponeNotice},
		e.outbox.Work(WorkUntold),
	}
}

// longestLease bounds where Relieve looks; what is leased for longer is looked at when that is over.
const longestLease = 10 * time.Minute

// Relieve makes calls that a dead process left open due at once, instead of when their leases end. It has to be called
// before this process gives its first command, and does nothing where other processes may live.
func (e *Engine) Relieve(ctx context.Context) error {
	if !e.c.Exclusive {
		return nil
	}
	return storeError(e.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Payments().HurryAbandoned(tx.Now().Add(longestLease))
		return nil
	}))
}

func (e *Engine) duePayments(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	var items []job.Item
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
		due, err := tx.Payments().Due(shards, before, limit)
		items = make([]job.Item, len(due))
		for i, d := range due {
			items[i] = job.Item{Key: string(d.ID), Shard: store.ShardOf(string(d.ID)), Due: d.Due, Fails: d.Fails, Value: d}
		}
		return err
	})
	return items, err
}

func (e *Engine) workPayment(ctx context.Context, i job.Item) error {
	d, ok := i.Value.(store.DuePayment)
	if !ok {
		return fmt.Errorf("work on payments got %T", i.Value)
	}
	return e.Work(ctx, d.Shop, d.ID)
}

func (e *Engine) postponePayment(ctx context.Context, i job.Item, cause error, next time.Time) error {
	d, ok := i.Value.(store.DuePayment)
	if !ok {
		return fmt.Errorf("work on payments got %T", i.Value)
	}
	var alarms []alarm.Alarm
	err := e.c.DB.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Payments().Get(d.Shop, d.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case store.Away(err):
			return err
		case err != nil: // what the row holds cannot be read, which must not have it looked at again and again
			tx.Payments().PostponeUnread(&d, next)
		case tx.MaybeCommitted() && p.DueFails > d.Fails:
			return nil // it was
		default:
			tx.Payments().Postpone(&p, next)
		}
		alarms = failed(alarm.Alarm{Shop: d.Shop, About: alarm.Payment, Subject: string(d.ID)}, cause, err, next)
		e.bell.Write(tx, alarms...)
		return nil
	})
	if err == nil {
		e.bell.Tell(ctx, alarms...)
	}
	return err
}

// failed is what a human is told about work on a payment that has failed; unread is why it cannot even be read.
func failed(a alarm.Alarm, cause, unread error, next time.Time) []alarm.Alarm {
	switch {
	case unread != nil:
		a.Why, cause = whyUnreadable, unread
	case next.IsZero():
		a.Why = whyParked
	case rescue.From(cause) != nil:
		a.Why = whyWorkPanics
	default:
		return nil
	}
	return []alarm.Alarm{a.Of(cause)}
}

func (e *Engine) dueNotices(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	var items []job.Item
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
		due, err := tx.Notices().Due(shards, before, limit)
		items = make([]job.Item, len(due))
		for i, n := range due {
			items[i] = job.Item{Key: n.Terminal + "/" + n.Key, Shard: store.ShardOf(n.Key), Due: n.Due, Fails: n.Fails, Value: n}
		}
		return err
	})
	return items, err
}

func (e *Engine) workNotice(ctx context.Context, i job.Item) error {
	n, ok := i.Value.(store.Notice)
	if !ok {
		return fmt.Errorf("work on notices got %T", i.Value)
	}
	return e.RetryNotice(ctx, n)
}

func (e *Engine) postponeNotice(ctx context.Context, i job.Item, cause error, next time.Time) error {
	n, ok := i.Value.(store.Notice)
	if !ok {
		return fmt.Errorf("work on notices got %T", i.Value)
	}
	e.c.Log.WarnContext(ctx, "notice not booked", "terminal_id", n.Terminal, "notice", n.Key, "error", cause)
	var alarms []alarm.Alarm
	if next.IsZero() {
		alarms = append(alarms, aboutNotice(n.Shop, n.Terminal, n.Key, whyNoticeParked).Of(cause))
	} else if rescue.From(cause) != nil {
		alarms = append(alarms, aboutNotice(n.Shop, n.Terminal, n.Key, whyNoticePanics).Of(cause))
	}
	err := e.c.DB.Update(ctx, func(tx *store.Tx) error {
		tx.Notices().Postpone(&n, next)
		e.bell.Write(tx, alarms...)
		return nil
	})
	if err == nil {
		e.bell.Tell(ctx, alarms...)
	}
	return err
}

func (e *Engine) nextWork(sealing, deliveries string) func(context.Context, []int64) (map[string]time.Time, error) {
	return func(ctx context.Context, shards []int64) (map[string]time.Time, error) {
		var n store.NextDue
		err := e.c.DB.View(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Work().Next(shards)
			return err
		})
		next := map[string]time.Time{}
		for kind, at := range map[string]time.Time{WorkPayments: n.Payment, WorkNotices: n.Notice, WorkUntold: n.Untold, sealing: n.Sealing} {
			if !at.IsZero() {
				next[kind] = at
			}
		}
		if n.Deliveries {
			next[deliveries] = e.Now()
		}
		return next, err
	}
}
