package yandexpay_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// phone is what a demonstration on a telephone sends: lines without titles, an address of the app, empty strings for what
// it does not have.
const phone = `{"orderId":"P-1","currencyCode":"RUB","cart":{"items":[{"productId":"id-1","quantity":{"count":"1"},"total":"100.00"},` +
	`{"productId":"id-2","quantity":{"count":"3"},"total":"600.00"}],"total":{"amount":"700.00"}},"metadata":"","ttl":0,` +
	`"redirectUrls":{"onSuccess":"","onError":"","onAbort":""}}`

// TestTranscriptPhone: two stages, of which the second is asked for with as little as there can be.
func TestTranscriptPhone(t *testing.T) {
	record(t, "phone", twoStage, func(t *testing.T, s *transcript) {
		s.post(t, "an order", "", orders, phone)
		s.pay(t, "P-1", approved)
		s.get(t, "held", "", orders+"/P-1")
		s.post(t, "more than the order's lines explain", "400 ORDER_AMOUNT_MISMATCH", orders+"/P-1/capture",
			`{"cart":{"items":[{"productId":"id-2","quantity":{"count":"2"}}],"total":{"amount":"400.02"}}}`)
		s.post(t, "a product without a total that the order does not have", "400 BAD_REQUEST", orders+"/P-1/capture",
			`{"cart":{"items":[{"productId":"id-3","quantity":{"count":"2"}}],"total":{"amount":"400.00"}}}`)
		s.post(t, "capture of two pieces of one line", "", orders+"/P-1/capture",
			`{"orderAmount":"400.00","cart":{"items":[{"productId":"id-2","quantity":{"count":"2"}}],"total":{"amount":"400.00"}}}`)
		s.get(t, "captured", "", orders+"/P-1")
		s.post(t, "a refund of the first version, of what a piece costs", "", orders+"/P-1/refund",
			`{"orderAmount":"200.00","refundAmount":"200.00","cart":{"items":[{"productId":"id-2","quantity":{"count":"1"}}],"total":{"amount":"200.00"}}}`)
		s.get(t, "one piece is left", "", orders+"/P-1")
		s.post(t, "more pieces than are left", "400 BAD_REQUEST", orders+"/P-1/refund",
			`{"refundAmount":"100.00","cart":{"items":[{"productId":"id-2","quantity":{"count":"2"}}],"total":{"amount":"400.00"}}}`)
		s.post(t, "all the rest", "", "/v2/orders/P-1/refund", `{"refundAmount":"200.00"}`)
		s.get(t, "nothing is left", "", orders+"/P-1")
	})
}

// TestTranscriptShops: carts of shops that spread a discount, sell by weight, or know what the published schema does not.
func TestTranscriptShops(t *testing.T) {
	record(t, "shops", nil, func(t *testing.T, s *transcript) {
		cart := func(oid, total, lines, rest string) string {
			return fmt.Sprintf(`{"orderId":%q,"currencyCode":"RUB","cart":{"items":[%s],"total":{"amount":%q}%s}}`, oid, lines, total, rest)
		}
		line := func(product, count, total string) string {
			return fmt.Sprintf(`{"productId":%q,"title":"T","quantity":{"count":%s},"total":%q}`, product, count, total)
		}
		s.post(t, "three for 434, one for 999, less 200 spread over them", "", orders, cart("D-1", "2101.00", line("a", "3", "1188.83")+","+line("b", "1", "912.17"), ""))
		s.post(t, "the same, rounded up in each line", "", orders, cart("D-2", "2101.00", line("a", "3", "1188.84")+","+line("b", "1", "912.18"), ""))
		s.post(t, "the same as a discount on the cart", "", orders, cart("D-3", "2101.00", line("a", "3", "1302.00")+","+line("b", "1", "999.00"),
			`,"discounts":[{"discountId":"d","description":"200 off","amount":"200.00"}]`))
		s.pay(t, "D-3", approved)
		s.get(t, "its final prices", "", orders+"/D-3")
		s.post(t, "a piece goes back for its final price", "", "/v2/orders/D-3/refund", `{"refundAmount":"396.28","refundCart":{"items":[{"productId":"a","quantityCount":"1"}]}}`)
		s.get(t, "what is left of it", "", orders+"/D-3")
		s.post(t, "three pieces for 100", "", orders, cart("D-4", "100.00", line("a", "3", "100.00"), ""))
		s.post(t, "by weight", "", orders, cart("D-5", "100.60", line("a", "0.347", "100.60"), ""))
		s.post(t, "what the schema does not know", "", orders, cart("D-6", "100.00", `{"productId":"a","title":"T","quantity":{"count":1,"available":"007.50"},`+
			`"total":"100.00","type":"SERVICE","measurements":{},"features":{"tariffModifier":"HUGE"},"receipt":{"tax":77}}`,
			`,"measurements":{"weight":3},"coupons":[{"status":"VALID"},{"value":"C","status":"LATE"}],"discounts":[{"note":"none"}]`))
		s.get(t, "is not shown", "", orders+"/D-6")
		s.post(t, "SPLIT beside CARD", "", orders, with(t, tea, "orderId", `"D-7"`, "availablePaymentMethods", `["SPLIT","CARD"]`))
		nothing := with(t, tea, "orderId", `"D-9"`, "redirectUrls", `""`, "availablePaymentMethods", `""`, "isPrepayment", `""`, "cart.discounts", `""`, "cart.coupons", `""`)
		s.post(t, "empty strings for objects, lists and truths", "", orders, nothing)
		s.post(t, "but not for what must be given", "400 BAD_REQUEST", orders, with(t, nothing, "orderId", `"D-10"`, "cart.items", `""`, "cart.total", `""`))
		s.post(t, "nor for how many", "400 BAD_REQUEST", orders, cart("D-11", "10.00", `{"productId":"a","quantity":"","total":"10.00"}`, ""))
		s.post(t, "no time to live and no addresses", "", orders, with(t, tea, "orderId", `"D-8"`, "ttl", "0", "redirectUrls.onSuccess", `""`, "redirectUrls.onError", `""`))
	})
}

// TestCustomersAreSentBackToWhereTheMerchantSaid, and where nothing was said to the shop's own address.
func TestCustomersAreSentBackToWhereTheMerchantSaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, func(s *shop.Shop) { s.Settings.ReturnURL = "https://shop.example/back" })
		for oid, tc := range map[string]struct{ given, paid, failed string }{
			"both":   {`{"onSuccess":"https://shop.example/ok","onError":"https://shop.example/no"}`, "https://shop.example/ok", "https://shop.example/no"},
			"one":    {`{"onSuccess":"https://shop.example/ok","onError":null}`, "https://shop.example/ok", "https://shop.example/back"},
			"empty":  {`{"onSuccess":"","onError":"","onAbort":""}`, "https://shop.example/back", "https://shop.example/back"},
			"absent": {`{}`, "https://shop.example/back", "https://shop.example/back"},
		} {
			for card, want := range map[string]string{approved: tc.paid, poor: tc.failed} {
				c.order(t, oid+card, "redirectUrls", tc.given)
				c.pay(t, oid+card, card)
				p, err := c.app.Engine.Get(t.Context(), c.shop.ID, c.paymentOf(t, oid+card))
				if err != nil || p.Return() != want {
					t.Errorf("%s: back to %q, want %q, %v", oid, p.Return(), want, err)
				}
			}
		}
	})
}

// TestNothingIsLeftOfAWholeRefund whatever came before, and by whatever it went back.
func TestNothingIsLeftOfAWholeRefund(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, true)
		for oid, back := range map[string][]string{
			"at once":                {`{"refundAmount":"180"}`},
			"after a part":           {`{"refundAmount":"50"}`, `{"refundAmount":"130"}`},
			"after a part of a cart": {`{"refundAmount":"90","targetCart":{"items":[{"productId":"p1","quantityCount":1}]}}`, `{"refundAmount":"90"}`},
			"by hand":                {`{"refundAmount":"90","refundCart":{"items":[{"productId":"p1","quantityCount":1}]}}`, ""},
			"rolled back":            {`{"refundAmount":"90","refundCart":{"items":[{"productId":"p1","quantityCount":1}]}}`, "rollback"},
		} {
			path := held(t, w.client, oid)
			w.asks(path+"/capture", `{"cart":{"items":[{"productId":"p1","quantity":{"count":2}}],"total":{"amount":"180"}}}`, "CAPTURE SUCCESS")
			for _, body := range back {
				switch body {
				case "":
					pid := w.paymentOf(t, oid)
					gatewayRefund(t, w.client, pid)
				case "rollback":
					w.undo(path)
					w.rest(t, oid)
				default:
					w.asks("/v2/orders/"+url.PathEscape(oid)+"/refund", body, "REFUND SUCCESS")
				}
			}
			a := w.get(t, path)
			if items, total := a.field(t, "data.order.cart.items"), a.field(t, "data.order.cart.total.amount"); items != "[]" || total != "0.00" {
				t.Errorf("%s: %s left for %s", oid, items, total)
			}
		}
		path := w.paid(t, "not yet")
		w.asks(path+"/capture", "", "CAPTURE SUCCESS")
		w.strike(t, "refund", simulator.Effect{ResponseCode: "57"})
		w.asks("/v2/orders/not%20yet/refund", `{"refundAmount":"180"}`, "REFUND FAIL")
		if a := w.get(t, path); a.field(t, "data.order.cart.items.0.total") != "180.00" {
			t.Errorf("a refund that failed took lines out: %s", a.body)
		}
	})
}

// gatewayRefund sends all that is left of a payment back by the other merchant API.
func gatewayRefund(t *testing.T, c *client, pid payment.ID) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.app.URL+"/api/v1/payments",
		strings.NewReader(`{"paymentType":"REFUND","parentPaymentId":"`+string(pid)+`","amount":90,"currency":"RUB"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.shop.APIKey)
	resp, err := c.app.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("refund by the gateway API: %d", resp.StatusCode)
	}
}

// TestThreeForAHundredInParts: what a piece costs is rounded, and the last one takes what is left.
func TestThreeForAHundredInParts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, false)
		three := func(oid string) string {
			return w.paid(t, oid, "cart.total.amount", `"100.00"`, "cart.items", `[{"productId":"p1","quantity":{"count":"3"},"total":"100.00"}]`)
		}
		for oid, parts := range map[string][]string{
			"rounded":    {"33.33", "33.34", "33.33"}, // half to even
			"down first": {"33.33", "33.33", "33.34"},
			"up first":   {"33.34", "33.33", "33.33"},
		} {
			path := three(oid)
			for i, part := range parts {
				body := `{"refundAmount":"` + part + `","refundCart":{"items":[{"productId":"p1","quantityCount":"1"}]}}`
				if i == 1 {
					body = `{"refundAmount":"` + part + `","targetCart":{"items":[{"productId":"p1","quantityCount":"1"}]}}`
				}
				w.asks("/v2/orders/"+url.PathEscape(oid)+"/refund", body, "REFUND SUCCESS")
				a := w.get(t, path)
				if total := a.field(t, "data.order.cart.total.amount"); total != a.field(t, "data.order.orderAmount") {
					t.Errorf("%s, part %d: a cart of %s for %s", oid, i, total, a.field(t, "data.order.orderAmount"))
				}
				if line := a.field(t, "data.order.cart.items.0.total"); i < 2 && line != a.field(t, "data.order.orderAmount") {
					t.Errorf("%s, part %d: a line of %s for %s", oid, i, line, a.field(t, "data.order.orderAmount"))
				}
			}
			w.sees(path, "REFUNDED", "CAPTURE SUCCESS 100.00", "REFUND SUCCESS "+parts[0], "REFUND SUCCESS "+parts[1], "REFUND SUCCESS "+parts[2])
		}
		path := three("too far")
		w.says(t, "a part that rounding does not explain", request{method: "POST", path: "/v2/orders/too%20far/refund",
			body: `{"refundAmount":"33.36","refundCart":{"items":[{"productId":"p1","quantityCount":"1"}]}}`}, "400 ORDER_AMOUNT_MISMATCH", "")
		if price := w.get(t, path); price.field(t, "data.order.cart.items.0.finalPrice") != "33.33" {
			t.Errorf("%s", price.body)
		}
		w.asks("/v2/orders/too%20far/refund", `{"refundAmount":"100.00","refundCart":{"items":[{"productId":"p1","price":"33.33","quantityCount":"3"}]}}`, "REFUND SUCCESS")
	})
}

// TestIdsAreUUIDsOfVersion4 in answers and events, and those that were shown before, with the digit 7, still name the same.
func TestIdsAreUUIDsOfVersion4(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, false)
		c := w.other(t, func(s *shop.Shop) { called(s); s.Settings.YandexPay.MerchantIDAsKey = true })
		begun := c.post(t, "/v1/subscriptions", monthly)
		c.pay(t, "S-1", approved)
		charged := c.post(t, "/v1/subscriptions/recur", recurrent)
		path := c.paid(t, "A-1")
		back := c.post(t, "/v2/orders/A-1/refund", `{"refundAmount":"10"}`)
		seen := c.get(t, path)
		bare := gatewayDeposit(t, c)
		c.payBy(t, bare, approved)
		unnamed := c.get(t, orders+"/"+string(bare))
		earlier := func(shown string) string {
			if len(shown) != 36 || shown[14] != '4' || strings.IndexByte("89ab", shown[19]) < 0 {
				t.Errorf("%q is no UUID of version 4", shown)
				return shown
			}
			return shown[:14] + "7" + shown[15:]
		}
		merchant := seen.field(t, "data.order.merchantId")
		for _, path := range []string{
			"/v1/subscriptions/" + begun.field(t, "data.subscriptionId"), "/v1/operations/" + charged.field(t, "data.operationId"),
			"/v1/operations/" + seen.field(t, "data.operations.0.operationId"), "/v1/operations/" + back.operation(t),
			orders + "/" + unnamed.field(t, "data.order.orderId"),
		} {
			shown := path[strings.LastIndexByte(path, '/')+1:]
			now := c.get(t, path)
			bare := strings.ReplaceAll(shown, "-", "")
			for _, other := range []string{earlier(shown), strings.ToUpper(shown), bare, strings.ToUpper(bare), strings.ReplaceAll(earlier(shown), "-", "")} {
				if was := c.get(t, strings.TrimSuffix(path, shown)+other); string(was.body) != string(now.body) {
					t.Errorf("%s is %s, %s is %s", shown, now.body, other, was.body)
				}
			}
		}
		earlier(seen.field(t, "data.order.cart.cartId"))
		sub := c.get(t, "/v1/subscriptions/"+begun.field(t, "data.subscriptionId"))
		earlier(sub.field(t, "data.subscriptionPlanId"))
		for _, key := range []string{merchant, earlier(merchant), strings.ToUpper(strings.ReplaceAll(merchant, "-", ""))} {
			c.want(t, 200, request{method: "GET", path: path, header: map[string]string{"Authorization": "Api-Key " + key}})
		}
		product := earlier(unnamed.field(t, "data.order.cart.items.0.productId"))
		c.post(t, "/v2/orders/"+string(bare)+"/refund", `{"refundAmount":"2.50","targetCart":{"items":[{"productId":"`+product+`","price":"10"}]}}`)
		page, err := c.app.Records.Feed(t.Context(), feedOf(c))
		if err != nil || len(page.Events) == 0 {
			t.Fatalf("%d events, %v", len(page.Events), err)
		}
		found := 0
		for i := range page.Events {
			for _, shown := range uuid.FindAllString(page.Events[i].Body, -1) {
				earlier(shown)
				found++
			}
		}
		if found <= len(page.Events) {
			t.Errorf("%d ids in %d events", found, len(page.Events))
		}
		if id.FromVersion4(strings.ReplaceAll(merchant, "-", "")) != string(c.shop.ID) {
			t.Errorf("merchant %s of shop %s", merchant, c.shop.ID)
		}
	})
}

// gatewayDeposit makes a payment of 12.50 without a reference by the other merchant API.
func gatewayDeposit(t *testing.T, c *client) payment.ID {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.app.URL+"/api/v1/payments",
		strings.NewReader(`{"paymentType":"DEPOSIT","amount":12.5,"currency":"RUB","description":"A book","customer":{"firstName":"J","lastName":"D",`+
			`"email":"j@example.com","phone":"44 2072243688","ip":"192.0.2.1"},"billingAddress":{"countryCode":"GB","city":"London","addressLine1":"Baker St","postalCode":"NW1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.shop.APIKey)
	resp, err := c.app.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	var made struct{ Result struct{ ID string } }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Result.ID == "" {
		t.Fatalf("%d %v", resp.StatusCode, err)
	}
	return payment.ID(made.Result.ID)
}

// TestHonestRoundingAddsUp: whatever a shop does with prices of which a kopeck is not the smallest part, its carts are
// taken, and what is left of them adds up to the money.
func TestHonestRoundingAddsUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		w := newWitness(t, d, false)
		total := money.MustParse("2101.00")
		path := w.paid(t, "A", "cart.total.amount", `"2101.00"`, "cart.items",
			`[{"productId":"a","quantity":{"count":3},"total":"1188.84"},{"productId":"b","quantity":{"count":1},"total":"912.18"}]`)
		w.asks("/v2/orders/A/refund", `{"refundAmount":"912.17","targetCart":{"items":[{"productId":"a"}]}}`, "REFUND SUCCESS")
		w.asks("/v2/orders/A/refund", `{"refundAmount":"396.28","refundCart":{"items":[{"productId":"a","quantityCount":1}]}}`, "REFUND SUCCESS")
		a := w.get(t, path)
		want := "792.55"
		if a.field(t, "data.order.orderAmount") != want || a.field(t, "data.order.cart.total.amount") != want {
			t.Errorf("of %s: %s", total, a.body)
		}
		w.asks("/v2/orders/A/refund", `{"refundAmount":"792.55","refundCart":{"items":[{"productId":"a"}]}}`, "REFUND SUCCESS")
		if a := w.get(t, path); a.field(t, "data.order.cart.items") != "[]" || a.field(t, "data.order.cart.total.amount") != "0.00" {
			t.Errorf("%s", a.body)
		}
	})
}
