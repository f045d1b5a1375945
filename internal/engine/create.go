package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/flight"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Create is a request for a new payment, checked for form by the dialect.
type Create struct {
	Shop *shop.Shop
	Idem Idempotency
	// Fingerprint of the request even where no idempotency key came: references that
	// may be used once compare by it.
	Fingerprint []byte

	Type           payment.Type
	Method         payment.Method // empty: the customer chooses, or inherited
	Reference      string
	Parent         payment.ID
	Description    string
	Amount         money.Amount   // zero: the customer enters it, or all that is left
	Currency       money.Currency // empty, of a refund: the deposit's
	PreAuth        bool
	StartRecurring bool
	RecurringToken string // continue this chain
	ReturnURL      string
	WebhookURL     string
	Customer       payment.Document
	Billing        payment.Document
	Means          instrument.Means // taken over by the engine, unless it fails or replays; of a deposit only where HostToHost allows it

	Terms Terms
	// Order, when given, is kept beside the payment. Its ID may be used once in the shop: a second payment for it
	// fails with *OrderTaken.
	Order *Order
	// Instruction, when given, is kept with a refund. See Target.
	Instruction *Instruction
	// Record, when given, says who asks for it by hand and why; it is kept with it.
	Record *store.ManualUpdate
	// ParentVersion, when given, is what the deposit of a refund must still be at; else ErrChanged.
	ParentVersion int64
	// Wait bounds how long the answer waits for the provider. Zero: until the call has ended.
	Wait time.Duration
}

// Create makes a payment. A deposit for a customer waits in its checkout; a
// withdrawal, a refund and a follow-up of a recurring chain go to the provider at
// once, so that the answer may be final.
func (e *Engine) Create(ctx context.Context, c Create) (Outcome, error) {
	if !c.Shop.Active {
		return Outcome{}, ErrForbidden
	}
	ctx, number, done := flight.Without(ctx, c.Means)
	defer done()
	if o, found, err := e.repeated(ctx, c.Shop.ID, c.Idem, c.Instruction); found || err != nil {
		return o, err
	}
	if c.Means != nil && c.Type == payment.Deposit && !c.Shop.Settings.HostToHost {
		return Outcome{}, ErrNoCards
	}
	if c.Type == payment.Refund {
		if err := e.resolveParent(ctx, c); err != nil {
			return Outcome{}, err
		}
	}
	token, err := e.opened(ctx, &c)
	if err != nil {
		return Outcome{}, err
	}
	if number == nil { // the card came out of a token
		var repeats func()
		ctx, _, repeats = flight.Without(ctx, c.Means)
		defer repeats()
	}
	o, err := e.createFree(ctx, c, token)
	if token != "" && (err != nil || o.Replayed) { // nobody else wipes it
		c.Means.Wipe()
	}
	return o, err
}

// createFree is createOnce as often as it asks for another try.
func (e *Engine) createFree(ctx context.Context, c Create, token string) (Outcome, error) {
	for range mostFreed {
		o, err := e.createOnce(ctx, c, token)
		if !errors.Is(err, errFreed) {
			return o, err
		}
	}
	return Outcome{}, fmt.Errorf("%w: the reference is taken and given back all the time", ErrUnavailable)
}

// createOnce is Create after the look at what was there before. errFreed asks for another try.
func (e *Engine) createOnce(ctx context.Context, c Create, token string) (Outcome, error) {
	b := creation{e: e, c: c, token: token}
	if c.Means != nil {
		b.ranges = e.Ranges(ctx)
	}
	err := e.c.DB.Update(ctx, func(tx *store.Tx) error { return b.write(ctx, tx) })
	if overtaken(err) {
		if o, found, err := e.repeated(ctx, c.Shop.ID, c.Idem, c.Instruction); found || err != nil {
			return o, err
		}
	}
	e.unscreened(ctx, c.Shop, err)
	switch {
	case clashed(err, store.WriteOrder):
		return e.sameOrder(ctx, c)
	case clashed(err, store.WriteReference):
		return e.sameReference(ctx, c)
	case err != nil:
		return Outcome{}, storeError(err)
	}
	e.announced(ctx, &b.d)
	e.recent.Put(&b.d.Payment)
	o := Outcome{Payment: b.d.Payment, DuplicateOf: b.duplicate}
	if o.DuplicateOf != "" {
		e.toldDuplicate(ctx, &o.Payment, o.DuplicateOf)
	}
	if b.d.Call != nil {
		o.Payment = e.carryFor(ctx, &b.d, b.x, c.Wait)
		instrument.Wipe(c.Means) // where they are needed once more, they are kept
	} else if c.Means != nil {
		e.keep(&o.Payment, c.Means)
	}
	return o, nil
}

// keep holds the means of a server-to-server deposit until it is executed, and of what is in review until it is sent: all but
// what stands in its row.
func (e *Engine) keep(p *payment.Payment, m instrument.Means) {
	if p.State() == payment.Checkout || p.InReview() {
		e.means.Remain(p, m)
		return
	}
	m.Wipe()
}

// resolveParent settles what is open about the deposit of a refund; that it does not
// exist is decided later, with the refund.
func (e *Engine) resolveParent(ctx context.Context, c Create) error {
	err := e.resolve(ctx, c.Shop.ID, c.Parent, c.Wait)
	if errors.Is(err, payment.ErrNotFound) {
		return nil
	}
	return err
}

// creation is one creation while its transaction may run several times.
type creation struct {
	e         *Engine
	c         Create
	id        payment.ID
	created   time.Time
	d         payment.Decision
	x         callInput
	duplicate payment.ID
	unsure    unconfirmed
	ranges    *cardrange.Table // where means are given
	token     string           // of the card, where it was named by one
}

func (b *creation) write(ctx context.Context, tx *store.Tx) error {
	if mine, err := b.unsure.resolved(tx, &b.d, &b.x); mine || err != nil {
		return err
	}
	if b.id == "" {
		id, at := b.e.c.IDs.New()
		b.id, b.created = payment.ID(id), at
	}
	b.duplicate = ""
	if err := b.e.byHand(tx, b.c.Record, b.c.Shop.ID, b.id); err != nil {
		return err
	}
	p, start, err := b.prepare(tx)
	if err != nil {
		return err
	}
	if start != nil && p.Type != payment.Refund {
		if card := instrument.CardOf(b.c.Means); card != nil && b.token == "" {
			p.Instrument.CardToken = b.e.cards.Keep(tx, b.c.Shop, p.Customer, card, false)
		}
		if start.Verdict, err = b.e.screen(b.c.Shop, &p, b.c.Means, netip.Addr{}); err != nil {
			return err
		}
	}
	if b.c.Means != nil && (start == nil || start.Verdict.Kind == payment.VerdictReview) {
		p.Means = b.e.means.Seal(tx, &p, b.c.Means)
	}
	if b.d, err = payment.New(p, start, tx.Now()); err != nil {
		return err
	}
	parent, err := b.reserve(tx)
	if err != nil {
		return err
	}
	if err := b.e.commit(ctx, tx, &changes{d: &b.d, parent: parent, idem: b.c.Idem, order: b.c.Order, said: b.c.Instruction}); err != nil {
		return err
	}
	return b.reference(tx)
}

// refund makes the payment a refund of its parent, at the parent's terminal.
func (b *creation) refund(tx *store.Tx, p payment.Payment) (payment.Payment, *payment.Start, error) {
	parent, err := tx.Payments().Get(b.c.Shop.ID, b.c.Parent)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil, &payment.Refusal{Code: payment.CodeNotFound, Field: "parentPaymentId", Detail: "no such payment"}
	}
	if err != nil {
		return p, nil, err
	}
	if b.c.Method != "" && b.c.Method != parent.Method {
		return p, nil, &payment.Refusal{Code: payment.CodeWrongState, Field: "paymentMethod",
			Detail: "a refund has the method of its deposit"}
	}
	if b.c.Currency == "" {
		b.c.Currency, p.Asked.Currency = parent.Moves().Currency, parent.Moves().Currency
	}
	p.Method, p.Instrument = parent.Method, parent.Instrument
	if p.Asked.Amount, err = b.taking().Of(&parent); err != nil {
		return p, nil, err
	}
	if err := b.twin(tx, &p); err != nil {
		return p, nil, err
	}
	standing := parent.Standing()
	if standing == nil {
		return p, &payment.Start{}, nil
	}
	b.x.original, b.x.at = standing, b.e.reachIn(b.c.Shop, standing.TerminalID)
	return p, &payment.Start{Plan: payment.Plan{Steps: []payment.Step{{
		Terminal: payment.Terminal{ID: standing.TerminalID, Name: standing.Terminal}, Rule: route.Deposit,
	}}}, Run: b.e.runAt(b.x.at)}, nil
}

// followUp makes the payment the next one of a recurring chain.
func (b *creation) followUp(tx *store.Tx, p payment.Payment) (payment.Payment, *payment.Start, error) {
	chain, err := tx.Chains().Get(p.Shop, b.c.RecurringToken)
	if errors.Is(err, store.ErrNotFound) {
		return p, nil, &payment.Refusal{Code: payment.CodeNoRecurring, Field: "recurringToken", Detail: "no such chain"}
	}
	if err != nil {
		return p, nil, err
	}
	if b.c.Parent != "" && b.c.Parent != chain.Payment {
		return p, nil, &payment.Refusal{Code: payment.CodeNoRecurring, Field: "parentPaymentId",
			Detail: "another payment started this chain"}
	}
	if b.c.Method != "" && b.c.Method != chain.Method {
		return p, nil, &payment.Refusal{Code: payment.CodeWrongState, Field: "paymentMethod",
			Detail: "a follow-up has the method of its chain"}
	}
	p.Method, p.Instrument = chain.Method, chain.Instrument
	start, x, err := b.e.chained(tx, b.c.Shop, &p, &chain)
	if err != nil {
		return p, nil, err
	}
	b.x, p.Terms.Chain = x, x.chain
	return p, &start, nil
}
