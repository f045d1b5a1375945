package adyen_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/adyen"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// connect opens the connector on an address, with more settings.
func connect(t testing.TB, address string, more ...string) connector.Connector {
	t.Helper()
	settings := strings.TrimSuffix(string(settingsFor(address)), "}") + strings.Join(append([]string{""}, more...), ",") + "}"
	config, err := adyen.Type().Parse(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: adyen.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sale(t testing.TB, key string) connector.Request {
	t.Helper()
	return connector.Request{
		Key: key, Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard, Means: connectortest.Card(t, "4111111111111111"),
		ReturnURL: "https://shop.example/back",
	}
}

// resume does what a customer does at Adyen's page, and hands over what comes back.
func resume(t testing.TB, conn connector.Connector, key, page, result string) (payment.Fact, error) {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.PostForm(page, url.Values{"result": {result}})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	back, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return conn.(connector.Resumer).Resume(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: key}, payment.Brought{Query: back.Query()})
}

// canned answers every request with one body.
func canned(t *testing.T, status int, body string, header ...string) connector.Connector {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL)
}

// published are the refusal codes of https://docs.adyen.com/development-resources/refusal-reasons, but for 0, which is none.
var published = strings.Fields(`2 3 4 5 6 7 8 9 10 11 12 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 31 32 33 34 35 36 37 38 39 40 41 42 46 50`)

// openWith opens the connector with whole settings.
func openWith(t testing.TB, settings string) connector.Connector {
	t.Helper()
	config, err := adyen.Type().Parse(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: adyen.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answered is an answer about the sale k with more members.
func answered(result, more string) string {
	return `{"pspReference":"PSP1","merchantReference":"k-sale","resultCode":"` + result + `","amount":{"value":1112,"currency":"EUR"}` + more + `}`
}

func TestEveryPublishedResultOfAPayment(t *testing.T) {
	for _, c := range []struct {
		body string
		want payment.Class // empty: unknown
		code payment.ErrorCode
		next payment.NextKind
	}{
		{answered("Authorised", ""), payment.ClassApproved, "", ""},
		{answered("PartiallyAuthorised", ""), payment.ClassApproved, "", ""}, // believed only if it is all
		{strings.Replace(answered("PartiallyAuthorised", ""), `"amount"`, `"x"`, 1), "", "", ""},
		{answered("Refused", `,"refusalReasonCode":"12"`), payment.ClassDeclinedHard, "4.01", ""},
		{answered("Refused", ``), payment.ClassDeclinedHard, "3.10", ""},
		{answered("Refused", `,"refusalReasonCode":"2","additionalData":{"merchantAdviceCode":"21 : Payment Cancellation"}`), payment.ClassDeclinedHard, "4.00", ""},
		{answered("Error", `,"refusalReasonCode":"4"`), payment.ClassDeclinedSoft, "3.03", ""},
		{answered("Cancelled", `,"refusalReasonCode":"16"`), payment.ClassDeclinedHard, "2.00", ""},
		{answered("Cancelled", ``), payment.ClassDeclinedHard, "2.00", ""},
		{answered("Received", ""), payment.ClassWaiting, "", ""},
		{answered("Pending", ""), payment.ClassWaiting, "", ""},
		{answered("Pending", `,"action":{"type":"await"}`), payment.ClassWaiting, "", payment.NextWait},
		{answered("PresentToShopper", `,"action":{"type":"voucher","url":"https://x.example/"}`), payment.ClassWaiting, "", ""},
		{answered("IdentifyShopper", `,"action":{"type":"threeDS2"}`), payment.ClassWaiting, "", ""},
		{answered("ChallengeShopper", ""), payment.ClassWaiting, "", ""},
		{answered("RedirectShopper", `,"action":{"type":"redirect","method":"GET","url":"https://adyen.example/3ds"}`), payment.ClassWaiting, "", payment.NextGo},
		{answered("RedirectShopper", `,"action":{"type":"redirect","method":"POST","url":"https://adyen.example/3ds","data":{"MD":"a b"}}`), payment.ClassWaiting, "", payment.NextPost},
		{answered("RedirectShopper", `,"action":{"type":"redirect","url":"javascript:x"}`), payment.ClassWaiting, "", ""},
		{`{"resultCode":"RedirectShopper","action":{"type":"redirect","url":"https://adyen.example/3ds"}}`, payment.ClassWaiting, "", payment.NextGo},
		{answered("AuthenticationFinished", ""), "", "", ""}, {answered("AuthenticationNotRequired", ""), "", "", ""}, {answered("Success", ""), "", "", ""},
		{answered("Quantum", ""), "", "", ""}, {answered("", ""), "", "", ""}, {answered("AUTHORISED", ""), "", "", ""},
		{strings.Replace(answered("Authorised", ""), "k-sale", "k-hold", 1), "", "", ""}, {strings.Replace(answered("Authorised", ""), "k-sale", "other-sale", 1), "", "", ""},
		{`{"pspReference":"PSP1","resultCode":"Authorised"}`, "", "", ""}, {`{"pspReference":"PSP1","resultCode":"Refused"}`, "", "", ""},
		{strings.Replace(answered("Authorised", ""), "PSP1", "../1", 1), "", "", ""}, {strings.Replace(answered("Authorised", ""), "1112", "-1112", 1), "", "", ""},
		{strings.Replace(answered("Authorised", ""), "1112", "11.12", 1), "", "", ""}, {strings.Replace(answered("Authorised", ""), "EUR", "XXZ", 1), "", "", ""},
		{"[" + answered("Authorised", "") + "]", "", "", ""},
	} {
		f, err := canned(t, http.StatusOK, c.body).Start(t.Context(), sale(t, "k"))
		if c.want == "" {
			if err == nil || errors.Is(err, outbound.ErrNotSent) {
				t.Errorf("%s: %+v, %v; want UNKNOWN", c.body, f, err)
			}
			continue
		}
		if err != nil || f.Class != c.want || f.Code != c.code || f.Next.Kind != c.next {
			t.Errorf("%s: %+v, %v; want %s %s %s", c.body, f, err, c.want, c.code, c.next)
		}
	}
}

func TestWhichErrorsRefuse(t *testing.T) {
	const ref = `,"pspReference":"8816118280275544"`
	for _, c := range []struct {
		status int
		body   string
		want   payment.Class // empty: unknown
		code   payment.ErrorCode
	}{
		{400, `{"errorCode":"702","errorType":"validation"}`, payment.ClassRejected, "3.02"},
		{400, `{"errorCode":"x","errorType":"internal"}`, "", ""}, {400, ``, "", ""}, {400, `<html>`, "", ""},
		{401, `{"errorCode":"000","errorType":"security"}`, payment.ClassRejected, "3.02"}, {401, `{}`, "", ""},
		{403, `{"errorCode":"901","errorType":"security"` + ref + `}`, payment.ClassRejected, "3.02"},
		{404, `{"errorCode":"1","errorType":"validation"}`, "", ""}, {409, `{"errorCode":"704","errorType":"validation"}`, "", ""},
		{422, `{"errorCode":"14_030","errorType":"validation"` + ref + `}`, payment.ClassRejected, "3.02"},
		{422, `{"errorCode":"101","errorType":"validation"` + ref + `}`, payment.ClassDeclinedHard, "4.13"},
		{422, `{"errorCode":"103","errorType":"validation"}`, payment.ClassDeclinedHard, "4.07"},
		{422, `{"errorCode":"129","errorType":"validation"}`, payment.ClassDeclinedHard, "4.04"},
		{422, `{"errorCode":"137","errorType":"validation"}`, payment.ClassRejected, "1.08"},
		{422, `{"errorCode":"138","errorType":"validation"}`, payment.ClassRejected, "1.09"},
		{422, `{"errorCode":"803","errorType":"validation"}`, payment.ClassRejected, "1.06"},
		{422, `{"errorCode":"999","errorType":"validation"}`, payment.ClassRejected, "3.02"},
		{422, `{"errorCode":"999","errorType":"validation"` + ref + `}`, "", ""}, // it may have gone further
		{422, `{"errorCode":"704","errorType":"validation"}`, "", ""},
		{422, `{"errorCode":"130","errorType":"configuration"}`, "", ""}, {422, `{"errorCode":"130","errorType":"quantum"}`, "", ""},
		{429, `{"errorType":"validation"}`, "", ""}, {500, `{"errorCode":"905","errorType":"configuration"` + ref + `}`, "", ""},
		{500, `{"errorCode":"702","errorType":"validation"}`, "", ""}, {503, ``, "", ""}, {201, answered("Authorised", ""), "", ""},
	} {
		f, err := canned(t, c.status, c.body).Start(t.Context(), sale(t, "k"))
		if c.want == "" && (err == nil || errors.Is(err, outbound.ErrNotSent)) {
			t.Errorf("%d %s: %+v, %v; want UNKNOWN", c.status, c.body, f, err)
		}
		if c.want != "" && (err != nil || f.Class != c.want || f.Code != c.code || !f.Code.Valid()) {
			t.Errorf("%d %s: %+v, %v; want %s %s", c.status, c.body, f, err, c.want, c.code)
		}
	}
	again := canned(t, 422, `{"errorCode":"130","errorType":"validation"}`, "transient-error", "true")
	if f, err := again.Start(t.Context(), sale(t, "k")); err == nil {
		t.Errorf("what may be sent again: %+v", f)
	}
}

// TestAChangeIsReceivedAndNothingMore.
func TestAChangeIsReceivedAndNothingMore(t *testing.T) {
	good := `{"merchantAccount":"ShopEU","paymentPspReference":"PSP1","pspReference":"PSP2","reference":"c-refund","status":"received","amount":{"value":1112,"currency":"EUR"}}`
	r := connector.Request{Key: "c", Amount: money.MustParse("11.12"), Currency: "EUR", Original: connector.Ref{ProviderRef: "PSP1"}}
	for name, c := range map[string]struct {
		status int
		body   string
		want   payment.Class // empty: unknown
	}{
		"received": {201, good, payment.ClassWaiting}, "another status of HTTP": {200, good, ""}, "a new status": {201, strings.Replace(good, "received", "done", 1), ""},
		"of another payment": {201, strings.Replace(good, "PSP1", "PSP3", 1), ""}, "another's": {201, strings.Replace(good, "c-refund", "d-refund", 1), ""},
		"another amount": {201, strings.Replace(good, "1112", "1113", 1), ""}, "another currency": {201, strings.Replace(good, "EUR", "USD", 1), ""},
		"no amount": {201, strings.Replace(good, "amount", "x", 1), ""}, "refused": {422, `{"errorCode":"167","errorType":"validation"}`, payment.ClassRejected},
	} {
		f, err := canned(t, c.status, c.body).(connector.Refunder).Refund(t.Context(), r)
		if (c.want == "") != (err != nil) || f.Class != c.want || f.ProviderRef != "" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	r.Original.ProviderRef = ""
	if f, err := canned(t, 201, good).(connector.Refunder).Refund(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("of a payment without a name: %+v, %v", f, err)
	}
}

func TestEveryPublishedRefusalIsKnown(t *testing.T) {
	if len(published) != 41 {
		t.Fatalf("%d codes", len(published))
	}
	for _, code := range published {
		f, err := canned(t, http.StatusOK, answered("Refused", `,"refusalReasonCode":"`+code+`"`)).Start(t.Context(), sale(t, "k"))
		if err != nil || f.Code == payment.CodeAcquirerUnmapped || !f.Code.Valid() || f.RawCode != code || !f.Class.Refused() {
			t.Errorf("%s: %+v, %v", code, f, err)
		}
	}
}

// TestAmountsAreThoseOfAdyensTable: what the double has in its books for each currency of which Adyen says something of its own.
func TestAmountsAreThoseOfAdyensTable(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL)
	for i, c := range []struct {
		amount   string
		currency money.Currency
		want     string // empty: refused before sending
	}{
		{"500", "JPY", "500"}, {"0.5", "JPY", ""}, {"5", "ISK", "500"}, {"5.5", "ISK", ""}, {"5", "UGX", "5"}, {"5", "CLP", "500"}, {"5.5", "CLP", ""},
		{"5", "CVE", "5"}, {"5.5", "CVE", ""}, {"10000", "IDR", "10000"}, {"10000.5", "IDR", ""}, {"10.45", "HUF", "1045"}, {"10.45", "TWD", "1045"}, {"5", "KRW", "5"},
		{"5.123", "KWD", "5123"}, {"5.1234", "KWD", ""}, {"5.123", "BHD", "5123"}, {"5.123", "TND", "5123"}, {"1", "IQD", ""}, {"1", "BTC", ""},
	} {
		r := sale(t, "amount-"+strconv.Itoa(i))
		r.Amount, r.Currency = money.MustParse(c.amount), c.currency
		f, err := conn.Start(t.Context(), r)
		booked := s.Booked(r.Key)
		if c.want == "" {
			if !errors.Is(err, connector.ErrIncomplete) || len(booked) != 0 {
				t.Errorf("%s %s: %+v, %v", c.amount, c.currency, f, err)
			}
			continue
		}
		if err != nil || f.Echoed != (money.Sum{Amount: r.Amount, Currency: r.Currency}) || len(booked) != 1 || booked[0].Amount != c.want {
			t.Errorf("%s %s: %+v, %v; booked %v", c.amount, c.currency, f, err, booked)
		}
	}
}

// TestWhatIsNotAdyensIsNotSent: other means, keys and credentials, and holds by BLIK.
func TestWhatIsNotAdyensIsNotSent(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL)
	for name, change := range map[string]func(*connector.Request){
		"no key": func(r *connector.Request) { r.Key = "" }, "a long key": func(r *connector.Request) { r.Key = strings.Repeat("k", 65) },
		"nothing": func(r *connector.Request) { r.Means = nil }, "no amount": func(r *connector.Request) { r.Amount = money.Amount{} },
		"a credential of another's": func(r *connector.Request) { r.Means = &instrument.Credential{Handle: "cus_1"} },
		"a hold by BLIK": func(r *connector.Request) {
			r.Means, r.Method, r.PreAuth = &instrument.Code{Digits: "777123"}, payment.Blik, true
		},
	} {
		r := sale(t, "k")
		change(&r)
		if f, err := conn.Start(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if s.Requests.Load() != 0 {
		t.Error("something was sent")
	}
}

// TestOnlyItsOwnResultGoesOn: what a customer brings back for another payment, or makes up, proves nothing.
func TestOnlyItsOwnResultGoesOn(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL)
	pages := map[string]string{}
	for _, key := range []string{"one", "two"} {
		r := sale(t, key)
		r.PreAuth, r.Means = true, connectortest.Card(t, "4212345678901237")
		f, err := conn.Start(t.Context(), r)
		if err != nil || f.Next.Kind != payment.NextGo {
			t.Fatal(f, err)
		}
		pages[key] = f.Next.URL
	}
	if f, err := resume(t, conn, "two", pages["one"], "fail"); err == nil {
		t.Errorf("by another's: %+v", f)
	}
	for range 2 {
		if f, err := resume(t, conn, "two", pages["two"], "complete"); err != nil || f.Class != payment.ClassAuthorized {
			t.Errorf("by its own: %+v, %v", f, err)
		}
	}
	for _, made := range []string{"made up", "", strings.Repeat("x", 20_001)} {
		back := payment.Brought{Query: url.Values{"redirectResult": {made}}}
		f, err := conn.(connector.Resumer).Resume(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "one"}, back)
		if err == nil && f.Class != payment.ClassUnknown {
			t.Errorf("%.10s: %+v", made, f)
		}
	}
	silent := canned(t, http.StatusOK, `{"resultCode":"Refused","pspReference":"PSP1"}`)
	if f, err := silent.(connector.Resumer).Resume(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "one"}, payment.Brought{Query: url.Values{"redirectResult": {"x"}}}); err == nil {
		t.Errorf("an answer that does not say what it is about: %+v", f)
	}
}

// TestMessagesShowNothingThatCanBeCharged, nor what customers have entered.
func TestMessagesShowNothingThatCanBeCharged(t *testing.T) {
	s := open(t)
	conn := connect(t, s.URL)
	ctx, messages := outbound.WithRecorder(t.Context())
	r := sale(t, "k")
	r.StartRecurring, r.Customer.Email = true, "jane@shop.example"
	r.Billing = payment.BillingAddress{AddressLine1: "1 High St", City: "Townsend", CountryCode: "GB", PostalCode: "AB1 2CD"}
	f, err := conn.Start(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(f.Credential, "/")
	later := sale(t, "later")
	later.Means = &instrument.Credential{Handle: f.Credential}
	if _, err := conn.Start(ctx, later); err != nil {
		t.Fatal(err)
	}
	asked := sale(t, "asked")
	asked.Means = connectortest.Card(t, "4212345678901237")
	if _, err := conn.Start(ctx, asked); err != nil {
		t.Fatal(err)
	}
	all := messages.Outgoing() + messages.Incoming()
	for _, secret := range []string{"4111111111111111", `"737"`, "JANE DOE", token, "jane@shop.example", "High St", "Townsend", "AB1 2CD", apiKey, "/threeDS/", "2035"} {
		if strings.Contains(all, secret) {
			t.Errorf("messages show %q: %s", secret, all)
		}
	}
	for _, shown := range []string{"411111***1111", "Authorised", "k-sale", "scheme"} {
		if !strings.Contains(all, shown) {
			t.Errorf("messages do not show %q: %s", shown, all)
		}
	}
}

func TestSettingsSayWhereAdyenIs(t *testing.T) {
	for settings, want := range map[string]string{
		`{"apiKey":"x","merchantAccount":"M"}`:                                   "https://checkout-test.adyen.com/v72",
		`{"apiKey":"x","merchantAccount":"M","livePrefix":"1797a-Shop"}`:         "https://1797a-Shop-checkout-live.adyenpayments.com/checkout/v72",
		`{"apiKey":"x","merchantAccount":"M","livePrefix":"a.b/"}`:               "",
		`{"apiKey":"x","merchantAccount":"M","livePrefix":"a","url":"http://x"}`: "",
		`{"apiKey":"x","merchantAccount":"M","hmacKey":"xyz"}`:                   "",
		`{"apiKey":"x","merchantAccount":"M","hmacKey":"00"}`:                    "",
		`{"apiKey":"x","merchantAccount":"M","threeDSecure":"never"}`:            "",
		`{"apiKey":"x"}`: "",
	} {
		config, err := adyen.Type().Parse(json.RawMessage(settings))
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken", settings)
			}
			continue
		}
		if err != nil || config.Addresses()[0] != want {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

func TestProbeAsksAndMovesNothing(t *testing.T) {
	s := open(t)
	if err := connect(t, s.URL).(connector.Prober).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	wrong := openWith(t, strings.Replace(string(settingsFor(s.URL)), account, "Another", 1))
	if err := wrong.(connector.Prober).Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "not accepted") {
		t.Error(err)
	}
	if len(s.Books()) != 0 {
		t.Error(s.Books())
	}
}
