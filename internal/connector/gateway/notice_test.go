package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	double "github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/payment"
)

// The published example, with its signature under the key beside it.
const (
	exampleKey       = "k7Qm2VtR9xLcB4nWz8HsD3fJ6yPaE5uG"
	exampleBody      = `{"id":"96365a23dca04a5a9bcbb0031e7b06ac","referenceId":"ORDER-12345","created":"2030-12-25T10:11:12","paymentType":"DEPOSIT","state":"COMPLETED","amount":11.12,"currency":"EUR"}`
	exampleSignature = "a94ce9ea585fcf1c43cbd8f6a22de0f859594f4e59aa4081be56cba61851501e"
)

func noticed(t *testing.T, key, signature, body string) ([]connector.Notice, error) {
	t.Helper()
	settings := `{"url":"https://engine.example","apiKey":"k"`
	if key != "" {
		settings += `,"signingKey":"` + key + `"`
	}
	config, err := gateway.Type().Parse([]byte(settings + "}"))
	if err != nil {
		t.Fatal(err)
	}
	c := connectWith(t, config)
	return c.ParseNotice(http.Header{"Signature": {signature}}, []byte(body))
}

func TestSignaturesAreVerifiedOverRawBytes(t *testing.T) {
	for name, c := range map[string]struct {
		key, signature, body string
		fits                 bool
	}{
		"the example":         {exampleKey, exampleSignature, exampleBody, true},
		"in capitals":         {exampleKey, strings.ToUpper(exampleSignature), exampleBody, true},
		"as the double signs": {exampleKey, double.Signature([]byte(exampleBody), exampleKey), exampleBody, true},
		"another amount":      {exampleKey, exampleSignature, strings.Replace(exampleBody, "11.12", "11.13", 1), false},
		"a space more":        {exampleKey, exampleSignature, exampleBody + " ", false},
		"another key":         {exampleKey + "x", exampleSignature, exampleBody, false},
		"cut":                 {exampleKey, exampleSignature[:62], exampleBody, false},
		"with a prefix":       {exampleKey, "sha256=" + exampleSignature, exampleBody, false},
		"none":                {exampleKey, "", exampleBody, false},
		"no key":              {"", double.Signature([]byte(exampleBody), ""), exampleBody, false},
	} {
		notices, err := noticed(t, c.key, c.signature, c.body)
		if c.fits != (err == nil) || c.fits != (len(notices) == 1) || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", name, notices, err)
		}
	}
}

func TestWhatNoticesTell(t *testing.T) {
	for _, c := range []struct {
		body string
		key  string // empty: unreadable
		want payment.Class
	}{
		{exampleBody, "ORDER-12345", payment.ClassApproved},
		{strings.Replace(exampleBody, "COMPLETED", "AUTHORIZED", 1), "ORDER-12345", payment.ClassAuthorized},
		{strings.Replace(exampleBody, `"COMPLETED","amount":11.12`, `"AUTHORIZED","preAuth":true`, 1), "ORDER-12345", payment.ClassApproved}, // a verification
		{strings.Replace(exampleBody, "COMPLETED", "DECLINED", 1), "ORDER-12345", payment.ClassDeclinedHard},
		{strings.Replace(exampleBody, "COMPLETED", "CANCELLED", 1), "ORDER-12345", payment.ClassCancelled},
		{strings.Replace(exampleBody, "COMPLETED", "QUANTUM", 1), "ORDER-12345", payment.ClassUnknown},
		{strings.Replace(exampleBody, `"amount":11.12,`, "", 1), "ORDER-12345", payment.ClassUnknown},
		{strings.Replace(exampleBody, "DEPOSIT", "REFUND", 1), "ORDER-12345", payment.ClassApproved},
		{strings.Replace(exampleBody, "DEPOSIT", "WITHDRAWAL", 1), "ORDER-12345", payment.ClassApproved},
		{strings.Replace(exampleBody, "DEPOSIT", "CHARGEBACK", 1), "", ""},
		{strings.Replace(exampleBody, `"referenceId":"ORDER-12345",`, "", 1), "", ""},
		{strings.Replace(exampleBody, "ORDER-12345", "order 12345", 1), "", ""},
		{"[]", "", ""}, {"{}", "", ""}, {exampleBody[:80], "", ""},
	} {
		notices, err := noticed(t, exampleKey, double.Signature([]byte(c.body), exampleKey), c.body)
		if c.key == "" {
			if !errors.Is(err, connector.ErrUnreadable) {
				t.Errorf("%s: %+v, %v", c.body, notices, err)
			}
			continue
		}
		if err != nil || len(notices) != 1 || notices[0].Key != c.key || notices[0].Fact.Class != c.want {
			t.Errorf("%s: %+v, %v; want %s", c.body, notices, err, c.want)
			continue
		}
		reader := connectWith(t, mustParse(t))
		again, err := reader.ReadNotice([]byte(c.body), notices[0].EventKey)
		if err != nil || again.EventKey != notices[0].EventKey || again.Fact.Class != c.want {
			t.Errorf("read again: %+v, %v", again, err)
		}
		if _, err := reader.ReadNotice([]byte(c.body), "another"); err == nil {
			t.Error("it is taken for another")
		}
	}
}
