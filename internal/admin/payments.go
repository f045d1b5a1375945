package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// OfPayment names a payment.
type OfPayment struct {
	Shop    string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Payment string `arg:"" name:"payment" help:"The payment's id." json:"payment"`
}

// PaymentState is how a payment stands.
type PaymentState struct {
	Payment payment.ID    `json:"paymentId"`
	State   payment.State `json:"state"`
}

// checkPayment asks the provider how a payment stands. It needs the right RecheckPayments.
func (d *Desk) checkPayment(ctx context.Context, c OfPayment) (PaymentState, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return PaymentState{}, err
	}
	p, err := d.c.Engine.ManualCheck(ctx, s.ID, c.id())
	if err != nil {
		return PaymentState{}, paymentError(err, &c)
	}
	return PaymentState{p.ID, p.State()}, nil
}

// UpdatePayment says how a payment stands in truth.
type UpdatePayment struct {
	OfPayment
	State  string `name:"state" required:"" placeholder:"STATE" help:"The state it has in truth: COMPLETED, AUTHORIZED, DECLINED or CANCELLED." json:"state"`
	Code   string `name:"code" placeholder:"CODE" help:"Error code of a payment that ends without money, such as 3.00." json:"code,omitempty"`
	Reason string `name:"reason" required:"" placeholder:"TEXT" help:"Why, and how it is known." json:"reason"`
	By     string `name:"by" required:"" placeholder:"NAME" help:"Who asks for it." json:"by"`
}

// PaymentUpdated is an update by hand.
type PaymentUpdated struct {
	Update  string        `json:"updateId"`
	Payment payment.ID    `json:"paymentId"`
	State   payment.State `json:"state"`
	Done    bool          `json:"done"` // otherwise it waits for a second person
}

// updatePayment puts a payment into the state that is known to be true, or keeps the wish until somebody else approves
// it. It needs the right UpdatePayments.
func (d *Desk) updatePayment(ctx context.Context, c UpdatePayment) (PaymentUpdated, error) {
	if to := payment.State(c.State); !slices.Contains(payment.States(), to) {
		return PaymentUpdated{}, fmt.Errorf("there is no state %q that a payment could be put into by hand", c.State)
	}
	if code := payment.ErrorCode(c.Code); code != "" && !code.Valid() {
		return PaymentUpdated{}, fmt.Errorf("there is no error code %q", c.Code)
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return PaymentUpdated{}, err
	}
	uid, done, err := d.c.Engine.ManualUpdate(ctx, store.ManualUpdate{
		Shop: s.ID, Payment: c.id(), To: payment.State(c.State),
		Code: payment.ErrorCode(c.Code), Reason: c.Reason, AskedBy: c.By,
	})
	if err != nil {
		return PaymentUpdated{}, paymentError(err, &c.OfPayment)
	}
	return PaymentUpdated{uid, c.id(), payment.State(c.State), done}, nil
}

// ApproveUpdate names an update that somebody else asked for.
type ApproveUpdate struct {
	Shop   string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Update string `arg:"" name:"update" help:"The update's id, as \"sluice payment updates\" lists it." json:"update"`
	By     string `name:"by" required:"" placeholder:"NAME" help:"Who approves; not who asked." json:"by"`
}

// UpdateApproved is an update that is carried out.
type UpdateApproved struct {
	Update string `json:"updateId"`
}

// approveUpdate carries out what somebody else asked for. It needs the right UpdatePayments.
func (d *Desk) approveUpdate(ctx context.Context, c ApproveUpdate) (UpdateApproved, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return UpdateApproved{}, err
	}
	err = d.c.Engine.ApproveManualUpdate(ctx, s.ID, c.Update, c.By)
	if errors.Is(err, payment.ErrNotFound) {
		err = fmt.Errorf("shop %s has no update %s; \"sluice payment updates --shop %s\" lists those that wait", s.ID, named(c.Update), s.ID)
	}
	return UpdateApproved{c.Update}, err
}

// ListUpdates chooses updates by hand.
type ListUpdates struct {
	OfShop
	Payment string `name:"payment" placeholder:"ID" help:"Only updates of this payment." json:"payment,omitempty"`
	All     bool   `name:"all" help:"Those that are carried out too, with who approved them." json:"all,omitempty"`
	Limit   int    `name:"limit" default:"1000" help:"How many at most." json:"limit,omitempty"`
}

// Update is an update by hand, with what a second person has to know before agreeing.
type Update struct {
	ID         string            `json:"updateId"`
	Payment    payment.ID        `json:"paymentId"`
	To         payment.State     `json:"state"`
	Code       payment.ErrorCode `json:"code,omitempty"`
	AskedAt    time.Time         `json:"askedAt"`
	AskedBy    string            `json:"askedBy"`
	Reason     string            `json:"reason"`
	ApprovedBy string            `json:"approvedBy,omitempty"` // empty also where the shop demands no second person
	DoneAt     time.Time         `json:"doneAt,omitzero"`      // zero while it waits, or is obsolete
	Obsolete   string            `json:"obsolete,omitempty"`   // why nobody can approve it any more: it does not wait
}

// listUpdates lists the updates that are not carried out, or all, newest first. Whether one still waits for a second person
// is found out by the payment as it is now. It needs the right ReadPayments.
func (d *Desk) listUpdates(ctx context.Context, c ListUpdates) (List[Update], error) {
	if c.Limit < 1 {
		return List[Update]{}, fmt.Errorf("--limit: %d is less than 1", c.Limit)
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return List[Update]{}, err
	}
	f := store.ManualUpdateFilter{Shop: s.ID, Done: c.All, Limit: c.Limit + 1}
	if c.Payment != "" {
		of := OfPayment{c.Shop, c.Payment}
		if _, err := d.c.Engine.Look(ctx, s.ID, of.id()); err != nil {
			return List[Update]{}, paymentError(err, &of)
		}
		f.Payment = of.id()
	}
	found, err := view(ctx, d, func(tx *store.Tx) ([]wish, error) {
		updates, err := tx.ManualUpdates().List(f)
		if err != nil {
			return nil, err
		}
		return d.wishes(tx, updates)
	})
	return bounded(found, c.Limit, func(u *wish) Update {
		return Update{u.ID, u.Payment, u.To, u.Code, u.AskedAt, u.AskedBy, u.Reason, u.ApprovedBy, u.DoneAt, u.obsolete}
	}), err
}

// wish is an update by hand with why nobody can approve it any more, if so.
type wish struct {
	store.ManualUpdate

	obsolete string
}

func (d *Desk) wishes(tx *store.Tx, updates []store.ManualUpdate) ([]wish, error) {
	all := make([]wish, len(updates))
	for i := range updates {
		why, err := d.c.Engine.Obsolete(tx, &updates[i])
		if err != nil {
			return nil, err
		}
		all[i] = wish{updates[i], why}
	}
	return all, nil
}

// Parked is a payment on which nothing more is done by machine.
type Parked struct {
	Shop    shop.ID    `json:"shopId"`
	Payment payment.ID `json:"paymentId"`
	Fails   int        `json:"failed"` // how often work on it has failed
}

// ListParked lists payments that wait for a human, of all shops. It needs the right ReadPayments.
func (d *Desk) listParked(ctx context.Context, _ Nothing) (List[Parked], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]store.DuePayment, error) { return tx.Payments().Parked(mostListed + 1) })
	return bounded(found, mostListed, func(p *store.DuePayment) Parked { return Parked{p.Shop, p.ID, p.Fails} }), err
}

// ChainStopped is a chain of recurring payments that has ended.
type ChainStopped struct {
	Payment payment.ID `json:"paymentId"` // which began it
}

// stopRecurring ends the chain that a payment began. It needs the right StopRecurring.
func (d *Desk) stopRecurring(ctx context.Context, c OfPayment) (ChainStopped, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return ChainStopped{}, err
	}
	return ChainStopped{c.id()}, paymentError(d.c.Engine.StopChain(ctx, s.ID, c.id()), &c)
}
