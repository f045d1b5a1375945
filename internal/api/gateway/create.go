package gateway

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
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
	c, err := bindPayment(doc, s, g.engine.ForbiddenHook)
	if err != nil {
		return err
	}
	c.Fingerprint = g.engine.Fingerprint(g.canonicalPayment(r.Pattern, &c))
	c.Idem = engine.Idempotency{Route: r.Pattern, Key: key, Fingerprint: c.Fingerprint}
	o, err := g.engine.Create(r.Context(), c)
	if err != nil {
		c.Card.Wipe()
		return err
	}
	if o.Replayed { // then the engine did not take the card over
		c.Card.Wipe()
	}
	g.answerOutcome(w, &o)
	return nil
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
