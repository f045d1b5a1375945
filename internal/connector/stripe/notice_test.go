package stripe_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	double "github.com/sluicepay/sluice/internal/double/stripe"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// parse has the connector read an event under a signature.
func parse(t *testing.T, now time.Time, signature string, body []byte) ([]connector.Notice, error) {
	t.Helper()
	conn := connect(t, "http://127.0.0.1:1", func() time.Time { return now })
	return conn.(connector.Notifier).ParseNotice(http.Header{"Stripe-Signature": {signature}}, body)
}

func TestSignaturesAreVerifiedOverRawBytes(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	body := []byte(`{"object":"event","id":"evt_1","type":"payment_intent.succeeded","data":{"object":` + intentJSON("succeeded", "") + `}}`)
	officially := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: webhookSecret, Timestamp: now}).Header
	good := double.Signature(body, now, webhookSecret)
	stamp, sign, _ := strings.Cut(good, ",")
	for name, c := range map[string]struct {
		header string
		body   string
		now    time.Time
		fits   bool
	}{
		"ours":                    {good, "", now, true},
		"by the official client":  {officially, "", now, true},
		"with the secret before":  {double.Signature(body, now, "whsec_old", webhookSecret), "", now, true},
		"with the secret after":   {double.Signature(body, now, webhookSecret, "whsec_new"), "", now, true},
		"other schemes besides":   {good + ",v0=00,v2=ff", "", now, true},
		"at the edge":             {good, "", now.Add(5 * time.Minute), true},
		"too old":                 {good, "", now.Add(5*time.Minute + time.Second), false},
		"from the future":         {good, "", now.Add(-5*time.Minute - time.Second), false},
		"by another secret":       {double.Signature(body, now, "whsec_old"), "", now, false},
		"of another body":         {good, strings.Replace(string(body), "1112", "1113", 1), now, false},
		"of the body and a space": {good, string(body) + " ", now, false},
		"without a time":          {sign, "", now, false},
		"with another time":       {"t=1900000001," + sign, "", now, false},
		"without a signature":     {stamp, "", now, false},
		"of scheme v0 only":       {stamp + "," + strings.Replace(sign, "v1", "v0", 1), "", now, false},
		"cut":                     {good[:len(good)-2], "", now, false},
		"empty":                   {"", "", now, false},
	} {
		sent := body
		if c.body != "" {
			sent = []byte(c.body)
		}
		notices, err := parse(t, c.now, c.header, sent)
		if c.fits != (err == nil) || c.fits != (len(notices) == 1) || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", name, notices, err)
		}
	}
}

func TestATerminalWithoutASecretTakesNoNotices(t *testing.T) {
	now := time.Now()
	conn := connect(t, "http://127.0.0.1:1", time.Now, `"account":"acct_1"`)
	other, err := stripeWithoutSecret(t)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"object":"event","id":"evt_1","type":"x","data":{"object":{"object":"x","id":"x"}}}`)
	header := http.Header{"Stripe-Signature": {double.Signature(body, now, "")}}
	if _, err := other.(connector.Notifier).ParseNotice(header, body); err == nil {
		t.Error("a notice is taken without a secret")
	}
	if _, err := conn.(connector.Notifier).ParseNotice(header, body); err == nil {
		t.Error("a notice is taken by an empty secret")
	}
}

// TestWhatEventsTell: of the payments of ours, and nothing of anybody else's.
func TestWhatEventsTell(t *testing.T) {
	event := func(kind, object string) []byte {
		return []byte(`{"object":"event","id":"evt_1","api_version":"2026-03-25.dahlia","type":"` + kind + `","data":{"object":` + object + `}}`)
	}
	captured := strings.Replace(intentJSON("succeeded", ""), `"sluice_key":"k"`, `"sluice_key":"k","sluice_capture":"c"`, 1)
	refund := `{"object":"refund","id":"re_1","status":"failed","amount":500,"currency":"eur","payment_intent":"pi_1","failure_reason":"lost_or_stolen_card","metadata":{"sluice_key":"r"}}`
	for name, c := range map[string]struct {
		body []byte
		want []connector.Notice // of facts, the class
	}{
		"a payment": {event("payment_intent.succeeded", intentJSON("succeeded", "")), []connector.Notice{
			{EventKey: "evt_1", Key: "k", Fact: payment.Fact{Class: payment.ClassApproved}},
		}},
		"a capture": {event("payment_intent.succeeded", captured), []connector.Notice{
			{EventKey: "evt_1", Key: "k", Fact: payment.Fact{Class: payment.ClassApproved}}, {EventKey: "evt_1-capture", Key: "c", Fact: payment.Fact{Class: payment.ClassApproved}},
		}},
		"a new state": {event("payment_intent.quantum", intentJSON("quantum", "")), []connector.Notice{
			{EventKey: "evt_1", Key: "k", Fact: payment.Fact{Class: payment.ClassUnknown}},
		}},
		"a refund that failed": {event("refund.failed", refund), []connector.Notice{
			{EventKey: "evt_1", Key: "r", Fact: payment.Fact{Class: payment.ClassDeclinedHard}},
		}},
		"a verification": {event("setup_intent.succeeded", `{"object":"setup_intent","id":"seti_1","status":"succeeded","metadata":{"sluice_key":"v"}}`), []connector.Notice{
			{EventKey: "evt_1", Key: "v", Fact: payment.Fact{Class: payment.ClassApproved}},
		}},
		"a dispute": {event("charge.dispute.created", `{"object":"dispute","id":"dp_1","payment_intent":"pi_1","metadata":{},"amount":1}`), []connector.Notice{
			{EventKey: "evt_1", Subject: connector.OfDispute, ProviderRef: "pi_1"},
		}},
		"a fence":             {event("payment_intent.created", strings.Replace(intentJSON("requires_payment_method", ""), `"k"`, `"k","sluice_fence":"1"`, 1)), nil},
		"somebody else's":     {event("payment_intent.succeeded", strings.Replace(intentJSON("succeeded", ""), `"sluice_key":"k"`, "", 1)), nil},
		"something else":      {event("customer.created", `{"object":"customer","id":"cus_1","metadata":{"sluice_key":"k"}}`), nil},
		"a charge of our own": {event("charge.refunded", `{"object":"charge","id":"ch_1","metadata":{}}`), nil},
	} {
		now := time.Now()
		notices, err := parse(t, now, double.Signature(c.body, now, webhookSecret), c.body)
		if err != nil || len(notices) != len(c.want) {
			t.Errorf("%s: %v, %v", name, notices, err)
			continue
		}
		conn := connect(t, "http://127.0.0.1:1", time.Now)
		for i, n := range notices {
			w := c.want[i]
			if n.EventKey != w.EventKey || n.Key != w.Key || n.Subject != w.Subject || n.ProviderRef != w.ProviderRef || n.Fact.Class != w.Fact.Class {
				t.Errorf("%s: %+v, want %+v", name, n, w)
			}
			again, err := conn.(connector.Notifier).ReadNotice(c.body, n.EventKey)
			if err != nil || again.Key != n.Key || again.Fact.Class != n.Fact.Class {
				t.Errorf("%s, read again: %+v, %v", name, again, err)
			}
		}
		if _, err := conn.(connector.Notifier).ReadNotice(c.body, "another"); err == nil {
			t.Errorf("%s is read as another", name)
		}
	}
}

func TestSignedNonsenseIsKeptForAHuman(t *testing.T) {
	for _, body := range []string{``, `{}`, `[]`, `<html>`, `{"object":"event","id":"evt_1"}`, `{"object":"event","id":"evt 1","data":{"object":{"id":"x"}}}`, `{"object":"v2.core.event","id":"evt_1"}`} {
		now := time.Now()
		if n, err := parse(t, now, double.Signature([]byte(body), now, webhookSecret), []byte(body)); !errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", body, n, err)
		}
	}
}

// TestTheDoublesEventsAreRead: what it tells of a whole life is what its books say.
func TestTheDoublesEventsAreRead(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL, s.Now)
	hold := sale(t, "hold")
	hold.PreAuth = true
	f, err := conn.Start(t.Context(), hold)
	if err != nil {
		t.Fatal(err)
	}
	take := connector.Request{Key: "take", Amount: hold.Amount, Currency: hold.Currency, Original: connector.Ref{Key: "hold", ProviderRef: f.ProviderRef}}
	if _, err := conn.(connector.Capturer).Capture(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	take.Key = "back"
	if _, err := conn.(connector.Refunder).Refund(t.Context(), take); err != nil {
		t.Fatal(err)
	}
	s.Dispute("hold")
	said := map[string]payment.Class{}
	disputes := 0
	for _, body := range s.Events() {
		notices, err := parse(t, s.Now(), double.Signature(body, s.Now(), webhookSecret), body)
		if err != nil {
			t.Error(err)
		}
		for _, n := range notices {
			said[n.Key] = n.Fact.Class
			if n.Subject == connector.OfDispute && n.ProviderRef == f.ProviderRef {
				disputes++
			}
		}
	}
	if said["hold"] != payment.ClassApproved || said["take"] != payment.ClassApproved || said["back"] != payment.ClassApproved || disputes != 1 {
		t.Errorf("%v, %d disputes", said, disputes)
	}
}

func stripeWithoutSecret(t *testing.T) (connector.Connector, error) {
	t.Helper()
	config, err := stripe.Type().Parse([]byte(`{"apiKey":"sk_test_x"}`))
	if err != nil {
		return nil, err
	}
	client := outbound.New(outbound.Options{Now: time.Now})
	t.Cleanup(client.CloseIdle)
	return config.Open(connector.Deps{Client: client, Now: time.Now})
}
