package yandexpay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// TestOrderOfWhichNothingLeft: it stays PENDING with its page, can be paid, rolled back or run out, and a capture or refund
// stays PENDING until it leaves.
func TestOrderOfWhichNothingLeft(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		out := &testkit.WayOut{}
		t.Cleanup(out.CloseIdleConnections)
		w := &witness{t: t, client: newClientBy(t, d, twoStage, testkit.Options{Transport: out})}
		w.stranger = w.other(t, nil)
		work := func(oid string) {
			if err := w.app.Engine.Work(t.Context(), w.shop.ID, w.paymentOf(t, oid)); err != nil {
				t.Fatal(err)
			}
		}
		held := w.paid(t, "held")
		taken(t, w.client, "refunded")

		out.Shut.Store(true)
		for _, oid := range []string{"paid", "undone", "late"} {
			path := w.order(t, oid)
			w.pay(t, oid, approved)
			w.sees(path, "PENDING")
			if page := w.page(path); !strings.Contains(page, `name="number"`) || !strings.Contains(page, "Please try again") {
				t.Errorf("%s: the page is\n%s", oid, page)
			}
			w.moved(oid, till{})
		}
		w.undo(orders + "/undone")
		w.sees(orders+"/undone", "FAILED")
		w.asks(held+"/capture", `{}`, "CAPTURE PENDING")
		w.sees(held, "AUTHORIZED", "AUTHORIZE SUCCESS 180.00", "CAPTURE PENDING 180.00")
		w.asks("/v2/orders/refunded/refund", `{"refundAmount":"50"}`, "REFUND PENDING")

		out.Shut.Store(false)
		w.pay(t, "paid", approved)
		w.sees(orders+"/paid", "AUTHORIZED", "AUTHORIZE SUCCESS 180.00")
		w.app.Clock.Advance(3 * time.Second)
		work("held")
		w.sees(held, "CAPTURED", "AUTHORIZE SUCCESS 180.00", "CAPTURE SUCCESS 180.00")
		w.rest(t, "refunded")
		w.asks("/v2/orders/refunded/refund", `{"refundAmount":"130"}`, "REFUND SUCCESS")
		w.app.Clock.Advance(time.Hour)
		work("late")
		w.sees(orders+"/late", "FAILED")
		if a := w.get(t, orders+"/late"); a.field(t, "data.order.reasonCode") != "CANCELLED_BY_TIMEOUT" {
			t.Errorf("%s", a.body)
		}
	})
}
