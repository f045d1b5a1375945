package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

// Work is the due work of telling what could not be told: its name is the caller's.
func (o *Outbox) Work(name string) job.Kind {
	return job.Kind{Name: name, Concurrency: 2, Due: o.due, Run: o.work, Failed: o.postpone}
}

func (o *Outbox) due(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	var items []job.Item
	err := o.DB.View(ctx, func(tx *store.Tx) error {
		due, err := tx.UntoldFacts().Due(shards, before, limit)
		items = make([]job.Item, len(due))
		for i, u := range due {
			items[i] = job.Item{
				Key: string(u.Payment) + "/" + u.Dialect, Shard: store.ShardOf(string(u.Payment)), Due: u.Due, Fails: u.Fails, Value: u,
			}
		}
		return err
	})
	return items, err
}

func (o *Outbox) work(ctx context.Context, i job.Item) error {
	u, ok := i.Value.(store.Untold)
	if !ok {
		return fmt.Errorf("work on events got %T", i.Value)
	}
	return o.wordAgain(ctx, u.Shop, u.Payment, u.Dialect)
}

// postpone is for what keeps the transaction from being run, such as a database that is away.
func (o *Outbox) postpone(ctx context.Context, i job.Item, cause error, _ time.Time) error {
	u, ok := i.Value.(store.Untold)
	if !ok {
		return fmt.Errorf("work on events got %T", i.Value)
	}
	var alarms []alarm.Alarm
	err := o.DB.Update(ctx, func(tx *store.Tx) error {
		alarms = nil
		if rescue.From(cause) != nil {
			alarms = append(alarms, aboutEvent(u.Shop, u.Payment, u.Dialect, whyEventPanics).Of(cause))
		}
		rows, err := tx.UntoldFacts().Of(u.Shop, u.Payment)
		if err != nil {
			return err
		}
		for j := range rows {
			row := &rows[j]
			if row.Dialect != u.Dialect || row.Number != u.Number {
				continue
			}
			row.Fails++
			row.Error, row.Due = alarm.Text(cause.Error()), tx.Now().Add(untoldWait(row.Fails, o))
			tx.UntoldFacts().Update(row)
			if row.Fails == stillUntold {
				alarms = append(alarms, aboutEvent(u.Shop, u.Payment, u.Dialect, whyStillUntold).Of(cause))
			}
		}
		o.Bell.Write(tx, alarms...)
		return nil
	})
	if err == nil {
		o.Bell.Tell(ctx, alarms...)
	}
	return err
}
