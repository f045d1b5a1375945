package yandexpay_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// Keys that objects have, always.
const (
	orderKeys = "cart coolingPeriodExpiresAt created currencyCode isPrepayment merchantId metadata orderAmount orderId paymentMethod " +
		"paymentStatus paymentUrl reason reasonCode shippingMethod updated"
	cartKeys      = "cartId coupons discounts externalId items measurements total"
	totalKeys     = "amount externalAmount label pointsAmount"
	quantityKeys  = "available count label"
	itemKeys      = "description discountedUnitPrice features finalPrice measurements pointsAmount productId quantity receipt skuId subtotal title total type unitPrice"
	operationKeys = "amount created externalOperationId operationId operationType orderId params pointsAmount reason status updated"
	subKeys       = "cancelledAt customerSubscriptionId isCardActive nextWriteOff status subscriptionPlanId"
)

// keysAt are the names in the object at a path of an answer, sorted.
func (a *answer) keysAt(t testing.TB, path string) string {
	t.Helper()
	var at any
	decode(t, a.body, &at)
	for step := range strings.SplitSeq(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at = in[step]
		case []any:
			at = in[0]
		}
	}
	o, ok := at.(map[string]any)
	if !ok {
		t.Fatalf("%s is no object in %s", path, a.body)
	}
	var names []string
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestEveryDocumentedKeyIsThere(t *testing.T) {
	t.Parallel()
	c := newClient(t, storetest.New(t, store.SQLite), twoStage)
	path := c.order(t, "A-1")
	unpaid := c.get(t, path)
	c.pay(t, "A-1", approved)
	captured := c.post(t, path+"/capture", "")
	paid := c.get(t, path)
	other := c.paid(t, "A-2")
	voided := c.post(t, other+"/cancel", `{"reason":"no"}`)
	refunded := c.post(t, "/v2"+path[3:]+"/refund", `{"refundAmount":90}`)
	refundedOld := c.post(t, path+"/refund", `{"refundAmount":90,"orderAmount":0}`)
	begun := c.post(t, "/v1/subscriptions", monthly)
	sub := c.get(t, "/v1/subscriptions/"+begun.field(t, "data.subscriptionId"))
	for _, x := range []struct {
		a          answer
		path, want string
	}{
		{unpaid, "data", "delivery operations order"},
		{unpaid, "data.order", orderKeys},
		{unpaid, "data.order.cart", cartKeys},
		{unpaid, "data.order.cart.total", totalKeys},
		{unpaid, "data.order.cart.items.0", itemKeys},
		{unpaid, "data.order.cart.items.0.quantity", quantityKeys},
		{paid, "data.order", orderKeys},
		{paid, "data.order.paymentMethod", "cardLast4 cardNetwork methodType"},
		{paid, "data.operations.0", "amount approvalCode " + strings.TrimPrefix(operationKeys, "amount ")},
		{captured, "data.operation", operationKeys},
		{voided, "data.operation", operationKeys},
		{refunded, "data.operation", operationKeys},
		{refundedOld, "data.operation", operationKeys},
		{begun, "data", "paymentUrl subscriptionId"},
		{sub, "data", subKeys},
	} {
		if got := x.a.keysAt(t, x.path); got != x.want {
			t.Errorf("%s has %s\nwant %s", x.path, got, x.want)
		}
	}
}

// TestHabitsOfClients sends what programs that are in use send.
func TestHabitsOfClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, twoStage)
		send := func(title, method, path, body string, header ...string) answer {
			t.Helper()
			q := request{method: method, path: path, body: body, header: map[string]string{}}
			for i := 0; i < len(header); i += 2 {
				q.header[header[i]] = header[i+1]
			}
			a := c.do(t, q)
			if a.status != 200 {
				t.Errorf("%s: %d %s", title, a.status, a.body)
			}
			return a
		}
		key := c.shop.APIKey
		send("type with a charset", "POST", orders, tea, "Content-Type", "application/json;charset=UTF-8")
		send("type with a charset in another spelling", "POST", orders, tea, "Content-Type", "application/json; charset=utf8")
		send("no type", "POST", orders, tea, "Content-Type", "")
		send("scheme as Api-key", "GET", orders+"/A-1", "", "Authorization", "Api-key "+key)
		send("a GET with a type", "GET", orders+"/A-1", "", "Content-Type", "application/json")
		c.pay(t, "A-1", approved)
		send("a list for no fields, a timeout of 20", "POST", orders+"/A-1/capture", "[]", "X-Request-Id", "A-1", "X-Request-Timeout", "20", "X-Request-Attempt", "0")
		send("the order number for every call, a float, no order amount", "POST", orders+"/A-1/refund", `{"orderAmount":0,"refundAmount":80.0,"externalOperationId":"r-1"}`,
			"X-Request-Id", "A-1", "X-Request-Timeout", "20", "X-Request-Attempt", "0")
		send("operations by POST", "POST", "/v1/operations/r-1", "[]", "X-Request-Id", "A-1")
		send("an extra orderId", "POST", "/v2/orders/A-1/refund", `{"orderId":"A-1","refundAmount":"10.00"}`)
		send("an orderAmount of the second version", "POST", "/v2/orders/A-1/refund", `{"orderAmount":"80.00","refundAmount":"10.00"}`)
		send("a rollback as a form", "POST", orders+"/A-1/rollback", "", "Content-Type", "application/x-www-form-urlencoded")
		send("a rollback as a form with something in it", "POST", orders+"/A-1/rollback", "x=1", "Content-Type", "application/x-www-form-urlencoded")
		send("a merchantId that nobody asked for", "POST", orders, with(t, tea, "orderId", `"A-2"`, "merchantId", `"x"`))
		send("a preferred method of which nothing is known", "POST", orders, with(t, tea, "orderId", `"A-2"`, "preferredPaymentMethod", `"LATER"`))
		send("nulls for what is not there", "POST", orders, with(t, tea, "orderId", `"A-3"`, "metadata", "null", "availablePaymentMethods", "null", "ttl", "null",
			"redirectUrls.onAbort", "null", "cart.externalId", "null"))

		a := c.do(t, request{method: "POST", path: "/v1/subscriptions/" + unknownID + "/cancel"})
		if a.status != 404 || a.reasonCode(t) != "METHOD_NOT_FOUND" {
			t.Errorf("a call that there never was: %d %s", a.status, a.body)
		}
	})
}

// TestAnswersComeInTime: the caller says how long the answer may take; what it was about goes on.
func TestAnswersComeInTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		path := c.paid(t, "A-1")
		c.strike(t, "refund", simulator.Effect{DelayMs: testkit.Held}) // until the answer is here
		began := time.Now()
		a := c.want(t, 200, request{method: http.MethodPost, path: "/v2" + path[3:] + "/refund", body: `{"refundAmount":180,"externalOperationId":"r"}`,
			header: map[string]string{"X-Request-Timeout": "20"}})
		if took := time.Since(began); took < 900*time.Millisecond || a.field(t, "data.operation.status") != "PENDING" {
			t.Errorf("after %s: %s", took, a.body)
		}
		c.app.Release()
		c.app.Engine.Drain()
		a = c.get(t, "/v1/operations/r")
		if a.field(t, "data.operation.status") != "SUCCESS" {
			t.Errorf("later: %s", a.body)
		}
	})
}

// TestOnlyTheShopItselfSeesWhatItHas tries every path with what another shop has.
func TestOnlyTheShopItselfSeesWhatItHas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		path := c.paid(t, "A-1")
		c.post(t, "/v2"+path[3:]+"/refund", `{"refundAmount":10,"externalOperationId":"r-1"}`)
		begun := c.post(t, "/v1/subscriptions", monthly)
		c.pay(t, "S-1", approved)
		seen := c.get(t, path)
		stranger := c.other(t, func(s *shop.Shop) { s.Settings.YandexPay.TwoStage = true })
		for _, q := range []request{
			{method: "GET", path: path}, {method: "POST", path: path + "/capture"}, {method: "POST", path: path + "/cancel", body: `{"reason":"x"}`},
			{method: "POST", path: path + "/refund", body: `{"refundAmount":10}`}, {method: "POST", path: "/v2" + path[3:] + "/refund", body: `{"refundAmount":10}`},
			{method: "POST", path: path + "/rollback"}, {method: "POST", path: path + "/submit"},
			{method: "GET", path: orders + "/" + string(c.paymentOf(t, "A-1"))},
			{method: "GET", path: "/v1/operations/r-1"}, {method: "GET", path: "/v1/operations/" + seen.field(t, "data.operations.0.operationId")},
			{method: "GET", path: "/v1/operations/" + seen.field(t, "data.operations.1.operationId")},
			{method: "GET", path: "/v1/subscriptions/" + begun.field(t, "data.subscriptionId")},
			{method: "POST", path: "/v1/subscriptions/recur", body: recurrent},
		} {
			if a := stranger.do(t, q); a.status != 404 {
				t.Errorf("%s %s: %d %s", q.method, q.path, a.status, a.body)
			}
		}
		if after := c.get(t, path); string(after.body) != string(seen.body) {
			t.Errorf("the order changed from %s to %s", seen.body, after.body)
		}
		stranger.paid(t, "A-1")
		used := stranger.post(t, orders+"/A-1/capture", `{"externalOperationId":"r-1"}`)
		if used.field(t, "data.operation.operationType") != "CAPTURE" {
			t.Errorf("a name that another shop has: %s", used.body)
		}
	})
}

// TestRefusalsChangeNothing: after every kind of bad request the order is to the byte what it was.
func TestRefusalsChangeNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, nil)
		path := c.paid(t, "A-1")
		before := c.get(t, path)
		for i, body := range []string{
			`{"refundAmount":"180.01"}`, `{"refundAmount":"179.5"}`, `{"refundAmount":0}`, `{"refundAmount":90,"targetCart":{"items":[{"productId":"x"}]}}`,
			`{"refundAmount":90,"targetCart":{"items":[]}}`, `[]`, ``, `{`, `{"refundAmount":1e9}`,
		} {
			if a := c.do(t, request{method: "POST", path: "/v2" + path[3:] + "/refund", body: body, header: map[string]string{"X-Request-Id": fmt.Sprint(i)}}); a.status != 400 {
				t.Errorf("%s: %d %s", body, a.status, a.body)
			}
		}
		for _, sub := range []string{"/capture", "/cancel", "/submit"} {
			if a := c.do(t, request{method: "POST", path: path + sub, body: `{"reason":"x"}`}); a.reasonCode(t) != "INVALID_PAYMENT_STATUS" {
				t.Errorf("%s: %d %s", sub, a.status, a.body)
			}
		}
		if after := c.get(t, path); string(after.body) != string(before.body) {
			t.Errorf("the order changed from %s to %s", before.body, after.body)
		}
	})
}
