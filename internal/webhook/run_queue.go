package webhook

import (
	"context"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// item is a delivery in the memory of a run.
type item struct{ store.Delivery }

// queue holds the deliveries of a run from when they are read until their fate is
// committed. Those of one payment form a chain, of which only the first is ready or under
// way: the next one is let go when the end of the first is committed, so that even a crash
// in between repeats nothing after something newer.
type queue struct {
	ready  []*item
	burst  []*item // failed a moment ago and tried again in another, soonest first
	chains map[payment.ID][]*item
}

// add takes in a delivery that was read. It returns false when the delivery is behind
// another that is not here.
func (q *queue) add(it *item) bool {
	chain := q.chains[it.Payment]
	switch {
	case slices.ContainsFunc(chain, func(o *item) bool { return o.Seq == it.Seq }):
		return true // read again while under way
	case len(chain) > 0 && chain[len(chain)-1].Seq == it.Behind:
		q.chains[it.Payment] = append(chain, it)
		return true
	case it.Behind != 0:
		return false
	case len(chain) > 0: // sent again by an operator while a later one is under way: it has to wait
		return true
	}
	q.chains[it.Payment] = []*item{it}
	q.ready = append(q.ready, it)
	return true
}

// again keeps a delivery whose failed try is committed, as that left it, for its next try.
func (q *queue) again(it *item, d *store.Delivery) {
	it.Delivery = *d
	it.Tries++
	at, _ := slices.BinarySearchFunc(q.burst, it, func(a, b *item) int { return a.Next.Compare(b.Next) })
	q.burst = slices.Insert(q.burst, at, it)
}

// popBurst takes the soonest of the burst if its time has come, or nil.
func (q *queue) popBurst(now time.Time) *item {
	if len(q.burst) == 0 || q.burst[0].Next.After(now) {
		return nil
	}
	it := q.burst[0]
	q.burst = slices.Delete(q.burst, 0, 1)
	return it
}

// pop takes the next delivery to post; there must be one.
func (q *queue) pop() *item {
	it := q.ready[0]
	q.ready[0] = nil
	q.ready = q.ready[1:]
	return it
}

// settle removes a delivery whose fate is committed. When it is over, the next of its
// payment gets ready; when it is to be tried again, the rest of the chain was put off with
// it.
func (q *queue) settle(it *item, over bool) {
	chain := q.chains[it.Payment]
	if !over || len(chain) <= 1 {
		delete(q.chains, it.Payment)
		return
	}
	q.chains[it.Payment] = chain[1:]
	q.ready = append(q.ready, chain[1])
}

const (
	pageSize  = 1024
	probePage = 16
	lowWater  = 2 * pageSize

	// fewReady is below how many deliveries per post at a time news of another one has the oldest read again. The new one comes
	// after those that are ready, and before a slow endpoint there can be news with every payment.
	fewReady = 4
)

// refill reads deliveries that are due when few are left in memory, a page at a time; at
// the end it begins again from the oldest, if anything has happened since and hardly any are left.
func (r *run) refill(ctx context.Context) error {
	r.mu.Lock()
	if r.poked {
		r.fresh, r.poked = true, false
	}
	wanted := r.wantsMore()
	page := store.DeliveryPage{Before: r.d.c.Now(), After: r.cursor, Limit: pageSize}
	if r.left > 0 {
		page.Limit = probePage
	}
	r.mu.Unlock()
	if !wanted {
		return nil
	}
	if !r.more {
		page.After, r.fresh = nil, false
	}
	var rows []store.Delivery
	err := r.d.c.DB.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Deliveries().Due(r.key, page)
		return err
	})
	if err != nil {
		return err
	}
	if r.more = len(rows) == page.Limit; r.more {
		r.cursor = &rows[len(rows)-1]
	}
	return r.take(ctx, rows)
}

// wantsMore reports whether deliveries are to be read. The caller holds the lock.
func (r *run) wantsMore() bool {
	ready := len(r.queue.ready)
	return r.mayBegin() && (r.more && ready < lowWater || r.fresh && ready < fewReady*r.width)
}

// take puts the rows into the queue and those that must wait for an earlier event of their
// payment off until that one is tried.
func (r *run) take(ctx context.Context, rows []store.Delivery) error {
	var behind []*store.Delivery
	r.mu.Lock()
	for i := range rows {
		if !r.queue.add(&item{rows[i]}) && rows[i].BehindUntil.After(rows[i].Next) {
			behind = append(behind, &rows[i])
		}
	}
	r.mu.Unlock()
	if len(behind) == 0 {
		return nil
	}
	return r.d.c.DB.Update(ctx, func(tx *store.Tx) error {
		for _, b := range behind {
			tx.Deliveries().Postpone(r.key, store.DeliveryKey{Payment: b.Payment, Seq: b.Behind}, b.BehindUntil)
		}
		return nil
	})
}
