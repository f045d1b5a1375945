package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/testkit"
)

// scene is a shop with something of everything: what a request is about is made when it is first needed, and again
// after it was used up.
type scene struct {
	testing.TB
	app    *testkit.App
	shop   testkit.Member
	things map[string]string
	serial int
}

func newScene(t *testing.T, d *storetest.Database, log io.Writer, edit ...func(*store.Options)) *scene {
	t.Helper()
	s := sceneOn(t, testkit.New(t, d.Open(edit...), testkit.Options{Log: telemetry.Logger(slog.LevelDebug, telemetry.FormatText, log)}))
	if _, err := s.app.Simulator.AddScenario(simulator.Scenario{Effect: simulator.Effect{Notice: simulator.NoticeLost}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// sceneOn is the scene of one more shop of an application.
func sceneOn(t testing.TB, app *testkit.App) *scene {
	t.Helper()
	return &scene{TB: t, app: app, things: map[string]string{}, shop: app.NewShop(t, func(s *shop.Shop) {
		s.Settings.Required = shop.RequiredRelaxed
		s.Settings.YandexPay.TwoStage, s.Settings.CardTokens = true, true
		s.Settings.YandexPay.CallbackURL = "https://shop.example/hook"
	})}
}

func (s *scene) spend(thing string) {
	for name := range s.things {
		if strings.HasPrefix(name, thing) {
			delete(s.things, name)
		}
	}
}

// thing returns what has the name, made if there is none.
func (s *scene) thing(name string, begin func() string) string {
	if s.things[name] == "" {
		s.things[name] = begin()
	}
	return s.things[name]
}

// fresh is a name that was not used before.
func (s *scene) fresh() string {
	s.serial++
	return string(s.shop.ID[24:]) + "-" + strconv.Itoa(s.serial)
}

// ask sends a well-formed request with a JSON body, or none, and wants 200.
func (s *scene) ask(scheme, method, path, body string) said {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.app.URL+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", scheme+" "+s.shop.APIKey)
	resp, err := s.app.Client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	a := said{status: resp.StatusCode}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&a.doc); err != nil || a.status != 200 {
		s.Fatalf("%s %s %s: %d %s (%v)", method, path, body, a.status, raw, err)
	}
	return a
}

func (s *scene) gateway(method, path, body string) said {
	s.Helper()
	return s.ask("Bearer", method, "/api/v1"+path, body)
}

func (s *scene) yandex(method, path, body string) said {
	s.Helper()
	return s.ask("Api-Key", method, "/api/merchant"+path, body)
}

const cardOf = `"card":{"cardNumber":"4000 0000 0000 0408","cardSecurityCode":"731","expiryMonth":"01","expiryYear":"2090","cardholderName":"JANE DOE"}`

// deposit makes one by the gateway, with a card, in its checkout.
func (s *scene) deposit(more string) string {
	return s.gateway("POST", "/payments", `{"paymentType":"DEPOSIT","currency":"RUB","amount":180,`+cardOf+more+`}`).at("result.id")
}

func (s *scene) executed(more string) string {
	pid := s.deposit(more)
	s.gateway("PATCH", "/payments/"+pid, `{"customerIp":"152.13.130.125"}`)
	return pid
}

// checkout is a deposit whose card is here and that nobody has sent on.
func (s *scene) checkout() string { return s.thing("checkout", func() string { return s.deposit("") }) }

// held is a deposit that is authorised, paid one that is taken.
func (s *scene) held() string {
	return s.thing("held", func() string { return s.executed(`,"preAuth":true,"referenceId":"` + s.fresh() + `"`) })
}

func (s *scene) paid() string {
	return s.thing("paid", func() string { return s.executed(`,"startRecurring":true,"referenceId":"` + s.fresh() + `"`) })
}

func (s *scene) token() string {
	return s.gateway("GET", "/payments/"+s.paid(), "").at("result.recurringToken")
}

// customer is one of whom a card is kept, cardToken its token.
func (s *scene) customer() string {
	return s.thing("customer", func() string {
		name := s.fresh()
		s.things["customer card"] = s.gateway("GET", "/payments/"+s.executed(`,"customer":{"referenceId":"`+name+`"}`), "").at("result.paymentMethodDetails.cardToken")
		return name
	})
}

func (s *scene) cardToken() string {
	s.customer()
	return s.things["customer card"]
}

func (s *scene) reference(pid string) string {
	return s.gateway("GET", "/payments/"+pid, "").at("result.referenceId")
}

const (
	cartOf = `"cart":{"items":[{"productId":"p1","title":"Tea","quantity":{"count":"2"},"total":"180.00"}],"total":{"amount":"180.00"}}`
	goTo   = `"redirectUrls":{"onSuccess":"https://shop.example/ok","onError":"https://shop.example/no"}`
)

// order is the name of one that waits for its customer.
func (s *scene) order() string {
	return s.thing("order", func() string {
		name := s.fresh()
		s.things["order page"] = s.yandex("POST", "/v1/orders", `{"orderId":"`+name+`","currencyCode":"RUB",`+cartOf+","+goTo+"}").at("data.paymentUrl")
		return name
	})
}

// page is the path of its page, nonce what the form there holds.
func (s *scene) page() string {
	s.order()
	return strings.TrimPrefix(s.things["order page"], s.app.URL)
}

func (s *scene) nonce() string {
	return s.thing("order nonce", func() string {
		resp, err := s.app.Client.Get(s.app.URL + s.page())
		if err != nil {
			s.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }() // read to its end
		text, err := io.ReadAll(resp.Body)
		found := nonce.FindSubmatch(text)
		if err != nil || found == nil {
			s.Fatalf("no form: %v %s", err, text)
		}
		return string(found[1])
	})
}

func (s *scene) form() url.Values {
	return url.Values{"nonce": {s.nonce()}, "method": {"BASIC_CARD"}, "number": {"4000 0000 0000 0408"}, "expiry": {"12/89"},
		"code": {"731"}, "holder": {"JANE DOE"}}
}

// away is the path of the page of a payment that waits for its customer at the bank.
func (s *scene) away() string {
	return s.thing("away", func() string {
		body := `{"paymentType":"DEPOSIT","currency":"RUB","amount":180,` + strings.Replace(cardOf, "0408", "0002", 1) + `}`
		pid := s.gateway("POST", "/payments", body).at("result.id")
		a := s.gateway("PATCH", "/payments/"+pid, `{"customerIp":"152.13.130.125"}`)
		return strings.TrimPrefix(a.at("result.redirectUrl"), s.app.URL)
	})
}

// subscription is the id of one that runs; its order is the subscriber.
func (s *scene) subscription() string {
	return s.thing("subscription", func() string {
		name := s.fresh()
		a := s.yandex("POST", "/v1/subscriptions", `{"orderId":"`+name+`","currencyCode":"RUB","intervalUnit":"MONTH","intervalCount":1,`+cartOf+`}`)
		resp, err := s.app.Client.Get(a.at("data.paymentUrl"))
		if err != nil {
			s.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read
		if err != nil {
			s.Fatal(err)
		}
		form := url.Values{"nonce": {string(nonce.FindSubmatch(text)[1])}, "method": {"BASIC_CARD"}, "number": {"4000000000000408"},
			"expiry": {"12/89"}, "code": {"731"}}
		if resp, err = s.app.Client.PostForm(a.at("data.paymentUrl"), form); err != nil {
			s.Fatal(err)
		}
		_ = resp.Body.Close() // not read
		s.things["subscriber"] = name
		return a.at("data.subscriptionId")
	})
}

func (s *scene) subscriber() string { s.subscription(); return s.things["subscriber"] }

// operation is the merchant's name of a refund.
func (s *scene) operation() string {
	return s.thing("operation", func() string {
		name := s.fresh()
		s.yandex("POST", "/v2/orders/"+s.reference(s.paid())+"/refund", `{"refundAmount":"1.00","externalOperationId":"`+name+`"}`)
		return name
	})
}

// notice is the signed notice of the provider about the deposit that is paid.
func (s *scene) notice() (header []string, body string) {
	p, err := s.app.Engine.Get(s.Context(), s.shop.ID, payment.ID(s.paid()))
	if err != nil {
		s.Fatal(err)
	}
	a := p.Attempts[0]
	body = fmt.Sprintf(`{"id":"evt_%s","type":"transaction.updated","createdAt":"2026-01-02T03:04:05Z","transaction":{"id":%q,"reference":%q,`+
		`"kind":"sale","status":"approved","responseCode":"00","amount":"180","currency":"RUB","version":2}}`, s.fresh(), a.ProviderRef, a.Key)
	return s.signed(body), body
}

func (s *scene) signed(body string) []string {
	at := strconv.FormatInt(s.app.Clock.Now().Unix(), 10)
	return []string{"Sandbox-Timestamp: " + at, "Sandbox-Signature: " + simulator.Sign(s.app.Simulator.NoticeSecret(), at, []byte(body))}
}
