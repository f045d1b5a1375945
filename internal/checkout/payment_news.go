package checkout

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A page that waits asks for news by a script of its own and speaks up in one place, so that whoever listens to it is not thrown
// back to its beginning; it is left only when there is another one to show. Without script it is loaded again by its head.

// watch is how a page looks for news.
type watch struct {
	Shows      string // what the page shows now
	News, Page string // addresses
	After      int    // seconds until it looks
}

// news is what such a page is told.
type news struct {
	Shows string `json:"shows"` // what the payment's page shows now
	After int    `json:"after"` // seconds until it looks again
	Says  string `json:"says"`  // what the customer is told
	Good  bool   `json:"good"`  // nothing was refused: it is paid, or may be yet
}

func (g *Pages) watch(v *visit) *watch {
	return &watch{Shows: g.shows(v), News: v.path + "/news", Page: v.path, After: v.lookAfter()}
}

// tellNews answers a page that waits. What went wrong is answered as on any page: it looks again.
func (g *Pages) tellNews(w http.ResponseWriter, r *http.Request) {
	v, err := g.visit(r, g.engine.Get)
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	told := news{Shows: g.shows(v), After: v.lookAfter(), Good: v.good()}
	if v.age() >= reloads[0].within {
		told.Says = v.words.WaitLonger
	}
	body, err := json.Marshal(told)
	if err != nil {
		g.showProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the customer may be gone
}

// shows names what the page of a payment shows, apart from what is the same for as long as its customer waits.
func (g *Pages) shows(v *visit) string {
	switch {
	case v.closed():
		return "closed"
	case v.settled() || v.expired():
		return "result"
	case v.payment.Payable():
		return "form"
	case v.away() != nil && v.away().Redirected:
		return "bank"
	case v.away() != nil:
		return "way"
	case g.stepPage(v) != "":
		return g.stepPage(v) + " " + v.payment.LiveAttempt().Next.Code
	}
	return "wait"
}

// good reports that the payment is paid, or on its way.
func (v *visit) good() bool {
	return !v.closed() && !v.payment.Payable() && (!v.settled() || v.outcome().Tone == toneSuccess)
}

// showsKind is shows without what is the customer's.
func (g *Pages) showsKind(v *visit) string {
	kind, _, _ := strings.Cut(g.shows(v), " ")
	return kind
}

// lookAfter is after how many seconds there is news at the earliest. Who was sent to a bank needs a while there.
func (v *visit) lookAfter() int {
	after := v.reload()
	if v.away() != nil {
		after = max(after, reloads[1].every)
	}
	return int(after / time.Second)
}
