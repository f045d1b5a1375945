package yandexpay

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

const seedOrder = `{"cart":{"items":[{"productId":"p1","title":"Tea","quantity":{"count":"2"},"total":"180.00"}],"total":{"amount":"180.00"}},` +
	`"currencyCode":"RUB","orderId":"A-1","redirectUrls":{"onSuccess":"https://shop.example/ok","onError":"https://shop.example/no"}}`

// FuzzRequests reads any body as every request there is. Nothing may panic; what is refused is refused in the form of the
// API, and what is taken adds up and can be kept.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		seedOrder, `{}`, `[]`, `{"refundAmount":1e2,"targetCart":{"items":[{"productId":"tea","price":1,"quantityCount":"1.5"}]}}`,
		`{"refundAmount":"90","refundCart":{"items":[{"productId":"tea","quantityCount":1}]},"targetShipping":{"amount":0},"refundExternalAmount":"0"}`,
		`{"orderAmount":10,"refundAmount":310.0,"cart":{"items":[],"total":{"amount":0}},"shipping":{"amount":10}}`,
		`{"cart":{"items":[{"productId":"p","title":"t","quantity":{"count":0.1},"total":1,"receipt":{"tax":[1,null,true]}}],"total":{"amount":1}},"orderAmount":"11","shipping":{"amount":10}}`,
		`{"currencyCode":"RUB","orderId":"b","isBinding":true,"trialUnit":"SECOND","trialCount":5,"intervalUnit":"YEAR","intervalCount":"1"}`,
		`{"amount":180,"parentOrderId":"S","trialEndAt":"2026-01-02T03:04:05Z",` + seedOrder[1:],
		`{"orderAmount":"90","cart":{"items":[{"productId":"tea","quantity":{"count":1}}],"total":{"amount":90}}}`,
		`{"refundAmount":"100","refundCart":{"items":[{"productId":"tea","price":"33.33","quantityCount":"3"}]},"cart":{"items":[{"productId":"p1","quantity":{"count":"0.347"}}],"total":{"amount":"100.60"},"discounts":[{"amount":"20"}]}}`,
		strings.Replace(seedOrder, `"RUB"`, `"JPY"`, 1), strings.Replace(seedOrder, `"180.00"`, `1e-30`, 1),
	} {
		f.Add([]byte(seed))
	}
	s := &shop.Shop{Settings: shop.Defaults(false)}
	s.Settings.YandexPay.Currencies = []money.Currency{"RUB", "JPY", "KWD", "BTC"}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := api.Decode(body)
		if err != nil {
			return
		}
		for _, bind := range []func(*api.Value, *shop.Shop) (order, error){bindOrder, bindSubscription, bindRecurring} {
			o, err := bind(doc, s)
			if !refusedInForm(t, err) {
				takenOrder(t, &o, s)
			}
		}
		if r, err := bindCapture(doc, "RUB"); !refusedInForm(t, err) {
			takenCapture(t, &r)
		}
		for _, bind := range []refundBinder{bindRefundV1, bindRefundV2} {
			if r, err := bind(doc, "RUB"); !refusedInForm(t, err) {
				takenRefund(t, &r)
			}
		}
	})
}

func refusedInForm(t *testing.T, err error) bool {
	t.Helper()
	f := new(failure)
	if err != nil && (!errors.As(err, &f) || f.status != 400 || len(f.details) > 0 && !json.Valid(f.details)) {
		t.Errorf("refused with %v", err)
	}
	return err != nil
}

func takenOrder(t *testing.T, o *order, s *shop.Shop) {
	t.Helper()
	if !isName(o.id) || !s.Settings.YandexPay.Takes(o.currency) || o.amount.Decimals() > o.currency.MinorUnits() {
		t.Errorf("took order %q of %s %s", o.id, o.amount, o.currency)
	}
	if sub := o.document.Subscription; o.amount.IsZero() && (sub == nil || !sub.Binding) {
		t.Error("took an order of nothing")
	}
	c, err := o.creation(s, []byte("fingerprint"))
	if err != nil {
		t.Fatal(err)
	}
	var kept document
	if err := json.Unmarshal([]byte(c.Order.Document), &kept); err != nil {
		t.Fatalf("%v in %s", err, c.Order.Document)
	}
	again, err := json.Marshal(kept)
	if err != nil || string(again) != c.Order.Document {
		t.Errorf("kept %s, read back %s, %v", c.Order.Document, again, err)
	}
	if kept.Cart == nil {
		return
	}
	addsUp(t, kept.Cart, plus(o.amount, given(kept.Cart.External)), steps(len(kept.Cart.Items), o.currency))
	out := object{}
	out.element(func(w *object) { kept.Cart.write(w, "id", decimalsOf(o.currency)) })
	if !json.Valid(out.Dst) {
		t.Errorf("shown as %s", out.Dst)
	}
}

// addsUp wants the lines of a cart, with its discounts taken off, to be worth that but for room.
func addsUp(t *testing.T, c *cart, worth, room money.Amount) {
	t.Helper()
	if sum := c.sum(); sum.Cmp(c.Off) < 0 || apart(minus(sum, c.Off), worth).Cmp(room) > 0 {
		t.Errorf("a cart of %s less %s for %s", sum, c.Off, worth)
	}
}

// known is an order of three products, with a delivery, of which a part was paid elsewhere.
func known(t *testing.T) *orderView {
	t.Helper()
	return captured20(t, `{"items":[{"productId":"tea","title":"T","quantity":{"count":2},"total":180},`+
		`{"productId":"p1","title":"S","quantity":{"count":"0.5"},"total":"50.50"},{"productId":"cup","title":"C","quantity":{"count":1},"total":"69.5"}],`+
		`"total":{"amount":290,"externalAmount":10}}`)
}

// takenCapture judges a capture of a known order: what is taken is what its cart says.
func takenCapture(t *testing.T, r *captured) {
	t.Helper()
	v := known(t)
	amount, kept, err := r.plan(v)
	if refusedInForm(t, err) {
		return
	}
	if r.Amount != nil && *r.Amount != amount || amount.Cmp(leastOf("RUB")) < 0 && (r.Cart != nil || r.Amount != nil) {
		t.Errorf("captures %s", amount)
	}
	if kept.Cart != nil {
		addsUp(t, kept.Cart, kept.Cart.total(), steps(len(kept.Cart.Items), "RUB"))
		if got := plus(kept.Cart.Amount, given(kept.Shipping)); got != amount {
			t.Errorf("captures %s for %s", amount, got)
		}
	}
}

// takenRefund judges a refund of a known order: what it leaves is worth what is left of the money.
func takenRefund(t *testing.T, r *refundRequest) {
	t.Helper()
	v := known(t)
	kept, err := r.plan(v)
	if refusedInForm(t, err) {
		return
	}
	rest, err := v.left().Sub(r.Amount)
	if err != nil {
		t.Fatalf("refunds %s", r.Amount)
	}
	if kept.Cart == nil {
		return
	}
	shipping := v.remains.shipping
	if kept.Shipping != nil {
		shipping = *kept.Shipping
	}
	if kept.Cart.External == nil && r.Cart == nil {
		t.Error("what was paid elsewhere is forgotten")
	}
	if rest.IsZero() && len(kept.Cart.Items) == 0 {
		return
	}
	addsUp(t, kept.Cart, minus(plus(rest, given(kept.Cart.External)), shipping), v.room())
	if err := kept.Cart.unrepeated(); err != nil {
		t.Errorf("leaves a cart that is none: %v", err)
	}
}

// FuzzPaths looks up any path. What is found is an endpoint whose id is what the path spells.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{"/v1/orders/A%2F1/cancel", "/v1/orders/..", "/v1/orders/%2e%2e", "//", "/v1/operations/%00", "/v1/subscriptions/recur", "/v2/orders/%zz/refund"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		segments := strings.Split(path, "/")
		for i := range endpoints {
			given, ok := match(endpoints[i].path, segments)
			if !ok {
				continue
			}
			if !strings.Contains(endpoints[i].path, "{") {
				if given != "" || path != endpoints[i].path {
					t.Errorf("%q is %s with %q", path, endpoints[i].path, given)
				}
				continue
			}
			before, after, _ := strings.Cut(endpoints[i].path, "{")
			_, after, _ = strings.Cut(after, "}")
			middle := strings.TrimSuffix(strings.TrimPrefix(path, before), after)
			if want, err := url.PathUnescape(middle); err != nil || want != given || given == "" || strings.Contains(middle, "/") {
				t.Errorf("%q is %s with %q, want %q, %v", path, endpoints[i].path, given, want, err)
			}
		}
	})
}

// FuzzAmounts reads any text as an amount, bare and in quotes.
func FuzzAmounts(f *testing.F) {
	for _, seed := range []string{"180.00", "0", "-0", "1e400", "1E-30", "0.30000000000000004", "NaN", "1_000", "+1", "٣", "1e18", "999999999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := string(api.AppendString([]byte(`{"a":`), text)) + "}"
		for _, body := range []string{`{"a":` + text + `}`, quoted} {
			doc, err := api.Decode([]byte(body))
			if err != nil {
				continue
			}
			b := newBinder(doc)
			a := b.amount("a", 2)
			if b.err() != nil || a == nil {
				continue
			}
			if a.Cmp(mostAmount) > 0 || a.Decimals() > 2 {
				t.Errorf("%s is %s", body, a)
			}
			if back, err := money.Parse(amountText(*a, 2)); err != nil || back != *a {
				t.Errorf("%s is shown as %s", a, amountText(*a, 2))
			}
		}
	})
}

// FuzzPhones: whatever is given, a telephone number is digits.
func FuzzPhones(f *testing.F) {
	f.Add("8 (916) 123-45-67")
	f.Add("+44 20 7224 3688")
	f.Fuzz(func(t *testing.T, text string) {
		got := phone(text)
		if strings.Trim(got, "0123456789 ") != "" || strings.Count(got, " ") > 1 {
			t.Errorf("%q is %q", text, got)
		}
	})
}

func TestPhones(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"8 (916) 123-45-67": "7 9161234567", "+79161234567": "7 9161234567", "44 02072243688": "4402072243688", "": "", "call me": "",
	} {
		if got := phone(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestReasonsAsCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Insufficient Funds": "INSUFFICIENT_FUNDS", "3DS Timeout": "3DS_TIMEOUT", "Declined by Acquirer: Anti-fraud": "DECLINED_BY_ACQUIRER_ANTI_FRAUD", "": "",
	} {
		if got := capitals(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for _, code := range payment.Codes() {
		if name := capitals(code.Text()); name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			t.Errorf("%s is %q", code, name)
		}
	}
}
