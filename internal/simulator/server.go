package simulator

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
)

func (s *Simulator) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payments", s.money(opPayment))
	mux.HandleFunc("POST /v1/verifications", s.money(opVerification))
	mux.HandleFunc("POST /v1/payouts", s.money(opPayout))
	mux.HandleFunc("POST /v1/transactions/{id}/capture", s.money(opCapture))
	mux.HandleFunc("POST /v1/transactions/{id}/void", s.money(opVoid))
	mux.HandleFunc("POST /v1/transactions/{id}/refund", s.money(opRefund))
	mux.HandleFunc("POST /v1/transactions/by-reference/{reference}/capture", s.money(opCapture))
	mux.HandleFunc("POST /v1/transactions/by-reference/{reference}/void", s.money(opVoid))
	mux.HandleFunc("POST /v1/transactions/by-reference/{reference}/refund", s.money(opRefund))
	mux.HandleFunc("GET /v1/transactions/{id}", s.status)
	mux.HandleFunc("GET /v1/transactions/by-reference/{reference}", s.status)
	mux.HandleFunc("POST /v1/transactions/by-reference/{reference}/cancel", s.fence)
	mux.HandleFunc("GET /v1/banks", s.listBanks)
	mux.HandleFunc("GET /v1/blik/aliases/{alias}", s.listAliasApps)
	mux.HandleFunc("GET /pay/{token}", s.showPage)
	mux.HandleFunc("GET /app", s.showApp)
	mux.HandleFunc("POST /app", s.scan)
	mux.HandleFunc("POST /pay/{token}", s.submitPage)
	mux.HandleFunc("GET /pay/style.css", s.pageStyle)
	mux.HandleFunc("GET /pay/device", s.showDevice)
	mux.HandleFunc("GET /wallet/{wallet}", s.showSheet)
	mux.HandleFunc("POST /wallet/{wallet}", s.useSheet)
	mux.HandleFunc("GET /wallet/{wallet}/roots", s.walletRoots)
	s.controlRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		(&apiError{http.StatusNotFound, "not_found", "no_such_endpoint", "no such endpoint", "", notProcessed()}).write(w)
	})
	return mux
}

// admit lets a request of the merchant's API in, or answers it.
func (s *Simulator) admit(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	outage := s.outage
	s.mu.Unlock()
	switch outage {
	case outageDrop:
		abort()
	case outageUnavailable:
		unavailable().write(w)
		return false
	}
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.APIKey)) != 1 {
		unauthorized().write(w)
		return false
	}
	return true
}

// money serves an operation that may move money, or checks a card for later ones.
func (s *Simulator) money(op string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.admit(w, r) {
			return
		}
		body, refusal := readBody(w, r)
		if refusal != nil {
			refusal.write(w)
			return
		}
		c, refusal := s.readCommand(op, s.parentID(r), body)
		if refusal == nil {
			refusal = sameKey(r, c.reference)
		}
		if refusal != nil {
			refusal.write(w)
			return
		}
		s.run(w, r, c)
	}
}

// parentID is the transaction that a capture, void or refund is about: named by our id
// or by the merchant's reference. One that is not known is named by what was asked for.
func (s *Simulator) parentID(r *http.Request) string {
	reference := r.PathValue("reference")
	if reference == "" {
		return r.PathValue("id")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.byReference[reference]; ok {
		return t.ID
	}
	return "unknown"
}

// sameKey lets clients that send an Idempotency-Key send our key there too, and
// refuses two different keys.
func sameKey(r *http.Request, reference string) *apiError {
	if key := r.Header.Get("Idempotency-Key"); key != "" && strings.Trim(key, `"`) != reference {
		return invalidField("reference", "differs from the Idempotency-Key header")
	}
	return nil
}

// run books a command around the fault that the test asked for, if any.
func (s *Simulator) run(w http.ResponseWriter, r *http.Request, c *command) {
	effect := s.effectFor(c)
	switch effect.Stage {
	case StageBefore:
		if s.pause(r.Context(), effect) {
			s.misbehave(w, r, effect.Fault, nil)
		}
		return
	case StageLate:
		if s.pause(s.stopped, effect) { //nolint:contextcheck // whether or not the client still waits
			s.commit(r, c, effect)
		}
		s.hang(r.Context())
		return
	}
	a := s.commit(r, c, effect)
	if !s.pause(r.Context(), effect) {
		return
	}
	if effect.Fault == FaultCardNumber && c.card != nil {
		a.view.ID, a.view.Credential = c.card.Number, c.card.Number
	}
	if effect.Fault != "" && a.refusal == nil {
		s.misbehave(w, r, effect.Fault, &a)
		return
	}
	a.write(w)
}

// pause waits for the effect's delay and tells whether to go on.
func (s *Simulator) pause(ctx context.Context, effect Effect) bool {
	if effect.DelayMs == 0 {
		return true
	}
	return s.cfg.Wait(ctx, millis(effect.DelayMs)) == nil
}

// answer is what a request is told when nothing goes wrong.
type answer struct {
	refusal  *apiError
	replayed bool
	view     transactionView
}

func (a *answer) write(w http.ResponseWriter) {
	if a.refusal != nil {
		a.refusal.write(w)
		return
	}
	body, err := json.Marshal(a.view)
	if err != nil {
		internalError().write(w)
		return
	}
	status := http.StatusCreated
	if a.replayed {
		status = http.StatusOK
		w.Header().Set("Idempotent-Replayed", "true")
	}
	writeBody(w, status, body)
}

// commit books the command and, where a ledger file is kept, waits for the disk.
func (s *Simulator) commit(r *http.Request, c *command, effect Effect) answer {
	base := s.pageBase(r)
	s.mu.Lock()
	t, replayed, refusal := s.book(c, effect)
	a := answer{refusal: refusal, replayed: replayed}
	if t != nil {
		a.view = t.view(base)
	}
	s.mu.Unlock()
	if err := s.journal.sync(); err != nil {
		s.log.Error("ledger file", "error", err)
		return answer{refusal: internalError()}
	}
	return a
}

// pageBase is the address of the customers' pages. Without a request, and
// without a configured address, it is empty and links are relative.
func (s *Simulator) pageBase(r *http.Request) string {
	switch {
	case s.cfg.PublicURL != nil:
		return strings.TrimSuffix(s.cfg.PublicURL(), "/")
	case r != nil:
		return "http://" + r.Host
	}
	return ""
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		internalError().write(w)
		return
	}
	writeBody(w, status, body)
}
