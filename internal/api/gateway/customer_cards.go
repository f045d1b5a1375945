package gateway

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/shop"
)

// cardTokens answers with the cards that the shop keeps for a customer, the one that was changed last first. Of a customer whom nobody
// knows there are none.
func (g *Gateway) cardTokens(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	cards, err := g.cards.Of(r.Context(), s, r.PathValue("customerReferenceId"))
	if err != nil {
		return err
	}
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, g.engine.Now(), http.StatusOK), `,"result":[`...)
		for i := range cards {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendCardToken(dst, &cards[i])
		}
		return append(dst, `]}`...)
	})
	return nil
}

// deleteCardToken has the shop forget a card, and answers with what it was. It is an addition to the published API.
func (g *Gateway) deleteCardToken(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	card, err := g.cards.Forget(r.Context(), s, r.PathValue("customerReferenceId"), r.PathValue("id"))
	if err != nil {
		return err
	}
	g.answer(w, http.StatusOK, func(dst []byte) []byte {
		dst = append(appendEnvelope(dst, g.engine.Now(), http.StatusOK), `,"result":`...)
		return append(appendCardToken(dst, &card), '}')
	})
	return nil
}

func appendCardToken(dst []byte, c *engine.CardToken) []byte {
	o := newObject(dst)
	o.text("id", c.Token)
	o.text("cardholderName", c.Holder)
	o.text("panMasked", c.Masked)
	o.text("expiryMonth", c.Month)
	o.text("expiryYear", c.Year)
	o.text("brand", string(c.Brand))
	o.Name("updated")
	o.Dst = append(c.Updated.UTC().AppendFormat(append(o.Dst, '"'), "2006-01-02T15:04:05"), '"')
	o.Truth("savedByCustomer", c.Saved)
	return o.end()
}
