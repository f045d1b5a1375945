package yandexpay_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// witness is a merchant who looks at every operation of an order in every way that there is.
type witness struct {
	*client
	t        *testing.T
	stranger *client
}

func newWitness(t *testing.T, d *storetest.Database, two bool) *witness {
	t.Helper()
	w := &witness{t: t}
	if two {
		w.client = newClient(t, d, twoStage)
	} else {
		w.client = newClient(t, d, nil)
	}
	w.stranger = w.other(t, nil)
	return w
}

// sees wants the status of an order and its operations, each written as type, status, amount, name and reason. Every
// one has to be found by its id and by its name, looking the same, and by nobody else.
func (w *witness) sees(path, status string, want ...string) {
	w.t.Helper()
	a := w.get(w.t, path)
	if got := a.field(w.t, "data.order.paymentStatus"); got != status {
		w.t.Errorf("%s is %s, want %s", path, got, status)
	}
	var doc struct {
		Data struct{ Operations []map[string]any }
	}
	decode(w.t, a.body, &doc)
	got, last := []string{}, ""
	for _, op := range doc.Data.Operations {
		text := func(name string) string {
			if op[name] == nil {
				return ""
			}
			return fmt.Sprint(op[name])
		}
		said := text("operationType") + " " + text("status") + " " + text("amount")
		for _, name := range []string{"externalOperationId", "reason"} {
			if text(name) != "" {
				said += " " + text(name)
			}
		}
		got = append(got, said)
		if text("created") < last || text("updated") < text("created") {
			w.t.Errorf("created %s after %s, updated %s", text("created"), last, text("updated"))
		}
		last = text("created")
		if _, has := op["approvalCode"]; !has {
			w.t.Error("an operation of an order without approvalCode")
		}
		delete(op, "approvalCode")
		w.finds(op, text("operationId"))
		if text("externalOperationId") != "" {
			w.finds(op, text("externalOperationId"))
		}
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func (w *witness) finds(want map[string]any, name string) {
	w.t.Helper()
	q := request{method: "GET", path: "/v1/operations/" + name}
	var doc struct {
		Data struct{ Operation map[string]any }
	}
	a := w.do(w.t, q)
	decode(w.t, a.body, &doc)
	if diff := cmp.Diff(want, doc.Data.Operation); diff != "" {
		w.t.Errorf("operation %s (-in the order +alone):\n%s", name, diff)
	}
	q.method = "POST"
	if b := w.do(w.t, q); string(b.body) != string(a.body) {
		w.t.Errorf("operation %s by POST: %s", name, b.body)
	}
	w.stranger.says(w.t, "another shop", q, "404 OPERATION_NOT_FOUND", "")
}

// asks posts to an order and wants the outcome.
func (w *witness) asks(path, body, want string) answer {
	w.t.Helper()
	return w.says(w.t, path, request{method: "POST", path: path, body: body}, want, "")
}

func TestTheLifeOfAHeldOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		path := w.order(t, "A/1")
		v2 := strings.Replace(path, "/v1", "/v2", 1)
		w.sees(path, "PENDING")
		w.says(t, "nothing yet", request{method: "GET", path: "/v1/operations/cap"}, "404 OPERATION_NOT_FOUND", "")
		w.pay(t, "A/1", approved)
		lived := []string{"AUTHORIZE SUCCESS 180.00"}
		w.sees(path, "AUTHORIZED", lived...)

		w.strike(t, "capture", simulator.Effect{ResponseCode: "96"})
		w.asks(path+"/capture", `{"externalOperationId":"cap-0"}`, "CAPTURE FAIL")
		lived = append(lived, "CAPTURE FAIL 180.00 cap-0 Acquirer Malfunction")
		w.sees(path, "AUTHORIZED", lived...)
		w.strike(t, "capture", slow("00"))
		w.asks(path+"/capture", `{"externalOperationId":"cap","orderAmount":"100"}`, "CAPTURE PENDING")
		w.sees(path, "AUTHORIZED", append(lived, "CAPTURE PENDING 100.00 cap")...)
		w.later()
		lived = append(lived, "CAPTURE SUCCESS 100.00 cap")
		w.sees(path, "CAPTURED", lived...)

		w.strike(t, "refund", slow("00"))
		w.asks(v2+"/refund", `{"externalOperationId":"r-1","refundAmount":"30"}`, "REFUND PENDING")
		w.sees(path, "CAPTURED", append(lived, "REFUND PENDING 30.00 r-1")...)
		w.later()
		lived = append(lived, "REFUND SUCCESS 30.00 r-1")
		w.sees(path, "PARTIALLY_REFUNDED", lived...)

		w.strike(t, "refund", slow("51"))
		w.asks(v2+"/refund", `{"externalOperationId":"r-2","refundAmount":"20"}`, "REFUND PENDING")
		w.sees(path, "PARTIALLY_REFUNDED", append(lived, "REFUND PENDING 20.00 r-2")...)
		w.later()
		lived = append(lived, "REFUND FAIL 20.00 r-2 Insufficient Funds")
		w.sees(path, "PARTIALLY_REFUNDED", lived...)
		w.asks(v2+"/refund", `{"refundAmount":"70"}`, "REFUND SUCCESS")
		w.sees(path, "REFUNDED", append(lived, "REFUND SUCCESS 70.00")...)
		w.agrees(t, "A/1")
	})
}

func TestTheLifeOfACancelledOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		path := w.paid(t, "A")
		w.strike(t, "void", simulator.Effect{ResponseCode: "91"})
		w.asks(path+"/cancel", `{"reason":"no stock","externalOperationId":"v-1"}`, "VOID FAIL")
		lived := []string{"AUTHORIZE SUCCESS 180.00", "VOID FAIL 180.00 v-1 Acquirer Malfunction"}
		w.sees(path, "AUTHORIZED", lived...)
		w.strike(t, "void", simulator.Effect{Fault: simulator.FaultDrop})
		w.asks(path+"/cancel", `{"reason":"no stock","externalOperationId":"v-2"}`, "VOID PENDING")
		w.sees(path, "AUTHORIZED", append(lived, "VOID PENDING 180.00 v-2")...)
		w.later()
		w.sees(path, "VOIDED", append(lived, "VOID SUCCESS 180.00 v-2")...)
		a := w.get(t, path)
		if got := a.field(t, "data.order.reason"); got != "no stock" {
			t.Errorf("reason %q", got)
		}
		w.agrees(t, "A")
	})
}

func TestTheLifeOfOrdersOfOneStage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, false)
		path := w.paid(t, "A")
		w.sees(path, "CAPTURED", "CAPTURE SUCCESS 180.00")
		w.asks("/v2/orders/A/refund", `{"refundAmount":"179"}`, "REFUND SUCCESS")
		w.sees(path, "PARTIALLY_REFUNDED", "CAPTURE SUCCESS 180.00", "REFUND SUCCESS 179.00")

		path = w.order(t, "B")
		w.pay(t, "B", poor)
		w.sees(path, "FAILED")
		a := w.get(t, path)
		if a.field(t, "data.order.reason") != "Insufficient Funds" || a.field(t, "data.order.reasonCode") != "INSUFFICIENT_FUNDS" {
			t.Errorf("%s", a.body)
		}

		path = w.order(t, "C")
		w.strike(t, "payment", simulator.Effect{Fault: simulator.FaultDrop})
		w.pay(t, "C", approved)
		w.sees(path, "PENDING")
		w.later()
		w.sees(path, "CAPTURED", "CAPTURE SUCCESS 180.00")

		path = w.order(t, "D")
		w.pay(t, "D", challenge)
		w.sees(path, "PENDING")
		w.atBank(t, "D", "approve")
		w.sees(path, "CAPTURED", "CAPTURE SUCCESS 180.00")
	})
}

// bank is the page at which the customer of an order has to act.
func (c *client) bank(t testing.TB, oid string) string {
	t.Helper()
	p, err := c.app.Engine.Get(t.Context(), c.shop.ID, c.paymentOf(t, oid))
	if err != nil || p.LiveAttempt() == nil || p.LiveAttempt().Next.IsZero() {
		t.Fatalf("order %s: nobody was sent anywhere: %v", oid, err)
	}
	return p.LiveAttempt().Next.URL
}

// atBank presses a button at the customer's bank and follows the way back.
func (c *client) atBank(t testing.TB, oid, button string) {
	t.Helper()
	c.decides(t, c.bank(t, oid), button)
}

func (c *client) decides(t testing.TB, page, button string) {
	t.Helper()
	resp, err := c.app.Client.Post(page, "application/x-www-form-urlencoded", strings.NewReader("decision="+button))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := c.app.Client.Get(resp.Header.Get("Location"))
	if err != nil {
		t.Fatalf("back from the bank: %v", err)
	}
	_ = back.Body.Close()
}

func TestTheLifeOfSubscriptions(t *testing.T) {
	t.Parallel()
	for name, two := range map[string]bool{"one stage": false, "two stages": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				w := newWitness(t, d, two)
				a := w.post(t, "/v1/subscriptions", `{"orderId":"bind","currencyCode":"RUB","isBinding":true}`)
				sub := "/v1/subscriptions/" + a.field(t, "data.subscriptionId")
				w.sees("/v1/orders/bind", "PENDING")
				w.subscribed(sub, "NEW")
				w.pay(t, "bind", challenge)
				w.sees("/v1/orders/bind", "PENDING")
				w.atBank(t, "bind", "approve")
				w.sees("/v1/orders/bind", "CAPTURED", "BIND_CARD SUCCESS 0.00")
				w.subscribed(sub, "ACTIVE")
				w.says(t, "nothing to refund", request{method: "POST", path: "/v2/orders/bind/refund", body: `{"refundAmount":"1"}`},
					"400 REFUND_AMOUNT_TOO_LARGE", "")

				id := w.recurs("m-1", "bind", "200")
				w.sees("/v1/orders/m-1", "CAPTURED", "RECURRING SUCCESS 600.00")
				if b := w.get(t, "/v1/operations/"+id); b.operation(t) != id {
					t.Errorf("recur answered %s, found %s", id, b.body)
				}
				if again := w.recurs("m-1", "bind", "200"); again != id {
					t.Errorf("the same charge again is %s, want %s", again, id)
				}
				w.asks("/v2/orders/m-1/refund", `{"refundAmount":"600","externalOperationId":"back"}`, "REFUND SUCCESS")
				w.sees("/v1/orders/m-1", "REFUNDED", "RECURRING SUCCESS 600.00", "REFUND SUCCESS 600.00 back")

				w.strike(t, "payment", slow("51"))
				w.recurs("m-2", "bind", "200")
				w.sees("/v1/orders/m-2", "PENDING", "RECURRING PENDING 600.00")
				w.later()
				w.sees("/v1/orders/m-2", "FAILED", "RECURRING FAIL 600.00 Insufficient Funds")
				w.strike(t, "payment", simulator.Effect{Fault: simulator.FaultDrop})
				w.recurs("m-3", "bind", "200")
				w.sees("/v1/orders/m-3", "PENDING", "RECURRING PENDING 600.00")
				w.later()
				w.sees("/v1/orders/m-3", "CAPTURED", "RECURRING SUCCESS 600.00")
				w.recurs("m-4", "m-3", "400 INVALID_PAYMENT_STATUS") // it did not begin the chain
				w.recurs("m-5", "nobody", "404 ORDER_NOT_FOUND")
				w.stranger.says(t, "another shop", request{method: "GET", path: sub}, "404 SUBSCRIPTION_NOT_FOUND", "")
				w.stranger.says(t, "another shop", request{method: "POST", path: "/v1/subscriptions/recur", body: recurring("x", "bind")},
					"404 ORDER_NOT_FOUND", "")
			})
		})
	}
}

func (w *witness) subscribed(path, status string) {
	w.t.Helper()
	if a := w.get(w.t, path); a.field(w.t, "data.status") != status {
		w.t.Errorf("%s is no %s: %s", path, status, a.body)
	}
}

func recurring(oid, parent string) string {
	return fmt.Sprintf(`{"orderId":%q,"parentOrderId":%q,"amount":"600.00","currencyCode":"RUB","cart":{"items":[{"productId":"box",`+
		`"title":"Box","quantity":{"count":1},"total":"600"}],"total":{"amount":"600"}}}`, oid, parent)
}

// recurs charges once more and returns the operation's id; want is 200 or a refusal.
func (w *witness) recurs(oid, parent, want string) string {
	w.t.Helper()
	a := w.do(w.t, request{method: "POST", path: "/v1/subscriptions/recur", body: recurring(oid, parent)})
	got := fmt.Sprint(a.status)
	if a.status != 200 {
		got += " " + a.reasonCode(w.t)
	}
	if got != want {
		w.t.Errorf("recur %s of %s: %q, want %q", oid, parent, got, want)
	}
	return a.field(w.t, "data.operationId")
}

func TestAFailedBindingIsNoSubscription(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, false)
		a := w.post(t, "/v1/subscriptions", `{"orderId":"bind","currencyCode":"RUB","isBinding":true}`)
		w.pay(t, "bind", poor)
		w.sees("/v1/orders/bind", "FAILED")
		w.subscribed("/v1/subscriptions/"+a.field(t, "data.subscriptionId"), "EXPIRED")
		w.recurs("m-1", "bind", "400 INVALID_PAYMENT_STATUS")
	})
}

// TestNamesBelongToTheirShop uses one orderId, one name and one X-Request-Id in two shops.
func TestNamesBelongToTheirShop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		mine := newClient(t, d, twoStage)
		theirs := mine.other(t, twoStage)
		ops := map[string]bool{}
		for _, c := range []*client{mine, theirs} {
			path := c.paid(t, "A")
			q := request{method: "POST", path: path + "/capture", body: `{"externalOperationId":"n"}`, header: map[string]string{"X-Request-Id": "1"}}
			ops[c.says(t, "capture", q, "CAPTURE SUCCESS", "").operation(t)] = true
			a := c.get(t, "/v1/operations/n")
			if !ops[a.operation(t)] || a.field(t, "data.operation.orderId") != "A" {
				t.Errorf("%s", a.body)
			}
			b := c.get(t, path)
			var doc struct {
				Data struct{ Order map[string]json.RawMessage }
			}
			decode(t, b.body, &doc)
			if string(doc.Data.Order["merchantId"]) != `"`+c.shop.MerchantID()+`"` {
				t.Errorf("merchantId %s", doc.Data.Order["merchantId"])
			}
		}
		if len(ops) != 2 {
			t.Errorf("operations %v", ops)
		}
		for op := range ops {
			a, b := mine.do(t, request{method: "GET", path: "/v1/operations/" + op}), theirs.do(t, request{method: "GET", path: "/v1/operations/" + op})
			if a.status+b.status != 200+404 {
				t.Errorf("%d and %d", a.status, b.status)
			}
		}
	})
}
