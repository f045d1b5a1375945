package yandexpay

import (
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Bounds of subscriptions.
const (
	maxTitle       = 30 // characters
	mostIntervals  = 1000
	mostInSeconds  = 366 * 24 * 60 * 60
	intervalSecond = "SECOND"
)

// intervals are the units of intervals and trials.
var intervals = []string{intervalSecond, "DAY", "WEEK", "MONTH", "YEAR"}

// bindSubscription reads a request for a subscription. The error is a *failure with every fault of the request.
func bindSubscription(doc *api.Value, s *shop.Shop) (order, error) {
	b := newBinder(doc)
	o := b.common(s)
	b.link(s, &o)
	sub := &subscription{Binding: b.boolean("isBinding"), Title: b.text("title", maxTitle)}
	o.document.Subscription = sub
	sub.Unit, sub.Count = b.interval("intervalUnit", "intervalCount", !sub.Binding)
	sub.TrialUnit, sub.TrialCount = b.interval("trialUnit", "trialCount", false)
	sub.TrialEnd = b.instant("trialEndAt")
	if b.has("trialEndAt") && (b.has("trialUnit") || b.has("trialCount")) {
		b.fault("trialEndAt", "must not be given beside trialUnit and trialCount")
	}
	sub.NextAmount = b.amount("futureWriteOffAmount", mostDecimals(o.currency))
	if !sub.Binding {
		if b.needs("cart") {
			o.document.Cart = b.cart(o.currency, false)
			b.filled()
		}
		return o, b.whole(&o)
	}
	o.document.Cart = b.cart(o.currency, false)
	if o.document.Cart != nil && !o.document.Cart.Amount.IsZero() {
		b.fault("cart.total.amount", "must be 0 where only a card is bound")
	}
	if err := b.err(); err != nil || o.document.Cart == nil {
		return o, err
	}
	return o, o.document.Cart.check(o.currency)
}

// interval reads a unit of time and how many of it. They come together.
func (b binder) interval(unit, count string, needed bool) (string, int) {
	if needed || b.has(count) {
		b.needs(unit)
	}
	if needed || b.has(unit) {
		b.needs(count)
	}
	word, most := b.word(unit, intervals...), mostIntervals
	if word == intervalSecond {
		most = mostInSeconds
	}
	return word, b.integer(count, 1, most, 0)
}

// instant reads a time with its offset; the zero time where there is none.
func (b binder) instant(name string) time.Time {
	text := b.text(name, maxText)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 1970 {
		b.fault(name, "must be a time such as 2026-01-02T03:04:05+00:00")
		return time.Time{}
	}
	return t.UTC()
}

// subscribe makes an order with which a subscription begins, or a card is bound, and answers with the link to it.
func (y *YandexPay) subscribe(c *call) error {
	doc, err := readObject(c)
	if err != nil {
		return err
	}
	o, err := bindSubscription(doc, c.shop)
	if err != nil {
		return err
	}
	fingerprint, err := y.fingerprint("subscription", &o)
	if err != nil {
		return err
	}
	plan := y.engine.NewID()
	sub := o.document.Subscription
	sub.PlanID = shownID(plan)
	if sub.TrialUnit != "" {
		trial := subscription{Unit: sub.TrialUnit, Count: sub.TrialCount}
		sub.TrialEnd = trial.after(y.engine.Now().UTC(), 1)
	}
	request, err := o.creation(c.shop, fingerprint)
	if err != nil {
		return err
	}
	request.StartRecurring, request.Terms.Verify = true, sub.Binding
	o.hosted(&request)
	if len(request.Terms.Methods) == 0 {
		return malformed("A subscription needs a card, by which the merchant does not offer to pay")
	}
	p, err := y.open(c, request)
	if err != nil {
		return err
	}
	answer(c.w, func(o *object) {
		o.text("subscriptionId", shownID(string(p.ID)))
		o.text("paymentUrl", y.engine.CheckoutURL(p.Shop, p.ID))
	})
	return nil
}

// bindRecurring reads a request to go on with a subscription, and the orderId by which that began.
func bindRecurring(doc *api.Value, s *shop.Shop) (o order, err error) {
	b := newBinder(doc)
	o = b.common(s)
	o.document.Recurring, o.document.Parent = true, b.needed("parentOrderId")
	amount := b.neededAmount("amount", mostDecimals(o.currency))
	if b.needs("cart") {
		o.document.Cart = b.cart(o.currency, false)
		b.filled()
	}
	if err := b.whole(&o); err != nil {
		return o, err
	}
	if o.amount != amount {
		return o, amountMismatch("Amount", o.amount, amount, decimalsOf(o.currency))
	}
	return o, nil
}

// recur charges the customer of a subscription once more.
func (y *YandexPay) recur(c *call) error {
	doc, err := readObject(c)
	if err != nil {
		return err
	}
	o, err := bindRecurring(doc, c.shop)
	if err != nil {
		return err
	}
	fingerprint, err := y.fingerprint("recurring", &o)
	if err != nil {
		return err
	}
	first, err := y.find(c, o.document.Parent)
	if err != nil {
		return err
	}
	if first.Payment.RecurringToken == "" {
		return wrongStatus("continued", statusOf(&first.Payment))
	}
	request, err := o.creation(c.shop, fingerprint)
	if err != nil {
		return err
	}
	request.RecurringToken, request.ReturnURL = first.Payment.RecurringToken, ""
	request.Wait = y.patience(c.Header)
	out, err := y.engine.Create(c.Context(), request)
	if err != nil {
		return err
	}
	if out.Replayed {
		c.replayed()
	}
	answer(c.w, func(o *object) { o.text("operationId", recurring(&out.Payment).ID) })
	return nil
}

// getSubscription shows how a subscription stands. The body, if there is one, may ask about the card.
func (y *YandexPay) getSubscription(c *call) error {
	doc, err := readObject(c)
	if err != nil {
		return err
	}
	b := newBinder(doc)
	asked := b.boolean("check_card_active") || b.boolean("checkCardActive")
	if err := b.err(); err != nil {
		return err
	}
	v, err := y.findSubscription(c)
	if err != nil {
		return err
	}
	p := &v.Payment
	chain, err := y.chainOf(c, p)
	if err != nil {
		return err
	}
	status := subscriptionStatusOf(p, chain.Stopped)
	answer(c.w, func(o *object) {
		o.text("status", string(status))
		o.text("subscriptionPlanId", respelled(v.document.Subscription.PlanID))
		o.text("customerSubscriptionId", shownID(string(p.ID)))
		o.Truth("isCardActive", asked && status == subscriptionActive && y.usable(c.shop, &chain))
		if status == subscriptionActive {
			o.time("nextWriteOff", nextWriteOff(v.document.Subscription, p, y.engine.Now()))
		} else {
			o.null("nextWriteOff")
		}
		o.time("cancelledAt", chain.StoppedAt)
	})
	return nil
}

func (y *YandexPay) findSubscription(c *call) (*orderView, error) {
	pid, ok := paymentID(c.id)
	if !ok {
		return nil, errNoSubscription
	}
	v, err := y.view(c, pid)
	if errors.Is(err, payment.ErrNotFound) || err == nil && v.document.Subscription == nil {
		return nil, errNoSubscription
	}
	return v, err
}

// chainOf is the recurring chain that a payment began; the zero Chain where it has not.
func (y *YandexPay) chainOf(c *call, p *payment.Payment) (payment.Chain, error) {
	if p.RecurringToken == "" {
		return payment.Chain{}, nil
	}
	return y.records.Chain(c.Context(), c.shop.ID, p.RecurringToken)
}

// usable reports whether the card of a chain could be charged: its terminal is there and it has not expired.
func (y *YandexPay) usable(s *shop.Shop, chain *payment.Chain) bool {
	t := s.Terminal(chain.TerminalID)
	if t == nil || !t.Enabled {
		return false
	}
	expiry, err := time.Parse("200601", chain.Instrument.CardExpiryYear+chain.Instrument.CardExpiryMonth)
	return err != nil || y.engine.Now().Before(expiry.AddDate(0, 1, 0))
}
