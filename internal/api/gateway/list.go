package gateway

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/shop"
)

func (g *Gateway) list(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	f, err := bindFilter(r.URL.RawQuery)
	if err != nil {
		return err
	}
	f.Shop = s.ID
	asked := g.engine.Now() // a change that is not found can be asked for from then on
	payments, more, err := g.records.List(r.Context(), f)
	if err != nil {
		return err
	}
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, asked, http.StatusOK), `,"hasMore":`...)
		if more {
			dst = append(dst, `true,"result":[`...)
		} else {
			dst = append(dst, `false,"result":[`...)
		}
		for i := range payments {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendPayment(dst, &payments[i], redirectURL(g.engine, &payments[i]))
		}
		return append(dst, `]}`...)
	})
	return nil
}
