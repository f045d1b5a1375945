// Package flight keeps what payments under way are to be paid with, from the request that brings it to the call that uses it.
// Means that have to outlive their request stand sealed in the payment's own row, written in the transaction that makes them
// needed, and every node can go on with them; payment.Payment.Means says for how long. The security code of a card is not
// among them: it stays in the memory of the process that got it, and is gone with it.
//
// It does not decide anything about a payment, and calls no provider. Read Keeper; withhold.go keeps a card's number out of what
// is stored.
package flight

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// Keeper keeps means, gives them back and forgets them. Safe for concurrent use.
type Keeper struct {
	DB   *store.DB
	Held *vault.Holder // what stands nowhere else
	Now  func() time.Time
	Log  *slog.Logger
	// Never is the mode in which no number of a card is kept in the database.
	Never bool
}

// Kept is what a payment is to be paid with.
type Kept struct {
	Means instrument.Means // the caller's to wipe; nil where nothing is kept
	Coded bool             // a card that came with a security code, which is not here any more
}

// Add gives a card that is kept the security code of one that has nothing else.
func (k *Kept) Add(code *instrument.Card) {
	if card := instrument.CardOf(k.Means); card != nil && code != nil && !code.SecurityCode.IsZero() {
		card.SecurityCode.Wipe()
		card.SecurityCode, k.Coded = code.Clone().SecurityCode, false
	}
}

// Seal returns what of the means may be kept in the payment's row, or nothing where that cannot be sealed.
func (k Keeper) Seal(tx *store.Tx, p *payment.Payment, m instrument.Means) string {
	packed := k.pack(m)
	defer clear(packed)
	return tx.Payments().SealMeans(p, packed)
}

// pack is what of the means may be kept in a row: nothing of a card where none ever is.
func (k Keeper) pack(m instrument.Means) []byte {
	if k.Never && instrument.NumberIn(m) != nil {
		return nil
	}
	return vault.Pack(m)
}

// Remain keeps in memory what of the means the payment's row does not hold: the security code alone, or all of them where they
// could not be sealed. The means are taken over.
func (k Keeper) Remain(p *payment.Payment, m instrument.Means) {
	card := instrument.CardOf(m)
	switch {
	case p.Means == "":
		k.Held.Put(p.ID, m)
		return
	case card != nil && !card.SecurityCode.IsZero():
		code := instrument.Card{SecurityCode: card.SecurityCode}
		k.Held.Put(p.ID, code.Clone())
	}
	instrument.Wipe(m)
}

// Drop forgets what is in memory. The row forgets by itself.
func (k Keeper) Drop(id payment.ID) { k.Held.Drop(id) }

// Of is what a payment as it was just read is to be paid with. An error says that this node cannot open it now. What was
// changed, or belongs to another payment, counts as nothing where a customer can be asked for it again.
func (k Keeper) Of(tx *store.Tx, p *payment.Payment) (Kept, error) {
	return k.by(tx.Payments().OpenMeans, p)
}

// Open is Of outside of a transaction.
func (k Keeper) Open(ctx context.Context, p *payment.Payment) (Kept, error) {
	return k.by(func(p *payment.Payment) ([]byte, error) { return k.DB.OpenMeans(ctx, p) }, p)
}

func (k Keeper) by(open func(*payment.Payment) ([]byte, error), p *payment.Payment) (Kept, error) {
	here := k.Held.Get(p.ID)
	if !p.Keeps(k.Now()) {
		if card := instrument.CardOf(here); card != nil && card.Number.IsZero() { // a code without its card
			card.Wipe()
			here = nil
		}
		return Kept{Means: here}, nil
	}
	defer instrument.Wipe(here)
	packed, err := open(p)
	if err != nil {
		return Kept{}, k.unopened(p, err)
	}
	m, coded, err := vault.Unpack(packed)
	if err != nil {
		return Kept{}, k.unopened(p, fmt.Errorf("%w: %w", vault.ErrSealed, err))
	}
	found := Kept{m, coded}
	found.Add(instrument.CardOf(here))
	return found, nil
}

// unopened is what comes of kept means that do not open.
func (k Keeper) unopened(p *payment.Payment, err error) error {
	k.Log.Error("what a payment is to be paid with cannot be opened", "shop_id", string(p.Shop), "payment_id", string(p.ID), "error", err)
	if errors.Is(err, vault.ErrSealed) && p.Payable() { // the customer is asked for it again
		return nil
	}
	return err
}

// Screened is what must not be repeated by what a provider says about a payment while its means are kept; the caller wipes it.
func (k Keeper) Screened(ctx context.Context, p *payment.Payment) instrument.Means {
	kept, err := k.Open(ctx, p)
	if err != nil {
		k.Log.WarnContext(ctx, "what a provider says is not searched for the card", "payment_id", string(p.ID), "error", err)
	}
	return kept.Means
}

// Shown is what may be shown of a card that is kept.
type Shown struct {
	Brand                          instrument.Brand
	Last4, ExpiryMonth, ExpiryYear string
	Uncoded                        bool // it came with a security code, which is not here any more
}

// Shown returns what may be shown of the card that a payment is to be paid with; nil where none is kept, or none that opens now.
func (k Keeper) Shown(ctx context.Context, p *payment.Payment) *Shown {
	kept, err := k.Open(ctx, p)
	defer instrument.Wipe(kept.Means)
	card := instrument.CardOf(kept.Means)
	if err != nil || card == nil {
		return nil
	}
	return &Shown{card.Number.Brand(), card.Number.Last4(), card.ExpiryMonth, card.ExpiryYear, kept.Coded}
}

// Has reports that there is something to pay with.
func (k Keeper) Has(p *payment.Payment) bool {
	if p.Keeps(k.Now()) {
		return true
	}
	here := k.Held.Get(p.ID)
	defer instrument.Wipe(here)
	card := instrument.CardOf(here)
	return here != nil && (card == nil || !card.Number.IsZero())
}

// ForRetry seals the means of a call that never left, and has to be made again without anybody who could bring them once more, and
// of one that another try may follow. Those of a deposit between tries are kept from its birth, or are not.
func (k Keeper) ForRetry(ctx context.Context, p *payment.Payment, call *payment.Call, f *payment.Fact, m instrument.Means) string {
	again := f.Class == payment.ClassUnsent && p.Type != payment.Deposit
	follows := call.Attempt.Rest != "" && (f.Class == payment.ClassWaiting || f.Class == payment.ClassUnknown)
	if p.Means != "" || !again && !follows {
		return ""
	}
	packed := k.pack(m)
	defer clear(packed)
	return k.DB.SealMeans(ctx, p, packed)
}

// Answered keeps in memory what of the means of such a call the row does not hold, and forgets it when it has left and nothing
// can follow.
func (k Keeper) Answered(p *payment.Payment, call *payment.Call, m instrument.Means) {
	switch {
	case p.LastRefusal() != nil: // the customer is asked for something else
		k.Held.Drop(p.ID)
	case call.Attempt.Rest == "" && (m == nil || p.Type == payment.Deposit), p.BetweenTries():
	case !p.GoesOn() && p.Unsent() == nil:
		k.Held.Drop(p.ID)
	case m != nil && !k.Held.Has(p.ID) && (p.Means == "" || p.GoesOn()):
		k.Remain(p, instrument.Clone(m))
	}
}
