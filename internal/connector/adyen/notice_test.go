package adyen_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	double "github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// example is the item of Adyen's own example of a signature, whose key is hmacKey.
const example = `{"live":"false","notificationItems":[{"NotificationRequestItem":{"additionalData":{"hmacSignature":"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
	"amount":{"value":1130,"currency":"EUR"},"pspReference":"7914073381342284","eventCode":"AUTHORISATION","eventDate":"2019-05-06T17:15:34.121+02:00",
	"merchantAccountCode":"TestMerchant","operations":["CANCEL","CAPTURE","REFUND"],"merchantReference":"TestPayment-1407325143704","paymentMethod":"visa","success":"true"}}]}`

func TestAdyensOwnExampleOfASignature(t *testing.T) {
	conn := connect(t, "http://127.0.0.1:1").(connector.Notifier)
	if n, err := conn.ParseNotice(nil, []byte(example)); err != nil || len(n) != 0 { // it is about another account
		t.Errorf("%v, %v", n, err)
	}
	for name, change := range map[string][2]string{
		"amount": {"1130", "1131"}, "currency": {"EUR", "USD"}, "reference": {"7914073381342284", "7914073381342285"}, "event": {"AUTHORISATION", "CAPTURE"},
		"account": {"TestMerchant", "TestMerchanu"}, "success": {`"success":"true"`, `"success":"false"`}, "ours": {"TestPayment-1", "TestPayment-2"},
		"original": {`"eventCode"`, `"originalReference":"1","eventCode"`}, "signature": {"coqC", "coqD"}, "no signature": {"hmacSignature", "hmacSignaturf"},
		"cut signature": {"+iCWo0=", ""}, "empty signature": {"coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=", ""},
		"another amount": {`"amount":{"value":1130`, `"amount":{"value":1,"value":1130`}, "amount as text": {"1130", `"1130"`},
	} {
		if !strings.Contains(example, change[0]) {
			t.Fatal(name)
		}
		n, err := conn.ParseNotice(nil, []byte(strings.Replace(example, change[0], change[1], 1)))
		if err == nil || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
}

// item is one about 11.12 EUR with these members, signed by a key.
func item(key string, members map[string]any) map[string]any {
	n := map[string]any{
		"merchantAccountCode": account, "pspReference": "PSP1", "amount": map[string]any{"value": 1112, "currency": "EUR"}, "success": "true", "reason": "",
		"eventDate": "2026-11-30T00:00:00Z",
	}
	more := map[string]any{}
	for name, v := range members {
		if inner, is := strings.CutPrefix(name, "more."); is {
			more[inner] = v
		} else {
			n[name] = v
		}
	}
	more["hmacSignature"] = double.Signature(n, key)
	n["additionalData"] = more
	return n
}

func webhook(t testing.TB, items ...map[string]any) []byte {
	t.Helper()
	var wrapped []any
	for _, n := range items {
		wrapped = append(wrapped, map[string]any{"NotificationRequestItem": n})
	}
	raw, err := json.Marshal(map[string]any{"live": "false", "notificationItems": wrapped})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const otherKey = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

// TestEachItemIsVerified, by the key that the terminal has now: while a key is being replaced, the terminal before the change has the other.
func TestEachItemIsVerified(t *testing.T) {
	members := map[string]any{"eventCode": "AUTHORISATION", "merchantReference": "k-sale"}
	mine, before := item(hmacKey, members), item(otherKey, members)
	second := item(hmacKey, map[string]any{"eventCode": "CAPTURE", "merchantReference": "c-capture", "originalReference": "PSP0", "pspReference": "PSP2"})
	conn := connect(t, "http://127.0.0.1:1").(connector.Notifier)
	if n, err := conn.ParseNotice(nil, webhook(t, mine, second)); err != nil || len(n) != 2 || n[0].EventKey == n[1].EventKey {
		t.Errorf("both: %v, %v", n, err)
	}
	for name, items := range map[string][]map[string]any{"by another key": {before}, "one of two": {mine, before}, "none": {}} {
		if n, err := conn.ParseNotice(nil, webhook(t, items...)); err == nil || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
	settings := strings.Replace(string(settingsFor("http://127.0.0.1:1")), hmacKey, otherKey, 1)
	if n, err := openWith(t, settings).(connector.Notifier).ParseNotice(nil, webhook(t, before)); err != nil || len(n) != 1 {
		t.Errorf("by the key before: %v, %v", n, err)
	}
	for _, body := range []string{"", "{}", "[]", "<html>", `{"notificationItems":null}`, `{"notificationItems":[{}]}`, `{"notificationItems":[null]}`} {
		if n, err := conn.ParseNotice(nil, []byte(body)); err == nil || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", body, n, err)
		}
	}
	signedNonsense := item(hmacKey, map[string]any{"eventCode": "AUTHORISATION", "merchantReference": "k-sale", "success": "perhaps"})
	if n, err := conn.ParseNotice(nil, webhook(t, signedNonsense)); !errors.Is(err, connector.ErrUnreadable) {
		t.Errorf("signed nonsense: %v, %v", n, err)
	}
	escaped := item(hmacKey, map[string]any{"eventCode": "AUTHORISATION", "merchantReference": `a\:b\\c`})
	escaped["merchantReference"] = `a:b\c` // as it is before it is written for the signature by the older documents
	if _, err := conn.ParseNotice(nil, webhook(t, escaped)); err != nil {
		t.Errorf("escaped: %v", err)
	}
}

func TestATerminalWithoutAKeyTakesNoWebhooks(t *testing.T) {
	conn := openWith(t, `{"apiKey":"x","merchantAccount":"ShopEU"}`).(connector.Notifier)
	body := webhook(t, item("", map[string]any{"eventCode": "AUTHORISATION", "merchantReference": "k-sale"}))
	if n, err := conn.ParseNotice(nil, body); err == nil {
		t.Errorf("%v", n)
	}
}

// TestWhatEventsTell of attempts of ours, and nothing of anybody else's.
func TestWhatEventsTell(t *testing.T) {
	no := map[string]any{"success": "false"}
	with := func(all ...map[string]any) map[string]any {
		m := map[string]any{}
		for _, one := range all {
			maps.Copy(m, one)
		}
		return m
	}
	of := func(event, reference string) map[string]any {
		return map[string]any{"eventCode": event, "merchantReference": reference}
	}
	reason := func(text string) map[string]any { return with(no, map[string]any{"reason": text}) }
	for name, c := range map[string]struct {
		members map[string]any
		key     string // empty: nothing is told
		want    payment.Class
		code    payment.ErrorCode
		raw     string
	}{
		"a sale":                  {of("AUTHORISATION", "k-1-sale"), "k-1", payment.ClassApproved, "", ""},
		"a hold":                  {of("AUTHORISATION", "k-1-hold"), "k-1", payment.ClassAuthorized, "", ""},
		"a verification":          {with(of("AUTHORISATION", "k-1-check"), map[string]any{"amount": map[string]any{"value": 0, "currency": "EUR"}}), "k-1", payment.ClassApproved, "", ""},
		"true as a bare word":     {with(of("AUTHORISATION", "k-sale"), map[string]any{"success": true}), "k", payment.ClassApproved, "", ""},
		"a sale of nothing":       {with(of("AUTHORISATION", "k-sale"), map[string]any{"amount": map[string]any{"value": 0, "currency": "EUR"}}), "k", payment.ClassUnknown, "", ""},
		"in no currency":          {with(of("AUTHORISATION", "k-sale"), map[string]any{"amount": map[string]any{"value": 1, "currency": "XXZ"}}), "k", payment.ClassUnknown, "", ""},
		"a refusal":               {with(of("AUTHORISATION", "k-sale"), reason("Not enough balance")), "k", payment.ClassDeclinedHard, "4.01", "12"},
		"in capitals":             {with(of("AUTHORISATION", "k-sale"), reason("NOT_ENOUGH_BALANCE")), "k", payment.ClassDeclinedHard, "4.01", "12"},
		"refused":                 {with(of("AUTHORISATION", "k-hold"), reason("Refused")), "k", payment.ClassDeclinedSoft, "4.00", "2"},
		"refused, scheme forbids": {with(of("AUTHORISATION", "k-hold"), reason("Refused"), map[string]any{"more.merchantAdviceCode": "03 : Do not try again"}), "k", payment.ClassDeclinedHard, "4.00", "2"},
		"a new reason":            {with(of("AUTHORISATION", "k-sale"), reason("Quantum")), "k", payment.ClassDeclinedHard, "3.10", ""},
		"BLIK, in the raw reason": {with(of("AUTHORISATION", "k-sale"), reason("Declined"), map[string]any{"more.refusalReasonRaw": "USER_DECLINED"}), "k", payment.ClassDeclinedHard, "2.00", "USER_DECLINED"},
		"a capture":               {of("CAPTURE", "k-capture"), "k", payment.ClassApproved, "", ""},
		"a capture that is not":   {with(of("CAPTURE", "k-capture"), no), "k", payment.ClassRejected, "3.00", ""},
		"a capture that failed":   {of("CAPTURE_FAILED", "k-capture"), "k", payment.ClassDeclinedHard, "3.00", "CAPTURE_FAILED"},
		"a sale's own failed":     {of("CAPTURE_FAILED", "k-sale"), "k", payment.ClassDeclinedHard, "3.00", "CAPTURE_FAILED"},
		"a sale's own capture":    {of("CAPTURE", "k-sale"), "k", payment.ClassUnknown, "", ""},
		"a cancellation":          {of("CANCELLATION", "k-cancel"), "k", payment.ClassApproved, "", ""},
		"one that is not":         {with(of("CANCELLATION", "k-cancel"), no), "k", payment.ClassRejected, "3.00", ""},
		"a refund":                {of("REFUND", "k-refund"), "k", payment.ClassApproved, "", ""},
		"a refund that is not":    {with(of("REFUND", "k-refund"), no), "k", payment.ClassRejected, "3.00", ""},
		"a refund that failed":    {of("REFUND_FAILED", "k-refund"), "k", payment.ClassDeclinedHard, "3.00", "REFUND_FAILED"},
		"one that came back":      {of("REFUNDED_REVERSED", "k-refund"), "k", payment.ClassDeclinedHard, "3.00", "REFUNDED_REVERSED"},
		"nobody came back":        {of("OFFER_CLOSED", "k-sale"), "k", payment.ClassDeclinedHard, "3.18", "OFFER_CLOSED"},
		"a hold that ended":       {of("EXPIRE", "k-hold"), "k", payment.ClassCancelled, "1.04", "EXPIRE"},
		"a new event":             {of("QUANTUM", "k-sale"), "k", payment.ClassUnknown, "", ""},
		"by hand":                 {of("REFUND", "k-sale"), "k", payment.ClassUnknown, "", ""},
		"a technical cancel":      {of("TECHNICAL_CANCEL", "k-sale"), "k", payment.ClassUnknown, "", ""},
		"of another account":      {with(of("AUTHORISATION", "k-sale"), map[string]any{"merchantAccountCode": "ShopUS"}), "", "", "", ""},
		"somebody else's":         {of("AUTHORISATION", "order 42"), "", "", "", ""},
		"without a reference":     {of("REPORT_AVAILABLE", ""), "", "", "", ""},
		"with nothing but what":   {of("AUTHORISATION", "-sale"), "", "", "", ""},
		"without an id":           {with(of("AUTHORISATION", "k-sale"), map[string]any{"pspReference": "a b"}), "", "", "", ""},
	} {
		conn := connect(t, "http://127.0.0.1:1").(connector.Notifier)
		body := webhook(t, item(hmacKey, c.members))
		notices, err := conn.ParseNotice(nil, body)
		if c.key == "" {
			if err != nil || len(notices) != 0 {
				t.Errorf("%s: %v, %v", name, notices, err)
			}
			continue
		}
		if err != nil || len(notices) != 1 {
			t.Errorf("%s: %v, %v", name, notices, err)
			continue
		}
		n := notices[0]
		if n.Key != c.key || n.Fact.Class != c.want || n.Fact.Code != c.code || n.Fact.RawCode != c.raw || n.Subject != connector.OfAttempt {
			t.Errorf("%s: %+v; want %s %s %s of %s", name, n, c.want, c.code, c.raw, c.key)
		}
		if again, err := conn.ReadNotice(body, n.EventKey); err != nil || fmt.Sprint(again) != fmt.Sprint(n) {
			t.Errorf("%s, read again: %+v, %v", name, again, err)
		}
		if _, err := conn.ReadNotice(body, "another"); err == nil {
			t.Errorf("%s is read as another", name)
		}
	}
}

func TestDisputesAreOfTheirPayment(t *testing.T) {
	conn := connect(t, "http://127.0.0.1:1").(connector.Notifier)
	body := webhook(t, item(hmacKey, map[string]any{"eventCode": "CHARGEBACK", "merchantReference": "k-sale", "pspReference": "DISPUTE", "originalReference": "PAYMENT"}))
	n, err := conn.ParseNotice(nil, body)
	if err != nil || len(n) != 1 || n[0].Subject != connector.OfDispute || n[0].Key != "k" || n[0].ProviderRef != "PAYMENT" || n[0].Fact.Class != "" {
		t.Errorf("%+v, %v", n, err)
	}
}

// TestAWebhookTellsOfTheCard what an answer tells: its brand, how its holder was authenticated, and by what it can be charged later.
func TestAWebhookTellsOfTheCard(t *testing.T) {
	conn := connect(t, "http://127.0.0.1:1").(connector.Notifier)
	for _, prefix := range []string{"tokenization.shopperReference tokenization.storedPaymentMethodId", "recurring.shopperReference recurring.recurringDetailReference"} {
		names := strings.Fields(prefix)
		body := webhook(t, item(hmacKey, map[string]any{
			"eventCode": "AUTHORISATION", "merchantReference": "k-sale", "paymentMethod": "mc", "more." + names[0]: "shopper", "more." + names[1]: "M5N7TQ4TG5PFWR50",
			"more.threeDAuthenticated": "true", "more.threeDAuthenticatedResponse": "Y", "more.eci": "02", "more.issuerCountry": "NL", "more.whatever": "else",
		}))
		n, err := conn.ParseNotice(nil, body)
		if err != nil || len(n) != 1 {
			t.Fatal(n, err)
		}
		f := n[0].Fact
		if f.Credential != "shopper/M5N7TQ4TG5PFWR50" || f.Instrument.CardBrand != "MASTERCARD" || f.Instrument.CardIssuingCountry != "NL" ||
			f.Auth.Read().ECI != "02" || f.Echoed != (money.Sum{Amount: money.MustParse("11.12"), Currency: "EUR"}) {
			t.Errorf("%+v", f)
		}
	}
}
