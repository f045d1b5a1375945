package store

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Names of the writes that fail when an order or a name of an operation exists already.
const (
	WriteOrder       = "order.create"
	WriteInstruction = "instruction.create"
)

// Order is what a dialect keeps beside a payment under the merchant's own id.
type Order struct {
	ID          string // the merchant's
	Payment     payment.ID
	Fingerprint []byte // of what was asked for
	Document    string // JSON of the dialect
}

// nameKey stands for a merchant's name in keys: such names are too long to be indexed everywhere.
func nameKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

const sqlInsertOrder = `INSERT INTO merchant_order (shop_id, key, payment_id, fingerprint, document) VALUES ($1, $2, $3, $4, $5)`

// Insert writes an order. A second one of the shop with that id fails with a UniqueError of WriteOrder.
func (t Orders) Insert(shop payment.ShopID, o *Order) {
	t.tx.Write(WriteOrder, sqlInsertOrder, string(shop), nameKey(o.ID), string(o.Payment), o.Fingerprint, o.Document)
}

const (
	sqlOrder          = `SELECT payment_id, fingerprint, document FROM merchant_order WHERE shop_id = $1 AND key = $2`
	sqlOrderOfPayment = `SELECT payment_id, fingerprint, document FROM merchant_order WHERE shop_id = $1 AND payment_id = $2`
)

func scanOrder(s tx.Scanner) (Order, error) {
	var o Order
	var pid string
	err := s.Scan(&pid, &o.Fingerprint, &o.Document)
	o.Payment = payment.ID(pid)
	return o, err
}

// Get returns the order with the merchant's id, or ErrNotFound.
func (t Orders) Get(shop payment.ShopID, oid string) (Order, error) {
	o, err := tx.One(t.tx, scanOrder, sqlOrder, string(shop), nameKey(oid))
	o.ID = oid
	return o, err
}

// OfPayment returns the order that a payment was made for, without its ID, or ErrNotFound.
func (t Orders) OfPayment(shop payment.ShopID, pid payment.ID) (Order, error) {
	return tx.One(t.tx, scanOrder, sqlOrderOfPayment, string(shop), string(pid))
}

// Instruction is what a merchant said with a capture, void or refund, beside what the payment itself keeps.
type Instruction struct {
	Payment     payment.ID // the deposit
	Attempt     int        // Seq of the capture or void; 0 for a refund
	Refund      payment.ID // the refund; empty for a capture or void
	Name        string     // the merchant's own id of the operation; may be empty
	Request     string     // the idempotency key of the request; may be empty
	Fingerprint []byte     // of what was asked for
	Detail      string     // JSON of the dialect
}

const sqlInsertInstruction = `INSERT INTO instruction (shop_id, payment_id, attempt, refund_id, name, name_key, request,
	fingerprint, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// Insert writes an instruction. A name that the shop has used before fails with a UniqueError of
// WriteInstruction.
func (t Instructions) Insert(shop payment.ShopID, i *Instruction) {
	var key any
	if i.Name != "" {
		key = nameKey(i.Name)
	}
	t.tx.Write(WriteInstruction, sqlInsertInstruction, string(shop), string(i.Payment), i.Attempt, string(i.Refund),
		tx.Nullable(i.Name), key, tx.Nullable(i.Request), i.Fingerprint, i.Detail)
}

const (
	instructionColumns = `payment_id, attempt, refund_id, COALESCE(name, ''), COALESCE(request, ''), fingerprint, detail`

	sqlInstructionNamed = `SELECT ` + instructionColumns + ` FROM instruction WHERE shop_id = $1 AND name_key = $2`
	sqlInstruction      = `SELECT ` + instructionColumns + ` FROM instruction
	WHERE shop_id = $1 AND payment_id = $2 AND attempt = $3 AND refund_id = $4`
	sqlInstructions = `SELECT ` + instructionColumns + ` FROM instruction
	WHERE shop_id = $1 AND payment_id = $2 ORDER BY attempt, refund_id`
)

func scanInstruction(s tx.Scanner) (Instruction, error) {
	var i Instruction
	var pid, refund string
	err := s.Scan(&pid, &i.Attempt, &refund, &i.Name, &i.Request, &i.Fingerprint, &i.Detail)
	i.Payment, i.Refund = payment.ID(pid), payment.ID(refund)
	return i, err
}

// Named returns the instruction with the merchant's own id, or ErrNotFound.
func (t Instructions) Named(shop payment.ShopID, name string) (Instruction, error) {
	return tx.One(t.tx, scanInstruction, sqlInstructionNamed, string(shop), nameKey(name))
}

// Get returns what was said with a capture or void, by its attempt, or with a refund, by its id; or
// ErrNotFound.
func (t Instructions) Get(shop payment.ShopID, pid payment.ID, attempt int, refund payment.ID) (Instruction, error) {
	return tx.One(t.tx, scanInstruction, sqlInstruction, string(shop), string(pid), attempt, string(refund))
}

// History is a deposit with everything that belongs to it.
type History struct {
	Payment      payment.Payment
	Log          []payment.Operation // without messages
	Refunds      []payment.Payment   // oldest first; with their attempts only those that failed to give the deposit back
	Order        *Order              // nil for a payment that no order was made for
	Instructions []Instruction
}

var sqlChildren = `SELECT ` + paymentColumns + ` FROM payment p WHERE p.shop_id = $1 AND p.parent_id = $2 AND p.type = 'REFUND'
	ORDER BY p.id`

var sqlRefundsSince = `SELECT ` + paymentColumns + ` FROM payment p WHERE p.shop_id = $1 AND p.parent_id = $2 AND p.type = 'REFUND'
	AND p.id >= $3 ORDER BY p.id`

// RefundsSince returns the refunds of a deposit that were made at that time or later, oldest first, without their
// attempts.
func (t Payments) RefundsSince(shop payment.ShopID, deposit payment.ID, from time.Time) ([]payment.Payment, error) {
	return tx.List(t.tx, scanPayment, sqlRefundsSince, string(shop), string(deposit), id.Floor(from))
}

// History returns a deposit with its log, refunds, order and instructions, or ErrNotFound. The parts are as of one
// instant: where the deposit was changed between them, they are read again.
func (t Payments) History(shop payment.ShopID, pid payment.ID) (History, error) {
	for range 4 {
		b := t.tx.Batch()
		row := tx.OneIn(b, scanPayment, sqlPayment, string(shop), string(pid))
		attempts := tx.ListIn(b, scanAttempt, sqlAttempts, string(shop), string(pid))
		log := tx.ListIn(b, scanOperation, sqlLog, string(shop), string(pid))
		refunds := tx.ListIn(b, scanPayment, sqlChildren, string(shop), string(pid))
		order := tx.OneIn(b, scanOrder, sqlOrderOfPayment, string(shop), string(pid))
		said := tx.ListIn(b, scanInstruction, sqlInstructions, string(shop), string(pid))
		again := tx.OneIn(b, scanPayment, sqlPayment, string(shop), string(pid))
		if err := b.Run(); err != nil {
			return History{}, err
		}
		p, err := row.Get()
		if err != nil {
			return History{}, err
		}
		p.Attempts = *attempts
		if again.Value.Version != p.Version {
			continue
		}
		h := History{Payment: p, Log: *log, Refunds: *refunds, Instructions: *said}
		if order.Found {
			h.Order = &order.Value
		}
		return h, t.failures(h.Refunds)
	}
	return History{}, t.tx.Again() // after a pause
}

// failures loads the attempts of those refunds that were made to give a deposit back and have failed. There are none, and
// nothing is asked, but in rare cases.
func (t Payments) failures(refunds []payment.Payment) error {
	var b *tx.Batch
	found := make(map[int]*[]payment.Attempt)
	for i := range refunds {
		r := &refunds[i]
		if s := r.State(); !r.Terms.Reversal || s != payment.Declined && s != payment.Cancelled {
			continue
		}
		if b == nil {
			b = t.tx.Batch()
		}
		found[i] = tx.ListIn(b, scanAttempt, sqlAttempts, string(r.Shop), string(r.ID))
	}
	if b == nil {
		return nil
	}
	if err := b.Run(); err != nil {
		return err
	}
	for i, attempts := range found {
		refunds[i].Attempts = *attempts
	}
	return nil
}

const sqlPaymentsBetween = `SELECT id FROM payment WHERE shop_id = $1 AND id >= $2 AND id <= $3 ORDER BY id LIMIT 16`

// Between returns the ids of the shop's payments in a narrow range of ids, both ends included.
func (t Payments) Between(shop payment.ShopID, from, to payment.ID) ([]payment.ID, error) {
	texts, err := tx.List(t.tx, tx.ScanText, sqlPaymentsBetween, string(shop), string(from), string(to))
	ids := make([]payment.ID, len(texts))
	for i, t := range texts {
		ids[i] = payment.ID(t)
	}
	return ids, err
}

const sqlForgetIdempotency = `DELETE FROM idempotency WHERE shop_id = $1 AND route = $2 AND key = $3 AND created <= $4`

// Delete drops the command under that key if it was made at or before the instant.
func (t IdempotencyKeys) Delete(i Idempotency, until time.Time) {
	t.tx.Write("idempotency.forget", sqlForgetIdempotency, string(i.Shop), indexable(i.Route), indexable(i.Key), tx.Micros(until))
}
