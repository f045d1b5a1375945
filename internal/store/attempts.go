package store

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
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

// LatestAttempts returns attempts at a terminal, those of the newest payments first, at most limit.
func (tx *Tx) LatestAttempts(shop payment.ShopID, terminal string, limit int) ([]payment.Attempt, error) {
	return list(tx, scanAttempt, sqlLatestAttempts, string(shop), terminal, int64(limit))
}

func scanAttempt(s scanner) (payment.Attempt, error) {
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
	a.LeaseUntil, a.NextCheck, a.NotFoundAt, a.Started = fromMicros(lease), fromMicros(next), fromMicros(notFound), fromMicros(started)
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

// InsertAttempt writes an attempt that is about to be sent.
func (tx *Tx) InsertAttempt(p *payment.Payment, a *payment.Attempt) {
	tx.write("attempt.create", sqlInsertAttempt, string(p.Shop), string(p.ID), a.Seq, string(a.Kind), a.TerminalID,
		a.Terminal, a.Key, string(a.Class), amount(a.Amount), string(a.Currency), a.Op, nullable(a.LeaseOwner),
		micros(a.LeaseUntil), micros(a.NextCheck), a.Reverses, micros(a.Started), a.Doubts)
}

const sqlUpdateAttempt = `UPDATE attempt SET class = $1, op = $2, lease_owner = $3, lease_until = $4, next_check = $5,
	checks = $6, not_found_at = $7, provider_ref = $8, own_ref = $9, code = $10, raw_code = $11, redirect = $12,
	redirected = $13, returned = $14, credential = $15,
	reversed = $16, doubts = $17, started = $18 WHERE shop_id = $19 AND payment_id = $20 AND seq = $21`

// UpdateAttempt writes everything of an attempt that can change. The version that the
// payment's own update names protects it.
func (tx *Tx) UpdateAttempt(p *payment.Payment, a *payment.Attempt) {
	own := a.ProviderRef
	if !a.Kind.Main() || a.Reverses != 0 {
		own = ""
	}
	tx.guard(WriteAttempt, sqlUpdateAttempt, string(a.Class), a.Op, nullable(a.LeaseOwner), micros(a.LeaseUntil),
		micros(a.NextCheck), a.Checks, micros(a.NotFoundAt), nullable(a.ProviderRef), nullable(own),
		nullable(string(a.Code)), nullable(a.RawCode), tx.step(&a.Next), a.Redirected, a.Returned,
		nullable(a.Credential), a.Reversed, a.Doubts, micros(a.Started), string(p.Shop), string(p.ID), a.Seq)
}

func (tx *Tx) step(n *payment.Next) any {
	text, err := n.MarshalText()
	if err != nil {
		tx.misuse(err)
		return nil
	}
	return nullable(string(text))
}

const sqlAttemptOwner = `SELECT payment_id, seq FROM attempt WHERE shop_id = $1 AND terminal_id = $2 AND key = $3`

// AttemptOwner returns the payment and the number of the attempt that the provider
// knows by that key, or ErrNotFound.
func (tx *Tx) AttemptOwner(shop payment.ShopID, terminal, key string) (pid payment.ID, seq int, err error) {
	type owner struct {
		payment string
		seq     int
	}
	o, err := one(tx, func(s scanner) (o owner, err error) {
		err = s.Scan(&o.payment, &o.seq)
		return o, err
	}, sqlAttemptOwner, string(shop), terminal, key)
	return payment.ID(o.payment), o.seq, err
}
