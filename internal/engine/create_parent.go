package engine

import (
	"cmp"
	"errors"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// reserve decides to hold the money of a refund that is about to be sent on its deposit.
// One that was refused before any provider never held any, and nil is returned.
func (b *creation) reserve(tx *store.Tx) (*payment.Decision, error) {
	if b.c.Type != payment.Refund || b.d.Call == nil {
		return nil, nil //nolint:nilnil // the deposit stays as it is, and that is no error
	}
	parent, err := tx.Payments().Get(b.c.Shop.ID, b.c.Parent)
	if err != nil {
		return nil, err
	}
	if b.c.ParentVersion != 0 && parent.Version != b.c.ParentVersion {
		return nil, ErrChanged
	}
	take := b.taking()
	take.Amount = b.d.Payment.Asked.Amount
	r, err := payment.Decide(parent, take, tx.Now())
	return &r, err
}

// taking is what a refund takes from its deposit.
func (b *creation) taking() payment.Reserve {
	return payment.Reserve{Amount: b.c.Amount, Currency: b.c.Currency, Reversal: b.c.Terms.Reversal}
}

// prepare puts the payment together and, where it goes to a provider at once, what
// that needs.
func (b *creation) prepare(tx *store.Tx) (payment.Payment, *payment.Start, error) {
	c := &b.c
	p := payment.Payment{
		ID: b.id, Shop: c.Shop.ID, Type: c.Type, Method: c.Method, Reference: c.Reference, Parent: c.Parent,
		Description: c.Description, Asked: money.Sum{Amount: c.Amount, Currency: c.Currency}, PreAuth: c.PreAuth,
		StartRecurring: c.StartRecurring, ReturnURL: c.ReturnURL, WebhookURL: c.WebhookURL,
		Customer: c.Customer, Billing: c.Billing, Created: b.created, Terms: c.Terms,
	}
	c.Shop.Fix(&p)
	if c.Means != nil {
		p.Method, p.Instrument = cmp.Or(methodOf(c.Means), p.Method), masked(c.Means, b.ranges)
		p.Instrument.CardToken = b.token
	}
	b.x = callInput{means: c.Means}
	switch {
	case c.Type == payment.Refund:
		return b.refund(tx, p)
	case c.RecurringToken != "" && c.Type == payment.Deposit:
		return b.followUp(tx, p)
	case c.RecurringToken != "":
		return p, nil, &payment.Refusal{Code: payment.CodeNoRecurring, Field: "recurringToken",
			Detail: "only deposits continue a chain"}
	}
	if err := b.checkParent(tx); err != nil || c.Type == payment.Deposit {
		return p, nil, err
	}
	start, at := b.e.start(c.Shop, &p)
	b.x.at = at
	return p, &start, nil
}

// checkParent makes sure that a parent named for the record is the shop's own.
func (b *creation) checkParent(tx *store.Tx) error {
	if b.c.Parent == "" {
		return nil
	}
	_, err := tx.Payments().Get(b.c.Shop.ID, b.c.Parent)
	if errors.Is(err, store.ErrNotFound) {
		return &payment.Refusal{Code: payment.CodeNotFound, Field: "parentPaymentId", Detail: "no such payment"}
	}
	return err
}

// reference applies the shop's rule for references that are used twice.
func (b *creation) reference(tx *store.Tx) error {
	mode := b.c.Shop.Settings.ReferenceMode
	if b.c.Reference == "" || mode == shop.ReferenceOff {
		return nil
	}
	if mode == shop.ReferenceWarn {
		id, err := tx.Payments().LatestByReference(b.c.Shop.ID, b.c.Type, b.c.Reference)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if id != "" && id != b.id {
			b.duplicate = id
		}
		return nil
	}
	if s := b.d.Payment.State(); mode == shop.ReferenceOneLive && (s == payment.Declined || s == payment.Cancelled) {
		return nil
	}
	tx.References().Insert(store.Reference{
		Shop: b.c.Shop.ID, Type: b.c.Type, Reference: b.c.Reference, Payment: b.id, Fingerprint: b.c.Fingerprint,
		Forever: mode == shop.ReferenceStrict,
	})
	return nil
}
