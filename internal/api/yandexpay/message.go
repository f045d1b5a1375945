package yandexpay

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/outbox"
	"github.com/sluicepay/sluice/internal/payment"
)

// Dialect is the name under which this dialect's events are kept.
const Dialect = "yandexpay"

// Types of events.
const (
	eventOrder        = "ORDER_STATUS_UPDATED"
	eventOperation    = "OPERATION_STATUS_UPDATED"
	eventSubscription = "SUBSCRIPTION_STATUS_UPDATED"
)

// Render words a fact for shops with a callback address: the operation that ended, then the order and the subscription
// whose status changed by it. Merchants are not told of what the customer did as an operation, nor of how the engine
// gives a rolled back order back, unless that was refused for good. The body is what will be signed.
func Render(t *outbox.EventContext) ([]outbox.Message, error) {
	if t.Shop().Settings.YandexPay.CallbackURL == "" || t.Payment().Type == payment.Withdrawal {
		return nil, nil
	}
	w := wording{t: t}
	var err error
	if w.deposit, err = t.Deposit(); err != nil {
		return nil, err
	}
	if t.Event().Stopped {
		err = w.subscription()
		return w.messages, err
	}
	if err := w.operation(); err != nil {
		return nil, err
	}
	if t.Event().Before == t.Event().State { // nothing but the operation has changed
		return w.messages, nil
	}
	w.order()
	err = w.subscription()
	return w.messages, err
}

// wording collects the messages of one fact.
type wording struct {
	t        *outbox.EventContext
	deposit  *payment.Payment
	messages []outbox.Message
}

// add begins the body, lets rest write the object and ends it.
func (w *wording) add(event, object string, rest func(dst []byte) []byte) {
	s := w.t.Shop()
	body := append(make([]byte, 0, 512), `{"merchantId":`...)
	body = api.AppendString(body, s.MerchantID())
	body = append(body, `,"event":"`+event+`","eventTime":"`...)
	body = appendTime(body, w.t.Event().At)
	body = append(body, `","`+object+`":{`...)
	body = append(rest(body), '}', '}')
	w.messages = append(w.messages, outbox.Message{
		Dialect: Dialect, Type: event, ContentType: "application/octet-stream", Body: body, OfParent: true,
		URL: strings.TrimRight(s.Settings.YandexPay.CallbackURL, "/") + "/v1/webhook",
	})
}

// operation tells how a capture, void, refund or recurring charge ended.
func (w *wording) operation() error {
	o, ok := w.settled()
	if !ok {
		return nil
	}
	var err error
	if o.Type != typeRecurring {
		if o.Said, err = w.t.Instruction(); err != nil {
			return err
		}
	}
	w.add(eventOperation, "operation", func(dst []byte) []byte {
		dst = append(dst, `"operationId":"`+o.ID+`","orderId":`...)
		dst = api.AppendString(dst, orderID(w.deposit))
		dst = append(dst, `,"operationType":"`+string(o.Type)+`","status":"`+string(o.Status)+`","externalOperationId":`...)
		if name := o.name(); name != "" {
			dst = api.AppendString(dst, name)
		} else {
			dst = append(dst, `null`...)
		}
		return append(dst, `,"pointsUpdated":null`...)
	})
	return nil
}

// settled is the operation that the fact ended, if merchants are told of it.
func (w *wording) settled() (operation, bool) {
	p, e := w.t.Payment(), w.t.Event()
	switch {
	case p.Type == payment.Refund:
		return ofRefund(p, nil), !p.Terms.Reversal || w.deposit.GaveUpBy(p)
	case follows(p):
		return recurring(p), e.State != payment.Authorized || e.Before == payment.Pending
	case !p.Abandoned.IsZero() && !p.HeldInVain():
		return operation{}, false
	}
	for i := range p.Attempts {
		if a := &p.Attempts[i]; a.Seq == e.Attempt {
			return ofAttempt(p, a)
		}
	}
	return operation{}, false
}

// order tells the order's status where it changed.
func (w *wording) order() {
	p, e := w.t.Payment(), w.t.Event()
	now := statusOf(w.deposit)
	if p.Type == payment.Refund {
		if w.beforeRefund() == now {
			return
		}
	} else if e.State == payment.Authorized && e.Before == payment.Pending && w.settlesFollowUp() {
		return // a capture or void failed: it is AUTHORIZED as before
	}
	w.add(eventOrder, "order", func(dst []byte) []byte {
		dst = api.AppendString(append(dst, `"orderId":`...), orderID(w.deposit))
		return append(dst, `,"paymentStatus":"`+string(now)+`","deliveryStatus":null`...)
	})
}

// beforeRefund is the status of the order before the fact about a refund of it.
func (w *wording) beforeRefund() paymentStatus {
	p, e := w.t.Payment(), w.t.Event()
	before, err := *w.deposit, error(nil)
	switch {
	case e.State == payment.Completed:
		before.Refunded, err = before.Refunded.Sub(p.Asked.Amount)
	case e.Before == payment.Completed: // it turned out not to have been refunded
		before.Refunded, err = before.Refunded.Add(p.Asked.Amount)
	}
	if err != nil {
		return statusOf(w.deposit)
	}
	return statusOf(&before)
}

// settlesFollowUp reports whether the fact settled a capture or void.
func (w *wording) settlesFollowUp() bool {
	p, e := w.t.Payment(), w.t.Event()
	for i := range p.Attempts {
		if a := &p.Attempts[i]; a.Seq == e.Attempt {
			return a.Kind == payment.AttemptCapture || a.Kind == payment.AttemptVoid
		}
	}
	return false
}

// subscription tells that a subscription became active, or never will.
func (w *wording) subscription() error {
	p, e := w.t.Payment(), w.t.Event()
	if p.Type == payment.Refund || !p.StartRecurring || w.settlesFollowUp() {
		return nil
	}
	failed := e.State == payment.Declined || e.State == payment.Cancelled
	if failed && p.RecurringToken != "" && !e.Stopped {
		return nil
	}
	o, err := w.t.Order()
	if err != nil {
		return err
	}
	doc, err := documentOf(o)
	if err != nil || doc.Subscription == nil {
		return err
	}
	w.add(eventSubscription, "subscription", func(dst []byte) []byte {
		dst = append(dst, `"customerSubscriptionId":"`+shownID(string(p.ID))+`","subscriptionPlanId":`...)
		dst = api.AppendString(dst, respelled(doc.Subscription.PlanID))
		dst = append(dst, `,"status":"`+string(subscriptionStatusOf(p, e.Stopped))+`","nextWriteOff":`...)
		if e.Stopped {
			return append(dst, `null`...)
		}
		return appendOptionalTime(dst, nextWriteOff(doc.Subscription, p, e.At))
	})
	return nil
}

// orderID is the merchant's id of the order: what it called the payment, or the payment's own id.
func orderID(p *payment.Payment) string {
	if p.Reference != "" {
		return p.Reference
	}
	return shownID(string(p.ID))
}

// appendTime writes an instant as all of this API does, without quotes.
func appendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000-07:00")
}

// appendOptionalTime writes an instant in quotes, or null for the zero time.
func appendOptionalTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, `null`...)
	}
	return append(appendTime(append(dst, '"'), t), '"')
}
