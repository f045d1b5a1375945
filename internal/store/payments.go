package store

import (
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Payments have no table of their own for what a customer or an address is: those
// documents are passed on as they are and never queried inside.

var sqlPayment = `SELECT ` + paymentColumns + ` FROM payment p WHERE p.shop_id = $1 AND p.id = $2`

// Get returns a payment with its attempts, or ErrNotFound. A body that will
// change it may read it once and decide on what it read: its write names the version.
func (t Payments) Get(shop payment.ShopID, pid payment.ID) (payment.Payment, error) {
	t.tx.LockKey(string(pid))
	p, err := t.read(shop, pid)
	for range tornReads {
		if err != nil || !p.Torn() {
			break
		}
		p, err = t.read(shop, pid)
	}
	return p, err
}

// tornReads is how often a payment is read again that was changed between the two reads. Who writes sees it in any case: the
// update names the version.
const tornReads = 3

func (t Payments) read(shop payment.ShopID, pid payment.ID) (payment.Payment, error) {
	b := t.tx.Batch()
	row := tx.OneIn(b, scanPayment, sqlPayment, string(shop), string(pid))
	attempts := tx.ListIn(b, scanAttempt, sqlAttempts, string(shop), string(pid))
	if err := b.Run(); err != nil {
		return payment.Payment{}, err
	}
	p, err := row.Get()
	if err != nil {
		return payment.Payment{}, err
	}
	p.Attempts = *attempts
	return p, nil
}

// Expect says that the body decides on a payment as it was just committed, without
// reading it again: when somebody changed it meanwhile, the guarded update misses and
// the body runs again.
func (t Payments) Expect(p *payment.Payment) { t.tx.LockKey(string(p.ID)) }

// Insert writes a payment that is born, as version 1. Its attempts and
// operations are written by their own accessors.
func (t Payments) Insert(p *payment.Payment) {
	t.changes(p)
	t.tx.Write("payment.create", insertPayment.sql, insertPayment.args(t.tx, p, 0, tx.Stamp{})...)
}

// Update writes everything of a payment that can change, if its version is
// still the one that was read; otherwise the body runs again.
func (t Payments) Update(p *payment.Payment) {
	t.changes(p)
	args := updatePayment.args(t.tx, p, 3, tx.Stamp{})
	t.tx.Version("payment.update", updatePayment.sql, append(args, string(p.Shop), string(p.ID), p.Version)...)
}

const sqlLatestByReference = `SELECT id FROM payment WHERE shop_id = $1 AND substr(reference, 1, 256) = substr($2, 1, 256) AND reference = $2 AND type = $3
	ORDER BY id DESC LIMIT 1`

// LatestByReference returns the newest payment of that type with the merchant's
// reference, or ErrNotFound.
func (t Payments) LatestByReference(shop payment.ShopID, of payment.Type, reference string) (payment.ID, error) {
	found, err := tx.One(t.tx, tx.ScanText, sqlLatestByReference, string(shop), reference, string(of))
	return payment.ID(found), err
}

// readAmount reads an amount column; empty is the stored NULL, zero.
func readAmount(text string) (money.Amount, error) {
	if text == "" {
		return money.Amount{}, nil
	}
	return money.ParseFixed(text)
}

// amount is how an amount is stored: fixed width, so that text compares like the
// number on SQLite; zero is NULL.
func amount(a money.Amount) any {
	if a.IsZero() {
		return nil
	}
	return a.Fixed()
}
