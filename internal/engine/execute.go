package engine

import (
	"context"
	"net/netip"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
)

// Execute is the order to go ahead with a deposit: from the hosted page or, where the
// shop may, from the merchant's server.
type Execute struct {
	Target
	Hosted   bool             // from our own page, so that any shop may
	Method   payment.Method   // empty: the payment's own
	Amount   money.Amount     // zero: the payment's own
	Means    instrument.Means // nil: what came with the payment; taken over
	Browser  payment.Document
	Customer payment.Document // replaces the payment's when not empty
	From     netip.Addr       // address of the customer; the zero value where it is not known
}

// Execute sends a deposit to a provider and returns it with the outcome, PENDING when
// that is not known or the customer has to be sent somewhere. *payment.Missing names
// data that the method needs and nobody gave; *Slowed a card that is not tried now.
func (e *Engine) Execute(ctx context.Context, x Execute) (Outcome, error) {
	means := x.Means
	if means == nil {
		means = e.c.Vault.Get(x.ID)
	}
	defer instrument.Wipe(means)
	ctx, number, done := withoutCard(ctx, means)
	defer done()
	if number != nil && (number.In(string(x.Browser)) || number.In(string(x.Customer))) {
		return Outcome{}, &CardText{}
	}
	var d door
	defer func() { e.guard.Leave(d.pass) }()
	o, err := e.command(ctx, x.Target, func(p *payment.Payment) (payment.Command, exchange, error) {
		return e.submit(&x, p, means, &d)
	})
	if slowed(err) {
		e.turnedAway(ctx, x.Shop, d.refusal)
	}
	if err == nil && !o.Replayed && !o.Payment.BetweenTries() && !o.Payment.GoesOn() { // the next try needs what came with the payment
		e.c.Vault.Drop(x.ID)
	}
	return o, err
}

// submit checks that the method has what it needs and plans the call.
func (e *Engine) submit(x *Execute, p *payment.Payment, means instrument.Means, d *door) (payment.Command, exchange, error) {
	if !x.Hosted && !x.Shop.Settings.HostToHost {
		return nil, exchange{}, ErrNoCards
	}
	c := payment.Submit{Method: x.Method, Amount: x.Amount, Browser: x.Browser, Customer: x.Customer}
	wanted := *p
	if c.Method != "" {
		wanted.Method = c.Method
	}
	if wanted.Method == "" && means != nil {
		c.Method = payment.MethodOf(means.Kind())
		wanted.Method = c.Method
	}
	open := p.Payable()
	var call exchange
	if needs := wanted.Method.Spec().Means; open && needs == instrument.KindCard {
		card := instrument.CardOf(means)
		if card == nil {
			return nil, exchange{}, &payment.Missing{Field: "card"}
		}
		if err := e.admit(x, card, d); err != nil {
			return nil, exchange{}, err
		}
		c.Instrument, call = card.Masked(), exchange{means: means, pass: d.pass}
	}
	if open {
		c.Start, call.at = e.start(x.Shop, &wanted)
	}
	return c, call, nil
}

// Methods lists how a payment can be paid at the shop's terminals: its own method, or
// where the customer chooses, every method that a terminal serves, cards first.
func Methods(s *shop.Shop, p *payment.Payment) []payment.Method {
	if p.Method != "" {
		return []payment.Method{p.Method}
	}
	var offered []payment.Method
	for _, m := range payment.Methods() {
		if !p.Terms.Allow(m) {
			continue
		}
		if !route.Serves(route.NeedOf(p, m), s.Terminals) {
			continue
		}
		if m.Spec().Means == instrument.KindCard {
			offered = append([]payment.Method{m}, offered...)
			continue
		}
		offered = append(offered, m)
	}
	return offered
}

// SendAway records that the customer is being sent to the provider or bank, and returns how.
func (e *Engine) SendAway(ctx context.Context, t Target) (payment.Next, error) {
	d, err := e.decide(ctx, t.Shop.ID, t.ID, payment.Redirected{})
	if err != nil {
		return payment.Next{}, err
	}
	return d.Payment.LiveAttempt().Next, nil
}
