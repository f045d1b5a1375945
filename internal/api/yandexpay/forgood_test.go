package yandexpay_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/testkit"
)

// told reads what the merchant of a client was told so far, each event as its type and what it says.
func (c *client) told(t testing.TB) []string {
	t.Helper()
	page, err := c.app.Records.Feed(t.Context(), feedOf(c))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range page.Events {
		a := answer{body: []byte(page.Events[i].Body)}
		words := []string{page.Events[i].Type}
		for _, path := range []string{"order.paymentStatus", "operation.operationType", "operation.status", "subscription.status"} {
			if word := a.field(t, path); word != "" {
				words = append(words, word)
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// feedOf asks for all that the merchant of a client was told.
func feedOf(c *client) records.FeedQuery {
	return records.FeedQuery{Shop: c.shop.ID, Dialect: yandexpay.Dialect, Limit: 1000}
}

func called(s *shop.Shop) { s.Settings.YandexPay.CallbackURL = "https://shop.example/pay" }

// alarmed is a witness whose log is kept.
func alarmed(t *testing.T, d *storetest.Database, edit func(*shop.Shop)) (*witness, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	clock := testkit.SlowClock(200)
	db := d.Open(func(o *store.Options) { o.Now = clock.Now })
	app := testkit.New(t, db, testkit.Options{Clock: clock, Log: telemetry.Logger(slog.LevelError, "text", &log)})
	w := &witness{t: t, client: &client{app: app, shop: app.NewShop(t, edit)}}
	w.stranger = w.other(t, nil)
	return w, &log
}

// strikeAlways puts an effect in force for all requests of that operation at the provider.
func (c *client) strikeAlways(t testing.TB, operation string, e simulator.Effect) {
	t.Helper()
	if _, err := c.app.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Effect: e}); err != nil {
		t.Fatal(err)
	}
}

// tried is how often the provider was asked to give an order's money back.
func (w *witness) tried(oid string) int {
	w.t.Helper()
	h, err := w.app.Engine.History(w.t.Context(), w.shop.ID, w.paymentOf(w.t, oid))
	if err != nil {
		w.t.Fatal(err)
	}
	n := len(h.Refunds)
	for i := range h.Payment.Attempts {
		if h.Payment.Attempts[i].Kind == "VOID" {
			n++
		}
	}
	return n
}

// days lets days pass in which all that is due about an order is done.
func (w *witness) days(oid string, n int) {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	for range n * 4 {
		w.app.Clock.Advance(6 * time.Hour)
		for range 3 {
			if err := w.app.Engine.Work(ctx, w.shop.ID, w.paymentOf(w.t, oid)); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// TestRollbackThatIsRefusedForGood: it stops after one try, the order stays as it is and shows what failed, the merchant
// and a human are told. Rolled back again, it is tried once more.
func TestRollbackThatIsRefusedForGood(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		for code, reason := range map[string]string{"57": "Transaction not permitted to cardholder", "05": "Declined by Issuer"} {
			t.Run(code, func(t *testing.T) {
				w, log := alarmed(t, storetest.New(t, d.Kind), called)
				path := w.paid(t, "A")
				w.asks("/v2/orders/A/refund", `{"refundAmount":"50","externalOperationId":"part"}`, "REFUND SUCCESS")
				w.strikeAlways(t, "refund", simulator.Effect{ResponseCode: code})
				before := w.told(t)
				w.undo(path)
				lived := []string{"CAPTURE SUCCESS 180.00", "REFUND SUCCESS 50.00 part"}
				failed := "REFUND FAIL 130.00 " + reason
				w.days("A", 40)
				w.sees(path, "PARTIALLY_REFUNDED", append(lived, failed)...)
				if n := w.tried("A"); n != 2 {
					t.Errorf("%d refunds, want 2", n)
				}
				if got := w.told(t); !slices.Equal(got[len(before):], []string{"OPERATION_STATUS_UPDATED REFUND FAIL"}) {
					t.Errorf("told %v", got[len(before):])
				}
				if n := strings.Count(log.String(), "a human has to look"); n != 1 {
					t.Errorf("%d alarms: %s", n, log)
				}
				w.says(t, "a refund", request{method: "POST", path: "/v2/orders/A/refund", body: `{"refundAmount":"1"}`}, wrongStatus, "")
				w.undo(path)
				w.sees(path, "PARTIALLY_REFUNDED", append(lived, failed, failed)...)
				w.app.Simulator.ClearScenarios()
				w.undo(path)
				w.rest(t, "A")
				w.sees(path, "FAILED", append(lived, failed, failed)...)
				w.moved("A", till{held: 18000, captured: 18000, captures: 1, refunded: 18000, refunds: 2})
			})
		}
	})
}

// TestHoldThatIsNotReleased: likewise of what is only held, which runs out by itself in the end.
func TestHoldThatIsNotReleased(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		for name, begin := range map[string]func(w *witness, path string){
			"rolled back": func(w *witness, path string) { w.undo(path) },
			"never captured": func(w *witness, path string) {
				w.days("A", 5)
				w.says(w.t, "capture", request{method: "POST", path: path + "/capture"}, wrongStatus, "")
			},
		} {
			t.Run(name, func(t *testing.T) {
				w, log := alarmed(t, storetest.New(t, d.Kind), func(s *shop.Shop) { called(s); twoStage(s) })
				path := w.paid(t, "A")
				w.strikeAlways(t, "void", simulator.Effect{ResponseCode: "57"})
				before := w.told(t)
				begin(w, path)
				w.app.Engine.Drain()
				lived := []string{"AUTHORIZE SUCCESS 180.00", "VOID FAIL 180.00 Transaction not permitted to cardholder"}
				w.sees(path, "AUTHORIZED", lived...)
				if diff := cmp.Diff([]string{"OPERATION_STATUS_UPDATED VOID FAIL"}, w.told(t)[len(before):]); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				w.days("A", 8)
				w.sees(path, "VOIDED", lived...)
				if n := w.tried("A"); n != 1 {
					t.Errorf("%d voids, want 1", n)
				}
				if n := strings.Count(log.String(), "a human has to look"); n != 1 {
					t.Errorf("%d alarms: %s", n, log)
				}
			})
		}
	})
}

// TestLargeOrdersGoBack: the amounts that decide at the provider are those of this API; its ceiling for refunds, which is
// the gateway API's, is not for them.
func TestLargeOrdersGoBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, false)
		large := func(oid, amount string) string {
			return w.paid(t, oid, "cart.total.amount", amount, "cart.items", `[{"productId":"p1","title":"Car","quantity":{"count":"1"},"total":`+amount+`}]`)
		}
		path := large("A", `"10000000.00"`)
		w.asks("/v2/orders/A/refund", `{"refundAmount":"20000.00"}`, "REFUND SUCCESS")
		w.asks("/v2/orders/A/refund", `{"refundAmount":"9980000.00"}`, "REFUND SUCCESS")
		w.sees(path, "REFUNDED", "CAPTURE SUCCESS 10000000.00", "REFUND SUCCESS 20000.00", "REFUND SUCCESS 9980000.00")
		path = large("B", `"25000.50"`)
		w.undo(path)
		w.rest(t, "B")
		w.sees(path, "FAILED", "CAPTURE SUCCESS 25000.50")
		path = large("C", `"10001.00"`) // one of the amounts that decide
		w.sees(path, "FAILED")
	})
}
