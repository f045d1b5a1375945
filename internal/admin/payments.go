package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/id"
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

// CheckPayment asks the provider how a payment stands. It needs the right RecheckPayments.
func (d *Desk) CheckPayment(ctx context.Context, c OfPayment) (PaymentState, error) {
	p, err := d.ManualCheck(ctx, shop.ID(c.Shop), payment.ID(c.Payment))
	if err != nil {
		return PaymentState{}, err
	}
	return PaymentState{p.ID, p.State()}, nil
}

// UpdatePayment says how a payment stands in truth.
type UpdatePayment struct {
	OfPayment
	State  string `name:"state" required:"" placeholder:"STATE" help:"The state it has in truth: COMPLETED, AUTHORIZED, DECLINED or CANCELLED." json:"state"`
	Code   string `name:"code" placeholder:"CODE" help:"Error code of a payment that ends without money, such as 3.00." json:"code,omitempty"`
	Reason string `name:"reason" required:"" help:"Why, and how it is known." json:"reason"`
	By     string `name:"by" required:"" placeholder:"NAME" help:"Who asks for it." json:"by"`
}

// PaymentUpdated is an update by hand.
type PaymentUpdated struct {
	Update  string        `json:"updateId"`
	Payment payment.ID    `json:"paymentId"`
	State   payment.State `json:"state"`
	Done    bool          `json:"done"` // otherwise it waits for a second person
}

// UpdatePayment puts a payment into the state that is known to be true, or keeps the wish until somebody else approves
// it. It needs the right UpdatePayments.
func (d *Desk) UpdatePayment(ctx context.Context, c UpdatePayment) (PaymentUpdated, error) {
	if code := payment.ErrorCode(c.Code); code != "" && !code.Valid() {
		return PaymentUpdated{}, fmt.Errorf("there is no error code %q", c.Code)
	}
	uid, done, err := d.ManualUpdate(ctx, store.ManualUpdate{
		Shop: shop.ID(c.Shop), Payment: payment.ID(c.Payment), To: payment.State(c.State),
		Code: payment.ErrorCode(c.Code), Reason: c.Reason, AskedBy: c.By,
	})
	if err != nil {
		return PaymentUpdated{}, err
	}
	return PaymentUpdated{uid, payment.ID(c.Payment), payment.State(c.State), done}, nil
}

// ApproveUpdate names an update that somebody else asked for.
type ApproveUpdate struct {
	Shop   string `name:"shop" required:"" placeholder:"ID" help:"The shop that the payment belongs to." json:"shop"`
	Update string `arg:"" name:"update" help:"The update's id, as printed when it was asked for." json:"update"`
	By     string `name:"by" required:"" placeholder:"NAME" help:"Who approves; not who asked." json:"by"`
}

// UpdateApproved is an update that is carried out.
type UpdateApproved struct {
	Update string `json:"updateId"`
}

// ApproveUpdate carries out what somebody else asked for. It needs the right UpdatePayments.
func (d *Desk) ApproveUpdate(ctx context.Context, c ApproveUpdate) (UpdateApproved, error) {
	return UpdateApproved{c.Update}, d.ApproveManualUpdate(ctx, shop.ID(c.Shop), c.Update, c.By)
}

// ListUpdates chooses updates by hand.
type ListUpdates struct {
	OfShop
	Payment string `name:"payment" placeholder:"ID" help:"Only updates of this payment." json:"payment,omitempty"`
	All     bool   `name:"all" help:"Those that are carried out too, with who approved them." json:"all,omitempty"`
	Limit   int    `name:"limit" default:"1000" help:"Most updates." json:"limit,omitempty"`
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
	DoneAt     time.Time         `json:"doneAt,omitzero"`      // zero while it waits
}

// ListUpdates lists the updates that wait for a second person, or all, newest first. It needs the right ReadPayments.
func (d *Desk) ListUpdates(ctx context.Context, c ListUpdates) (List[Update], error) {
	if c.Limit < 1 {
		return List[Update]{}, errors.New("--limit must be at least 1")
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return List[Update]{}, err
	}
	f := store.ManualUpdateFilter{Shop: s.ID, Payment: payment.ID(c.Payment), Done: c.All, Limit: c.Limit + 1}
	found, err := view(ctx, d, func(tx *store.Tx) ([]store.ManualUpdate, error) { return tx.ManualUpdates(f) })
	return bounded(found, c.Limit, func(u *store.ManualUpdate) Update {
		return Update{u.ID, u.Payment, u.To, u.Code, u.AskedAt, u.AskedBy, u.Reason, u.ApprovedBy, u.DoneAt}
	}), err
}

// Parked is a payment on which nothing more is done by machine.
type Parked struct {
	Shop    shop.ID    `json:"shopId"`
	Payment payment.ID `json:"paymentId"`
	Fails   int        `json:"failed"` // how often work on it has failed
}

// ListParked lists payments that wait for a human, of all shops. It needs the right ReadPayments.
func (d *Desk) ListParked(ctx context.Context, _ Nothing) (List[Parked], error) {
	found, err := view(ctx, d, func(tx *store.Tx) ([]store.DuePayment, error) { return tx.ParkedPayments(mostListed + 1) })
	return bounded(found, mostListed, func(p *store.DuePayment) Parked { return Parked{p.Shop, p.ID, p.Fails} }), err
}

// ChainStopped is a chain of recurring payments that has ended.
type ChainStopped struct {
	Payment payment.ID `json:"paymentId"` // which began it
}

// StopRecurring ends the chain that a payment began. It needs the right StopRecurring.
func (d *Desk) StopRecurring(ctx context.Context, c OfPayment) (ChainStopped, error) {
	pid := payment.ID(c.Payment)
	if read, ok := id.Read(c.Payment); ok {
		pid = payment.ID(read)
	}
	return ChainStopped{pid}, d.StopChain(ctx, shop.ID(c.Shop), pid)
}
