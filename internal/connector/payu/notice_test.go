package payu_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	double "github.com/sluicepay/sluice/internal/double/payu"
	"github.com/sluicepay/sluice/internal/payment"
)

func body(state string) string {
	return `{"order":{"orderId":"O1","extOrderId":"k","status":"` + state + `","totalAmount":"1112","currencyCode":"PLN","customerIp":"x"},"localReceiptDateTime":"x","properties":[]}`
}

func TestSignaturesAreVerifiedOverRawBytes(t *testing.T) {
	s := open(t, false)
	conn := connect(t, s, s.URL).(connector.Notifier)
	text := body("COMPLETED")
	good := double.Signature([]byte(text), secondKey, "")
	for name, c := range map[string]struct {
		header, body string
		fits         bool
	}{
		"MD5":                    {good, text, true},
		"SHA-256":                {double.Signature([]byte(text), secondKey, "SHA-256"), text, true},
		"in another order":       {"content=DOCUMENT;algorithm=MD5; " + strings.Split(good, ";")[1] + ";sender=x", text, true},
		"by another key":         {double.Signature([]byte(text), "older", ""), text, false},
		"of another body":        {good, strings.Replace(text, "1112", "1113", 1), false},
		"of the body and more":   {good, text + " ", false},
		"as another algorithm":   {strings.Replace(good, "MD5", "SHA-256", 1), text, false},
		"by none":                {strings.Replace(good, "MD5", "none", 1), text, false},
		"without an algorithm":   {strings.Replace(good, "algorithm=MD5;", "", 1), text, false},
		"in capitals":            {strings.ToUpper(good), text, false},
		"cut":                    {strings.Replace(good, ";algorithm", "0;algorithm", 1), text, false},
		"empty":                  {"", text, false},
		"an empty signature":     {"sender=checkout;signature=;algorithm=MD5;content=DOCUMENT", text, false},
		"with the key as a body": {double.Signature(nil, secondKey, ""), text, false},
	} {
		notices, err := conn.ParseNotice(http.Header{"Openpayu-Signature": {c.header}}, []byte(c.body))
		if c.fits != (err == nil) || c.fits != (len(notices) == 1) || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", name, notices, err)
		}
	}
}

// TestWhatNoticesTell: a payment and what is under way as it is; of what is over, or waits for us, PayU's name and that it is time to ask.
func TestWhatNoticesTell(t *testing.T) {
	s := open(t, false)
	conn := connect(t, s, s.URL).(connector.Notifier)
	type told struct {
		key   string
		class payment.Class
		hint  bool
	}
	for text, want := range map[string][]told{
		body("PENDING"):                  {{"O1-PENDING", payment.ClassWaiting, false}},
		body("COMPLETED"):                {{"O1-COMPLETED", payment.ClassApproved, false}},
		body("WAITING_FOR_CONFIRMATION"): {{"O1-WAITING_FOR_CONFIRMATION-begun", payment.ClassWaiting, false}, {"O1-WAITING_FOR_CONFIRMATION", payment.ClassApproved, true}},
		body("CANCELED"):                 {{"O1-CANCELED-begun", payment.ClassWaiting, false}, {"O1-CANCELED", payment.ClassCancelled, true}},
		body("QUANTUM"):                  {{"O1-QUANTUM", payment.ClassUnknown, false}},
		`{"orderId":"O1","extOrderId":"k","refund":{"refundId":"1","amount":"1","currencyCode":"PLN","status":"FINALIZED"}}`: nil,
	} {
		header := http.Header{"Openpayu-Signature": {double.Signature([]byte(text), secondKey, "")}}
		notices, err := conn.ParseNotice(header, []byte(text))
		if err != nil || len(notices) != len(want) {
			t.Errorf("%s: %v, %v", text, notices, err)
			continue
		}
		for i, n := range notices {
			if n.EventKey != want[i].key || n.Key != "k" || n.Fact.Class != want[i].class || n.Hint != want[i].hint || n.Fact.Class != payment.ClassUnknown && n.Fact.ProviderRef != "O1" {
				t.Errorf("%s: %+v, want %+v", text, n, want[i])
			}
			if again, err := conn.ReadNotice([]byte(text), n.EventKey); err != nil || again.Key != n.Key || again.Fact.Class != n.Fact.Class || again.Hint != n.Hint {
				t.Errorf("%s, read again: %+v, %v", text, again, err)
			}
		}
		if _, err := conn.ReadNotice([]byte(text), "another"); err == nil {
			t.Errorf("%s is read as another", text)
		}
	}
	for _, text := range []string{``, `{}`, `[]`, `<html>`, `{"order":{}}`, `{"order":{"orderId":"O1","extOrderId":"a b","status":"NEW"}}`, `{"order":{"orderId":"O1","extOrderId":"k","status":""}}`} {
		if n, err := conn.ParseNotice(http.Header{"Openpayu-Signature": {double.Signature([]byte(text), secondKey, "")}}, []byte(text)); !errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", text, n, err)
		}
	}
}
