package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client is a merchant with one API key.
type client struct {
	base, key string
	http      *http.Client
}

func newClient(base, key string) *client {
	return &client{base, key, &http.Client{
		Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// paid is a payment as the API shows it, as far as these tests look at it.
type paid struct {
	ID             string      `json:"id"`
	ReferenceID    string      `json:"referenceId"`
	PaymentType    string      `json:"paymentType"`
	State          string      `json:"state"`
	Amount         json.Number `json:"amount"`
	Currency       string      `json:"currency"`
	Parent         string      `json:"parentPaymentId"`
	RedirectURL    string      `json:"redirectUrl"`
	ErrorCode      string      `json:"errorCode"`
	RecurringToken string      `json:"recurringToken"`
}

func (p *paid) final() bool {
	return p.State == "COMPLETED" || p.State == "DECLINED" || p.State == "CANCELLED"
}

// binding reports a deposit that moves no money: only a card is checked and kept. Checkouts whose amount the customer
// has still to enter look the same.
func (p *paid) binding() bool {
	return p.PaymentType == "DEPOSIT" && (p.Amount == "" || number(p.Amount).Sign() == 0)
}

// reply is an answer of the API.
type reply struct {
	status   int
	header   http.Header
	replayed bool
	payment  paid
	list     []paid
	more     bool
	body     []byte
}

func (r *reply) String() string { return fmt.Sprintf("status %d: %.600s", r.status, r.body) }

// request is one call of the API; an empty key sends no Idempotency-Key.
type request struct {
	method, path, key string
	body              any
}

// do sends a request. An error means that no whole answer came: the server may or may not have acted.
func (c *client) do(ctx context.Context, q request) (*reply, error) {
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	r := &reply{status: res.StatusCode, header: res.Header, replayed: res.Header.Get("Idempotency-Replayed") == "true"}
	if r.body, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	return r, r.decode(q.path)
}

func (r *reply) decode(path string) error {
	if r.status != http.StatusOK {
		return nil
	}
	var envelope struct {
		HasMore bool            `json:"hasMore"`
		Result  json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(r.body, &envelope); err != nil {
		return err
	}
	r.more = envelope.HasMore
	if strings.HasSuffix(path, "/operations") {
		return nil
	}
	if len(envelope.Result) > 0 && envelope.Result[0] == '[' {
		return json.Unmarshal(envelope.Result, &r.list)
	}
	return json.Unmarshal(envelope.Result, &r.payment)
}

// must sends a request that has to be answered 200.
func (c *client) must(t testing.TB, q request) *reply {
	t.Helper()
	r, err := c.do(t.Context(), q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	if r.status != http.StatusOK {
		t.Fatalf("%s %s: %s", q.method, q.path, r)
	}
	return r
}

// all returns every payment of the shop, newest first.
func (c *client) all(t testing.TB) []paid {
	t.Helper()
	var all []paid
	for offset := 0; ; offset += 1000 {
		r := c.must(t, request{method: "GET", path: "/api/v1/payments?limit=1000&offset=" + strconv.Itoa(offset)})
		all = append(all, r.list...)
		if !r.more {
			return all
		}
	}
}

func (c *client) get(t testing.TB, id string) paid {
	t.Helper()
	return c.must(t, request{method: "GET", path: pathOf(id)}).payment
}

const payments = "/api/v1/payments"

func pathOf(id string) string { return payments + "/" + id }

// The card of these tests: approved by the simulator, and nowhere else in any file, so that finding it in one proves
// a leak. It is an American Express test number because those have security codes of four digits.
const (
	cardNumber   = "371449635398431"
	securityCode = "9173"
)

type object = map[string]any

func card(number, code string) object {
	return object{"cardNumber": number, "cardSecurityCode": code, "cardholderName": "JANE DOE",
		"expiryMonth": "12", "expiryYear": strconv.Itoa(time.Now().Year() + 3)}
}

// order is the body of a new payment with all that the contract demands.
func order(kind, reference, amount string) object {
	return object{
		"paymentType": kind, "referenceId": reference, "amount": json.Number(amount), "currency": "EUR",
		"customer": object{"firstName": "Jane", "lastName": "Doe", "email": "jane@shop.example",
			"phone": "44 2072243688", "ip": "192.0.2.1"},
		"billingAddress": object{"countryCode": "GB", "city": "London", "addressLine1": "221b Baker St",
			"postalCode": "NW1 6XE"},
	}
}

// with returns a copy of the body with one more field.
func with(body object, name string, value any) object {
	made := object{name: value}
	for k, v := range body {
		if k != name {
			made[k] = v
		}
	}
	return made
}

func deposit(reference, amount string) object {
	return with(order("DEPOSIT", reference, amount), "card", card(cardNumber, securityCode))
}

func withdrawal(reference, amount string) object {
	return with(order("WITHDRAWAL", reference, amount), "card", card(cardNumber, securityCode))
}

func refund(reference, parent, amount string) object {
	return object{"paymentType": "REFUND", "referenceId": reference, "parentPaymentId": parent,
		"amount": json.Number(amount), "currency": "EUR"}
}

// browser is the body of an execute call.
var browser = object{"customerIp": "192.0.2.1", "customerUserAgent": "test", "browserLanguage": "en"}

// pay creates a deposit by card and executes it.
func (c *client) pay(t testing.TB, body object) paid {
	t.Helper()
	created := c.must(t, request{method: "POST", path: payments, body: body}).payment
	if created.State != "CHECKOUT" {
		t.Fatalf("created deposit: %+v", created)
	}
	return c.must(t, request{method: "PATCH", path: pathOf(created.ID), body: browser}).payment
}
