package yandexpay

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// operationType says what an operation did.
type operationType string

const (
	typeAuthorize operationType = "AUTHORIZE"
	typeBindCard  operationType = "BIND_CARD"
	typeCapture   operationType = "CAPTURE"
	typeRecurring operationType = "RECURRING"
	typeRefund    operationType = "REFUND"
	typeVoid      operationType = "VOID"
)

// operationStatus is how an operation ended, or that it has not.
type operationStatus string

const (
	operationPending operationStatus = "PENDING"
	operationSuccess operationStatus = "SUCCESS"
	operationFail    operationStatus = "FAIL"
)

// operation is one entry of an order's list.
type operation struct {
	ID      string // UUID
	Type    operationType
	Status  operationStatus
	Amount  money.Amount
	Reason  string              // of a failure
	Said    *engine.Instruction // what the merchant said with it; nil where nothing
	Created time.Time
	Updated time.Time
	attempt int // Seq of a capture or void; 0 for any other
}

// name is the merchant's own id of the operation, or "".
func (o *operation) name() string {
	if o.Said == nil {
		return ""
	}
	return o.Said.Name
}

// operationsOf lists what was done about a deposit, oldest first: how it was held or paid, then captures, voids and
// refunds whatever came of them. Refunds by which the engine gives a rolled back order back are shown only where one was
// refused in a way that made the engine stop.
func operationsOf(h *engine.History) []operation {
	all := payings(h)
	for i := range h.Payment.Attempts {
		if o, ok := ofAttempt(&h.Payment, &h.Payment.Attempts[i]); ok {
			o.Said, o.Updated = said(h, o.attempt, ""), lastOf(h.Log, o.attempt, o.Created)
			all = append(all, o)
		}
	}
	for i := range h.Refunds {
		if r := &h.Refunds[i]; !r.Terms.Reversal || h.Payment.GaveUpBy(r) {
			all = append(all, ofRefund(r, said(h, 0, r.ID)))
		}
	}
	slices.SortStableFunc(all, func(a, b operation) int { return a.Created.Compare(b.Created) })
	return all
}

// said is what the merchant said with a capture, void or refund.
func said(h *engine.History, attempt int, refund payment.ID) *engine.Instruction {
	for i := range h.Instructions {
		if in := &h.Instructions[i]; in.Attempt == attempt && in.Refund == refund {
			return in
		}
	}
	return nil
}

// payings are the operations by which the money came: a hold, a payment at once, the binding of a card, or a charge
// that continues a subscription. Only the last is shown before its end and when it failed. Held money that was taken by
// no capture of ours is shown as one.
func payings(h *engine.History) []operation {
	p := &h.Payment
	main := make(map[int]bool)
	for i := range p.Attempts {
		main[p.Attempts[i].Seq] = p.Attempts[i].Kind == payment.AttemptDeposit
	}
	if follows(p) {
		return []operation{recurring(p)}
	}
	var all []operation
	had := map[payment.State]bool{}
	before := payment.None
	for _, op := range ended(h.Log) {
		from := before
		before = op.State
		if !main[op.Attempt] || had[op.State] || op.State != payment.Authorized && op.State != payment.Completed {
			continue
		}
		if op.State == payment.Completed && had[payment.Authorized] {
			if from == payment.Authorized && !capturedByUs(p) {
				had[op.State] = true
				all = append(all, operation{
					ID: operationID(p.ID, 0), Type: typeCapture, Status: operationSuccess, Amount: p.Shown().Amount,
					Created: op.Started, Updated: op.Completed,
				})
			}
			continue
		}
		had[op.State] = true
		all = append(all, operation{
			ID: operationID(p.ID, op.Attempt), Type: payingType(p, op.State), Status: operationSuccess,
			Amount: amountOf(p, op.Attempt), Created: startOf(p, op.Attempt), Updated: op.Completed,
		})
	}
	return all
}

// capturedByUs reports whether a capture of ours was done.
func capturedByUs(p *payment.Payment) bool {
	return slices.ContainsFunc(p.Attempts, func(a payment.Attempt) bool {
		return a.Kind == payment.AttemptCapture && a.Class == payment.ClassApproved
	})
}

func amountOf(p *payment.Payment, attempt int) money.Amount {
	for i := range p.Attempts {
		if p.Attempts[i].Seq == attempt {
			return p.Attempts[i].Sent.Amount
		}
	}
	return p.Authorised
}

// follows reports whether the payment continues a chain: it never was in a checkout.
func follows(p *payment.Payment) bool { return p.Type == payment.Deposit && p.CheckoutUntil.IsZero() }

func recurring(p *payment.Payment) operation {
	o := operation{
		ID: operationID(p.ID, 1), Type: typeRecurring, Status: operationPending, Amount: p.Shown().Amount,
		Created: p.Created, Updated: p.Updated,
	}
	switch p.State() {
	case payment.Completed, payment.Authorized:
		o.Status = operationSuccess
	case payment.Declined, payment.Cancelled:
		o.Status, o.Reason = operationFail, p.ErrorCode.Text()
	case payment.None, payment.Checkout, payment.Pending:
	}
	return o
}

func payingType(p *payment.Payment, s payment.State) operationType {
	switch {
	case p.Terms.Verify:
		return typeBindCard
	case s == payment.Authorized:
		return typeAuthorize
	}
	return typeCapture
}

// ended returns the log's complete entries in the order in which they ended.
func ended(log []payment.Operation) []payment.Operation {
	var done []payment.Operation
	for i := range log {
		if log[i].Ended != 0 {
			done = append(done, log[i])
		}
	}
	slices.SortStableFunc(done, func(a, b payment.Operation) int { return cmp.Compare(a.Ended, b.Ended) })
	return done
}

func startOf(p *payment.Payment, attempt int) time.Time {
	for i := range p.Attempts {
		if p.Attempts[i].Seq == attempt {
			return p.Attempts[i].Started
		}
	}
	return p.Created
}

// ofAttempt shows a capture or void. Giving a late success back is nothing that the merchant did.
func ofAttempt(p *payment.Payment, a *payment.Attempt) (operation, bool) {
	o := operation{
		ID: operationID(p.ID, a.Seq), Status: operationPending, Amount: a.Sent.Amount, Created: a.Started, Updated: a.Started,
		attempt: a.Seq,
	}
	switch {
	case a.Reverses != 0:
		return o, false
	case a.Kind == payment.AttemptCapture:
		o.Type = typeCapture
	case a.Kind == payment.AttemptVoid:
		o.Type = typeVoid
	default:
		return o, false
	}
	if a.Live() {
		return o, true
	}
	o.Status = operationSuccess
	if done := a.Class == payment.ClassApproved || a.Class == payment.ClassCancelled && a.Kind == payment.AttemptVoid; !done {
		o.Status, o.Reason = operationFail, a.Code.Text()
	}
	return o, true
}

// lastOf is when the log has last shown something of an attempt.
func lastOf(log []payment.Operation, attempt int, began time.Time) time.Time {
	last := began
	for i := range log {
		if op := &log[i]; op.Attempt == attempt && op.Completed.After(last) {
			last = op.Completed
		}
	}
	return last
}

func ofRefund(r *payment.Payment, said *engine.Instruction) operation {
	o := operation{
		ID: shownID(string(r.ID)), Type: typeRefund, Status: operationPending, Amount: r.Asked.Amount, Said: said,
		Created: r.Created, Updated: r.Updated,
	}
	switch r.State() {
	case payment.Completed:
		o.Status = operationSuccess
	case payment.Declined, payment.Cancelled:
		o.Status, o.Reason = operationFail, r.ErrorCode.Text()
	case payment.None, payment.Checkout, payment.Pending, payment.Authorized:
	}
	return o
}
