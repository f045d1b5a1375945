package store

import (
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// DuePayment names a payment on which work is due.
type DuePayment struct {
	Shop  payment.ShopID
	ID    payment.ID
	Due   time.Time
	Fails int
}

const sqlDuePayments = `SELECT shop_id, id, due, due_fails FROM payment WHERE due <= $1`

// Due returns payments of the shards whose work is due at or before the
// instant, longest due first, at most limit.
func (t Payments) Due(shards []int64, before time.Time, limit int) ([]DuePayment, error) {
	where, args := tx.InShards(shards, []any{tx.Micros(before)})
	text, args := tx.Limited(sqlDuePayments+" AND "+where+" ORDER BY due", args, limit)
	return tx.List(t.tx, scanDuePayment, text, args...)
}

func scanDuePayment(s tx.Scanner) (DuePayment, error) {
	var d DuePayment
	var shop, pid string
	var due *int64
	err := s.Scan(&shop, &pid, &due, &d.Fails)
	d.Shop, d.ID, d.Due = payment.ShopID(shop), payment.ID(pid), tx.FromMicros(due)
	return d, err
}

const sqlPostponeNotice = `UPDATE notice SET due = $1, fails = fails + 1, state = $2
	WHERE shop_id = $3 AND terminal_id = $4 AND key = $5 AND state = 'WAITING' AND fails = $6`

// Postpone records that booking a waiting notice failed, once for each time that it was read: it is tried
// again at next, or parked for a human when next is zero.
func (t Notices) Postpone(n *Notice, next time.Time) {
	state := NoticeWaiting
	if next.IsZero() {
		state = NoticeParked
	}
	t.tx.Write("notice.postpone", sqlPostponeNotice, tx.Micros(next), string(state), string(n.Shop), n.Terminal, n.Key, n.Fails)
}

const sqlPostponePayment = `UPDATE payment SET due = $1, due_fails = due_fails + 1
	WHERE shop_id = $2 AND id = $3 AND version = $4`

// Postpone records that the work on a payment failed: it is due again at next,
// or parked for a human when next is zero. A payment that has moved on meanwhile is
// left alone.
func (t Payments) Postpone(p *payment.Payment, next time.Time) {
	t.tx.Write("payment.postpone", sqlPostponePayment, tx.Micros(next), string(p.Shop), string(p.ID), p.Version)
}

const sqlPostponeUnread = `UPDATE payment SET due = $1, due_fails = due_fails + 1 WHERE shop_id = $2 AND id = $3 AND due = $4`

// PostponeUnread is Postpone for a payment whose row cannot be read: it is left alone if it is not due any more as
// d says.
func (t Payments) PostponeUnread(d *DuePayment, next time.Time) {
	t.tx.Write("payment.postpone", sqlPostponeUnread, tx.Micros(next), string(d.Shop), string(d.ID), tx.Micros(d.Due))
}

const sqlDelayPayment = `UPDATE payment SET due = $1 WHERE shop_id = $2 AND id = $3 AND version = $4 AND due IS NOT NULL`

// Delay puts the work on a payment off, which is no failure. A payment that has moved on meanwhile is left alone.
func (t Payments) Delay(p *payment.Payment, next time.Time) {
	t.tx.Write("payment.delay", sqlDelayPayment, tx.Micros(next), string(p.Shop), string(p.ID), p.Version)
}

const sqlHurryAbandoned = `UPDATE payment SET due = $1 WHERE due > $2 AND due <= $3 AND EXISTS (
	SELECT 1 FROM attempt a WHERE a.shop_id = payment.shop_id AND a.payment_id = payment.id AND a.lease_owner IS NOT NULL)`

// HurryAbandoned makes payments due now that would be due before the other instant, and on which a call runs. It is
// meant for a process that has just begun and knows that no other lives: then nobody makes these calls any more.
func (t Payments) HurryAbandoned(before time.Time) {
	now := tx.Micros(t.tx.Now())
	t.tx.Write("payment.hurry", sqlHurryAbandoned, now, now, tx.Micros(before))
}

// NextDue is when work is due first, by what it is about; zero for never.
type NextDue struct {
	Payment, Notice, Untold, Sealing time.Time
	Deliveries                       bool // some are open, due now or later
}

const (
	nextTemplate  = `SELECT (%s), (%s), (%s), (%s), (%s)`
	nextPayment   = `SELECT due FROM payment WHERE due IS NOT NULL`
	nextNotice    = `SELECT due FROM notice WHERE due IS NOT NULL`
	nextUntold    = `SELECT due FROM untold WHERE due IS NOT NULL`
	nextSealing   = `SELECT due FROM sealing WHERE due IS NOT NULL`
	nextDelivery  = `SELECT shard FROM delivery WHERE next IS NOT NULL`
	firstInShards = ` AND %s ORDER BY due LIMIT 1`
	anyInShards   = ` AND %s LIMIT 1`
)

// Next asks one question: what is the earliest work in the shards?
func (t Work) Next(shards []int64) (NextDue, error) {
	where, args := tx.InShards(shards, nil)
	text := fmt.Sprintf(nextTemplate, fmt.Sprintf(nextPayment+firstInShards, where),
		fmt.Sprintf(nextNotice+firstInShards, where), fmt.Sprintf(nextDelivery+anyInShards, where),
		fmt.Sprintf(nextUntold+firstInShards, where), fmt.Sprintf(nextSealing+firstInShards, where))
	return tx.One(t.tx, func(s tx.Scanner) (NextDue, error) {
		var n NextDue
		var payments, notices, deliveries, untold, sealing *int64
		err := s.Scan(&payments, &notices, &deliveries, &untold, &sealing)
		n.Payment, n.Notice, n.Untold, n.Deliveries = tx.FromMicros(payments), tx.FromMicros(notices), tx.FromMicros(untold), deliveries != nil
		n.Sealing = tx.FromMicros(sealing)
		return n, err
	}, text, args...)
}

// MostCounted bounds Backlog.Deliveries.
const MostCounted = 100_000

const sqlBacklog = `SELECT (SELECT due FROM payment WHERE due IS NOT NULL ORDER BY due LIMIT 1),
		(SELECT due FROM notice WHERE due IS NOT NULL ORDER BY due LIMIT 1),
		(SELECT due FROM untold WHERE due IS NOT NULL ORDER BY due LIMIT 1),
		(SELECT COUNT(*) FROM (SELECT 1 FROM delivery WHERE next IS NOT NULL LIMIT $1) AS open)`

// Backlog is what waits in the whole database, whoever's work it is.
type Backlog struct {
	Payment, Notice, Untold time.Time // when the first of them is or was due; zero for never
	Delivery                time.Time // since when the longest due delivery has been due; zero for none
	Deliveries              int64     // open ones, due now or later; MostCounted stands for that many or more
}

// Backlog looks at what is due at the instant. It is meant for metrics and takes up to
// some ten milliseconds while many deliveries are open.
func (t Work) Backlog(at time.Time) (Backlog, error) {
	found, err := tx.One(t.tx, func(s tx.Scanner) (Backlog, error) {
		var b Backlog
		var payments, notices, untold *int64
		err := s.Scan(&payments, &notices, &untold, &b.Deliveries)
		b.Payment, b.Notice, b.Untold = tx.FromMicros(payments), tx.FromMicros(notices), tx.FromMicros(untold)
		return b, err
	}, sqlBacklog, int64(MostCounted))
	if err != nil || found.Deliveries == 0 {
		return found, err
	}
	all := make([]int64, Shards)
	for i := range all {
		all[i] = int64(i)
	}
	due, err := Endpoints(t).Due(all, at, 1)
	if err == nil && len(due) > 0 {
		found.Delivery = due[0].Due
	}
	return found, err
}

const sqlParkedPayments = `SELECT shop_id, id, due, due_fails FROM payment
	WHERE due IS NULL AND due_fails > 0 ORDER BY shop_id, id LIMIT $1`

// Parked returns payments whose work failed too often.
func (t Payments) Parked(limit int) ([]DuePayment, error) {
	return tx.List(t.tx, scanDuePayment, sqlParkedPayments, int64(limit))
}
