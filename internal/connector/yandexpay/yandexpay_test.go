package yandexpay_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// connect opens the connector on an address and a clock, with more settings.
func connect(t testing.TB, url string, now func() time.Time, more ...string) *yandexpay.YandexPay {
	t.Helper()
	settings := strings.TrimSuffix(string(settingsFor(url)), "}") + strings.Join(append([]string{""}, more...), ",") + "}"
	config, err := yandexpay.Type().Parse(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: yandexpay.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*yandexpay.YandexPay)
}

// canned answers every request with one status and body.
func canned(t *testing.T, status int, body string) *yandexpay.YandexPay {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL, time.Now)
}

// orderShown is an order of the key k over 11.12 RUB with more members, and its operations.
func orderShown(status, more, operations string) string {
	return `{"code":200,"status":"success","data":{"order":{"orderId":"k","merchantId":"` + merchant + `","paymentStatus":"` + status +
		`","orderAmount":"11.12","currencyCode":"RUB","paymentUrl":"https://pay.ya.ru/l/x"` + more + `},"operations":[` + operations + `],"delivery":null}}`
}

func operationShown(kind, status, more string) string {
	return `{"code":200,"status":"success","data":{"operation":{"operationId":"c3073b9d-edd0-49f2-a28d-b7ded8ff9a8b","operationType":"` + kind +
		`","orderId":"of","amount":"11.12","status":"` + status + `","externalOperationId":"k"` + more + `}}}`
}

func TestEveryPublishedStatusOfAnOrder(t *testing.T) {
	ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k", Amount: money.MustParse("11.12"), Currency: "RUB"}
	back := `{"operationId":"x","operationType":"REFUND","orderId":"k","amount":"5.00","status":"SUCCESS"}`
	for _, c := range []struct {
		status, more, operations string
		want                     payment.Class // empty: unknown
		code                     payment.ErrorCode
		sum                      string
	}{
		{"PENDING", "", "", payment.ClassWaiting, "", "0 "},
		{"AUTHORIZED", "", "", payment.ClassAuthorized, "", "11.12 RUB"},
		{"CAPTURED", "", "", payment.ClassApproved, "", "11.12 RUB"},
		{"PARTIALLY_REFUNDED", "", back, payment.ClassApproved, "", "16.12 RUB"},
		{"REFUNDED", "", strings.Replace(back, "SUCCESS", "FAIL", 1) + "," + back, payment.ClassApproved, "", "16.12 RUB"},
		{"VOIDED", "", "", payment.ClassCancelled, "1.04", "0 "},
		{"FAILED", "", "", payment.ClassDeclinedHard, "3.10", "0 "},
		{"FAILED", `,"reasonCode":null`, "", payment.ClassDeclinedHard, "3.10", "0 "},
		{"FAILED", `,"reasonCode":"QUANTUM"`, "", payment.ClassDeclinedHard, "3.10", "0 "},
		{"FAILED", `,"reasonCode":"INSUFFICIENT_FUNDS"`, "", payment.ClassDeclinedHard, "4.01", "0 "},
		{"FAILED", `,"reasonCode":"DO_NOT_HONOR"`, "", payment.ClassDeclinedSoft, "4.02", "0 "},
		{"FAILED", `,"reasonCode":"ACQUIRER_TIMEOUT"`, "", payment.ClassDeclinedSoft, "3.04", "0 "},
		{"FAILED", `,"reasonCode":"TERMINAL_NOT_FOUND"`, "", payment.ClassDeclinedSoft, "3.17", "0 "},
		{"FAILED", `,"reasonCode":"DECLINED_BY_INTERNAL_ANTI_FRAUD"`, "", payment.ClassDeclinedHard, "3.01", "0 "},
		{"FAILED", `,"reasonCode":"CANCELLED_BY_TIMEOUT"`, "", payment.ClassCancelled, "1.04", "0 "},
		{"FAILED", `,"reasonCode":"CANCELLED_BY_CUSTOMER"`, "", payment.ClassCancelled, "2.00", "0 "},
		{"CONFIRMED", "", "", "", "", ""},
		{"QUANTUM", "", "", "", "", ""},
		{"captured", "", "", "", "", ""},
		{"CAPTURED", `,"orderAmount":"1"`, "", "", "", ""},
	} {
		f, err := canned(t, http.StatusOK, orderShown(c.status, c.more, c.operations)).Status(t.Context(), ref)
		if c.want == "" && err == nil || c.want != "" && (err != nil || f.Class != c.want || f.Code != c.code || f.Echoed.String() != c.sum) {
			t.Errorf("%s%s: %+v, %v; want %s %s %s", c.status, c.more, f, err, c.want, c.code, c.sum)
		}
	}
}

func TestEveryPublishedStatusOfAnOperation(t *testing.T) {
	for kind, name := range map[payment.AttemptKind]string{payment.AttemptCapture: "CAPTURE", payment.AttemptVoid: "VOID", payment.AttemptRefund: "REFUND"} {
		ref := connector.Ref{Kind: kind, Key: "k", Amount: money.MustParse("11.12"), Currency: "RUB", Of: connector.Original{Key: "of"}}
		for status, want := range map[string]payment.Class{
			"SUCCESS": payment.ClassApproved, "PENDING": payment.ClassWaiting, "FAIL": payment.ClassDeclinedHard, "QUANTUM": "", "": "",
		} {
			f, err := canned(t, http.StatusOK, operationShown(name, status, "")).Status(t.Context(), ref)
			if want == "" && err == nil || want != "" && (err != nil || f.Class != want || f.Echoed.String() != "11.12 RUB") {
				t.Errorf("%s %s: %+v, %v; want %s", name, status, f, err, want)
			}
		}
		for what, body := range map[string]string{
			"another type":  operationShown("AUTHORIZE", "SUCCESS", ""),
			"another order": strings.Replace(operationShown(name, "SUCCESS", ""), `"of"`, `"another"`, 1),
			"another name":  strings.Replace(operationShown(name, "SUCCESS", ""), `"k"`, `"K"`, 1),
			"no amount":     strings.Replace(operationShown(name, "SUCCESS", ""), `"11.12"`, `""`, 1),
			"a failure":     `{"status":"fail","reasonCode":"INTERNAL_ERROR","reason":"x"}`,
		} {
			if f, err := canned(t, http.StatusOK, body).Status(t.Context(), ref); err == nil {
				t.Errorf("%s: %+v", what, f)
			}
		}
	}
}

// TestRefusedRequests: a refusal is one in the published form, and by the request's own fault.
func TestRefusedRequests(t *testing.T) {
	fail := func(reason string) string { return `{"status":"fail","reasonCode":"` + reason + `","reason":"x"}` }
	for _, c := range []struct {
		status int
		body   string
		code   payment.ErrorCode // empty: unknown
	}{
		{400, fail("BAD_REQUEST"), "3.02"}, {400, fail("ORDER_AMOUNT_MISMATCH"), "3.02"}, {400, fail("ORDER_CART_DATA_ERROR"), "3.02"},
		{400, fail("REFUND_AMOUNT_TOO_LARGE"), "1.08"}, {400, fail("CAPTURE_AMOUNT_TOO_LARGE"), "1.08"}, {400, fail("A_NEW_ONE"), "3.02"},
		{401, fail("AUTHENTICATION_ERROR"), "3.02"}, {403, fail("FORBIDDEN"), "3.02"}, {404, fail("ORDER_NOT_FOUND"), "3.02"},
		{404, fail("SUBSCRIPTION_NOT_FOUND"), "1.06"}, {405, fail("METHOD_NOT_ALLOWED"), "3.02"}, {409, fail("ANOTHER_OPERATION_IN_PROGRESS"), "3.05"},
		{429, fail("TOO_MANY_REQUESTS"), "3.05"},
		{400, fail("INVALID_PAYMENT_STATUS"), ""}, {409, fail("A_NEW_ONE"), ""}, {408, fail("x"), ""}, {500, fail("INTERNAL_ERROR"), ""}, {503, fail("UNAVAILABLE"), ""},
		{400, "{}", ""}, {400, "<html>", ""}, {400, `{"status":"success","data":{}}`, ""}, {200, fail("BAD_REQUEST"), ""}, {429, "", ""},
	} {
		r := connector.Request{Key: "k", Amount: money.MustParse("11.12"), Currency: "RUB", Original: connector.Ref{Key: "of"}}
		f, err := canned(t, c.status, c.body).Refund(t.Context(), r)
		if c.code == "" && (err == nil || errors.Is(err, outbound.ErrNotSent)) || c.code != "" && (err != nil || f.Class != payment.ClassRejected || f.Code != c.code) {
			t.Errorf("%d %.60s: %+v, %v; want %s", c.status, c.body, f, err, c.code)
		}
	}
}

// TestAmounts are decimals with two places at least.
func TestAmounts(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL, s.Now)
	start := func(sum, key string) (payment.Fact, error) {
		amount, currency, _ := strings.Cut(sum, " ")
		return c.Start(t.Context(), connector.Request{Key: key, Amount: money.MustParse(amount), Currency: money.Currency(currency), Method: payment.BasicCard, ReturnURL: "https://shop.example/"})
	}
	for sum, want := range map[string]string{
		"1500 JPY": "1500.00", "1.234 KWD": "1.234", "12.3 HUF": "12.30", "1500 ISK": "1500.00", "1500 CLP": "1500.00", "1500.5 IDR": "1500.50", "1500 UGX": "1500.00", "1 RUB": "1.00",
	} {
		key := strings.ReplaceAll(strings.ReplaceAll(sum, " ", "-"), ".", "_")
		f, err := start(sum, key)
		if err != nil || f.Class != payment.ClassWaiting {
			t.Errorf("%s: %+v, %v", sum, f, err)
			continue
		}
		s.Finish(key, true)
		if e := s.Booked(key); len(e) != 1 || e[0].Amount != want {
			t.Errorf("%s: %v", sum, e)
		}
	}
	for _, sum := range []string{"1.5 JPY", "1.5 ISK", "1.5 CLP", "1.5 UGX", "1.2345 KWD", "0.001 HUF", "0.99 RUB", "1 BTC"} {
		if f, err := start(sum, "no"); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s: %+v, %v", sum, f, err)
		}
	}
}

// TestHoldsAreAMatterOfTheAccount: what the account does not do is not sent.
func TestHoldsAreAMatterOfTheAccount(t *testing.T) {
	for _, twoStage := range []bool{true, false} {
		more := map[bool]string{true: `"twoStage":true`, false: `"twoStage":false`}[twoStage]
		r := connector.Request{Key: "k", Amount: money.MustParse("11.12"), Currency: "RUB", Method: payment.BasicCard, PreAuth: !twoStage}
		if f, err := connect(t, "http://127.0.0.1:1", time.Now, more).Start(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%+v, %v", f, err)
		}
	}
}

func TestProbe(t *testing.T) {
	s := open(t, false)
	if err := connect(t, s.URL, s.Now).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	config, err := yandexpay.Type().Parse([]byte(`{"url":"` + s.URL + `","apiKey":"another-key"}`))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	t.Cleanup(client.CloseIdle)
	other, err := config.Open(connector.Deps{Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.(connector.Prober).Probe(t.Context()); err == nil || strings.Contains(err.Error(), "another-key") {
		t.Error(err)
	}
}
