package checkout_test

import (
	"context"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestTestAmountsDecideAboutOrders pays the amounts of the Yandex Pay sandbox on the page: as orders, where they decide
// whatever the card, and as payments of the gateway API, where the card does.
func TestTestAmountsDecideAboutOrders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, nil)
		for _, tc := range []struct {
			amount, card string
			state        payment.State
			code         payment.ErrorCode
		}{
			{"10001", approved, payment.Declined, "4.00"},
			{"10001", challenge, payment.Declined, "4.00"},
			{"10002", approved, payment.Declined, "4.01"},
			{"10003", approved, payment.Declined, "5.00"},
			{"10004", approved, payment.Pending, ""},
			{"10005", approved, payment.Completed, ""},
			{"10001.5", approved, payment.Completed, ""},
			{"10000", refused, payment.Declined, "4.00"},
		} {
			id, page := k.order(func(c *engine.Create) { c.Amount = money.MustParse(tc.amount) })
			k.pay(page, tc.card)
			if p := k.payment(id); p.State() != tc.state || p.ErrorCode != tc.code {
				t.Errorf("order of %s: %s %s, want %s %s", tc.amount, p.State(), p.ErrorCode, tc.state, tc.code)
			}
			id, page = k.order(func(c *engine.Create) {
				c.Amount, c.Terms, c.Method = money.MustParse(tc.amount), engine.Terms{}, payment.BasicCard
			})
			k.pay(page, approved)
			if p := k.payment(id); p.State() != payment.Completed {
				t.Errorf("payment of %s: %s %s", tc.amount, p.State(), p.ErrorCode)
			}
		}
	})
}

// TestACustomerWhoNeverFinishes is 10004: it waits as long as the order lasts, and fails then.
func TestACustomerWhoNeverFinishes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		k := newDesk(t, d, nil)
		id, page := k.order(func(c *engine.Create) { c.Amount = money.MustParse("10004") })
		k.pay(page, approved)
		k.Clock.Advance(44 * time.Minute)
		k.do("GET", page, nil).wants(t, "We are checking your payment")
		if p := k.payment(id); p.State() != payment.Pending {
			t.Fatalf("%s %s before its time is over", p.State(), p.ErrorCode)
		}
		k.Clock.Advance(2 * time.Minute)
		k.Simulator.Sweep()
		for range 3 { // whatever comes first: the provider's notice or our question
			k.Clock.Advance(time.Hour)
			if err := k.Engine.Work(context.Background(), k.shop.ID, id); err != nil {
				t.Fatal(err)
			}
		}
		if p := k.payment(id); p.State() != payment.Cancelled || p.ErrorCode != payment.CodeTimeout {
			t.Errorf("%s %s", p.State(), p.ErrorCode)
		}
		k.do("GET", page, nil).wants(t, "Time ran out", `href="https://shop.example/no"`)
		if got := k.ledger(id); got != "pending 10004, declined 10004" {
			t.Errorf("booked %q", got)
		}
	})
}
