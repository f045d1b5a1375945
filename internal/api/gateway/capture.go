package gateway

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
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
	amount, err := readCapture(w, r)
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

// readCapture reads a CaptureRequest; no body is an empty one.
func readCapture(w http.ResponseWriter, r *http.Request) (money.Amount, error) {
	body, err := api.ReadBody(w, r)
	if err != nil || len(body) == 0 {
		return money.Amount{}, err
	}
	doc, err := api.Decode(body)
	if err != nil {
		return money.Amount{}, err
	}
	b := newBinder(doc)
	amount := b.amount("amount")
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
