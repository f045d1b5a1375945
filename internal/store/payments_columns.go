package store

import (
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/marks"
	"github.com/sluicepay/sluice/internal/store/tx"
)

type pay = payment.Payment

// paymentTable are the columns of payments. A new one is a line here, a field of payment.Payment, and a migration.
var paymentTable = columns[pay]{
	// What lists by last change compare: it moves when the payment shows a change. The writer makes it, see tx.Stamp; many nodes take
	// no clock in a CASE.
	{name: "listed", when: always, born: tx.StampSQL, set: `listed + (` + tx.StampSQL + ` - listed) * CAST(updated <> {updated} AS INTEGER)`},
	key("shop_id", atBirth, func(p *pay) *string { return (*string)(&p.Shop) }),
	key("id", atBirth, func(p *pay) *string { return (*string)(&p.ID) }).listed(),
	{name: "version", when: always, born: "1", set: "version + 1", read: "%s", into: func(p *pay, _ *cell) any { return &p.Version }},
	key("type", atBirth, func(p *pay) *string { return (*string)(&p.Type) }).listed(),
	{
		name: "state", when: always, read: "%s", inLists: true,
		into: func(_ *pay, c *cell) any { return &c.text },
		take: func(p *pay, c *cell) error {
			p.SetStored(payment.State(c.text))
			return nil
		},
		bind: func(_ *tx.Tx, p *pay) any { return string(p.State()) },
	},
	text("method", always, func(p *pay) *string { return (*string)(&p.Method) }).listed(),
	text("reference", atBirth, func(p *pay) *string { return &p.Reference }).listed(),
	text("parent_id", atBirth, func(p *pay) *string { return (*string)(&p.Parent) }).listed(),
	text("description", atBirth, func(p *pay) *string { return &p.Description }).listed(),
	sum("amount", always, func(p *pay) *money.Amount { return &p.Asked.Amount }).listed(),
	key("currency", atBirth, func(p *pay) *string { return (*string)(&p.Asked.Currency) }).listed(),
	sum("authorised", later, func(p *pay) *money.Amount { return &p.Authorised }).listed(),
	sum("captured", later, func(p *pay) *money.Amount { return &p.Captured }).listed(),
	sum("refund_reserved", later, func(p *pay) *money.Amount { return &p.RefundReserved }).listed(),
	sum("refunded", later, func(p *pay) *money.Amount { return &p.Refunded }).listed(),
	flag("pre_auth", always, func(p *pay) *bool { return &p.PreAuth }).listed(),
	flag("start_recurring", atBirth, func(p *pay) *bool { return &p.StartRecurring }).listed(),
	text("recurring_token", later, func(p *pay) *string { return &p.RecurringToken }).listed(),
	text("return_url", atBirth, func(p *pay) *string { return &p.ReturnURL }),
	text("webhook_url", atBirth, func(p *pay) *string { return &p.WebhookURL }),
	document("terms", atBirth, func(p *pay) *payment.Terms { return &p.Terms }, (*payment.Terms).IsZero).listed(),
	text("customer", always, func(p *pay) *string { return (*string)(&p.Customer) }).listed(),
	text("billing", always, func(p *pay) *string { return (*string)(&p.Billing) }).listed(),
	text("browser", later, func(p *pay) *string { return (*string)(&p.Browser) }),
	document("instrument", always, func(p *pay) *instrument.Masked { return &p.Instrument }, unmasked).readBy(readMasked).listed(),
	text("terminal", always, func(p *pay) *string { return &p.Terminal }).listed(),
	text("error_code", always, func(p *pay) *string { return (*string)(&p.ErrorCode) }).listed(),
	text("external_code", later, func(p *pay) *string { return &p.ExternalCode }).listed(),
	sum("fee", later, func(p *pay) *money.Amount { return &p.Fee.Amount }).listed(),
	text("fee_currency", later, func(p *pay) *string { return (*string)(&p.Fee.Currency) }).listed(),
	moment("created", atBirth, func(p *pay) *time.Time { return &p.Created }).listed(),
	{name: "late", when: atBirth, born: `NULLIF(` + tx.StampSQL + ` * CAST(` + tx.StampSQL + ` - {created} > ` + marks.LateMicros + ` AS INTEGER), 0)`},
	moment("updated", always, func(p *pay) *time.Time { return &p.Updated }),
	instant("checkout_until", always, func(p *pay) *time.Time { return &p.CheckoutUntil }).listed(),
	number("live", always, func(p *pay) *int { return &p.Live }),
	number("tries", always, func(p *pay) *int { return &p.Tries }),
	number("ops", always, func(p *pay) *int { return &p.Ops }),
	number("events", always, func(p *pay) *int { return &p.Told }),
	{name: "shard", when: atBirth, bind: func(_ *tx.Tx, p *pay) any { return ShardOf(string(p.ID)) }},
	instant("due", always, func(p *pay) *time.Time { return &p.Due }),
	number("due_fails", always, func(p *pay) *int { return &p.DueFails }).bornAs("0"),
	instant("abandoned", later, func(p *pay) *time.Time { return &p.Abandoned }),
	text("tokens", always, func(p *pay) *string { return &p.Tokens }),
	instant("changed", always, func(p *pay) *time.Time { return &p.Changed }),
	number("untold", never, func(p *pay) *int { return &p.Untold }).readAs("COALESCE(%s, 0)"), // see Payments.SetUntold
	flag("went_back", later, func(p *pay) *bool { return &p.WentBack }),
	text("lost", later, func(p *pay) *string { return &p.Lost }),
	number("retries", always, func(p *pay) *int { return &p.Retries }),
	flag("chosen", later, func(p *pay) *bool { return &p.Chosen }),
	document("sums", always, func(p *pay) *payment.Roles { return &p.Roles }, func(r *payment.Roles) bool { return *r == payment.Roles{} }).listed(),
	text("means", always, func(p *pay) *string { return &p.Means }),
	instant("review", never, func(p *pay) *time.Time { return &p.Review }), // this and the next: see Payments.KeepScreening
	document("screened", never, func(p *pay) *payment.Screening { return &p.Screened }, unscreened),
}

// Made once of the columns.
var (
	paymentColumns = paymentTable.selected("p.")
	insertPayment  = paymentTable.insert("payment", 1)
	updatePayment  = paymentTable.update("payment", 1, "shop_id", "id", "version")

	scanPayment = paymentTable.rows(explainPayment).scan

	listedColumns  = paymentTable.shown().selected("p.")
	listedPayments = paymentTable.shown().rows(explainPayment)
)

func explainPayment(p *pay, err error) error { return fmt.Errorf("payment %s: %w", p.ID, err) }

// unmasked reports that nothing is known of what was paid with.
func unmasked(m *instrument.Masked) bool { return *m == instrument.Masked{} }

// masked is how that is stored.
func masked(t *tx.Tx, m *instrument.Masked) any {
	if unmasked(m) {
		return nil
	}
	return writtenDocument(t, "instrument", m)
}

// readMasked reads what masked stores.
func readMasked(p *pay, text string) error {
	m := &p.Instrument
	plain := plainObject(text, func(name, value string) bool {
		switch name {
		case "customerAccountNumber":
			m.CustomerAccountNumber = value
		case "cardToken":
			m.CardToken = value
		case "cardholderName":
			m.CardholderName = value
		case "cardExpiryMonth":
			m.CardExpiryMonth = value
		case "cardExpiryYear":
			m.CardExpiryYear = value
		case "cardBrand":
			m.CardBrand = instrument.Brand(value)
		case "cardIssuingCountryCode":
			m.CardIssuingCountry = value
		default:
			return false
		}
		return true
	})
	if plain {
		return nil
	}
	*m = instrument.Masked{}
	return readDocument("instrument", text, m)
}
