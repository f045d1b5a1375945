package gateway_test

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
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/gateway"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// connect opens the connector on an address, with more settings.
func connect(t testing.TB, url string, more ...string) *gateway.Gateway {
	t.Helper()
	settings := strings.TrimSuffix(string(settingsFor(url)), "}") + strings.Join(append([]string{""}, more...), ",") + "}"
	config, err := gateway.Type().Parse(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	return connectWith(t, config)
}

func mustParse(t testing.TB) connector.Config {
	t.Helper()
	config, err := gateway.Type().Parse(settingsFor("https://engine.example"))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func connectWith(t testing.TB, config connector.Config) *gateway.Gateway {
	t.Helper()
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: gateway.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*gateway.Gateway)
}

func sale(t testing.TB, key string) connector.Request {
	t.Helper()
	return connector.Request{
		Key: key, Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard, Means: connectortest.Card(t, double.Good),
		ReturnURL: "https://shop.example/back", NoticeURL: "https://sluice.example/notices/t", Browser: payment.Browser{IP: "192.0.2.7"},
	}
}

func deposit(r connector.Request) connector.Ref {
	return connector.Ref{Kind: payment.AttemptDeposit, Key: r.Key, Amount: r.Amount, Currency: r.Currency}
}

// canned answers every request with one status and body.
func canned(t *testing.T, status int, body string) *gateway.Gateway {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL)
}

const anID = "0195a0e27cc17a3b8b1f0a4c5d6e7f80"

// shown is an answer that shows a payment of the key k over 11.12 EUR with more members.
func shown(kind, state, more string) string {
	return `{"status":200,"result":{"id":"` + anID + `","referenceId":"k","paymentType":"` + kind + `","state":"` + state + `","amount":11.12,"currency":"EUR"` + more + `}}`
}

// TestEveryPublishedState is what each state proves of each kind of attempt, when it is asked for by its id.
func TestEveryPublishedState(t *testing.T) {
	const open = payment.Class("")
	code := `,"errorCode":"4.01"`
	for _, c := range []struct {
		kind  payment.AttemptKind
		state string
		more  string
		want  payment.Class // empty: unknown
		code  payment.ErrorCode
	}{
		{payment.AttemptDeposit, "CHECKOUT", "", payment.ClassWaiting, ""},
		{payment.AttemptDeposit, "PENDING", "", payment.ClassWaiting, ""},
		{payment.AttemptDeposit, "AUTHORIZED", "", payment.ClassAuthorized, ""},
		{payment.AttemptDeposit, "COMPLETED", "", payment.ClassApproved, ""},
		{payment.AttemptDeposit, "DECLINED", code, payment.ClassDeclinedHard, "4.01"},
		{payment.AttemptDeposit, "DECLINED", "", payment.ClassDeclinedHard, "3.10"},
		{payment.AttemptDeposit, "CANCELLED", `,"errorCode":"2.00"`, payment.ClassCancelled, "2.00"},
		{payment.AttemptDeposit, "CANCELLED", `,"errorCode":"1.04"`, payment.ClassCancelled, "1.04"},
		{payment.AttemptDeposit, "CANCELLED", "", payment.ClassCancelled, "1.04"},
		{payment.AttemptDeposit, "AWAITING_APPROVAL", "", payment.ClassWaiting, ""},
		{payment.AttemptDeposit, "QUANTUM", "", open, ""},
		{payment.AttemptDeposit, "completed", "", open, ""},
		{payment.AttemptWithdrawal, "CHECKOUT", "", open, ""},
		{payment.AttemptWithdrawal, "AWAITING_APPROVAL", "", payment.ClassWaiting, ""},
		{payment.AttemptWithdrawal, "PENDING", "", payment.ClassWaiting, ""},
		{payment.AttemptWithdrawal, "AUTHORIZED", "", open, ""},
		{payment.AttemptWithdrawal, "COMPLETED", "", payment.ClassApproved, ""},
		{payment.AttemptWithdrawal, "DECLINED", code, payment.ClassDeclinedHard, "4.01"},
		{payment.AttemptWithdrawal, "CANCELLED", "", payment.ClassRejected, "3.00"},
		{payment.AttemptRefund, "PENDING", "", payment.ClassWaiting, ""},
		{payment.AttemptRefund, "COMPLETED", "", payment.ClassApproved, ""},
		{payment.AttemptRefund, "DECLINED", code, payment.ClassDeclinedHard, "4.01"},
		{payment.AttemptRefund, "CANCELLED", "", payment.ClassRejected, "3.00"},
		{payment.AttemptCapture, "AUTHORIZED", "", payment.ClassUnknown, ""},
		{payment.AttemptCapture, "PENDING", "", payment.ClassWaiting, ""},
		{payment.AttemptCapture, "COMPLETED", "", payment.ClassApproved, ""},
		{payment.AttemptCapture, "CANCELLED", "", payment.ClassUnknown, ""},
		{payment.AttemptCapture, "DECLINED", code, open, ""},
		{payment.AttemptVoid, "AUTHORIZED", code, payment.ClassUnknown, ""},
		{payment.AttemptVoid, "PENDING", "", payment.ClassWaiting, ""},
		{payment.AttemptVoid, "CANCELLED", "", payment.ClassApproved, ""},
		{payment.AttemptVoid, "COMPLETED", "", payment.ClassUnknown, ""},
		{payment.AttemptVoid, "CHECKOUT", "", open, ""},
	} {
		kind, more := "DEPOSIT", c.more
		ref := connector.Ref{Kind: c.kind, Key: "k", ProviderRef: anID, Amount: money.MustParse("11.12"), Currency: "EUR"}
		switch c.kind {
		case payment.AttemptRefund, payment.AttemptWithdrawal:
			kind = string(c.kind)
		case payment.AttemptCapture, payment.AttemptVoid:
			ref.Key, ref.Of, more = "another", connector.Original{Key: "k", ProviderRef: anID}, more+`,"preAuth":true`
		}
		f, err := canned(t, http.StatusOK, shown(kind, c.state, more)).Status(t.Context(), ref)
		if c.want == open && err == nil || c.want != open && (err != nil || f.Class != c.want || f.Code != c.code) {
			t.Errorf("%s %s: %+v, %v; want %s %s", c.kind, c.state, f, err, c.want, c.code)
		}
		if f.NotFound != (c.want == payment.ClassUnknown) {
			t.Errorf("%s %s: not found is %t", c.kind, c.state, f.NotFound)
		}
	}
}

// TestAnswersAboutSomethingElseProveNothing, whatever they show.
func TestAnswersAboutSomethingElseProveNothing(t *testing.T) {
	ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: anID, Amount: money.MustParse("11.12"), Currency: "EUR"}
	good := shown("DEPOSIT", "COMPLETED", "")
	for name, body := range map[string]string{
		"another reference":    strings.Replace(good, `"k"`, `"K"`, 1),
		"another payment":      strings.Replace(good, anID, strings.Replace(anID, "8", "9", 1), 1),
		"another type":         strings.Replace(good, "DEPOSIT", "REFUND", 1),
		"no amount":            strings.Replace(good, `"amount":11.12,`, "", 1),
		"an amount of nothing": strings.Replace(good, "11.12", "0", 1),
		"an amount as text":    strings.Replace(good, "11.12", `"11.12"`, 1),
		"a negative amount":    strings.Replace(good, "11.12", "-11.12", 1),
		"no currency":          strings.Replace(good, `"EUR"`, `"XXZ"`, 1),
		"an error inside":      strings.Replace(good, `"status":200`, `"status":500`, 1),
		"two results":          strings.Replace(good, `"result"`, `"result":{},"result"`, 1),
		"a list":               `{"status":200,"result":[]}`,
		"a name in other case": strings.Replace(good, `"state"`, `"State"`, 1),
	} {
		if f, err := canned(t, http.StatusOK, body).Status(t.Context(), ref); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
	f, err := canned(t, http.StatusOK, shown("DEPOSIT", "COMPLETED", `,"customerAmount":900,"customerCurrency":"RUB"`)).Status(t.Context(), ref)
	if err != nil || f.Echoed.String() != "900 RUB" {
		t.Errorf("converted: %+v, %v; what was asked for counts", f, err)
	}
	f, err = canned(t, http.StatusOK, shown("DEPOSIT", "COMPLETED", `,"externalFeeAmount":0.31,"externalFeeCurrency":"EUR"`)).Status(t.Context(), ref)
	if err != nil || f.Fee.String() != "0.31 EUR" {
		t.Errorf("fee: %+v, %v", f, err)
	}
}

// TestRefusedRequests: only the published frame says that nothing was carried out, and a wrong state may be the work of the request itself.
func TestRefusedRequests(t *testing.T) {
	frameOf := func(status, message string) string {
		return `{"timestamp":"2020-10-07T13:36:32.595+00:00","status":` + status + `,"error":"x","message":"` + message + `","path":"/api/v1/payments"}`
	}
	for _, c := range []struct {
		status int
		body   string
		code   payment.ErrorCode // empty: unknown
	}{
		{400, frameOf("400", "Validation failed for object='paymentRequest'. Error count: 1"), "3.02"},
		{400, frameOf("400", "1.08 Invalid Amount"), "1.08"}, {400, frameOf("400", "1.09 Invalid Currency"), "1.09"},
		{400, frameOf("400", "1.00 Illegal Workflow State"), ""}, {400, frameOf("401", "x"), ""}, {400, "{}", ""}, {400, "<html>", ""},
		{401, frameOf("401", "Invalid token"), "3.02"}, {403, frameOf("403", "Forbidden"), "3.02"}, {403, "error code: 1010", ""},
		{404, frameOf("404", "Payment not found"), "3.02"}, {429, frameOf("429", "Too many requests"), "3.05"}, {429, "", ""},
		{409, frameOf("409", "x"), ""}, {422, frameOf("422", "The Idempotency-Key was used with another request"), ""},
		{500, frameOf("500", "x"), ""}, {503, frameOf("503", "x"), ""}, {201, shown("REFUND", "COMPLETED", ""), ""},
	} {
		r := connector.Request{
			Key: "k", Amount: money.MustParse("11.12"), Currency: "EUR", Original: connector.Ref{Key: "of", ProviderRef: anID},
		}
		f, err := canned(t, c.status, c.body).Refund(t.Context(), r)
		if c.code == "" && (err == nil || errors.Is(err, outbound.ErrNotSent)) || c.code != "" && (err != nil || f.Class != payment.ClassRejected || f.Code != c.code) {
			t.Errorf("%d %.60s: %+v, %v; want %s", c.status, c.body, f, err, c.code)
		}
	}
}

// TestAllThatIsPublishedOfCodes: each is ours or another one of ours, and none that says something of our own merchant.
func TestAllThatIsPublishedOfCodes(t *testing.T) {
	want := map[string]string{
		"1.02": "DECLINED_SOFT 3.03", "1.05": "DECLINED_SOFT 3.17", "1.06": "DECLINED_HARD 1.06", "2.00": "DECLINED_HARD 2.00", "3.00": "DECLINED_SOFT 3.00",
		"3.10": "DECLINED_HARD 3.00", "4.00": "DECLINED_SOFT 4.00", "4.06": "DECLINED_HARD 4.06", "6.21": "DECLINED_HARD 3.01", "7.00": "DECLINED_HARD 3.01",
		"7.01": "DECLINED_SOFT 3.03", "9.99": "DECLINED_HARD 3.10", "4.1": "DECLINED_HARD 3.10", "six": "DECLINED_HARD 3.10",
	}
	for code, said := range want {
		f, err := canned(t, http.StatusOK, shown("DEPOSIT", "DECLINED", `,"errorCode":"`+code+`","externalResultCode":"05"`)).
			Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: anID, Amount: money.MustParse("11.12")})
		if got := string(f.Class) + " " + string(f.Code); err != nil || got != said {
			t.Errorf("%s: %s, %v; want %s", code, got, err, said)
		}
		if raw := map[bool]string{true: code, false: "05"}[len(code) == 4]; f.RawCode != raw {
			t.Errorf("%s: raw code %s", code, f.RawCode)
		}
	}
	if len(published) != 116 {
		t.Errorf("%d codes are written down", len(published))
	}
}

// TestOnThePage sends the customer there, and takes a deposit that nobody was sent to for one that was never made.
func TestOnThePage(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL, `"page":true`)
	r := sale(t, "on-page")
	f, err := c.Start(t.Context(), r)
	if err != nil || f.Class != payment.ClassWaiting || !strings.Contains(f.Next.URL, "/payment/") {
		t.Fatalf("%+v, %v", f, err)
	}
	ref := deposit(r)
	if lost, err := c.Status(t.Context(), ref); err != nil || !lost.NotFound {
		t.Errorf("without its id: %+v, %v", lost, err)
	}
	ref.ProviderRef = f.ProviderRef
	if again, err := c.Status(t.Context(), ref); err != nil || again.Class != payment.ClassWaiting || again.Next != f.Next {
		t.Errorf("with its id: %+v, %v", again, err)
	}
	s.Finish(r.Key, true)
	if done, err := c.Status(t.Context(), ref); err != nil || done.Class != payment.ClassApproved || len(s.Booked(r.Key)) != 1 {
		t.Errorf("paid: %+v, %v", done, err)
	}
	for _, kind := range []frame.Kind{frame.Drop, frame.ServerError, frame.Garbage, frame.WrongReference} {
		s.Strike(frame.Fault{Op: double.OpCreate, Kind: kind})
		if f, err := c.Start(t.Context(), sale(t, "lost")); !errors.Is(err, outbound.ErrNotSent) {
			t.Errorf("%s: %+v, %v; nobody can pay what was made", kind, f, err)
		}
	}
	bank := sale(t, "bank")
	bank.Method, bank.Means, bank.Currency = payment.PayByLink, nil, "PLN"
	if f, err := connect(t, s.URL).Start(t.Context(), bank); err != nil || f.Class != payment.ClassWaiting || !f.Next.Leads() {
		t.Errorf("by bank: %+v, %v", f, err)
	}
	bank.Method, bank.Means = payment.Blik, &instrument.Code{Digits: "777123"}
	if f, err := connect(t, s.URL).Start(t.Context(), bank); !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("by code: %+v, %v", f, err)
	}
}

// TestWhatWasLeftBehindIsPassedOver: a card that was named to the provider twice, because its execution had not left, is paid once.
func TestWhatWasLeftBehindIsPassedOver(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL)
	r := sale(t, "twice")
	s.Strike(frame.Fault{Op: double.OpCreate, Kind: frame.Drop})
	if f, err := c.Start(t.Context(), r); !errors.Is(err, outbound.ErrNotSent) {
		t.Fatalf("%+v, %v", f, err)
	}
	if f, err := c.Status(t.Context(), deposit(r)); err != nil || !f.NotFound {
		t.Errorf("only named: %+v, %v", f, err)
	}
	r.Means = connectortest.Card(t, double.Good)
	paid, err := c.Start(t.Context(), r)
	if err != nil || paid.Class != payment.ClassApproved {
		t.Fatalf("%+v, %v", paid, err)
	}
	for _, when := range []string{"in its checkout", "over its time"} {
		f, err := c.Status(t.Context(), deposit(r))
		if err != nil || f.Class != payment.ClassApproved || f.ProviderRef != paid.ProviderRef {
			t.Errorf("with one %s: %+v, %v", when, f, err)
		}
		s.Expire(r.Key)
	}
	r.Means = connectortest.Card(t, double.Good)
	if _, err := c.Start(t.Context(), r); err != nil { // nobody does that
		t.Fatal(err)
	}
	if f, err := c.Status(t.Context(), deposit(r)); err == nil {
		t.Errorf("paid twice: %+v", f)
	}
}

// TestALongDeadQuestionIsAnswered: the sister version lists the last day only, unless it is asked for more.
func TestALongDeadQuestionIsAnswered(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL)
	r := sale(t, "old")
	if f, err := c.Start(t.Context(), r); err != nil || f.Class != payment.ClassApproved {
		t.Fatalf("%+v, %v", f, err)
	}
	s.Advance(40 * 24 * time.Hour)
	if f, err := c.Status(t.Context(), deposit(r)); err != nil || f.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestHoldsThatAreGoneOrRefused are told as such.
func TestHoldsThatAreGoneOrRefused(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL)
	hold := sale(t, "hold")
	hold.PreAuth = true
	held, err := c.Start(t.Context(), hold)
	if err != nil || held.Class != payment.ClassAuthorized {
		t.Fatalf("%+v, %v", held, err)
	}
	take := connector.Request{Key: "take", Amount: hold.Amount, Currency: "EUR", Original: connector.Ref{Key: hold.Key, ProviderRef: held.ProviderRef}}
	s.Strike(frame.Fault{Op: double.OpCapture, Kind: frame.Decline, Code: "3.08"})
	if f, err := c.Capture(t.Context(), take); err != nil || f.Class != payment.ClassDeclinedSoft || f.Code != "3.08" {
		t.Errorf("capture that is refused: %+v, %v", f, err)
	}
	s.Strike(frame.Fault{Op: double.OpVoid, Kind: frame.Decline, Code: "3.00"})
	if f, err := c.Void(t.Context(), take); err != nil || f.Class != payment.ClassDeclinedSoft {
		t.Errorf("void that is refused: %+v, %v", f, err)
	}
	s.Expire(hold.Key)
	if f, err := c.Capture(t.Context(), take); err == nil {
		t.Errorf("capture of what is over: %+v; a wrong state tells nothing", f)
	}
	if f, err := c.Status(t.Context(), deposit(hold)); err != nil || f.Class != payment.ClassCancelled {
		t.Errorf("the hold: %+v, %v", f, err)
	}
}

// TestAmounts are decimals, exactly as they are.
func TestAmounts(t *testing.T) {
	s := open(t, false)
	c := connect(t, s.URL)
	for _, sum := range []string{"1500 JPY", "1.234 KWD", "12.34 HUF", "1500 ISK", "1500 CLP", "1500.5 IDR", "1500 UGX", "0.00001 BTC", "1000000000 EUR", "3.5 BHD"} {
		amount, currency, _ := strings.Cut(sum, " ")
		r := sale(t, "of-"+amount+currency)
		r.Amount, r.Currency = money.MustParse(amount), money.Currency(currency)
		f, err := c.Start(t.Context(), r)
		if err != nil || f.Echoed.String() != sum || len(s.Booked(r.Key)) != 1 || s.Booked(r.Key)[0].Amount != amount {
			t.Errorf("%s: %+v, %v", sum, f, err)
		}
	}
	for _, sum := range []string{"1.5 JPY", "1.5 ISK", "1.5 CLP", "1.5 UGX", "1.2345 KWD", "0.001 HUF", "0.000001 BTC", "1000000000.01 EUR"} {
		amount, currency, _ := strings.Cut(sum, " ")
		r := sale(t, "not-"+amount+currency)
		r.Amount, r.Currency = money.MustParse(amount), money.Currency(currency)
		if f, err := c.Start(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s: %+v, %v", sum, f, err)
		}
	}
}

func TestWhoPaysWithoutAnAddressIsNotSent(t *testing.T) {
	r := sale(t, "k")
	r.Browser.IP = ""
	if f, err := connect(t, "http://127.0.0.1:1").Start(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("%+v, %v", f, err)
	}
	if w := connect(t, "http://127.0.0.1:1", `"payer":true`).Traits().Wants; len(w.Details) != 4 {
		t.Errorf("%+v", w)
	}
}

func TestProbe(t *testing.T) {
	s := open(t, false)
	if err := connect(t, s.URL).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	s.Strike(frame.Fault{Op: double.OpQuery, Kind: frame.Unauthorized})
	if err := connect(t, s.URL).Probe(t.Context()); err == nil || strings.Contains(err.Error(), apiKey) {
		t.Error(err)
	}
}
