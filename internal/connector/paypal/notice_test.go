package paypal_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/paypal"
	double "github.com/sluicepay/sluice/internal/double/paypal"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

func event(kind, about, resource string) []byte {
	return fmt.Appendf(nil, `{"id":"WH-1","event_version":"1.0","event_type":%q,"resource_type":%q,"resource":%s}`, kind, about, resource)
}

func captured(status, custom, invoice string) string {
	return fmt.Sprintf(`{"id":"2GG279541U471931P","status":%q,"custom_id":%q,"invoice_id":%q,"amount":{"currency_code":"EUR","value":"11.12"},"supplementary_data":{"related_ids":{"order_id":"5O190127TN364715T"}}}`, status, custom, invoice)
}

func TestSignaturesAreVerifiedOverRawBytes(t *testing.T) {
	t.Parallel()
	s, other := open(t), open(t)
	now := s.Now()
	body := event("PAYMENT.CAPTURE.COMPLETED", "capture", captured("COMPLETED", "k", "k"))
	first, second := double.Certificates()[0], double.Certificates()[1]
	good := s.Headers(body, now, webhookID, first)
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		return h
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		ahead  time.Duration
		fits   bool
	}{
		"as it came":                    {header: good, fits: true},
		"by the next certificate":       {header: s.Headers(body, now, webhookID, second), fits: true},
		"delivered again after days":    {header: good, ahead: 3*24*time.Hour + time.Hour, fits: true},
		"too old":                       {header: good, ahead: 4*24*time.Hour + time.Minute},
		"from the future":               {header: good, ahead: -6 * time.Minute},
		"for another webhook":           {header: s.Headers(body, now, "8PT597110X687430L", first)},
		"of another body":               {header: good, body: strings.Replace(string(body), "11.12", "11.13", 1)},
		"of the body and a space":       {header: good, body: string(body) + " "},
		"with another time":             {header: with("Paypal-Transmission-Time", now.Add(-time.Minute).UTC().Format(time.RFC3339))},
		"without a time":                {header: with("Paypal-Transmission-Time", "")},
		"with another id":               {header: with("Paypal-Transmission-Id", "69cd13f0-d67a-11e5-baa3-778b53f4ae56")},
		"without an id":                 {header: with("Paypal-Transmission-Id", "")},
		"signed in another way":         {header: with("Paypal-Auth-Algo", "SHA1withRSA")},
		"not signed":                    {header: with("Paypal-Transmission-Sig", "")},
		"no base64":                     {header: with("Paypal-Transmission-Sig", "%%")},
		"by the wrong certificate":      {header: with("Paypal-Cert-Url", s.URL+"/v1/notifications/certs/"+second)},
		"by a certificate elsewhere":    {header: other.Headers(body, now, webhookID, first)},
		"by one at a path that differs": {header: with("Paypal-Cert-Url", s.URL+"/v1/notifications/certs/../"+first)},
		"by one with a query":           {header: with("Paypal-Cert-Url", s.URL+"/v1/notifications/certs/"+first+"?x=y")},
		"by one that begins like it":    {header: with("Paypal-Cert-Url", s.URL+".attacker.example/v1/notifications/certs/"+first)},
		"without a certificate":         {header: with("Paypal-Cert-Url", "")},
		"empty":                         {header: http.Header{}},
	} {
		clock := func() time.Time { return now.Add(c.ahead) }
		config, err := paypal.Type().Parse(settingsFor(s.URL))
		if err != nil {
			t.Fatal(err)
		}
		client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: clock})
		conn, err := config.Open(connector.Deps{Client: client, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		sent := body
		if c.body != "" {
			sent = []byte(c.body)
		}
		for range 2 { // the second time the certificate is known
			notices, err := conn.(connector.Notifier).ParseNotice(c.header, sent)
			switch {
			case c.fits && (err != nil || len(notices) != 1 || notices[0].EventKey != "WH-1"):
				t.Errorf("%s: %+v, %v", name, notices, err)
			case !c.fits && (err == nil || errors.Is(err, connector.ErrUnreadable)):
				t.Errorf("%s is believed: %+v, %v", name, notices, err)
			}
		}
		client.CloseIdle()
	}
}

// TestCertificatesAreFetchedOnce, and one that cannot be had is not asked for again and again.
func TestCertificatesAreFetchedOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	fetched, down := 0, false
	inner := s.Handler()
	s.RequestsTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/notifications/certs/") {
			if fetched++; down {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
		}
		inner.ServeHTTP(w, r)
	}))
	body := event("PAYMENT.CAPTURE.COMPLETED", "capture", captured("COMPLETED", "k", "k"))
	conn := connect(t, s)
	read := func(certificate string) error {
		_, err := conn.(connector.Notifier).ParseNotice(s.Headers(body, s.Now(), webhookID, certificate), body)
		return err
	}
	for range 3 {
		if err := read(double.Certificates()[0]); err != nil {
			t.Error(err)
		}
	}
	down = true
	for range 3 {
		if err := read(double.Certificates()[1]); err == nil {
			t.Error("believed without its certificate")
		}
	}
	if fetched != 2 {
		t.Errorf("fetched %d times", fetched)
	}
	down = false
	s.Advance(time.Minute)
	if err := read(double.Certificates()[1]); err != nil {
		t.Error(err)
	}
	settings := strings.Replace(string(settingsFor(s.URL)), `,"webhookId":"`+webhookID+`"`, "", 1)
	config, err := paypal.Type().Parse([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: s.Now})
	defer client.CloseIdle()
	if conn, err = config.Open(connector.Deps{Client: client, Now: s.Now}); err != nil {
		t.Fatal(err)
	}
	if err := read(double.Certificates()[0]); err == nil || fetched != 3 {
		t.Errorf("a terminal without a webhook takes notices: %v; fetched %d", err, fetched)
	}
}

// TestPayPalsOwnAddressesAreTheOnlyOnes for certificates of a live or a sandbox account.
func TestPayPalsOwnAddressesAreTheOnlyOnes(t *testing.T) {
	t.Parallel()
	for _, settings := range []string{`{"clientId":"a","clientSecret":"s","webhookId":"w"}`, `{"clientId":"a","clientSecret":"s","webhookId":"w","sandbox":true}`} {
		config, err := paypal.Type().Parse([]byte(settings))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		client := outbound.New(outbound.Options{Now: time.Now, Transport: roundTrip(func(q *http.Request) (*http.Response, error) {
			asked++
			if host := q.URL.Hostname(); !strings.HasSuffix(host, ".paypal.com") || q.URL.Scheme != "https" {
				t.Errorf("asked for %s", q.URL)
			}
			return nil, errors.New("no network")
		})})
		for _, address := range []string{
			"http://api.paypal.com/v1/notifications/certs/CERT-1", "https://api.paypal.com.attacker.example/v1/notifications/certs/CERT-1", "https://attacker.example/v1/notifications/certs/CERT-1",
			"https://www.paypal.com/v1/notifications/certs/CERT-1", "https://api.paypal.com@attacker.example/v1/notifications/certs/CERT-1", "https://api.paypal.com/upload/CERT-1",
		} {
			conn, err := config.Open(connector.Deps{Client: client, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			h := http.Header{"Paypal-Transmission-Id": {"a"}, "Paypal-Transmission-Time": {time.Now().UTC().Format(time.RFC3339)}, "Paypal-Auth-Algo": {"SHA256withRSA"}, "Paypal-Transmission-Sig": {"AAAA"}, "Paypal-Cert-Url": {address}}
			if _, err := conn.(connector.Notifier).ParseNotice(h, []byte("{}")); err == nil {
				t.Errorf("%s is believed", address)
			}
		}
		if asked != 0 {
			t.Errorf("%d requests", asked)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(q *http.Request) (*http.Response, error) { return r(q) }

// TestEventsTellOfOurAttempts, and of nothing else.
func TestEventsTellOfOurAttempts(t *testing.T) {
	t.Parallel()
	conn := connect(t, open(t))
	sum := money.Sum{Amount: money.MustParse("11.12"), Currency: "EUR"}
	for _, c := range []struct {
		name, kind, about, resource string
		key                         string
		class                       payment.Class
		ref                         string
		subject                     connector.Subject
	}{
		{"a sale", "PAYMENT.CAPTURE.COMPLETED", "capture", captured("COMPLETED", "k", "k"), "k", payment.ClassApproved, "5O190127TN364715T", ""},
		{"a sale that waits", "PAYMENT.CAPTURE.PENDING", "capture", captured("PENDING", "k", "k"), "k", payment.ClassWaiting, "5O190127TN364715T", ""},
		{"a sale that was refused", "PAYMENT.CAPTURE.DECLINED", "capture", captured("DECLINED", "k", "k"), "k", payment.ClassDeclinedHard, "5O190127TN364715T", ""},
		{"a sale, its order not told", "PAYMENT.CAPTURE.COMPLETED", "capture", strings.Replace(captured("COMPLETED", "k", "k"), "order_id", "other_id", 1), "k", payment.ClassUnknown, "", ""},
		{"a sale of a new status", "PAYMENT.CAPTURE.QUANTUM", "capture", captured("QUANTUM", "k", "k"), "k", payment.ClassUnknown, "", ""},
		{"a sale without an amount", "PAYMENT.CAPTURE.COMPLETED", "capture", strings.Replace(captured("COMPLETED", "k", "k"), "11.12", "x", 1), "k", payment.ClassUnknown, "", ""},
		{"a capture of a hold", "PAYMENT.CAPTURE.COMPLETED", "capture", captured("COMPLETED", "k", "c"), "c", payment.ClassApproved, "2GG279541U471931P", ""},
		{"a hold", "PAYMENT.AUTHORIZATION.CREATED", "authorization", captured("CREATED", "k", "k"), "k", payment.ClassAuthorized, "5O190127TN364715T", ""},
		{"a hold that is gone", "PAYMENT.AUTHORIZATION.VOIDED", "authorization", captured("VOIDED", "k", "k"), "k", payment.ClassUnknown, "", ""},
		{"a refund", "PAYMENT.CAPTURE.REFUNDED", "refund", captured("COMPLETED", "r-refund", "r"), "r", payment.ClassApproved, "2GG279541U471931P", ""},
		{"a refund that failed", "PAYMENT.REFUND.FAILED", "refund", captured("FAILED", "r-refund", "r"), "r", payment.ClassDeclinedHard, "2GG279541U471931P", ""},
		{"given back by somebody else", "PAYMENT.CAPTURE.REVERSED", "refund", captured("COMPLETED", "k", "k"), "k", payment.ClassUnknown, "", ""},
		{"an order that was approved", "CHECKOUT.ORDER.APPROVED", "checkout-order", orderJSON("APPROVED", ""), "k", payment.ClassUnknown, "", ""},
		{"an order that was closed", "CHECKOUT.ORDER.APPROVED", "checkout-order", strings.Replace(orderJSON("APPROVED", ""), `"k"`, `"k-closed"`, 1), "k", payment.ClassUnknown, "", ""},
		{"a dispute", "CUSTOMER.DISPUTE.CREATED", "dispute", `{"dispute_id":"PP-D-1","disputed_transactions":[{"seller_transaction_id":"2GG279541U471931P","custom":"k"}]}`, "k", "", "", connector.OfDispute},
		{"a dispute of another's", "CUSTOMER.DISPUTE.CREATED", "dispute", `{"dispute_id":"PP-D-1","disputed_transactions":[{"seller_transaction_id":"2GG279541U471931P"}]}`, "", "", "2GG279541U471931P", connector.OfDispute},
		{"another's capture", "PAYMENT.CAPTURE.COMPLETED", "capture", `{"id":"2GG279541U471931P","status":"COMPLETED"}`, "", "", "", ""},
		{"something else", "BILLING.PLAN.CREATED", "plan", `{"id":"P-1"}`, "", "", "", ""},
	} {
		body := event(c.kind, c.about, c.resource)
		n, err := conn.(connector.Notifier).ReadNotice(body, "")
		if c.key == "" && c.subject == "" {
			if err == nil {
				t.Errorf("%s: %+v", c.name, n)
			}
			continue
		}
		ref := n.Fact.ProviderRef
		if c.subject != "" {
			ref = n.ProviderRef
		}
		if err != nil || n.Key != c.key || n.Subject != c.subject || ref != c.ref || c.subject == "" && n.Fact.Class != c.class || n.EventKey != "WH-1" {
			t.Errorf("%s: %+v, %v", c.name, n, err)
		}
		if n.Fact.Class == payment.ClassApproved && n.Fact.Echoed != sum {
			t.Errorf("%s: told %v", c.name, n.Fact.Echoed)
		}
		if again, err := conn.(connector.Notifier).ReadNotice(body, "WH-1"); err != nil || again != n {
			t.Errorf("%s is read as another: %+v, %v", c.name, again, err)
		}
		if _, err := conn.(connector.Notifier).ReadNotice(body, "WH-2"); err == nil {
			t.Errorf("%s is read under another id", c.name)
		}
	}
	s := open(t)
	conn = connect(t, s)
	for _, body := range []string{"", "null", "[]", "{}", `{"id":"WH-1"}`, `{"id":"WH 1","event_type":"X","resource":{}}`, `{"id":"WH-1","event_type":"X","resource_type":"dispute","resource":{}}`, "<html>"} {
		_, err := conn.(connector.Notifier).ParseNotice(s.Headers([]byte(body), s.Now(), webhookID, double.Certificates()[0]), []byte(body))
		if !errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// TestTheDoublesOwnEventsAreRead, each of them.
func TestTheDoublesOwnEventsAreRead(t *testing.T) {
	t.Parallel()
	s := open(t)
	conn := connect(t, s)
	r := sale(t, "k")
	if _, err := conn.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s.Dispute("k")
	for _, body := range s.Events() {
		notices, err := conn.(connector.Notifier).ParseNotice(s.Headers(body, s.Now(), webhookID, double.Certificates()[0]), body)
		if err != nil || len(notices) != 1 || notices[0].Key != "k" {
			t.Errorf("%s: %+v, %v", body, notices, err)
		}
	}
}
