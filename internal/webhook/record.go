package webhook

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/store"
)

// settled is what a batch of results means, ready to be written.
type settled struct {
	results   []result
	accepted  []store.Try
	refused   []store.Try
	failed    []*store.Delivery // those of refused, with the place on the ladder that they have now
	health    health
	recovered bool
	alarms    []alarm.Alarm
}

// gather turns the results since the last commit into what is to be written.
func (r *run) gather() settled {
	r.mu.Lock()
	s := settled{results: r.results, health: r.health, recovered: r.health.recovered}
	r.results, r.health.changed, r.health.recovered = nil, false, false
	r.mu.Unlock()
	for i := range s.results {
		res := &s.results[i]
		if res.delivered() {
			s.accepted = append(s.accepted, res.entry())
			continue
		}
		s.refused = append(s.refused, res.entry())
		s.failed = append(s.failed, r.climb(res))
	}
	s.alarms = r.alarms(&s)
	return s
}

// What humans are told. The endpoint is the subject, so that a backlog that is given up is one entry.
const (
	whyGivenUp  = "an event was not delivered within the time that its receivers are given, and is not tried again"
	whyDisabled = "the endpoint says that it is gone and is disabled"
	whyOurs     = "an event cannot be posted for a reason on our side"
)

// alarms is what humans are told about the results.
func (r *run) alarms(s *settled) []alarm.Alarm {
	about := func(why string, res *result) alarm.Alarm {
		a := alarm.Alarm{Shop: r.key.Shop, About: alarm.Endpoint, Subject: r.key.ID, Why: why, Stack: res.stack}
		a.Detail = "event " + res.item.Event + " of payment " + string(res.item.Payment) + ": " + res.err
		return a
	}
	found := map[string]alarm.Alarm{}
	failed := 0
	for i := range s.results {
		res := &s.results[i]
		if res.delivered() {
			continue
		}
		if s.failed[failed].Next.IsZero() {
			found[whyGivenUp] = about(whyGivenUp, res)
		}
		if res.ours {
			found[whyOurs] = about(whyOurs, res)
		}
		failed++
	}
	if s.health.State == store.EndpointDisabled && r.state != store.EndpointDisabled {
		a := alarm.Alarm{Shop: r.key.Shop, About: alarm.Endpoint, Subject: r.key.ID, Why: whyDisabled, Detail: s.health.LastError}
		found[whyDisabled] = a
	}
	return slices.SortedFunc(maps.Values(found), func(a, b alarm.Alarm) int { return strings.Compare(a.Why, b.Why) })
}

// climb returns the delivery as its failed try leaves it.
func (r *run) climb(res *result) *store.Delivery {
	d := res.item.Delivery
	if d.Began.IsZero() {
		d.Began = res.at
	}
	d.Rung++
	now := res.at.Add(res.took)
	d.Next = res.protocol.Ladder.next(climbing{began: d.Began, now: now, rung: d.Rung}, &r.d.random)
	if asked := now.Add(res.retryAfter); !d.Next.IsZero() && asked.After(d.Next) {
		d.Next = asked
	}
	return &d
}

// flush commits the results there are, all in one transaction, and then lets the next
// events of their payments go. What it writes may be written twice without harm.
func (r *run) flush(ctx context.Context) error {
	if _, n := r.counts(); n == 0 {
		return nil
	}
	s := r.gather()
	// What was found out is worth recording even if the run is told to end.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err := r.d.c.DB.Update(ctx, func(tx *store.Tx) error {
		now := tx.Now()
		if s.recovered {
			tx.Deliveries().Pull(r.key, now)
		}
		tx.Deliveries().Finish(r.key, s.accepted)
		for i, d := range s.failed {
			tx.Deliveries().InsertTry(r.key, &s.refused[i])
			tx.Deliveries().Fail(r.key, d, now)
			if !d.Next.IsZero() {
				tx.Deliveries().Postpone(r.key, d.DeliveryKey, d.Next)
			}
		}
		if s.health.changed {
			tx.Endpoints().Update(&s.health.Endpoint, r.state)
		}
		r.d.c.Bell.Write(tx, s.alarms...)
		return nil
	})
	if err != nil {
		return err
	}
	r.release(&s)
	r.tell(ctx, &s)
	r.state = s.health.State
	return nil
}

// release takes what is committed out of the queue.
func (r *run) release(s *settled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := 0
	for i := range s.results {
		res := &s.results[i]
		over := res.delivered()
		if !over {
			d := s.failed[failed]
			failed++
			if over = d.Next.IsZero(); !over && res.inBurst() && d.Next.Sub(r.d.c.Now()) <= longestNap {
				r.queue.again(res.item, d)
				continue
			}
		}
		r.queue.settle(res.item, over)
	}
	r.fresh = true
}

// tell reports committed results to metrics, and what an operator should know to the log.
func (r *run) tell(ctx context.Context, s *settled) {
	r.d.c.Bell.Tell(ctx, s.alarms...)
	failed := 0
	for i := range s.results {
		res, outcome := &s.results[i], "delivered"
		if !res.delivered() {
			outcome = "retried"
			if s.failed[failed].Next.IsZero() {
				outcome = "gave up"
				r.d.c.Log.WarnContext(ctx, "event not delivered, given up", "shop_id", r.key.Shop, "endpoint_id", r.key.ID,
					"event_id", res.item.Event, "payment_id", res.item.Payment, "error", res.err)
			}
			failed++
		}
		if r.d.c.Observe != nil {
			r.d.c.Observe(outcome, res.took)
		}
	}
	if s.health.State == r.state {
		return
	}
	if r.d.c.Changed != nil {
		r.d.c.Changed(s.health.State)
	}
	args := []any{"shop_id", r.key.Shop, "endpoint_id", r.key.ID, "error", s.health.LastError}
	switch s.health.State {
	case store.EndpointDisabled:
		r.d.c.Log.WarnContext(ctx, "webhook endpoint says it is gone and is disabled", args...)
	case store.EndpointDown:
		r.d.c.Log.WarnContext(ctx, "webhook endpoint is down", args...)
	case store.EndpointUp:
		r.d.c.Log.InfoContext(ctx, "webhook endpoint is up again", args[:4]...)
	}
}

// abandonBatch is how many deliveries to a disabled endpoint are given up at a time.
const abandonBatch = 1000

// abandon gives up what is open for an endpoint that is disabled: it is listed as failed,
// and an operator who enables the endpoint may have it sent again.
func (r *run) abandon(ctx context.Context) error {
	for {
		var next time.Time
		err := r.d.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
			if next, err = tx.Endpoints().NextDue(r.key); err == nil && !next.IsZero() {
				tx.Deliveries().Abandon(r.key, tx.Now(), abandonBatch)
			}
			return err
		})
		if err != nil || next.IsZero() {
			return err
		}
	}
}
