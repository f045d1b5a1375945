package checkout

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/web"
)

// showProblem answers what went wrong on the way to a page. The customer gets a calm text and the number of the
// request; the cause goes to the log only.
func (g *Pages) showProblem(w http.ResponseWriter, r *http.Request, err error) {
	words := spoken(r)
	fast := new(tooFast)
	repeated := new(engine.CardText)
	switch {
	case errors.As(err, &fast):
		g.showTooFast(w, r, fast, words)
	case errors.Is(err, payment.ErrNotFound):
		g.renderProblem(w, r, http.StatusNotFound, words, words.NotFound)
	case errors.Is(err, engine.ErrForbidden):
		g.renderProblem(w, r, http.StatusForbidden, words, words.Forbidden)
	case errors.Is(err, web.ErrBodyTooLarge):
		g.renderProblem(w, r, http.StatusRequestEntityTooLarge, words, words.BadForm)
	case errors.Is(err, errForm), errors.As(err, &repeated):
		g.renderProblem(w, r, http.StatusBadRequest, words, words.BadForm)
	case errors.Is(err, errCrowded):
		w.Header().Set("Retry-After", "5")
		g.renderProblem(w, r, http.StatusTooManyRequests, words, words.Busy)
	case errors.Is(err, web.ErrBusy):
		web.Wanted(w) // strangers can cause it
		w.Header().Set("Retry-After", "5")
		g.renderProblem(w, r, http.StatusServiceUnavailable, words, words.Busy)
	case errors.Is(err, engine.ErrUnavailable), gone(err):
		if !gone(err) {
			g.logProblem(r, err)
		}
		w.Header().Set("Retry-After", "5")
		g.renderProblem(w, r, http.StatusServiceUnavailable, words, words.Busy)
	default:
		g.logProblem(r, err)
		g.renderProblem(w, r, http.StatusInternalServerError, words, words.Broken)
	}
}

func (g *Pages) logProblem(r *http.Request, err error) {
	g.log.ErrorContext(r.Context(), "payment page", "request_id", web.RequestID(r.Context()), "error", err)
}

func (g *Pages) showNotFound(w http.ResponseWriter, r *http.Request) {
	g.showProblem(w, r, payment.ErrNotFound)
}

// showBroken answers after a panic, which was logged already.
func (g *Pages) showBroken(w http.ResponseWriter, r *http.Request) {
	w.Header().Del("Refresh")
	words := spoken(r)
	g.renderProblem(w, r, http.StatusInternalServerError, words, words.Broken)
}

// renderProblem shows the page of a problem. From there a link leads back to the payment, unless there is none.
func (g *Pages) renderProblem(w http.ResponseWriter, r *http.Request, status int, words *words, o outcomeWords) {
	page := view{Page: "problem", Status: status, Title: o.Title, Text: o.Text, Tone: o.Tone, W: words}
	token := r.PathValue("token")
	if token != "" && status != http.StatusNotFound && status != http.StatusForbidden {
		page.Link, page.Button = g.base+"/payment/"+url.PathEscape(token), words.Reopen
	}
	g.render(w, r, nil, page)
}
