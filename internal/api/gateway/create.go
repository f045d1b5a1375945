package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func (g *Gateway) create(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	key, err := api.IdempotencyKey(r.Header)
	if err != nil {
		return err
	}
	doc, err := api.ReadObject(w, r)
	if err != nil {
		return err
	}
	known, err := g.surroundings(r.Context(), doc, s)
	if err != nil {
		return err
	}
	c, err := bindPayment(doc, s, known)
	if err != nil {
		return err
	}
	c.Fingerprint = g.engine.Fingerprint(g.canonicalPayment(r.Pattern, &c))
	c.Idem = engine.Idempotency{Route: r.Pattern, Key: key, Fingerprint: c.Fingerprint}
	o, err := g.engine.Create(r.Context(), c)
	if err != nil {
		instrument.Wipe(c.Means)
		return err
	}
	if o.Replayed { // then the engine did not take the card over
		instrument.Wipe(c.Means)
	}
	g.answerOutcome(w, &o)
	return nil
}

// surroundings looks up what the request alone does not tell. Hardly any request needs that.
func (g *Gateway) surroundings(ctx context.Context, doc *api.Value, s *shop.Shop) (surroundings, error) {
	known := surroundings{hooks: g.Hooks, keeps: g.cards.On(s)}
	refund := doc.Get("paymentType").Text() == string(payment.Refund)
	if !refund || !doc.Get("currency").Blank() || !noisy(doc.Get("amount")) {
		return known, nil
	}
	var err error
	known.refunded, err = g.currencyOf(ctx, s, payment.ID(doc.Get("parentPaymentId").Text()))
	return known, err
}

// currencyOf is the currency in which a payment is captured and given back, and none where there is no such payment.
func (g *Gateway) currencyOf(ctx context.Context, s *shop.Shop, id payment.ID) (money.Currency, error) {
	p, err := g.engine.Get(ctx, s.ID, id)
	if errors.Is(err, payment.ErrNotFound) {
		return "", nil
	}
	return p.Moves().Currency, err
}

// answerOutcome shows the payment that a command led to.
func (g *Gateway) answerOutcome(w http.ResponseWriter, o *engine.Outcome) {
	if o.Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	if o.DuplicateOf != "" {
		w.Header().Set("Duplicate-Of", string(o.DuplicateOf))
	}
	g.answerPayment(w, &o.Payment)
}
