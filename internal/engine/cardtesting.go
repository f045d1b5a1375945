package engine

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/velocity"
)

// Slowed is returned for a card that is not tried now, because too much was declined lately that has to do with it or
// with where it comes from. Nothing was stored or sent: the payment can be paid later, or with another card.
type Slowed struct {
	After time.Duration // when it makes sense to come again
}

// Error implements error.
func (s *Slowed) Error() string { return "too many declined card payments" }

// SameCustomer reports whether two addresses are taken for one customer's where card testing is slowed.
func SameCustomer(a, b netip.Addr) bool { return velocity.Same(a, b) }

// door is where one command asks for leave to try a card, once, however often its transaction runs.
type door struct {
	asked   bool
	pass    *velocity.Pass
	refusal *velocity.Refusal
}

// admit asks for leave to charge the card. The error is *Slowed.
func (e *Engine) admit(x *Execute, card *instrument.Card, d *door) error {
	limits := &x.Shop.Settings.CardTesting
	if !limits.On {
		return nil
	}
	if !d.asked {
		d.asked = true
		d.pass, d.refusal = e.guard.Admit(e.Now(), limits, velocity.Try{
			Shop: x.Shop.ID, Payment: x.ID, Card: e.cardMark(card), BIN: card.Number.BIN(), Address: x.From,
		})
	}
	if d.refusal != nil {
		return &Slowed{After: d.refusal.After}
	}
	return nil
}

// admitted asks for leave to charge the card that the means hold, in a wallet too.
func (o *order) admitted(m instrument.Means) (*velocity.Pass, error) {
	card := instrument.NumberIn(m)
	if card == nil {
		return nil, nil
	}
	err := o.e.admit(o.x, card, &o.door)
	return o.door.pass, err
}

func (e *Engine) cardMark(card *instrument.Card) (m velocity.Card) {
	copy(m[:], card.Number.Sum(e.c.Keys.Fingerprint))
	return m
}

// turnedAway counts a refusal that was answered, and tells a human that the shop's cards are being tested.
func (e *Engine) turnedAway(ctx context.Context, s *shop.Shop, r *velocity.Refusal) {
	e.c.Metrics.CardsSlowed.Inc(string(r.Rule))
	if r.Refused > 0 {
		e.bell.Raise(ctx, aboutShop(s.ID, whyCardTesting,
			fmt.Sprintf("the last by the rule %s; %d refused since this was told before", r.Rule, r.Refused)))
	}
}

// observe tells the guard against card testing what became of tries. It is called with every committed decision.
func (e *Engine) observe(ctx context.Context, d *payment.Decision) {
	p := &d.Payment
	if p.Type != payment.Deposit {
		return
	}
	for i := range d.Attempts {
		a := &d.Attempts[i]
		outcome := velocity.OutcomeOf(a)
		if outcome == 0 || a.Kind != payment.AttemptDeposit {
			continue
		}
		if next := d.Fresh; next != nil && next.Kind == payment.AttemptDeposit && a.Class.Refused() { // its last word is the next one's
			e.guard.Onward(p.ID, a.Seq, next.Seq)
			continue
		}
		if u := e.guard.Heard(e.Now(), p.ID, a.Seq, outcome); u != nil {
			e.bell.Raise(ctx, aboutShop(p.Shop, whyDeclineRate, fmt.Sprintf("%d of %d in the last ten minutes", u.Declined, u.Of)))
		}
	}
}

// aboutShop is an alarm about a whole shop.
func aboutShop(id payment.ShopID, why, detail string) alarm.Alarm {
	return alarm.Alarm{Shop: id, About: alarm.Shop, Subject: string(id), Why: why, Detail: detail}
}

// slowed reports that an error is *Slowed.
func slowed(err error) bool {
	_, ok := errors.AsType[*Slowed](err)
	return ok
}
