package gateway

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// capture takes held money, all of it where the request names no amount.
func (g *Gateway) capture(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	t, err := command(r, s)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	amount, err := g.readCapture(w, r, t)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	t.Idem.Fingerprint = g.engine.Fingerprint(canonicalCommand(t.Idem.Route, t.ID, amount, ""))
	o, err := g.engine.Capture(r.Context(), t, amount)
	if err != nil {
		return err
	}
	g.answerOutcome(w, &o)
	return nil
}

// readCapture reads a CaptureRequest; no body is an empty one. Only the payment tells its currency, which is looked up
// where the amount needs it.
func (g *Gateway) readCapture(w http.ResponseWriter, r *http.Request, t engine.Target) (money.Amount, error) {
	body, err := api.ReadBody(w, r)
	if err != nil || len(body) == 0 {
		return money.Amount{}, err
	}
	doc, err := api.Decode(body)
	if err != nil {
		return money.Amount{}, err
	}
	var currency money.Currency
	if noisy(doc.Get("amount")) {
		if currency, err = g.currencyOf(r.Context(), t.Shop, t.ID); err != nil {
			return money.Amount{}, err
		}
	}
	b := newBinder(doc)
	amount := b.amount("amount", currency)
	return amount, b.err()
}

// void gives held money back. A body is ignored.
func (g *Gateway) void(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	t, err := command(r, s)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	t.Idem.Fingerprint = g.engine.Fingerprint(canonicalCommand(t.Idem.Route, t.ID, money.Amount{}, payment.Document("")))
	o, err := g.engine.Void(r.Context(), t)
	if err != nil {
		return err
	}
	g.answerOutcome(w, &o)
	return nil
}
