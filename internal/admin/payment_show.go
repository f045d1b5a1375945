package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

// ShowPayment names a payment to look at.
type ShowPayment struct {
	OfPayment
	Limit int `name:"limit" default:"100" help:"How many entries of its log at most, the newest, up to 1000." json:"limit,omitempty"`
}

// PaymentShown is all there is about a payment.
type PaymentShown struct {
	Shop     string          `json:"shopId"`
	Payment  json.RawMessage `json:"payment"`        // as the gateway API shows it
	Sums     []SumShown      `json:"sums,omitempty"` // those that the API does not show as the amount
	Attempts []AttemptShown  `json:"attempts,omitempty"`
	// Operations are entries of its log as the gateway API shows them, newest first, their messages masked.
	Operations []json.RawMessage `json:"operations"`
	Total      int               `json:"operationsTotal"`
	ByHand     []ByHand          `json:"byHand,omitempty"` // oldest first
	Screening  *Screening        `json:"screening,omitempty"`
}

// SumShown is a sum in its role, such as fee.
type SumShown struct {
	Name     string      `json:"name"`
	Amount   json.Number `json:"amount"`
	Currency string      `json:"currency"`
}

// ByHand is a change that a person made or wants to be made.
type ByHand struct {
	ID         string    `json:"updateId"`
	What       string    `json:"what"` // the state that it was put into, or CAPTURE, VOID, REFUND, PASS, STOP
	Code       string    `json:"code,omitempty"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	ApprovedBy string    `json:"approvedBy,omitempty"`
	Done       time.Time `json:"done,omitzero"`      // zero while it waits for a second person, or is obsolete
	Obsolete   string    `json:"obsolete,omitempty"` // why nobody can approve it any more
	Reason     string    `json:"reason"`
}

// AttemptShown is one try at one terminal, without what would let anybody charge or follow the customer.
type AttemptShown struct {
	Number      int           `json:"number"`
	Kind        string        `json:"kind"`
	Terminal    string        `json:"terminal"`
	Outcome     payment.Class `json:"outcome"`
	Amount      json.Number   `json:"amount"`
	Currency    string        `json:"currency"`
	Key         string        `json:"key"` // by which the provider knows it
	ProviderRef string        `json:"providerId,omitempty"`
	Code        string        `json:"errorCode,omitempty"`
	RawCode     string        `json:"providerCode,omitempty"`
	// Authentication is what 3-D Secure has told, without its proof.
	Authentication *instrument.Authentication `json:"authentication,omitempty"`
	// IssuerBears says that by it not the merchant but the issuer bears a fraud.
	IssuerBears bool      `json:"issuerBears,omitempty"`
	Started     time.Time `json:"started"`
	NextCheck   time.Time `json:"nextCheck,omitzero"` // when the provider is asked next
	Checks      int       `json:"checks,omitempty"`
}

// showPayment shows a payment as it stands; nobody is asked about it. It needs the right ReadPayments.
func (d *Desk) showPayment(ctx context.Context, c ShowPayment) (PaymentShown, error) {
	if c.Limit == 0 {
		c.Limit = 100
	}
	if c.Limit < 1 || c.Limit > payment.MaxLimit {
		return PaymentShown{}, fmt.Errorf("--limit: %d is not between 1 and %d", c.Limit, payment.MaxLimit)
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return PaymentShown{}, err
	}
	p, err := d.c.Engine.Look(ctx, s.ID, c.id())
	if err != nil {
		return PaymentShown{}, paymentError(err, &c.OfPayment)
	}
	shown := PaymentShown{Shop: string(s.ID), Payment: d.shown(&p), Total: p.Ops, Operations: []json.RawMessage{}, Screening: screeningShown(&p)}
	for _, s := range p.Beside() {
		shown.Sums = append(shown.Sums, SumShown{s.Name, json.Number(s.Sum.Amount.String()), string(s.Sum.Currency)})
	}
	for i := range p.Attempts {
		shown.Attempts = append(shown.Attempts, attemptShown(&p, &p.Attempts[i]))
	}
	err = d.c.DB.View(ctx, func(tx *store.Tx) error {
		log, err := tx.Operations().Page(s.ID, p.ID, p.Ops, c.Limit)
		if err != nil {
			return err
		}
		shown.Operations = shown.Operations[:0]
		for i := range log {
			shown.Operations = append(shown.Operations, gateway.ShownOperation(&log[i]))
		}
		updates, err := tx.ManualUpdates().Of(s.ID, p.ID, mostListed)
		if err != nil {
			return err
		}
		wishes, err := d.wishes(tx, updates)
		shown.ByHand = listOf(wishes, func(u *wish) ByHand {
			return ByHand{u.ID, string(u.To), string(u.Code), u.AskedBy, u.AskedAt, u.ApprovedBy, u.DoneAt, u.obsolete, u.Reason}
		}).Items
		return err
	})
	return shown, err
}

func attemptShown(p *payment.Payment, a *payment.Attempt) AttemptShown {
	shown := AttemptShown{
		Number: a.Seq, Kind: string(a.Kind), Terminal: a.Terminal, Outcome: a.Class, Amount: json.Number(a.Sent.Amount.String()),
		Currency: string(a.Sent.Currency), Key: a.Key, ProviderRef: a.ProviderRef, Code: string(a.Code), RawCode: a.RawCode,
		Started: a.Started, NextCheck: a.NextCheck, Checks: a.Checks,
	}
	if auth := a.Auth.Read(); auth.Result != "" {
		shown.IssuerBears, auth.Value = auth.Shifts(p.Instrument.CardBrand), ""
		shown.Authentication = &auth
	}
	return shown
}
