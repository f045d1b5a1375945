package gateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// list answers with a page of payments. It may be longer than what one answer may hold in memory, then it is read part by part as
// its reader takes it: no read of the database is open while one is sent.
func (g *Gateway) list(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	f, err := bindFilter(r.URL.RawQuery)
	if err != nil {
		return err
	}
	f.Shop = s.ID
	asked := g.engine.Now() // a change that is not found can be asked for from then on
	l, err := api.NewLong(w, r, s.ID)
	if err != nil {
		return err
	}
	defer l.Close()
	take := func(p *payment.Payment) bool {
		return l.Add(func(dst []byte) []byte { return appendPayment(dst, p, redirectURL(g.engine, p)) })
	}
	rest, more, err := g.records.ListTo(r.Context(), f, l.Reset, take)
	if err != nil {
		return err
	}
	if err := l.Send(listHead(asked, more), len(rest.IDs) == 0); err != nil {
		return unsent(err)
	}
	for len(rest.IDs) > 0 {
		if rest, err = g.records.ReadRest(r.Context(), rest, l.Reset, take); err != nil {
			g.breakOff(r, l, err)
		}
		if l.Send(nil, len(rest.IDs) == 0) != nil {
			return nil // nobody is there who could take the rest
		}
	}
	return nil
}

// listHead is what stands before the payments.
func listHead(asked time.Time, more bool) []byte {
	head := append(appendEnvelope(make([]byte, 0, 128), asked, http.StatusOK), `,"hasMore":`...)
	if more {
		return append(head, `true,"result":[`...)
	}
	return append(head, `false,"result":[`...)
}

// unsent is the error to answer with where the first part of an answer was not sent.
func unsent(err error) error {
	if errors.Is(err, api.ErrBusy) {
		return err
	}
	return nil // the caller is gone
}

// breakOff ends an answer of which the rest cannot be read.
func (g *Gateway) breakOff(r *http.Request, l *api.Long, err error) {
	if r.Context().Err() == nil { // else nobody waits for it
		api.LogFailure(g.log, r, err)
	}
	l.Break()
}
