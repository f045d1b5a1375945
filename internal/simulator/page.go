package simulator

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

//go:embed templates
var assets embed.FS

var pageTemplates = template.Must(template.ParseFS(assets, "templates/*.html"))

// Decisions that the page's buttons send.
const (
	decisionApprove = "approve" // authenticate; the card's own outcome follows
	decisionDecline = "decline"
	decisionCancel  = "cancel"
	decisionPending = "pending" // leave it open, to be decided later
	decisionLate    = "late"    // pay in an app although its time is over
	decisionDevice  = "device"  // the issuer has seen the device
)

type button struct{ Value, Label string }

var cardButtons = []button{
	{decisionApprove, "Complete authentication"}, {decisionDecline, "Fail authentication"}, {decisionCancel, "Cancel"},
}

var otherButtons = []button{
	{decisionApprove, "Approve"}, {decisionDecline, "Decline"}, {decisionPending, "Leave pending"}, {decisionCancel, "Cancel"},
}

var appButtons = []button{
	{decisionApprove, "Confirm and pay"}, {decisionCancel, "Refuse"}, {decisionDecline, "Have the bank decline"},
}

var lateButtons = []button{{decisionLate, "Pay all the same"}}

type pageView struct {
	Title, Amount, Currency, Method, Card, OrderID, Bank string
	Buttons                                              []button
	Message, ReturnURL                                   string
	Device                                               bool // the issuer's frame looks at it
}

func (s *Simulator) showPage(w http.ResponseWriter, r *http.Request) {
	now := s.now()
	s.mu.Lock()
	s.settle(now)
	t, ok := s.byToken[r.PathValue("token")]
	var page pageView
	if ok {
		page = t.page()
	}
	s.mu.Unlock()
	if !ok {
		s.render(w, http.StatusNotFound, noSuchPage())
		return
	}
	s.render(w, http.StatusOK, page)
}

func noSuchPage() pageView {
	return pageView{Title: "Nothing to do here", Message: "This payment page does not exist."}
}

// page is what the customer sees; the caller holds Simulator.mu.
func (t *tx) page() pageView {
	p := pageView{Amount: t.Amount.String(), Currency: t.Currency, Method: t.Method, OrderID: t.OrderID,
		Card: t.Card.masked(), ReturnURL: returnAddress(t), Bank: nameOfBank(t.Method, t.Bank)}
	what := "payment"
	if t.Kind == kindVerification {
		what, p.Amount = "card check", ""
	}
	switch {
	case t.canPayLate():
		p.Title, p.Buttons = "The time is over", lateButtons
	case !t.open():
		p.Title, p.Message = "Finished", "This "+what+" is "+t.Status+": "+t.Outcome.message()+"."
	case t.Status == statusPending && t.Method == methodCard:
		p.Title, p.Message = "In progress", "This "+what+" is being processed."
	case t.DeviceStep:
		p.Title, p.Device, p.Buttons = "Your bank looks at your device", true, []button{{decisionDevice, "Continue"}, {decisionCancel, "Cancel"}}
	case t.Kind == kindVerification:
		p.Title, p.Buttons = "Confirm your card", cardButtons
	case t.Method == methodCard:
		p.Title, p.Buttons = "Confirm your payment", cardButtons
	case t.App != "":
		p.Title, p.Buttons = "Confirm in your bank's app", appButtons
		if t.Alias != "" && t.AliasApp == "" {
			p.Buttons = slices.Concat(appButtons, rememberButtons())
		}
	case t.Bank != "":
		p.Title, p.Buttons = "Log in at "+p.Bank, otherButtons
	default:
		p.Title, p.Buttons = "Pay with "+t.Method, otherButtons
	}
	return p
}

func (s *Simulator) submitPage(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	decision := r.PostFormValue("decision")
	now := s.now()
	s.mu.Lock()
	s.settle(now)
	t, ok := s.byToken[r.PathValue("token")]
	known, back := false, ""
	var page pageView
	if ok {
		known = s.customerDecides(t, decision, now)
		if t.App == "" && t.Status != statusRequiresAction { // who is in an app has the merchant's page elsewhere
			back = returnAddress(t)
		}
		page = t.page()
	}
	s.mu.Unlock()
	switch {
	case !ok:
		s.render(w, http.StatusNotFound, noSuchPage())
	case !known:
		s.render(w, http.StatusUnprocessableEntity, page)
	case s.journal.sync() != nil:
		http.Error(w, "the ledger file cannot be written", http.StatusInternalServerError)
	case back == "":
		s.render(w, http.StatusOK, page)
	default:
		pageHeaders(w)
		http.Redirect(w, r, back, http.StatusSeeOther)
	}
}

// customerDecides applies a button. On a transaction that is final, every button
// is known and does nothing, so that a second click only leads back. The caller
// holds mu.
func (s *Simulator) customerDecides(t *tx, decision string, now time.Time) bool {
	card := t.Method == methodCard
	decision = t.agrees(decision)
	switch decision {
	case decisionApprove, decisionDecline, decisionCancel:
	case decisionLate:
		if t.canPayLate() {
			s.approveLate(t, nil, now)
		}
		return true
	case decisionPending:
		if card {
			return false
		}
	case decisionDevice:
		if !card {
			return false
		}
	default:
		return false
	}
	if !t.open() || (t.Status == statusPending && (card || !t.DueAt.IsZero())) {
		return true
	}
	switch decision {
	case decisionApprove:
		s.customerApproves(t, now)
	case decisionPending:
		s.leavePending(t, now)
	case decisionDevice:
		t.DeviceStep = false
		s.changed(t, entryActionRequired, now)
	case decisionCancel:
		s.finish(t, verdict(codeCustomerCancelled), now)
	case decisionDecline:
		code := codeCustomerDeclined
		if card {
			t.Auth, t.Challenged, code = authNo, true, codeAuthFailed
		}
		s.finish(t, verdict(code), now)
	}
	return true
}

// canPayLate: banks take what is paid by a code, or confirmed, a moment too late, also after the merchant has cancelled it.
func (t *tx) canPayLate() bool {
	return t.App != "" && !t.open() && (t.Outcome.Code == codeCustomerTimeout || t.Outcome.Code == codeReferenceFenced)
}

func (s *Simulator) customerApproves(t *tx, now time.Time) {
	if t.Method != methodCard {
		s.decide(t, t.Planned, now)
		return
	}
	t.Challenged, t.DeviceStep = true, false
	refused, ends := s.authenticated(t, cmp.Or(t.ACS, authYes))
	switch {
	case ends:
		s.finish(t, refused, now)
	case t.Auth == authUnavailable:
		s.finish(t, verdict(codeAuthUnavailable), now)
	default:
		s.decide(t, t.Planned, now)
	}
}

// leavePending takes the transaction out of the page's time limit.
func (s *Simulator) leavePending(t *tx, now time.Time) {
	if t.Status == statusPending {
		return
	}
	t.Status = statusPending
	s.changed(t, entryPending, now)
}

// returnAddress is the merchant's returnUrl with transaction=<id> added.
func returnAddress(t *tx) string {
	if t.ReturnURL == "" {
		return ""
	}
	u, err := url.Parse(t.ReturnURL)
	if err != nil {
		return ""
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "transaction=" + url.QueryEscape(t.ID)
	return u.String()
}

func (s *Simulator) render(w http.ResponseWriter, status int, page pageView) {
	s.show(w, status, "page.html", page)
}

func (s *Simulator) show(w http.ResponseWriter, status int, name string, page any) {
	var body bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&body, name, page); err != nil {
		s.log.Error("page template", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	pageHeaders(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the customer may be gone
}

// pageHeaders forbid everything the page does not need. Forms may lead anywhere:
// browsers apply form-action to the redirects that follow, and those go to the
// merchant and on.
func pageHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self' http: https:; "+
		"frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (s *Simulator) pageStyle(w http.ResponseWriter, _ *http.Request) {
	style, err := assets.ReadFile("templates/style.css")
	if err != nil {
		http.Error(w, "no style", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(style) // the customer may be gone
}
