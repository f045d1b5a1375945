package simulator

import (
	"container/heap"
	"time"
)

// dueItem is work for later: a transaction to look at again, or a notice to post.
type dueItem struct {
	at     time.Time
	order  uint64 // breaks ties: first in, first out
	tx     *tx
	notice *notice
}

// dueHeap orders work by time. It implements heap.Interface.
type dueHeap []dueItem

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(dueItem)) } //nolint:errcheck // later pushes nothing else
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = dueItem{} // lets the transaction go
	*h = old[:len(old)-1]
	return last
}

// later puts work on the heap; the caller holds mu.
func (s *Simulator) later(item dueItem) {
	s.dueOrder++
	item.order = s.dueOrder
	heap.Push(&s.due, item)
	select {
	case s.pushed <- struct{}{}:
	default: // the sweeper knows already
	}
}

// settle does all work that is due; the caller holds mu. Every request calls it
// first, so answers are right even when no sweeper runs.
func (s *Simulator) settle(now time.Time) {
	for len(s.due) > 0 && !s.due[0].at.After(now) {
		item := heap.Pop(&s.due).(dueItem) //nolint:errcheck // it holds nothing else
		if item.notice != nil {
			s.post(item.notice)
			continue
		}
		s.revisit(item.tx, now)
	}
}

// revisit ends what the clock ends. Stale items find nothing to do.
func (s *Simulator) revisit(t *tx, now time.Time) {
	switch {
	case t.Correct != "" && reached(t.CorrectAt, now):
		s.correctDue(t, now)
	case t.Status == statusPending && reached(t.DueAt, now):
		s.finish(t, t.Planned, now)
	case t.Status == statusRequiresAction && reached(t.ActionUntil, now):
		code := codeCustomerTimeout
		if t.Method == methodCard {
			code = codeAuthTimeout
		}
		s.finish(t, verdict(code), now)
	case t.Status == statusAuthorized && t.Live == "" && reached(t.HoldUntil, now):
		t.Status, t.Outcome = statusExpired, verdict(codeHoldExpired)
		s.changed(t, entryExpired, now)
	}
}

func reached(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// Sweep does the work that is due at the simulator's clock: pending outcomes,
// expiries, late notices. The sweeper calls it; simulations that own the clock
// call it themselves.
func (s *Simulator) Sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.now())
}

// restful is how many sweeps are left out at a time while nothing is due soon. It is
// bounded because a test may move the clock.
const restful = 12

func (s *Simulator) sweepForever() {
	timer := time.NewTimer(s.cfg.SweepEvery)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			s.survive(func() { s.Sweep() })
		case <-s.pushed:
		case <-s.stopped.Done():
			return
		}
		timer.Reset(s.rest())
	}
}

// rest is how long the sweeper may sleep.
func (s *Simulator) rest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) > 0 && s.due[0].at.Sub(s.now()) < restful*s.cfg.SweepEvery {
		return s.cfg.SweepEvery
	}
	return restful * s.cfg.SweepEvery
}

// askCustomer opens the page on which the customer acts.
func (s *Simulator) askCustomer(t *tx, now time.Time) {
	t.Status, t.Token = statusRequiresAction, s.ids.Letters(32)
	life := s.cfg.ActionLife
	if t.App == appConfirm {
		life = min(life, blikLife)
	}
	if end := now.Add(life); t.ActionUntil.IsZero() || end.Before(t.ActionUntil) {
		t.ActionUntil = end
	}
	s.byToken[t.Token] = t
	s.inApp(t)
	s.later(dueItem{at: t.ActionUntil, tx: t})
	s.changed(t, entryActionRequired, now)
}

// decide ends t with the verdict, now or, where the test asks for it, later.
func (s *Simulator) decide(t *tx, result outcome, now time.Time) {
	if t.Async == 0 {
		s.finish(t, result, now)
		return
	}
	t.Status, t.Planned = statusPending, result
	if t.Async > 0 {
		t.DueAt = now.Add(t.Async)
		s.later(dueItem{at: t.DueAt, tx: t})
	}
	s.changed(t, entryPending, now)
}

// finish ends t and moves the money. Every reservation ends here or in abandon.
func (s *Simulator) finish(t *tx, result outcome, now time.Time) {
	t.Outcome, t.Planned = result, outcome{}
	parent := s.byID[t.Parent]
	if parent != nil {
		release(parent, t)
	}
	if !result.approved() {
		t.Status = statusDeclined
		s.correctLater(t, now)
		s.changed(t, entryDeclined, now)
		s.rearm(parent)
		return
	}
	t.Status = statusApproved
	what := s.move(t, parent, now)
	s.correctLater(t, now)
	if parent != nil {
		parent.Version++
		parent.UpdatedAt = now
	}
	s.changed(t, what, now)
}

// move changes the sums for an approved t and says what was done.
func (s *Simulator) move(t, parent *tx, now time.Time) string {
	switch t.Kind {
	case kindAuthorization, kindSale:
		return s.takeHold(t, now)
	case kindVerification:
		s.storeCard(t)
		return entryVerified
	case kindCapture:
		parent.Captured, parent.Status = t.Amount, statusCaptured
		return entryCaptured
	case kindVoid:
		parent.Status = statusVoided
		return entryVoided
	case kindRefund:
		parent.Refunded = parent.Refunded.plus(t.Amount)
		return entryRefunded
	}
	return entryPaidOut
}

func (s *Simulator) takeHold(t *tx, now time.Time) string {
	t.Authorized = t.Amount
	s.storeCard(t)
	if t.Kind == kindSale {
		t.Captured = t.Amount
		return entryCaptured
	}
	t.Status, t.HoldUntil = statusAuthorized, now.Add(s.cfg.HoldLife)
	s.later(dueItem{at: t.HoldUntil, tx: t})
	return entryAuthorized
}

// storeCard makes the credential that was asked for.
func (s *Simulator) storeCard(t *tx) {
	if t.Store {
		t.Credential = "cred_" + s.ids.Letters(24)
		s.credentials[t.Credential] = t
	}
}

// rearm looks at a hold's expiry again once its capture or void has failed.
func (s *Simulator) rearm(parent *tx) {
	if parent != nil && parent.Status == statusAuthorized {
		s.later(dueItem{at: parent.HoldUntil, tx: parent})
	}
}

// changed books a new status of t and tells the merchant.
func (s *Simulator) changed(t *tx, what string, now time.Time) {
	t.Version++
	t.UpdatedAt = now
	s.record(what, t, now)
	s.notify(t, now)
}

// cancel makes sure that the reference is never done later than now: an unused
// one is closed for good, an open transaction is cancelled. What is already done
// stays. It returns the transaction and what was found.
func (s *Simulator) cancel(reference string) (*tx, string) {
	now := s.now()
	s.settle(now)
	t, known := s.byReference[reference]
	if !known {
		txID, _ := s.ids.New()
		t = &tx{ID: txID, Reference: reference, Kind: kindFence, Status: statusCancelled,
			Outcome: verdict(codeReferenceFenced), CreatedAt: now, UpdatedAt: now}
		s.add(t)
		s.changed(t, entryFenced, now)
		return t, "fenced"
	}
	switch {
	case t.Kind == kindFence:
		return t, "fenced"
	case t.Status == statusCancelled:
		return t, "cancelled"
	case !t.open():
		return t, "already_final"
	}
	parent := s.byID[t.Parent]
	if parent != nil {
		release(parent, t)
	}
	t.Status, t.Outcome, t.Planned = statusCancelled, verdict(codeReferenceFenced), outcome{}
	s.changed(t, entryCancelled, now)
	s.rearm(parent)
	return t, "cancelled"
}

// decideByReference ends an open transaction with the code that a tester gives.
func (s *Simulator) decideByReference(reference, code, base string) (transactionView, *apiError) {
	if !validCode(code) && code != timeIsOver {
		return transactionView{}, invalidField("responseCode", "two digits or capital letters; 00 approves, "+timeIsOver+" ends the customer's time")
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	t, ok := s.byReference[reference]
	if !ok {
		return transactionView{}, notFound("no such transaction")
	}
	if !t.open() {
		return transactionView{}, refused("already_final", "the transaction is "+t.Status)
	}
	if code != timeIsOver {
		s.finish(t, verdict(code), now)
		return t.view(base), nil
	}
	if t.Status != statusRequiresAction {
		return transactionView{}, refused("not_waiting", "the transaction does not wait for its customer")
	}
	t.ActionUntil = now
	s.later(dueItem{at: now, tx: t})
	s.settle(now)
	return t.view(base), nil
}

// Decide ends a transaction that is pending or waits for its customer: 00
// approves, another two-character code declines, "timeout" ends the time of a customer. It is an error when the
// reference is unknown or the transaction is final.
func (s *Simulator) Decide(reference, responseCode string) error {
	if _, refusal := s.decideByReference(reference, responseCode, ""); refusal != nil {
		return refusal
	}
	return nil
}
