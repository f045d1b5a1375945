package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/money"
)

// What a transaction that is final can be corrected to.
const (
	// CorrectDeclined undoes what was done: a sale, payout or refund that is returned, a hold, capture or void that was
	// not done after all.
	CorrectDeclined = "declined"
	// CorrectApproved does what was declined.
	CorrectApproved = "approved"
	// CorrectCaptured takes a hold that nobody captured, or a part of it.
	CorrectCaptured = "captured"
	// CorrectVoided releases a hold that nobody voided.
	CorrectVoided = "voided"
)

var corrections = []string{"", CorrectDeclined, CorrectApproved, CorrectCaptured, CorrectVoided}

// correctionCode is why what was done is undone.
const correctionCode = "63"

// Correct changes a transaction that is final, as a provider does that has made up its mind anew, and tells the merchant
// by a notice. amount is that of CorrectCaptured; empty takes all. It is an error where the books do not allow it: what
// is refunded in part cannot be undone, for instance.
func (s *Simulator) Correct(reference, to, amount string) error {
	if to == "" || !slices.Contains(corrections, to) {
		return fmt.Errorf("correction %.40q is not known", to)
	}
	sum := decimal{}
	if amount != "" {
		given, err := money.Parse(amount)
		if err != nil {
			return fmt.Errorf("amount: %w", err)
		}
		sum = decimal{given}
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(now)
	t, ok := s.byReference[reference]
	if !ok {
		return notFound("no such transaction")
	}
	if !s.correct(t, to, sum, now) {
		return refused("not_correctable", "a "+t.Kind+" that is "+t.Status+" cannot become "+to)
	}
	return nil
}

// correct reports false, and does nothing, where the books do not allow it. The caller holds mu.
func (s *Simulator) correct(t *tx, to string, sum decimal, now time.Time) bool {
	parent := s.byID[t.Parent]
	switch to {
	case CorrectDeclined:
		return s.reverse(t, parent, now)
	case CorrectApproved:
		return s.approveLate(t, parent, now)
	}
	if t.Status != statusAuthorized || t.Live != "" || sum.more(t.Authorized) {
		return false
	}
	if to == CorrectVoided {
		t.Status = statusVoided
		s.changed(t, entryVoided, now)
		return true
	}
	if t.Captured = sum; sum.IsZero() {
		t.Captured = t.Authorized
	}
	t.Status = statusCaptured
	s.changed(t, entryCaptured, now)
	return true
}

// reverse undoes what was done.
func (s *Simulator) reverse(t, parent *tx, now time.Time) bool {
	standing := t
	if t.Kind == kindCapture {
		standing = parent
	}
	free := standing.Refunded.IsZero() && standing.RefundHeld.IsZero() && standing.Live == ""
	switch {
	case t.Kind == kindSale && t.Status == statusApproved && free,
		t.Kind == kindAuthorization && (t.Status == statusAuthorized || t.Status == statusCaptured) && free:
		t.Captured = decimal{}
	case t.Kind == kindPayout && t.Status == statusApproved:
	case t.Kind == kindRefund && t.Status == statusApproved:
		parent.Refunded = parent.Refunded.minus(t.Amount)
	case t.Kind == kindCapture && t.Status == statusApproved && parent.Status == statusCaptured && free:
		parent.Captured, parent.Status = decimal{}, statusAuthorized
	case t.Kind == kindVoid && t.Status == statusApproved && parent.Status == statusVoided:
		parent.Status = statusAuthorized
	default:
		return false
	}
	t.Status, t.Outcome = statusDeclined, verdict(correctionCode)
	s.changed(t, entryReversed, now)
	s.rearm(parent)
	return true
}

// approveLate does what was declined, or can be paid late.
func (s *Simulator) approveLate(t, parent *tx, now time.Time) bool {
	if t.Status != statusDeclined && !t.canPayLate() {
		return false
	}
	switch t.Kind {
	case kindRefund:
		if t.Amount.more(parent.refundable()) {
			return false
		}
	case kindCapture, kindVoid:
		if parent.Status != statusAuthorized || parent.Live != "" {
			return false
		}
	}
	t.Status, t.Outcome = statusApproved, verdict(codeApproved)
	s.changed(t, s.move(t, parent, now), now)
	return true
}

// correctLater plans the correction that a scenario asked for.
func (s *Simulator) correctLater(t *tx, now time.Time) {
	if t.Correct == "" {
		return
	}
	t.CorrectAt = now.Add(t.CorrectAfter)
	s.later(dueItem{at: t.CorrectAt, tx: t})
}

// correctDue makes the correction whose time has come.
func (s *Simulator) correctDue(t *tx, now time.Time) {
	to := t.Correct
	t.Correct, t.CorrectAt = "", time.Time{}
	s.correct(t, to, decimal{}, now) // what cannot be corrected any more stays
}

// correctFinal is POST /control/correct.
func (s *Simulator) correctFinal(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Reference string `json:"reference"`
		To        string `json:"to"`
		Amount    string `json:"amount"`
	}
	if !readControl(w, r, &wanted) {
		return
	}
	if err := s.Correct(wanted.Reference, wanted.To, wanted.Amount); err != nil {
		if refusal, ok := err.(*apiError); ok { //nolint:errorlint // Correct wraps none
			refusal.write(w)
			return
		}
		invalidField("", err.Error()).write(w)
		return
	}
	if err := s.journal.sync(); err != nil {
		internalError().write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
