package gateway

import (
	"net/http"
	"slices"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func (g *Gateway) get(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	t, err := target(r, s)
	if err != nil {
		return err
	}
	p, err := g.engine.Get(r.Context(), s.ID, t.ID)
	if err != nil {
		return err
	}
	g.answerPayment(w, &p)
	return nil
}

func (g *Gateway) answerPayment(w http.ResponseWriter, p *payment.Payment) {
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, g.engine.Now(), http.StatusOK), `,"result":`...)
		return append(appendPayment(dst, p, g.redirectURL(p)), '}')
	})
}

func (g *Gateway) operations(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	t, err := target(r, s)
	if err != nil {
		return err
	}
	log, err := g.engine.Operations(r.Context(), s.ID, t.ID)
	if err != nil {
		return err
	}
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, g.engine.Now(), http.StatusOK), `,"result":[`...)
		for i, op := range slices.Backward(log) {
			if i < len(log)-1 {
				dst = append(dst, ',')
			}
			dst = appendOperation(dst, &op)
		}
		return append(dst, `]}`...)
	})
	return nil
}
