package store

import (
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

const sqlInsertOperation = `INSERT INTO operation (shop_id, payment_id, seq, kind, started, completed, state, attempt,
	outgoing, incoming, began, ended, plan) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

// Insert writes a new entry of a payment's log, running or complete.
func (t Operations) Insert(p *payment.Payment, o *payment.Operation) {
	t.tx.Write("operation.create", sqlInsertOperation, string(p.Shop), string(p.ID), o.Seq, string(o.Kind),
		tx.Micros(o.Started), tx.Micros(o.Completed), string(o.State), o.Attempt, tx.Nullable(o.Messages.Outgoing),
		tx.Nullable(o.Messages.Incoming), o.Began, o.Ended, tx.Nullable(o.Plan))
}

const sqlCompleteOperation = `UPDATE operation SET completed = $1, state = $2, outgoing = $3, incoming = $4, ended = $5
	WHERE shop_id = $6 AND payment_id = $7 AND seq = $8 AND completed IS NULL`

// sqlEndPlan is the same of the few operations that have something to add about the plan.
const sqlEndPlan = `UPDATE operation SET completed = $1, state = $2, outgoing = $3, incoming = $4, ended = $5,
	plan = COALESCE(plan, '') || CAST($6 AS TEXT) WHERE shop_id = $7 AND payment_id = $8 AND seq = $9 AND completed IS NULL`

// Complete ends a running entry. One that is complete already is never
// changed: the body runs again and sees it.
func (t Operations) Complete(p *payment.Payment, o *payment.Operation) {
	if o.Plan != "" {
		t.tx.Guard("operation.complete", sqlEndPlan, tx.Micros(o.Completed), string(o.State), tx.Nullable(o.Messages.Outgoing),
			tx.Nullable(o.Messages.Incoming), o.Ended, o.Plan, string(p.Shop), string(p.ID), o.Seq)
		return
	}
	t.tx.Guard("operation.complete", sqlCompleteOperation, tx.Micros(o.Completed), string(o.State),
		tx.Nullable(o.Messages.Outgoing), tx.Nullable(o.Messages.Incoming), o.Ended, string(p.Shop), string(p.ID), o.Seq)
}

const sqlOperations = `SELECT seq, kind, started, completed, state, attempt, COALESCE(outgoing, ''),
	COALESCE(incoming, ''), began, ended FROM operation WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq`

// List returns the whole log of a payment, oldest first; nothing for a payment
// that does not exist.
func (t Operations) List(shop payment.ShopID, pid payment.ID) ([]payment.Operation, error) {
	return tx.List(t.tx, scanOperation, sqlOperations, string(shop), string(pid))
}

// Entries are numbered without gaps, so a range of the key is a page, however far back it is.
const sqlOperationsPage = `SELECT seq, kind, started, completed, state, attempt, COALESCE(outgoing, ''),
	COALESCE(incoming, ''), began, ended FROM operation
	WHERE shop_id = $1 AND payment_id = $2 AND seq <= $3 AND seq > $4 ORDER BY seq DESC`

// Page returns the entries of a payment's log from the one with that number back, newest first, at most limit.
func (t Operations) Page(shop payment.ShopID, pid payment.ID, from, limit int) ([]payment.Operation, error) {
	return tx.List(t.tx, scanOperation, sqlOperationsPage, string(shop), string(pid), from, from-limit)
}

const sqlPlans = `SELECT seq, kind, started, completed, state, attempt, '', '', began, ended, plan FROM operation
	WHERE shop_id = $1 AND payment_id = $2 AND plan IS NOT NULL ORDER BY seq`

// Plans returns the entries of a payment's log that keep something about its plan, with that and without their messages, oldest
// first.
func (t Operations) Plans(shop payment.ShopID, pid payment.ID) ([]payment.Operation, error) {
	return tx.List(t.tx, func(s tx.Scanner) (payment.Operation, error) {
		var plan string
		o, err := scanOperation(withPlan{s, &plan})
		o.Plan = plan
		return o, err
	}, sqlPlans, string(shop), string(pid))
}

// withPlan is a row of an operation with one column more.
type withPlan struct {
	tx.Scanner
	plan *string
}

// Scan implements tx.Scanner.
func (w withPlan) Scan(dest ...any) error { return w.Scanner.Scan(append(dest, w.plan)...) }

const sqlLog = `SELECT seq, kind, started, completed, state, attempt, '', '', began, ended FROM operation
	WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq`

func scanOperation(s tx.Scanner) (payment.Operation, error) {
	var o payment.Operation
	var kind, state string
	var started int64
	var completed *int64
	err := s.Scan(&o.Seq, &kind, &started, &completed, &state, &o.Attempt, &o.Messages.Outgoing, &o.Messages.Incoming,
		&o.Began, &o.Ended)
	o.Kind, o.State = payment.OperationKind(kind), payment.State(state)
	o.Started, o.Completed = tx.FromMicros(&started), tx.FromMicros(completed)
	return o, err
}
