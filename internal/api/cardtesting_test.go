package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// refusedCards are those that the provider's bank declines, each of another range.
var refusedCards = []string{"5555000000000115", "4000000000000416", "4000000000009995", "4000000000040008", "4000000000140006", "4000000000190001"}

const goodCard = "4000000000000408"

// stall is a live shop over HTTP, with its merchant and its customers.
type stall struct {
	t    *testing.T
	app  *testkit.App
	shop testkit.Member
	from string // address from which a merchant or a customer comes, as the proxy tells it
}

func newStall(t *testing.T, d *storetest.Database, edit func(*shop.Settings)) *stall {
	t.Helper()
	clock := testkit.SlowClock(100)
	app := testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock})
	return &stall{t: t, app: app, shop: app.NewShop(t, func(s *shop.Shop) {
		s.Live, s.Settings = true, shop.Defaults(true)
		s.Settings.HostToHost = true
		edit(&s.Settings)
	})}
}

// reply is what came back, with a JSON document where it is one.
type reply struct {
	status int
	header http.Header
	text   string
	doc    map[string]any
}

func (s *stall) send(method, address, scheme, body string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	kind := "application/x-www-form-urlencoded"
	if scheme != "" {
		r.Header.Set("Authorization", scheme+" "+s.shop.APIKey)
		kind = "application/json"
	}
	if body != "" {
		r.Header.Set("Content-Type", kind)
	}
	if s.from != "" {
		r.Header.Set("X-Forwarded-For", "192.0.2.77, "+s.from) // the first may be invented
	}
	answer, err := s.app.Client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got := reply{status: answer.StatusCode, header: answer.Header, text: string(text)}
	_ = json.Unmarshal(text, &got.doc) // pages are no JSON
	return got
}

func (s *stall) gateway(method, path, body string) reply {
	s.t.Helper()
	return s.send(method, s.app.URL+"/api/v1/payments"+path, "Bearer", body)
}

// order makes an order by the Yandex Pay merchant API and returns the address of its page.
func (s *stall) order(name string) string {
	s.t.Helper()
	got := s.send(http.MethodPost, s.app.URL+"/api/merchant/v1/orders", "Api-Key", `{"orderId":"`+name+`","currencyCode":"RUB","cart":{"total":{"amount":"180.00"},`+
		`"items":[{"productId":"p1","title":"Tea","quantity":{"count":"1"},"total":"180.00"}]}}`)
	page := textAt(got.doc, "data.paymentUrl")
	if page == "" {
		s.t.Fatalf("no order: %d %s", got.status, got.text)
	}
	return page
}

func (s *stall) orderStatus(name string) string {
	s.t.Helper()
	return textAt(s.send(http.MethodGet, s.app.URL+"/api/merchant/v1/orders/"+name, "Api-Key", "").doc, "data.order.paymentStatus")
}

// onPage fills in the form of a page.
func (s *stall) onPage(page, card string) reply {
	s.t.Helper()
	found := nonce.FindStringSubmatch(s.send(http.MethodGet, page, "", "").text)
	if found == nil {
		s.t.Fatal("there is no form")
	}
	return s.send(http.MethodPost, page, "", url.Values{
		"nonce": {found[1]}, "method": {"BASIC_CARD"}, "number": {card}, "expiry": {"12/89"}, "code": {"123"},
	}.Encode())
}

// deposit makes a payment with that card by the gateway API and returns its id.
func (s *stall) deposit(card string) string {
	s.t.Helper()
	got := s.gateway(http.MethodPost, "", `{"paymentType":"DEPOSIT","currency":"EUR","amount":5,"card":{"cardNumber":"`+card+
		`","cardholderName":"J Doe","cardSecurityCode":"123","expiryMonth":"01","expiryYear":"2090"}}`)
	id := textAt(got.doc, "result.id")
	if id == "" {
		s.t.Fatalf("no payment: %d %s", got.status, got.text)
	}
	return id
}

func (s *stall) execute(id, customer string) reply {
	s.t.Helper()
	return s.gateway(http.MethodPatch, "/"+id, `{"customerIp":"`+customer+`"}`)
}

// wait is the Retry-After of an answer that has to be 429.
func (s *stall) wait(r reply) int {
	s.t.Helper()
	seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
	if r.status != http.StatusTooManyRequests || err != nil || seconds < 1 {
		s.t.Fatalf("got %d with Retry-After %q, want 429\n%s", r.status, r.header.Get("Retry-After"), r.text)
	}
	return seconds
}

func TestCardTestingByThePageOfAnOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		s := newStall(t, d, func(*shop.Settings) {})
		s.from = "203.0.113.7"
		for n := range 3 {
			if got := s.onPage(s.order(fmt.Sprint("A-", n)), refusedCards[0]); got.status != http.StatusSeeOther {
				t.Fatalf("%d %s", got.status, got.text)
			}
		}
		page := s.order("A-3")
		got := s.onPage(page, refusedCards[0])
		if after := s.wait(got); after < 3000 || after > 3600 {
			t.Errorf("come again after %d seconds", after)
		}
		for text, want := range map[string]bool{
			"cannot be tried at the moment": true, "Nothing was charged": true, `name="number"`: true, refusedCards[0]: false, "declined": false,
		} {
			if strings.Contains(got.text, text) != want {
				t.Errorf("the page says %q: %t\n%s", text, !want, got.text)
			}
		}
		if got := s.orderStatus("A-3"); got != "PENDING" {
			t.Errorf("the order is %s", got)
		}
		s.from = "203.0.113.8" // whoever says so in front of the proxy's own word is not believed
		if got := s.onPage(s.order("A-4"), refusedCards[0]); got.status != http.StatusSeeOther {
			t.Errorf("from elsewhere: %d", got.status)
		}
		s.from = "203.0.113.7"
		if got := s.onPage(page, goodCard); got.status != http.StatusSeeOther || s.orderStatus("A-3") != "CAPTURED" {
			t.Errorf("with another card: %d, the order is %s", got.status, s.orderStatus("A-3"))
		}
	})
}

func TestCardTestingByTheGatewayAPI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		s := newStall(t, d, func(s *shop.Settings) { s.CardTesting.AddressDeclines = 4 })
		const customer = "203.0.113.7"
		for _, card := range refusedCards[:4] {
			if got := s.execute(s.deposit(card), customer); textAt(got.doc, "result.state") != "DECLINED" {
				t.Fatalf("%d %s", got.status, got.text)
			}
		}
		id := s.deposit(refusedCards[4])
		got := s.execute(id, customer)
		if after := s.wait(got); after < 3500 || after > 3600 {
			t.Errorf("come again after %d seconds", after)
		}
		if textAt(got.doc, "message") != "Too many declined card payments" || textAt(got.doc, "error") != "Too Many Requests" ||
			textAt(got.doc, "path") != "/api/v1/payments/"+id || textAt(got.doc, "status") != "429" {
			t.Errorf("the answer: %s", got.text)
		}
		shown := s.gateway(http.MethodGet, "/"+id, "")
		log := s.gateway(http.MethodGet, "/"+id+"/operations", "")
		if textAt(shown.doc, "result.state") != "CHECKOUT" || strings.Contains(log.text, "DEPOSIT") {
			t.Errorf("the payment has changed: %s\n%s", shown.text, log.text)
		}
		got = s.onPage(textAt(shown.doc, "result.redirectUrl"), goodCard) // by another customer
		if shown = s.gateway(http.MethodGet, "/"+id, ""); textAt(shown.doc, "result.state") != "COMPLETED" {
			t.Errorf("on the page: %d, %s", got.status, shown.text)
		}
	})
}

// TestAMerchantsOwnServerIsNoCustomer: those who give its address for the customer's are not shut out by it, nor is a
// network that is not the internet's.
func TestAMerchantsOwnServerIsNoCustomer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		s := newStall(t, d, func(s *shop.Settings) { s.CardTesting.AddressDeclines, s.CardTesting.AddressCards = 2, 2 })
		s.from = "2001:db8:7::1"
		for _, customer := range []string{"2001:db8:7::1", "2001:db8:7::2", "10.0.0.5", "127.0.0.1"} {
			for _, card := range []string{refusedCards[3], refusedCards[4], refusedCards[5], goodCard} {
				s.t.Logf("%s by %s", card, customer)
				if got := s.execute(s.deposit(card), customer); got.status != http.StatusOK {
					t.Errorf("%d %s", got.status, got.text)
				}
			}
		}
		for range 2 {
			s.execute(s.deposit(refusedCards[0]), "2001:db8:8::1")
		}
		s.wait(s.execute(s.deposit(goodCard), "2001:db8:8::2"))
	})
}
