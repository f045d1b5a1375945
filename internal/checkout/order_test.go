package checkout_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// desk is the whole application on one database, with a shop whose payments have terms of a merchant API that makes
// orders. Writes fail while broken is set.
type desk struct {
	*testkit.App
	t      *testing.T
	shop   testkit.Member
	broken atomic.Bool
}

func newDesk(t *testing.T, d *storetest.Database, edit func(*shop.Shop)) *desk {
	t.Helper()
	k := &desk{t: t}
	clock := testkit.SlowClock(100) // checks come due when a test moves it, however long its requests take
	db := d.Open(func(o *store.Options) {
		o.Now = clock.Now
		o.Fault = func(point store.FaultPoint, _ []string) error {
			if point == store.FaultBeforeGroup && k.broken.Load() {
				return store.ErrUnavailable
			}
			return nil
		}
	})
	k.App = testkit.New(t, db, testkit.Options{Clock: clock})
	k.shop = k.NewShop(t, edit)
	return k
}

// order makes a payment as orders do and returns the address of its page.
func (k *desk) order(edit ...func(*engine.Create)) (payment.ID, string) {
	k.t.Helper()
	c := engine.Create{
		Shop: k.shop.Shop, Type: payment.Deposit, Reference: "A-1", Amount: money.MustParse("180"), Currency: "RUB",
		ReturnURL: "https://shop.example/ok?s={state}",
		Terms: engine.Terms{
			Origin: "yandexpay", Lasts: 30 * time.Minute, Grace: 15 * time.Minute, ErrorURL: "https://shop.example/no",
			AbortURL: "https://shop.example/left", Methods: []payment.Method{payment.BasicCard, payment.ApplePay},
		},
	}
	for _, e := range edit {
		e(&c)
	}
	o, err := k.Engine.Create(context.Background(), c)
	if err != nil {
		k.t.Fatal(err)
	}
	return o.Payment.ID, k.Engine.CheckoutURL(k.shop.ID, o.Payment.ID)
}

func binding(c *engine.Create) {
	c.Amount, c.StartRecurring, c.Terms.Verify = money.Amount{}, true, true
}

func (k *desk) payment(id payment.ID) payment.Payment {
	k.t.Helper()
	p, err := k.Engine.Get(context.Background(), k.shop.ID, id)
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

func (k *desk) abandon(id payment.ID) {
	k.t.Helper()
	if _, err := k.Engine.Abandon(context.Background(), engine.Target{Shop: k.shop.Shop, ID: id}); err != nil {
		k.t.Fatal(err)
	}
}

func (k *desk) do(method, address string, form url.Values, headers ...string) answer {
	k.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		k.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := k.Client.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// nonce is that of the form on the page.
func (k *desk) nonce(page string) url.Values {
	k.t.Helper()
	a := k.do("GET", page, nil)
	m := hidden.FindStringSubmatch(a.body)
	if m == nil {
		k.t.Fatalf("no form on the page:\n%s", a.body)
	}
	return url.Values{"nonce": {m[1]}}
}

// pay sends the form with a card.
func (k *desk) pay(page, number string) answer {
	k.t.Helper()
	form := k.nonce(page)
	for name, value := range map[string]string{"method": "BASIC_CARD", "number": number, "expiry": "12/39", "code": "123"} {
		form.Set(name, value)
	}
	return k.do("POST", page, form)
}

// atBank is the address that the customer of a payment was sent to.
func (k *desk) atBank(id payment.ID) string {
	k.t.Helper()
	p := k.payment(id)
	a := p.LiveAttempt()
	if a == nil || a.Next.IsZero() {
		k.t.Fatalf("nobody was sent anywhere: %+v", p)
	}
	return a.Next.URL
}

// decide lets the customer press a button at the bank, and returns where that leads to.
func (k *desk) decide(id payment.ID, button string) string {
	k.t.Helper()
	return k.do("POST", k.atBank(id), url.Values{"decision": {button}}).location()
}

// since lists the operations that follow the first of that kind.
func (k *desk) since(id payment.ID, kind payment.OperationKind) string {
	k.t.Helper()
	log, err := k.Engine.Operations(context.Background(), k.shop.ID, id)
	if err != nil {
		k.t.Fatal(err)
	}
	var kinds []string
	for i := range log {
		kinds = append(kinds, string(log[i].Kind))
	}
	_, after, found := strings.Cut(strings.Join(kinds, " "), string(kind))
	if !found {
		k.t.Errorf("no %s in %v", kind, kinds)
	}
	return after
}

// ledger lists what was booked for the payment at the provider, with the amounts.
func (k *desk) ledger(id payment.ID) string {
	var all []string
	for _, e := range k.Simulator.Ledger() {
		if strings.Contains(e.Reference, string(id)) {
			all = append(all, e.Type+" "+e.Amount)
		}
	}
	return strings.Join(all, ", ")
}

func TestACardIsBoundAndChargedLater(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, card, ledger string }{
		{"at once", approved, "verified 0"},
		{"after the bank has asked", challenge, "action_required 0, verified 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				k := newDesk(t, d, nil)
				id, page := k.order(binding)
				a := k.do("GET", page, nil)
				a.wants(t, "Card for", "<h1>Add your card</h1>", "No money is taken now", "<span>Add card</span>", "Cancel")
				a.lacks(t, `name="amount"`, "Pay now", "Payment to", "Cancel payment", "Apple Pay", `class="figure"`)

				k.pay(page, tc.card)
				if tc.card == challenge {
					k.do("GET", page, nil).wants(t, "If you have confirmed your card")
					back := k.decide(id, "approve")
					if got := k.do("GET", back, nil).location(); got != "https://shop.example/ok?s=COMPLETED" {
						t.Errorf("the bank leads on to %q", got)
					}
				}
				p := k.payment(id)
				if p.State() != payment.Completed || !p.Asked.Amount.IsZero() || !p.Captured.IsZero() || p.RecurringToken == "" {
					t.Fatalf("%s of %s, captured %s, token %q, code %s", p.State(), p.Asked.Amount, p.Captured, p.RecurringToken, p.ErrorCode)
				}
				k.do("GET", page, nil).wants(t, "<h1>Card added</h1>", "No money was taken", "https://shop.example/ok?s=COMPLETED")
				if got := k.ledger(id); got != tc.ledger {
					t.Errorf("booked %q, want %q", got, tc.ledger)
				}

				o, err := k.Engine.Create(context.Background(), engine.Create{
					Shop: k.shop.Shop, Type: payment.Deposit, RecurringToken: p.RecurringToken, Amount: money.MustParse("50"),
					Currency: "RUB", Terms: engine.Terms{Origin: "yandexpay"},
				})
				if err != nil || o.Payment.State() != payment.Completed {
					t.Fatalf("charge: %s %s, %v", o.Payment.State(), o.Payment.ErrorCode, err)
				}
				if got := k.ledger(o.Payment.ID); got != "captured 50" {
					t.Errorf("charged %q", got)
				}
			})
		})
	}
}

func TestACardIsNotBound(t *testing.T) {
	t.Parallel()
	k := newDesk(t, storetest.New(t, store.SQLite), nil)
	id, page := k.order(binding)
	form := k.nonce(page)
	form.Set("method", "APPLEPAY")
	if a := k.do("POST", page, form); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a wallet: status %d", a.status)
	}
	k.pay(page, refused)
	k.do("GET", page, nil).wants(t, "Card not accepted", `href="https://shop.example/no"`)
	if p := k.payment(id); p.State() != payment.Declined || p.RecurringToken != "" || k.ledger(id) != "declined 0" {
		t.Errorf("%s, token %q, %s", p.State(), p.RecurringToken, k.ledger(id))
	}

	id, page = k.order(binding)
	k.do("POST", page+"/cancel", k.nonce(page))
	k.do("GET", page, nil).wants(t, "No card added", `href="https://shop.example/left"`)

	_, page = k.order(binding, func(c *engine.Create) { c.Currency = "RUB" })
	k.Clock.Advance(time.Hour)
	k.do("GET", page, nil).wants(t, "No card was added", `href="https://shop.example/no"`)
	if got := k.ledger(id); got != "" {
		t.Errorf("booked %q", got)
	}
}

// TestAVerificationWithoutAnAnswer loses the provider's answer: the card is bound once the provider is asked.
func TestAVerificationWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, nil)
		id, page := k.order(binding)
		if _, err := k.Simulator.AddScenario(simulator.Scenario{
			Match: simulator.Match{Operation: "verification"}, Times: 1, Effect: simulator.Effect{Fault: simulator.FaultDrop},
		}); err != nil {
			t.Fatal(err)
		}
		k.pay(page, approved)
		k.do("GET", page, nil).wants(t, "We are checking your card", "Please do not enter it again")
		k.Clock.Advance(time.Minute)
		k.do("GET", page, nil).wants(t, "Card added")
		if p := k.payment(id); p.RecurringToken == "" || k.ledger(id) != "verified 0" {
			t.Errorf("token %q, %s", p.RecurringToken, k.ledger(id))
		}
	})
}

func TestWhereTheCustomerOfAnOrderReturnsTo(t *testing.T) {
	t.Parallel()
	k := newDesk(t, storetest.New(t, store.SQLite), nil)
	const ok, no, left = "https://shop.example/ok?s=COMPLETED", "https://shop.example/no", "https://shop.example/left"
	atBank := func(button string) func(payment.ID, string) string {
		return func(id payment.ID, page string) string {
			k.pay(page, challenge)
			return k.do("GET", k.decide(id, button), nil).location()
		}
	}
	for name, tc := range map[string]struct {
		act  func(payment.ID, string) string // returns where the bank's return led to, if there was one
		want string
	}{
		"paid":               {func(_ payment.ID, page string) string { k.pay(page, approved); return ok }, ok},
		"declined":           {func(_ payment.ID, page string) string { k.pay(page, refused); return no }, no},
		"paid at the bank":   {atBank("approve"), ok},
		"failed at the bank": {atBank("decline"), no},
		"left at the bank":   {atBank("cancel"), left},
		"left": {func(_ payment.ID, page string) string {
			k.do("POST", page+"/cancel", k.nonce(page))
			return left
		}, left},
		"abandoned": {func(id payment.ID, _ string) string { k.abandon(id); return no }, no},
	} {
		id, page := k.order()
		if got := tc.act(id, page); got != tc.want {
			t.Errorf("%s: the bank leads to %q, want %q", name, got, tc.want)
		}
		a := k.do("GET", page, nil)
		a.wants(t, `href="`+tc.want+`"`)
		if got := a.header.Get("Refresh"); (got != "") != (tc.want == ok) {
			t.Errorf("%s: Refresh %q", name, got)
		}
	}
	id, page := k.order()
	k.Clock.Advance(2 * time.Hour)
	k.do("GET", page, nil).wants(t, "Time ran out", `href="`+no+`"`) // before anybody has closed it
	if err := k.Engine.Work(context.Background(), k.shop.ID, id); err != nil {
		t.Fatal(err)
	}
	k.do("GET", page, nil).wants(t, "Time ran out", `href="`+no+`"`)

	_, page = k.order(func(c *engine.Create) { c.Terms.ErrorURL, c.Terms.AbortURL = "", "" })
	k.pay(page, refused)
	k.do("GET", page, nil).wants(t, `href="https://shop.example/ok?s=DECLINED"`)
}

// TestAnAbandonedPaymentIsClosed tries every address of its page, whatever state it was in.
func TestAnAbandonedPaymentIsClosed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, nil)
		for name, card := range map[string]string{"before": "", "paid": approved, "at the bank": challenge} {
			id, page := k.order()
			form, bank := k.nonce(page), ""
			if card != "" {
				k.pay(page, card)
			}
			if card == challenge {
				bank = k.atBank(id)
			}
			k.abandon(id)
			if bank != "" {
				k.do("POST", bank, url.Values{"decision": {"cancel"}})
			}
			booked := k.ledger(id)
			for name, value := range map[string]string{"number": approved, "expiry": "12/39", "code": "123", "method": "BASIC_CARD"} {
				form.Set(name, value)
			}
			for _, request := range []string{"GET ", "POST ", "POST /cancel", "GET /continue", "POST /continue", "GET /return", "POST /return"} {
				method, path, _ := strings.Cut(request, " ")
				a := k.do(method, page+path, form)
				if a.status != http.StatusOK || a.location() != "" || a.header.Get("Refresh") != "" {
					t.Errorf("%s, %s: status %d to %q, Refresh %q", name, request, a.status, a.location(), a.header.Get("Refresh"))
				}
				a.wants(t, "Payment closed")
				a.lacks(t, "<form", "Payment successful", bank+"?")
			}
			if got := k.ledger(id); got != booked {
				t.Errorf("%s: booked %q after %q", name, got, booked)
			}
			if after := k.since(id, payment.OpCancel); strings.Contains(after, "CHECKOUT") || strings.Contains(after, "DEPOSIT") ||
				strings.Contains(after, "REDIRECT") || strings.Contains(after, "CONTINUE") {
				t.Errorf("%s: after it was abandoned: %s", name, after)
			}
		}
		_, page := k.order(binding)
		k.do("GET", page, nil).wants(t, "Add your card")
	})
}
