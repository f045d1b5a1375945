package engine

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/flight"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
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
	Customer payment.Document // replaces the payment's when not empty, as Billing does
	Billing  payment.Document
	Save     bool       // the customer wants the card to be kept; of a card from our own page
	From     netip.Addr // address of the customer; the zero value where it is not known
}

// Execute sends a deposit to a provider and returns it with the outcome, PENDING when
// that is not known or the customer has to be sent somewhere. *payment.Missing names
// data that the method needs and nobody gave; *Slowed a card that is not tried now.
//
// Means that are a card without a number are the security code of the card that came with the payment.
func (e *Engine) Execute(ctx context.Context, x Execute) (Outcome, error) {
	by := order{e: e, x: &x, ranges: e.Ranges(ctx)}
	defer by.done()
	ctx, number, done := flight.Without(ctx, x.Means)
	defer done()
	if by.repeated(number) {
		return Outcome{}, &CardText{}
	}
	o, err := e.command(ctx, x.Target, by.plan)
	err = spentFirst(err, by.pays)
	if slowed(err) {
		e.turnedAway(ctx, x.Shop, by.door.refusal)
	}
	if err == nil && !o.Replayed { // the next try needs what came with the payment
		e.keepMeans(&o.Payment, by.pays)
	}
	e.unscreened(ctx, x.Shop, err)
	return o, err
}

// order is one Execute while its transaction may run several times.
type order struct {
	e       *Engine
	x       *Execute
	kept    []instrument.Means   // what came with the payment, as each run has opened it: which one was committed may come out late
	numbers []*instrument.Finder // of the cards among it
	pays    instrument.Means     // of the last run
	chosen  string               // the token by which the order names a kept card
	ranges  *cardrange.Table
	door    door
}

func (o *order) done() {
	for _, m := range o.kept {
		instrument.Wipe(m)
	}
	for _, n := range o.numbers {
		n.Wipe()
	}
	instrument.Wipe(o.x.Means)
	o.e.guard.Leave(o.door.pass)
}

// repeated reports that a text of the order holds the card's number.
func (o *order) repeated(number *instrument.Finder) bool {
	return number != nil && (number.In(string(o.x.Browser)) || number.In(string(o.x.Customer)) || number.In(string(o.x.Billing)))
}

// means is what the payment is paid with: what the order brings, or what came with the payment, to which the order may add a
// security code. coded reports that the code is lost.
func (o *order) means(tx *store.Tx, p *payment.Payment) (m instrument.Means, coded bool, err error) {
	given := instrument.CardOf(o.x.Means)
	if _, named := o.x.Means.(*instrument.SavedCard); o.x.Means != nil && !named && (given == nil || !given.Number.IsZero()) {
		return o.x.Means, false, nil
	}
	k, err := o.came(tx, p)
	if err != nil {
		return nil, false, err
	}
	o.kept = append(o.kept, k.Means)
	card := instrument.CardOf(k.Means)
	if card == nil {
		return k.Means, false, nil
	}
	k.Add(given)
	number := card.Number.Finder()
	o.numbers = append(o.numbers, number)
	if tx.WithoutCard(number); o.repeated(number) {
		return nil, false, &CardText{}
	}
	return card, k.Coded, nil
}

// came is what the payment came with, or the kept card that the order names.
func (o *order) came(tx *store.Tx, p *payment.Payment) (k flight.Kept, err error) {
	by, named := o.x.Means.(*instrument.SavedCard)
	if !named {
		if k, err = o.e.means.Of(tx, p); err != nil {
			return k, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return k, nil
	}
	card, err := o.e.saved(tx, o.x.Shop, p.Customer, by)
	if err != nil {
		return k, err
	}
	o.chosen = by.Token
	return flight.Kept{Means: card}, nil
}

// plan checks that the method has what it needs and plans the call.
func (o *order) plan(tx *store.Tx, p *payment.Payment) (payment.Command, callInput, error) {
	e, x := o.e, o.x
	if !x.Hosted && !x.Shop.Settings.HostToHost {
		return nil, callInput{}, ErrNoCards
	}
	c := payment.Submit{Method: x.Method, Amount: x.Amount, Browser: x.Browser, Customer: x.Customer, Billing: x.Billing, ByPage: x.Hosted}
	if !p.Payable() {
		return c, callInput{}, nil
	}
	if x.Method != "" && p.Method != "" && x.Method != p.Method && !p.ChoosesAgain() {
		return nil, callInput{}, &payment.Refusal{Code: payment.CodeWrongState, Field: "paymentMethod", Detail: "the payment goes on by " + string(p.Method)}
	}
	means, coded, err := o.means(tx, p)
	if err != nil {
		return nil, callInput{}, err
	}
	wanted := *p
	if p.Method == "" && c.Method == "" && means != nil {
		c.Method = methodOf(means)
	}
	wanted.Method = cmp.Or(c.Method, p.Method)
	if w, ok := means.(*instrument.Wallet); ok {
		o.pays = w
		if err := o.unwrapped(tx, &wanted, w); err != nil {
			return nil, callInput{}, err
		}
	}
	var call callInput
	c.Start, call.at = e.start(x.Shop, &wanted)
	call.onPage = true
	card := instrument.CardOf(means)
	switch needs := wanted.Method.Spec().Means; {
	case needs != instrument.KindCard:
		if means == nil {
			means = named(&wanted)
		}
		if means != nil && means.Kind() == needs {
			c.Instrument, call.means = masked(means, o.ranges), means
		}
	case card == nil && call.at.wants().NoCard:
	case card == nil:
		return nil, callInput{}, &payment.Missing{Field: "card"}
	case coded && !call.at.withoutCode():
		return nil, callInput{}, &payment.Missing{Field: "card.cardSecurityCode"}
	default:
		c.Instrument, call.means = masked(card, o.ranges), means
		c.Instrument.CardToken = o.token(tx, p, card)
	}
	if call.pass, err = o.admitted(call.means); err != nil {
		return nil, callInput{}, err
	}
	c.Fill(&wanted)
	if lacks := call.at.lacks(&wanted); lacks != "" {
		return nil, callInput{}, &payment.Missing{Field: lacks}
	}
	if c.Start.Verdict, err = e.screen(x.Shop, &wanted, means, x.From); c.Start.Verdict.Kind == payment.VerdictReview {
		c.Means = e.means.Seal(tx, p, means)
	}
	o.pays = means
	return c, call, err
}

// Methods lists how a payment can be paid at the shop's terminals: its own method, or
// where the customer chooses, every method of its currency that a terminal serves, cards first.
func Methods(s *shop.Shop, p *payment.Payment) []payment.Method {
	if p.Method != "" && !p.ChoosesAgain() {
		return []payment.Method{p.Method}
	}
	var offered []payment.Method
	for _, m := range payment.Methods() {
		if !p.Terms.Allow(m) || !m.Pays(p.Moves().Currency) {
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
