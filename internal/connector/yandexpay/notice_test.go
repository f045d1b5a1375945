package yandexpay_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	double "github.com/sluicepay/sluice/internal/double/yandexpay"
	"github.com/sluicepay/sluice/internal/payment"
)

const orderEvent = `{"merchantId":"` + merchant + `","event":"ORDER_STATUS_UPDATED","eventTime":"2026-11-26T08:11:09.359370+00:00","order":{"orderId":"k","paymentStatus":"CAPTURED","deliveryStatus":null}}`

func signed(t *testing.T, payload string, key *ecdsa.PrivateKey, id string, at time.Time) []byte {
	t.Helper()
	body, err := double.Signed([]byte(payload), key, id, at)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestTokensAreVerified(t *testing.T) {
	s := open(t, false)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := s.Now()
	good := string(signed(t, orderEvent, s.key, keyID, now))
	parts := strings.Split(good, ".")
	swap := func(i int, text string) string {
		p := append([]string(nil), parts...)
		p[i] = base64.RawURLEncoding.EncodeToString([]byte(text))
		return strings.Join(p, ".")
	}
	c := connect(t, s.URL, s.Now)
	for name, x := range map[string]struct {
		body string
		fits bool
	}{
		"good":                    {good, true},
		"with a line's end":       {good + "\n", true},
		"another payload":         {swap(1, strings.Replace(orderEvent, "CAPTURED", "REFUNDED", 1)), false},
		"another header":          {swap(0, `{"alg":"ES256","exp":99999999999,"iat":1700987300,"kid":"`+keyID+`","typ":"JWT"}`), false},
		"no algorithm":            {swap(0, `{"alg":"none","exp":99999999999,"iat":1700987300,"kid":"`+keyID+`"}`), false},
		"a symmetric algorithm":   {swap(0, `{"alg":"HS256","exp":99999999999,"iat":1700987300,"kid":"`+keyID+`"}`), false},
		"another key":             {string(signed(t, orderEvent, other, keyID, now)), false},
		"a key that nobody knows": {string(signed(t, orderEvent, other, "2-merchant-api", now)), false},
		"old":                     {string(signed(t, orderEvent, s.key, keyID, now.Add(-6*time.Minute))), false},
		"from the future":         {string(signed(t, orderEvent, s.key, keyID, now.Add(6*time.Minute))), false},
		"another merchant":        {string(signed(t, strings.Replace(orderEvent, "789a", "7890", 1), s.key, keyID, now)), false},
		"no signature":            {parts[0] + "." + parts[1] + ".", false},
		"two parts":               {parts[0] + "." + parts[1], false},
		"four parts":              {good + ".x", false},
		"empty":                   {"", false},
		"an object":               {orderEvent, false},
	} {
		notices, err := c.ParseNotice(nil, []byte(x.body))
		if x.fits != (err == nil) || x.fits != (len(notices) == 1) {
			t.Errorf("%s: %+v, %v", name, notices, err)
		}
	}
}

// TestANewKeyIsFetched once it is used, and an old one serves on while the provider cannot be asked.
func TestANewKeyIsFetched(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL, s.Now)
	if _, err := c.ParseNotice(nil, signed(t, orderEvent, s.key, keyID, s.Now())); err != nil {
		t.Fatal(err)
	}
	next := double.New(double.Config{Now: s.Now, APIKey: apiKey, Merchant: merchant, URL: s.URL, Key: s.key, KeyID: "2-merchant-api"})
	s.RequestsTo(next.Handler())
	s.Advance(time.Minute)
	before := s.Requests.Load()
	for range 3 {
		if _, err := c.ParseNotice(nil, signed(t, orderEvent, s.key, "2-merchant-api", s.Now())); err != nil {
			t.Fatal(err)
		}
		if _, err := c.ParseNotice(nil, signed(t, orderEvent, s.key, "3-merchant-api", s.Now())); err == nil {
			t.Error("a key that there is not")
		}
	}
	if n := s.Requests.Load() - before; n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	s.RequestsTo(double.New(double.Config{Now: s.Now}).Handler()) // it names no keys
	s.Advance(2 * time.Hour)
	if _, err := c.ParseNotice(nil, signed(t, orderEvent, s.key, "2-merchant-api", s.Now())); err != nil {
		t.Errorf("a known key: %v", err)
	}
}

func TestWhatEventsAreAbout(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL, s.Now)
	operation := `{"merchantId":"` + merchant + `","event":"OPERATION_STATUS_UPDATED","eventTime":"x","operation":{"operationId":"x","orderId":"of","operationType":"REFUND","status":"SUCCESS","externalOperationId":"k"}}`
	for name, x := range map[string]struct {
		payload string
		keys    int // -1: unreadable
	}{
		"an order":                    {orderEvent, 1},
		"an operation":                {operation, 1},
		"an operation without a name": {strings.Replace(operation, `"k"`, "null", 1), 0},
		"an order of somebody else":   {strings.Replace(orderEvent, `"k"`, `"№ 1/2"`, 1), 0},
		"a subscription":              {`{"merchantId":"` + merchant + `","event":"SUBSCRIPTION_STATUS_UPDATED"}`, 0},
		"something new":               {`{"merchantId":"` + merchant + `","event":"QUANTUM"}`, -1},
		"no object":                   {`[]`, -1},
	} {
		body := signed(t, x.payload, s.key, keyID, s.Now())
		notices, err := c.ParseNotice(nil, body)
		if x.keys < 0 != errors.Is(err, connector.ErrUnreadable) || x.keys >= 0 && (err != nil || len(notices) != x.keys) {
			t.Errorf("%s: %+v, %v", name, notices, err)
			continue
		}
		for _, n := range notices {
			again, err := c.ReadNotice(signed(t, x.payload, s.key, keyID, s.Now().Add(time.Minute)), n.EventKey)
			if err != nil || again.EventKey != n.EventKey || n.Key != "k" || n.Fact.Class != payment.ClassUnknown {
				t.Errorf("%s: %+v, another try of it %+v, %v", name, n, again, err)
			}
		}
	}
}
