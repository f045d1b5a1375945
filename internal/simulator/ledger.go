package simulator

import "time"

// What a ledger entry can say was done.
const (
	entryActionRequired = "action_required" // the customer was asked to act; no money yet
	entryPending        = "pending"         // accepted, to be decided later; no money yet
	entryAuthorized     = "authorized"
	entryCaptured       = "captured" // a sale, or the capture of an authorization
	entryVoided         = "voided"
	entryRefunded       = "refunded"
	entryPaidOut        = "paid_out"
	entryVerified       = "verified" // a card was found good; no money
	entryDeclined       = "declined"
	entryExpired        = "expired"   // a hold ran out
	entryCancelled      = "cancelled" // an open transaction was cancelled by reference
	entryReversed       = "reversed"  // what was done was undone by a correction
	entryFenced         = "fenced"    // an unused reference was closed for good
)

// Entry is one line of the ledger: one thing the sandbox really did. Entries
// are never changed or removed.
type Entry struct {
	// Seq counts from 1 without gaps, in the order of booking.
	Seq int64 `json:"seq"`
	// At is the simulator's time of booking, in UTC.
	At time.Time `json:"at"`
	// Type is what was done: authorized, captured, voided, refunded, paid_out,
	// verified, declined, expired, cancelled, reversed, fenced, pending or
	// action_required. Only the first five moved or held money; reversed undoes it.
	Type string `json:"type"`
	// Kind is the kind of the transaction: sale, authorization, verification,
	// capture, void, refund, payout or fence.
	Kind string `json:"kind"`
	// TransactionID and Reference name the transaction, by its own id and by
	// the caller's key.
	TransactionID string `json:"transactionId"`
	Reference     string `json:"reference"`
	// OrderID is the caller's own grouping key, if it gave one. Captures, voids
	// and refunds carry that of their payment.
	OrderID string `json:"orderId,omitempty"`
	// Amount is in major units of Currency: "11.12". A voided or expired entry, and
	// the reversed one of an authorization, carries the amount that was held, everything about a verification "0".
	Amount   string `json:"amount"`
	Currency string `json:"currency,omitempty"`
	// OriginalTransactionID and OriginalReference name the payment that a
	// capture, void or refund belongs to.
	OriginalTransactionID string `json:"originalTransactionId,omitempty"`
	OriginalReference     string `json:"originalReference,omitempty"`
	// Method is CARD, BLIK and so on, as the request named it.
	Method string `json:"method,omitempty"`
	// Card is the masked number, first six and last four.
	Card string `json:"card,omitempty"`
	// ResponseCode and Reason are those of the transaction's answer.
	ResponseCode string `json:"responseCode,omitempty"`
	Reason       string `json:"reason,omitempty"`
}

// Filter narrows a reading of the ledger. Zero fields do not filter.
type Filter struct {
	// After leaves out entries up to and including this Seq.
	After int64
	// Reference keeps entries of that reference, and of what hangs on it.
	Reference string
	// OrderID keeps entries of that order.
	OrderID string
}

func (f Filter) keeps(e *Entry) bool {
	return (f.Reference == "" || e.Reference == f.Reference || e.OriginalReference == f.Reference) &&
		(f.OrderID == "" || e.OrderID == f.OrderID)
}

// Totals is what the books hold for one payment or payout. Amounts are in major
// units of Currency.
type Totals struct {
	TransactionID string `json:"transactionId"`
	Reference     string `json:"reference"`
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Currency      string `json:"currency"`
	Authorized    string `json:"authorized"`
	Captured      string `json:"captured"`
	Refunded      string `json:"refunded"`
	PaidOut       string `json:"paidOut"`
	// Held is what is still blocked on the customer's card.
	Held string `json:"held"`
}

// Ledger returns a copy of all entries, oldest first.
func (s *Simulator) Ledger() []Entry { return s.Find(Filter{}) }

// Find returns copies of the entries that the filter keeps, oldest first.
func (s *Simulator) Find(f Filter) []Entry {
	s.mu.Lock()
	s.settle(s.now())
	all := s.ledger // entries below len never change, so reading on without the lock is safe
	s.mu.Unlock()
	start := min(max(f.After, 0), int64(len(all)))
	found := make([]Entry, 0, 8)
	for i := range all[start:] {
		if e := &all[start+int64(i)]; f.keeps(e) {
			found = append(found, *e)
		}
	}
	return found
}

// Totals returns the sums of the transaction with that reference, and false when
// the reference is unknown.
func (s *Simulator) Totals(reference string) (Totals, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.now())
	t, ok := s.byReference[reference]
	if !ok {
		return Totals{}, false
	}
	sums := Totals{
		TransactionID: t.ID, Reference: t.Reference, Kind: t.Kind, Status: t.Status, Currency: t.Currency,
		Authorized: t.Authorized.String(), Captured: t.Captured.String(), Refunded: t.Refunded.String(),
		PaidOut: "0", Held: "0",
	}
	if t.Kind == kindPayout && t.Status == statusApproved {
		sums.PaidOut = t.Amount.String()
	}
	if t.Status == statusAuthorized {
		sums.Held = t.Authorized.String()
	}
	return sums, true
}

// record appends an entry for t and stores it, with t and its parent as they
// are now, in the ledger file. The caller holds mu and has changed t already.
func (s *Simulator) record(what string, t *tx, now time.Time) {
	e := Entry{
		Seq: int64(len(s.ledger)) + 1, At: now, Type: what, Kind: t.Kind,
		TransactionID: t.ID, Reference: t.Reference, OrderID: t.OrderID,
		Amount: t.Amount.String(), Currency: t.Currency, Method: t.Method, Card: t.Card.masked(),
		ResponseCode: t.Outcome.Code, Reason: t.Outcome.Reason,
	}
	if what == entryCaptured && t.Kind == kindAuthorization {
		e.Amount = t.Captured.String() // a part may have been taken
	}
	parent := s.byID[t.Parent]
	if parent != nil {
		e.OriginalTransactionID, e.OriginalReference = parent.ID, parent.Reference
		s.assertBooks(parent)
	}
	s.assertBooks(t)
	s.ledger = append(s.ledger, e)
	if s.journal != nil {
		s.journal.append(e, t, parent)
	}
}

// assertBooks notes a payment whose sums cannot be true. It never fires unless
// the simulator itself is wrong; tests read Breaches.
func (s *Simulator) assertBooks(t *tx) {
	out := t.Refunded.plus(t.RefundHeld)
	if !t.Captured.more(t.Authorized) && !out.more(t.Captured) {
		return
	}
	s.breaches = append(s.breaches, "transaction "+t.ID+": authorized "+t.Authorized.String()+
		", captured "+t.Captured.String()+", refunded and held "+out.String())
	s.log.Error("simulator books are wrong", "transaction", t.ID)
}

// Breaches lists the payments for which captured was ever above authorised, or
// refunded above captured. It is empty unless the simulator has a fault.
func (s *Simulator) Breaches() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.breaches...)
}
