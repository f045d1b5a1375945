package checkout

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Session asks Apple for the session of a merchant, by which a sheet opens in the browser that named the address: for a shop that
// customers know by the name, on a page of the host. It calls no address of the browser's choice but those of Apple's gateways.
type Session func(ctx context.Context, s *shop.Shop, name, validationURL, host string) ([]byte, error)

// fieldValidation is the address that the browser names.
const fieldValidation = "validationUrl"

// mostSessions is how many are asked for at a time: each takes ten seconds at most, and one for a payment.
const mostSessions = 64

// sessions are those that are being asked for.
type sessions struct {
	ask      Session
	payments *limit.Each[payment.ID]
	all      *limit.Each[struct{}]
}

func newSessions(ask Session) sessions {
	return sessions{ask, limit.NewEach[payment.ID](1), limit.NewEach[struct{}](mostSessions)}
}

// enter takes a place for one; leave gives it back.
func (s *sessions) enter(id payment.ID) (leave func(), ok bool) {
	if s.ask == nil || !s.payments.Take(id) {
		return nil, false
	}
	if !s.all.Take(struct{}{}) {
		s.payments.Give(id)
		return nil, false
	}
	return func() {
		s.payments.Give(id)
		s.all.Give(struct{}{})
	}, true
}

// beginSession answers the script of Apple Pay's button with the session that its sheet wants. The form has the nonce of the page that
// shows the button, so that no other site and no page of before can ask. What is answered otherwise is for that script: a status and nothing else.
func (g *Pages) beginSession(w http.ResponseWriter, r *http.Request, v *visit) {
	form, err := g.takeForm(w, r, v)
	switch {
	case err != nil:
		g.showProblem(w, r, err)
		return
	case !g.current(form, v) || !v.payment.Payable() || v.expired() || !v.shop.Active || v.needs(payment.ApplePay) == "" || !slices.Contains(v.methods(), payment.ApplePay):
		w.WriteHeader(http.StatusConflict)
		return
	}
	defer wipeForm(form) // whatever else was sent
	leave, ok := g.sessions.enter(v.payment.ID)
	if !ok {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer leave()
	session, err := g.sessions.ask(r.Context(), v.shop, v.merchant(), form.Get(fieldValidation), v.host)
	if err != nil {
		if !gone(err) {
			g.log.WarnContext(r.Context(), "no session of Apple Pay: its sheet does not open", "shop_id", string(v.shop.ID), "payment_id", string(v.payment.ID), "error", err)
		}
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(session)))
	_, _ = w.Write(session) // the customer may be gone
}
