package simulator

import (
	"net/http"
)

// status answers queries by id and by reference.
func (s *Simulator) status(w http.ResponseWriter, r *http.Request) {
	if !s.admit(w, r) {
		return
	}
	reference := r.PathValue("reference")
	base := s.pageBase(r)
	now := s.now()
	s.mu.Lock()
	s.settle(now)
	t, ok := s.byReference[reference]
	if reference == "" {
		t, ok = s.byID[r.PathValue("id")]
	}
	a := answer{replayed: true}
	if !ok || now.Before(t.VisibleAt) {
		a.refusal = notFound("no such transaction")
	} else {
		a.view = t.view(base)
	}
	effect, struck := s.strike(statusTarget(opStatus, reference, t))
	s.mu.Unlock()
	if s.journal.sync() != nil { // what the clock has just ended is told only once it is kept
		a = answer{refusal: internalError()}
	}
	s.answerQuery(w, r, a, effect, struck)
}

// fence serves the cancel by reference.
func (s *Simulator) fence(w http.ResponseWriter, r *http.Request) {
	if !s.admit(w, r) {
		return
	}
	reference := r.PathValue("reference")
	if !validReference(reference) {
		invalidField("reference", "1 to 128 characters out of letters, digits and . _ : ~ -").write(w)
		return
	}
	base := s.pageBase(r)
	s.mu.Lock()
	effect, struck := s.strike(statusTarget(opCancel, reference, s.byReference[reference]))
	s.mu.Unlock()
	if struck && effect.Stage == StageBefore {
		if s.pause(r.Context(), effect) {
			s.misbehave(w, r, effect.Fault, nil)
		}
		return
	}
	s.mu.Lock()
	t, result := s.cancel(reference)
	view := t.view(base)
	s.mu.Unlock()
	if err := s.journal.sync(); err != nil {
		internalError().write(w)
		return
	}
	if struck && effect.Fault != "" {
		s.answerQuery(w, r, answer{replayed: true, view: view}, effect, true)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Reference   string          `json:"reference"`
		Result      string          `json:"result"`
		Transaction transactionView `json:"transaction"`
	}{reference, result, view})
}

func statusTarget(op, reference string, t *tx) target {
	q := target{op: op, reference: reference}
	if t == nil {
		return q
	}
	q.reference, q.orderID, q.method, q.currency, q.amount = t.Reference, t.OrderID, t.Method, t.Currency, t.Amount
	if t.Card != nil {
		q.last4 = t.Card.Last4
	}
	return q
}

// answerQuery answers a status query, with the fault that strikes it.
func (s *Simulator) answerQuery(w http.ResponseWriter, r *http.Request, a answer, effect Effect, struck bool) {
	if !struck {
		a.writeState(w)
		return
	}
	if !s.pause(r.Context(), effect) {
		return
	}
	if effect.Fault == "" {
		a.writeState(w)
		return
	}
	s.misbehave(w, r, effect.Fault, &a)
}

func (a *answer) writeState(w http.ResponseWriter) {
	if a.refusal != nil {
		a.refusal.write(w)
		return
	}
	writeJSON(w, http.StatusOK, a.view)
}
