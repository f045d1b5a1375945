package gateway

import (
	"net/http"
	"strconv"

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
		return append(appendPayment(dst, p, redirectURL(g.engine, p)), '}')
	})
}

// headerTotal says how many operations a payment has, where the answer does not hold all of them.
const headerTotal = "Operations-Total"

// operations answers with the log of a payment, newest first: all of it up to MaxLimit entries, and of a longer one the
// newest, unless the query asks for others.
func (g *Gateway) operations(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	t, err := target(r, s)
	if err != nil {
		return err
	}
	limit, offset, err := bindOperations(r.URL.RawQuery)
	if err != nil {
		return err
	}
	p, err := g.engine.Get(r.Context(), s.ID, t.ID)
	if err != nil {
		return err
	}
	log, err := g.records.Log(r.Context(), &p, limit, offset)
	if err != nil {
		return err
	}
	if p.Ops > len(log) {
		w.Header().Set(headerTotal, strconv.Itoa(p.Ops))
	}
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, g.engine.Now(), http.StatusOK), `,"result":[`...)
		for i := range log {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendOperation(dst, &log[i])
		}
		return append(dst, `]}`...)
	})
	return nil
}
