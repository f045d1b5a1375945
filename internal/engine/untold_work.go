package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/store"
)

func (e *Engine) dueUntold(ctx context.Context, shards []int64, before time.Time, limit int) ([]job.Item, error) {
	var items []job.Item
	err := e.c.DB.View(ctx, func(tx *store.Tx) error {
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

func (e *Engine) workUntold(ctx context.Context, i job.Item) error {
	u, ok := i.Value.(store.Untold)
	if !ok {
		return fmt.Errorf("work on events got %T", i.Value)
	}
	return e.WordAgain(ctx, u.Shop, u.Payment, u.Dialect)
}

// postponeUntold is for what keeps the transaction from being run, such as a database that is away.
func (e *Engine) postponeUntold(ctx context.Context, i job.Item, cause error, _ time.Time) error {
	u, ok := i.Value.(store.Untold)
	if !ok {
		return fmt.Errorf("work on events got %T", i.Value)
	}
	var alarms []alarm.Alarm
	err := e.c.DB.Update(ctx, func(tx *store.Tx) error {
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
			row.Error, row.Due = alarm.Text(cause.Error()), tx.Now().Add(untoldWait(row.Fails, e))
			tx.UntoldFacts().Update(row)
			if row.Fails == stillUntold {
				alarms = append(alarms, aboutEvent(u.Shop, u.Payment, u.Dialect, whyStillUntold).Of(cause))
			}
		}
		e.bell.Write(tx, alarms...)
		return nil
	})
	if err == nil {
		e.bell.Tell(ctx, alarms...)
	}
	return err
}
