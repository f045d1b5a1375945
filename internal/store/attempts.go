package store

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// WriteAttempt names the write that fails when a provider's transaction is booked on
// another payment already.
const WriteAttempt = "attempt.update"

const attemptColumns = `seq, kind, terminal_id, terminal, key, class, COALESCE(CAST(amount AS TEXT), ''), currency,
	op, COALESCE(lease_owner, ''), lease_until, next_check, checks, not_found_at, COALESCE(provider_ref, ''),
	COALESCE(code, ''), COALESCE(raw_code, ''), COALESCE(redirect, ''), redirected, returned, COALESCE(credential, ''),
	reverses, reversed, started, doubts`

const sqlAttempts = `SELECT ` + attemptColumns + ` FROM attempt WHERE shop_id = $1 AND payment_id = $2 ORDER BY seq`

// sqlLatestAttempts reads the unique index on shop, terminal and key. Keys of one epoch are ordered by their payments' ids,
// which is by time.
const sqlLatestAttempts = `SELECT ` + attemptColumns + ` FROM attempt WHERE shop_id = $1 AND terminal_id = $2
	ORDER BY key DESC LIMIT $3`

// Latest returns attempts at a terminal, those of the newest payments first, at most limit.
func (t Attempts) Latest(shop payment.ShopID, terminal string, limit int) ([]payment.Attempt, error) {
	return tx.List(t.tx, scanAttempt, sqlLatestAttempts, string(shop), terminal, int64(limit))
}

func scanAttempt(s tx.Scanner) (payment.Attempt, error) {
	var a payment.Attempt
	var kind, class, text, currency, code, step string
	var lease, next, notFound, started *int64
	err := s.Scan(&a.Seq, &kind, &a.TerminalID, &a.Terminal, &a.Key, &class, &text, &currency, &a.Op, &a.LeaseOwner,
		&lease, &next, &a.Checks, &notFound, &a.ProviderRef, &code, &a.RawCode, &step, &a.Redirected, &a.Returned,
		&a.Credential, &a.Reverses, &a.Reversed, &started, &a.Doubts)
	if err != nil {
		return a, err
	}
	a.Kind, a.Class, a.Currency, a.Code = payment.AttemptKind(kind), payment.Class(class), money.Currency(currency), payment.ErrorCode(code)
	a.LeaseUntil, a.NextCheck, a.NotFoundAt, a.Started = tx.FromMicros(lease), tx.FromMicros(next), tx.FromMicros(notFound), tx.FromMicros(started)
	if err := a.Next.UnmarshalText([]byte(step)); err != nil {
		return a, fmt.Errorf("attempt %d: %w", a.Seq, err)
	}
	if a.Amount, err = readAmount(text); err != nil {
		return a, fmt.Errorf("attempt %d: %w", a.Seq, err)
	}
	return a, nil
}

const sqlInsertAttempt = `INSERT INTO attempt (shop_id, payment_id, seq, kind, terminal_id, terminal, key, class, amount,
	currency, op, lease_owner, lease_until, next_check, checks, redirected, returned, reverses, reversed,
	started, doubts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, FALSE, FALSE, $15, FALSE, $16, $17)`

// Insert writes an attempt that is about to be sent.
func (t Attempts) Insert(p *payment.Payment, a *payment.Attempt) {
	t.tx.Write("attempt.create", sqlInsertAttempt, string(p.Shop), string(p.ID), a.Seq, string(a.Kind), a.TerminalID,
		a.Terminal, a.Key, string(a.Class), amount(a.Amount), string(a.Currency), a.Op, tx.Nullable(a.LeaseOwner),
		tx.Micros(a.LeaseUntil), tx.Micros(a.NextCheck), a.Reverses, tx.Micros(a.Started), a.Doubts)
}

const sqlUpdateAttempt = `UPDATE attempt SET class = $1, op = $2, lease_owner = $3, lease_until = $4, next_check = $5,
	checks = $6, not_found_at = $7, provider_ref = $8, own_ref = $9, code = $10, raw_code = $11, redirect = $12,
	redirected = $13, returned = $14, credential = $15,
	reversed = $16, doubts = $17, started = $18 WHERE shop_id = $19 AND payment_id = $20 AND seq = $21`

// Update writes everything of an attempt that can change. The version that the
// payment's own update names protects it.
func (t Attempts) Update(p *payment.Payment, a *payment.Attempt) {
	own := a.ProviderRef
	if !a.Kind.Main() || a.Reverses != 0 {
		own = ""
	}
	t.tx.Guard(WriteAttempt, sqlUpdateAttempt, string(a.Class), a.Op, tx.Nullable(a.LeaseOwner), tx.Micros(a.LeaseUntil),
		tx.Micros(a.NextCheck), a.Checks, tx.Micros(a.NotFoundAt), tx.Nullable(a.ProviderRef), tx.Nullable(own),
		tx.Nullable(string(a.Code)), tx.Nullable(a.RawCode), step(t.tx, &a.Next), a.Redirected, a.Returned,
		tx.Nullable(a.Credential), a.Reversed, a.Doubts, tx.Micros(a.Started), string(p.Shop), string(p.ID), a.Seq)
}

func step(t *tx.Tx, n *payment.Next) any {
	text, err := n.MarshalText()
	if err != nil {
		t.Fail(err)
		return nil
	}
	return tx.Nullable(string(text))
}

const sqlAttemptOwner = `SELECT payment_id, seq FROM attempt WHERE shop_id = $1 AND terminal_id = $2 AND key = $3`

// Owner returns the payment and the number of the attempt that the provider
// knows by that key, or ErrNotFound.
func (t Attempts) Owner(shop payment.ShopID, terminal, key string) (pid payment.ID, seq int, err error) {
	type owner struct {
		payment string
		seq     int
	}
	o, err := tx.One(t.tx, func(s tx.Scanner) (o owner, err error) {
		err = s.Scan(&o.payment, &o.seq)
		return o, err
	}, sqlAttemptOwner, string(shop), terminal, key)
	return payment.ID(o.payment), o.seq, err
}
