package velocity

import "github.com/sluicepay/sluice/internal/shop"

// Unusual says that providers declined an unusual share of a shop's card payments in the last ten minutes.
type Unusual struct{ Declined, Of int }

const minutes = 10 // over which the share is taken

// watch is what is counted of a whole shop.
type watch struct {
	buckets [minutes]bucket
	rateAt  int64 // when a human was told of the share
	slowAt  int64 // when a human was told of refusals
	slowed  int   // refusals since then
}

type bucket struct {
	minute        int64
	all, declined int
}

// outcome counts one, and returns the share when it is time to tell it.
func (w *watch) outcome(at int64, no bool, l *shop.CardTesting) *Unusual {
	minute := at / 60
	b := &w.buckets[minute%minutes]
	if b.minute != minute {
		*b = bucket{minute: minute}
	}
	b.all++
	if no {
		b.declined++
	}
	var sum Unusual
	for i := range w.buckets {
		if b := &w.buckets[i]; max(minute-b.minute, b.minute-minute) < minutes {
			sum.Of += b.all
			sum.Declined += b.declined
		}
	}
	if l.AlarmRate == 0 || sum.Of < l.AlarmFrom || 100*sum.Declined < l.AlarmRate*sum.Of || within(at, w.rateAt, quiet) {
		return nil
	}
	w.rateAt = at
	return &sum
}

// refused counts one, and says in it when it is time to tell a human.
func (w *watch) refused(at int64, r *Refusal) {
	if w.slowed++; within(at, w.slowAt, quiet) {
		return
	}
	r.Refused, w.slowed, w.slowAt = w.slowed, 0, at
}
