package engine_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

const whyCardTold = "the provider's answer repeats the whole card number: what held it is left out"

// spelledCards are ways to write the number of cardApproved.
var spelledCards = []string{
	cardApproved, "4000 0000 0000 0408", "order 4000-0000.0000/0408!", "４００００００００００００４０８",
	base64.StdEncoding.EncodeToString([]byte(cardApproved)), `{"n":"\u0034000000000000408"}`, "%34%30%30%30%30%30%30%30%30%30%30%30%30%34%30%38",
}

// searched fails where a row of the database repeats the card's number.
func (h *house) searched(what string) {
	h.t.Helper()
	number := cardOf(h.t, cardApproved).Number
	rows := h.d.Rows()
	if len(rows) < 3 {
		h.t.Errorf("only %d rows searched", len(rows))
	}
	for _, row := range rows {
		if number.In(row) {
			h.t.Errorf("%s: the number is in the row %q", what, row)
		}
	}
}

func document(t *testing.T, v any) payment.Document {
	t.Helper()
	d, err := payment.NewDocument(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestARequestThatRepeatsItsCardIsRefused puts the number into everything that a request brings beside it.
func TestARequestThatRepeatsItsCardIsRefused(t *testing.T) {
	t.Parallel()
	places := map[string]func(c *engine.Create, text string){
		"idempotency key": func(c *engine.Create, text string) { c.Idem = key("POST /payments", text, "x") },
		"reference":       func(c *engine.Create, text string) { c.Reference = text },
		"description":     func(c *engine.Create, text string) { c.Description = text },
		"return address":  func(c *engine.Create, text string) { c.ReturnURL = "https://shop.example/?c=" + text },
		"webhook address": func(c *engine.Create, text string) { c.WebhookURL = "https://shop.example/" + text },
		"customer":        func(c *engine.Create, text string) { c.Customer = document(t, payment.Customer{LastName: text}) },
		"billing address": func(c *engine.Create, text string) { c.Billing = document(t, payment.BillingAddress{City: text}) },
		"name on card":    func(c *engine.Create, text string) { instrument.CardOf(c.Means).Holder = text },
		"order":           func(c *engine.Create, text string) { c.Order = &engine.Order{ID: "o", Document: text} },
	}
	onBoth(t, func(t *testing.T, h *house) {
		for name, put := range places {
			for i, text := range spelledCards {
				for _, c := range []engine.Create{h.newDeposit("10.00", cardApproved), h.newWithdrawal("10.00")} {
					put(&c, text)
					_, err := h.Engine.Create(t.Context(), c)
					refused := new(engine.CardText)
					if !errors.As(err, &refused) || refused.Key != (name == "idempotency key") {
						t.Errorf("%s, spelling %d, %s: %v", name, i, c.Type, err)
					}
				}
			}
		}
		if n := len(h.Simulator.Ledger()); n != 0 {
			t.Errorf("%d calls left", n)
		}
		h.searched("requests")
		c := h.newDeposit("10.00", cardApproved)
		c.Idem, c.Description = key("POST /payments", "4000000000000416", "x"), "card 4000000000000416" // another's
		if p := h.execute(h.create(c).ID); p.State() != payment.Completed {
			t.Errorf("another card's number: %s", p.State())
		}
	})
}

// TestAnOrderToPayThatRepeatsTheCardIsRefused: the card, which waits, stays, and the order without the number works.
func TestAnOrderToPayThatRepeatsTheCardIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		p := h.stored(h.create(h.newDeposit("10.00", cardApproved)).ID)
		for i, text := range spelledCards {
			for name, x := range map[string]engine.Execute{
				"user agent":      {Browser: document(t, payment.Browser{UserAgent: text})},
				"language":        {Browser: document(t, payment.Browser{Language: text})},
				"customer":        {Customer: document(t, payment.Customer{Email: text})},
				"idempotency key": {Target: engine.Target{Idem: key("PATCH /payments", text, "x")}},
			} {
				x.Shop, x.ID = h.shop, p.ID
				_, err := h.Engine.Execute(t.Context(), x)
				if refused := new(engine.CardText); !errors.As(err, &refused) || refused.Key != (name == "idempotency key") {
					t.Errorf("%s, spelling %d: %v", name, i, err)
				}
			}
		}
		h.searched("orders")
		if now := h.stored(p.ID); now.Version != p.Version || len(h.Simulator.Ledger()) != 0 {
			t.Errorf("it was changed: %+v", now)
		}
		if p := h.execute(p.ID); p.State() != payment.Completed {
			t.Errorf("without the number: %s", p.State())
		}
	})
}

// TestTextsThatRepeatTheCardAndWereThereBefore: a merchant who does not know the card may have its number in a text. The payment is
// made and told all the same.
func TestTextsThatRepeatTheCardAndWereThereBefore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		for number, want := range map[string]payment.State{cardApproved: payment.Completed, cardDeclined: payment.Declined} {
			c := h.newDeposit("10.00", number)
			c.Means, c.Method = nil, payment.BasicCard
			c.Reference, c.Description, c.WebhookURL = number, "card "+number, "https://shop.example/"+number
			c.Customer, c.Billing = document(t, payment.Customer{LastName: number}), document(t, payment.BillingAddress{City: number})
			p := h.create(c)
			o, err := h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(p.ID), Hosted: true, Means: cardOf(t, number)})
			if err != nil || o.Payment.State() != want {
				t.Errorf("%s, %v; want %s", o.Payment.State(), err, want)
			}
		}
	})
}

// TestAProviderThatRepeatsTheCard: the outcome is stored without what held the number, and a human is told.
func TestAProviderThatRepeatsTheCard(t *testing.T) {
	t.Parallel()
	places := map[string]func(f *payment.Fact, text string){
		"transaction id": func(f *payment.Fact, text string) { f.ProviderRef = text },
		"code":           func(f *payment.Fact, text string) { f.RawCode = text },
		"address":        func(f *payment.Fact, text string) { f.Next = payment.GoTo("https://acs.example/" + text) },
		"credential":     func(f *payment.Fact, text string) { f.Credential = text },
		"account":        func(f *payment.Fact, text string) { f.Instrument.CustomerAccountNumber = text },
		"token":          func(f *payment.Fact, text string) { f.Instrument.CardToken = text },
		"name":           func(f *payment.Fact, text string) { f.Instrument.CardholderName = text },
		"month":          func(f *payment.Fact, text string) { f.Instrument.CardExpiryMonth = text },
		"brand":          func(f *payment.Fact, text string) { f.Instrument.CardBrand = instrument.Brand(text) },
		"country":        func(f *payment.Fact, text string) { f.Instrument.CardIssuingCountry = text },
	}
	onBoth(t, func(t *testing.T, h *house) {
		var put func(f *payment.Fact)
		e := h.listen(func(c *engine.Config) {
			c.Connectors = meddling(func(call string, f payment.Fact) payment.Fact {
				if call == "start" || call == "payout" {
					put(&f)
				}
				return f
			})
		})
		for name, place := range places {
			put = func(f *payment.Fact) { place(f, spelledCards[len(name)%len(spelledCards)]) }
			c := h.newDeposit("10.00", cardApproved)
			c.StartRecurring = true
			p := h.execute(h.create(c).ID)
			if p.State() != payment.Completed {
				t.Errorf("%s: %s", name, p.State())
			}
			e.heard(alarm.Payment, string(p.ID), whyCardTold)
			if (p.RecurringToken == "") != (name == "credential") {
				t.Errorf("%s: the recurring token is %q", name, p.RecurringToken)
			}
			w := h.create(h.newWithdrawal("1.00"))
			if w.State() != payment.Completed {
				t.Errorf("%s of a payout: %s", name, w.State())
			}
			e.heard(alarm.Payment, string(w.ID), whyCardTold)
			if r := h.create(h.newRefund(p.ID, "4.00")); r.State() != payment.Completed {
				t.Errorf("%s: its refund is %s", name, r.State())
			}
		}
		h.searched("answers")
	})
}

// TestNothingIsWrittenThatRepeatsTheCard is the store's edge by itself: whatever the column, nothing of the transaction is
// written.
func TestNothingIsWrittenThatRepeatsTheCard(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, h *house) {
		number := cardOf(t, cardApproved).Number.Finder()
		ctx := store.WithoutCard(t.Context(), number)
		write := func(name string, body []byte) error {
			return h.DB.Update(ctx, func(tx *store.Tx) error {
				tx.Notices().Insert(&store.Notice{Shop: h.shop.ID, Terminal: h.shop.Terminals[0].ID, Key: name, State: store.NoticeParked,
					Received: tx.Now(), Headers: "{}", Body: body})
				return nil
			})
		}
		refused := new(store.CardTextError)
		if err := write("a", []byte("PAN="+cardApproved)); !errors.As(err, &refused) || refused.Write != store.WriteNotice {
			t.Errorf("bytes: %v", err)
		}
		if err := write("a/"+cardApproved, nil); !errors.As(err, &refused) {
			t.Errorf("text: %v", err)
		}
		h.searched("writes")
		if err := write("a", []byte("PAN=4000000000000416")); err != nil {
			t.Errorf("another number: %v", err)
		}
		number.Wipe()
		if err := write("b", []byte("PAN="+cardApproved)); err != nil {
			t.Errorf("when it is over: %v", err)
		}
	})
}

// BenchmarkCreateWithACard creates deposits whose cards wait. What the search for the number costs is in it.
func BenchmarkCreateWithACard(b *testing.B) {
	for _, kind := range []store.Kind{store.SQLite, store.Postgres} {
		b.Run(string(kind), func(b *testing.B) {
			h := newHouse(b, storetest.New(b, kind), nil)
			customer, err := payment.NewDocument(payment.Customer{
				FirstName: "John", LastName: "Doe", Email: "john@example.com", Phone: "44 2072243688", IP: "192.0.2.1",
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				c := h.newDeposit("10.00", cardApproved)
				c.Customer, c.Description, c.ReturnURL = customer, "an order of three things", "https://shop.example/thanks/order-1"
				h.create(c)
			}
		})
	}
}
