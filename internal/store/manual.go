package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// ManualUpdate is an operator's wish to put a payment into another state.
type ManualUpdate struct {
	Shop       payment.ShopID
	ID         string
	Payment    payment.ID
	To         payment.State // or, of a command that was given by hand, which: see ByHand
	Code       payment.ErrorCode
	Reason     string
	AskedBy    string
	AskedAt    time.Time
	ApprovedBy string
	DoneAt     time.Time // zero while it waits for a second person
}

// ByHand are the commands that a merchant gives and an operator may, too, as To names them.
const (
	CaptureByHand payment.State = "CAPTURE"
	VoidByHand    payment.State = "VOID"
	RefundByHand  payment.State = "REFUND"
)

// The verdicts of people on payments in review, as To names them.
const (
	PassByHand payment.State = "PASS"
	StopByHand payment.State = "STOP"
)

const sqlInsertManualUpdate = `INSERT INTO manual_update (shop_id, id, payment_id, to_state, code, reason, asked_by, asked_at,
	approved_by, done_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// Insert keeps the wish.
func (t ManualUpdates) Insert(u *ManualUpdate) {
	t.tx.Write("manual_update.create", sqlInsertManualUpdate, string(u.Shop), u.ID, string(u.Payment), string(u.To),
		tx.Nullable(string(u.Code)), u.Reason, u.AskedBy, tx.Micros(u.AskedAt), tx.Nullable(u.ApprovedBy), tx.Micros(u.DoneAt))
}

const sqlApproveManualUpdate = `UPDATE manual_update SET approved_by = $1, done_at = $2
	WHERE shop_id = $3 AND id = $4 AND done_at IS NULL`

// Approve records who agreed; a wish is carried out once.
func (t ManualUpdates) Approve(u *ManualUpdate) {
	t.tx.Guard("manual_update.approve", sqlApproveManualUpdate, tx.Nullable(u.ApprovedBy), tx.Micros(u.DoneAt), string(u.Shop), u.ID)
}

const sqlManualUpdate = `SELECT payment_id, to_state, COALESCE(code, ''), reason, asked_by, asked_at, COALESCE(approved_by, ''),
	done_at FROM manual_update WHERE shop_id = $1 AND id = $2`

// Get returns the wish, or ErrNotFound.
func (t ManualUpdates) Get(shop payment.ShopID, uid string) (ManualUpdate, error) {
	return tx.One(t.tx, func(s tx.Scanner) (ManualUpdate, error) {
		u := ManualUpdate{Shop: shop, ID: uid}
		var pid, to, code string
		var asked int64
		var done *int64
		err := s.Scan(&pid, &to, &code, &u.Reason, &u.AskedBy, &asked, &u.ApprovedBy, &done)
		u.Payment, u.To, u.Code = payment.ID(pid), payment.State(to), payment.ErrorCode(code)
		u.AskedAt, u.DoneAt = tx.FromMicros(&asked), tx.FromMicros(done)
		return u, err
	}, sqlManualUpdate, string(shop), uid)
}

// ManualUpdateFilter chooses updates of a shop.
type ManualUpdateFilter struct {
	Shop    payment.ShopID
	Payment payment.ID // empty for all
	Done    bool       // those that are carried out, too
	Limit   int
}

const sqlManualUpdates = `SELECT id, payment_id, to_state, COALESCE(code, ''), reason, asked_by, asked_at, COALESCE(approved_by, ''),
	done_at FROM manual_update WHERE shop_id = $1`

// List returns updates by hand, newest first.
func (t ManualUpdates) List(f ManualUpdateFilter) ([]ManualUpdate, error) {
	text, args := sqlManualUpdates, []any{string(f.Shop)}
	if f.Payment != "" {
		text, args = text+" AND payment_id = $2", append(args, string(f.Payment))
	}
	if !f.Done {
		text += " AND done_at IS NULL"
	}
	text, args = tx.Limited(text+" ORDER BY id DESC", args, f.Limit)
	return tx.List(t.tx, func(s tx.Scanner) (ManualUpdate, error) {
		u := ManualUpdate{Shop: f.Shop}
		var pid, to, code string
		var asked int64
		var done *int64
		err := s.Scan(&u.ID, &pid, &to, &code, &u.Reason, &u.AskedBy, &asked, &u.ApprovedBy, &done)
		u.Payment, u.To, u.Code = payment.ID(pid), payment.State(to), payment.ErrorCode(code)
		u.AskedAt, u.DoneAt = tx.FromMicros(&asked), tx.FromMicros(done)
		return u, err
	}, text, args...)
}

const sqlManualUpdatesOf = `SELECT id, to_state, COALESCE(code, ''), reason, asked_by, asked_at, COALESCE(approved_by, ''), done_at
	FROM manual_update WHERE shop_id = $1 AND payment_id = $2 ORDER BY id LIMIT $3`

// Of returns what was changed of a payment by hand, or waits to be, oldest first, at most limit.
func (t ManualUpdates) Of(shop payment.ShopID, pid payment.ID, limit int) ([]ManualUpdate, error) {
	return tx.List(t.tx, func(s tx.Scanner) (ManualUpdate, error) {
		u := ManualUpdate{Shop: shop, Payment: pid}
		var to, code string
		var asked int64
		var done *int64
		err := s.Scan(&u.ID, &to, &code, &u.Reason, &u.AskedBy, &asked, &u.ApprovedBy, &done)
		u.To, u.Code, u.AskedAt, u.DoneAt = payment.State(to), payment.ErrorCode(code), tx.FromMicros(&asked), tx.FromMicros(done)
		return u, err
	}, sqlManualUpdatesOf, string(shop), string(pid), int64(limit))
}
