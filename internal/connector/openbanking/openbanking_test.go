package openbanking_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/openbanking"
	double "github.com/sluicepay/sluice/internal/double/openbanking"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// key is one of the engine's form.
func key(n int) string { return fmt.Sprintf("7e57ab1e-%032x-1", n+0xabcdef) }

func sale(n int) connector.Request {
	return connector.Request{
		Key: key(n), Amount: money.MustParse("11.12"), Currency: "GBP", Method: payment.OpenBanking, ReturnURL: "https://pay.shop.example/payment/token/return",
	}
}

func refOf(q connector.Request, page string) connector.Ref {
	return connector.Ref{Kind: payment.AttemptDeposit, Key: q.Key, Amount: q.Amount, Currency: q.Currency, Started: time.Now(), Page: page}
}

// canned begins a payment at the double, and has the API answer every request with one body from then on.
func canned(t *testing.T, status int, body func(consent string) string) (*openbanking.OpenBanking, connector.Ref) {
	t.Helper()
	s := open(t)
	conn := s.connect(t, s.URL)
	f, err := conn.Start(t.Context(), sale(1))
	if err != nil {
		t.Fatal(err)
	}
	whole := s.Handler()
	s.RequestsTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, double.Base) {
			whole.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body("consent-2"))
	}))
	return conn, refOf(sale(1), f.Next.URL)
}

func resource(consent, more, status string) string {
	return `{"Data":{"ConsentId":"` + consent + `",` + more + `"Status":"` + status + `","Initiation":{"InstructionIdentification":"` + said(key(1)) +
		`","InstructedAmount":{"Amount":"11.12","Currency":"GBP"}}}}`
}

func TestEveryPublishedStateOfAPayment(t *testing.T) {
	for status, want := range map[string]payment.Class{
		"RCVD": payment.ClassWaiting, "PDNG": payment.ClassWaiting, "ACTC": payment.ClassWaiting, "PATC": payment.ClassWaiting, "ACCP": payment.ClassWaiting,
		"ACFC": payment.ClassWaiting, "ACSP": payment.ClassWaiting, "ACWC": payment.ClassWaiting, "ACWP": payment.ClassWaiting, "BLCK": payment.ClassWaiting,
		"ACSC": payment.ClassApproved, "ACCC": payment.ClassApproved, "RJCT": payment.ClassDeclinedHard, "QNTM": "", "": "", "acsc": "", "CANC": "",
		"AcceptedSettlementCompleted": "",
	} {
		conn, ref := canned(t, http.StatusOK, func(consent string) string { return resource(consent, `"DomesticPaymentId":"p-1",`, status) })
		ref.ProviderRef = "bank.p-1"
		f, err := conn.Status(t.Context(), ref)
		if (want == "") != (err != nil) || f.Class != want || want == payment.ClassWaiting && f.Next.Kind != payment.NextDone {
			t.Errorf("%q: %+v, %v; want %s", status, f, err, want)
		}
	}
}

func TestEveryPublishedStateOfAConsent(t *testing.T) {
	for status, want := range map[string]payment.Class{
		"AWAU": payment.ClassWaiting, "AUTH": payment.ClassWaiting, "COND": payment.ClassUnknown, "RJCT": payment.ClassDeclinedHard, "EXPD": "", "": "",
	} {
		conn, ref := canned(t, http.StatusOK, func(consent string) string { return resource(consent, "", status) })
		f, err := conn.Status(t.Context(), ref)
		if (want == "") != (err != nil) || f.Class != want || f.NotFound || (status == "AWAU") != f.Next.Leads() {
			t.Errorf("%q: %+v, %v; want %s", status, f, err, want)
		}
		ref.Started = ref.Started.Add(-3 * time.Hour)
		if f, err := conn.Status(t.Context(), ref); (status == "AUTH") != f.NotFound || (status == "AWAU") != (f.Class == payment.ClassRejected) {
			t.Errorf("%q, long after: %+v, %v", status, f, err)
		}
	}
}

// TestWhatErrorsProve of a question: nothing, but that a consent is not there which nobody can authorise any more.
func TestWhatErrorsProve(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
	}{{400, "U011"}, {400, "U002"}, {400, ""}, {401, "U011"}, {403, "U028"}, {404, "U011"}, {409, "U029"}, {429, ""}, {500, "U000"}, {503, ""}} {
		conn, ref := canned(t, c.status, func(string) string { return `{"Errors":[{"ErrorCode":"` + c.code + `"}]}` })
		if f, err := conn.Status(t.Context(), ref); err == nil {
			t.Errorf("%d %s: %+v", c.status, c.code, f)
		}
		ref.Started = ref.Started.Add(-3 * time.Hour)
		if f, err := conn.Status(t.Context(), ref); (err == nil && f.NotFound) != (c.status == 400 && c.code == "U011") {
			t.Errorf("%d %s, long after: %+v, %v", c.status, c.code, f, err)
		}
	}
}

// TestCustomersAreSentWithASignedRequest to the bank that they chose, and back to the registered address.
func TestCustomersAreSentWithASignedRequest(t *testing.T) {
	s := open(t)
	second := strings.Replace(string(s.settings(s.URL)), `"banks":[`, `"banks":[{"id":"other","name":"Another","url":"http://127.0.0.1:1","tokenUrl":"http://127.0.0.1:1","authorizeUrl":"http://127.0.0.1:1","issuer":"x","clientId":"x"},`, 1)
	config, err := openbanking.Type().Parse([]byte(strings.TrimSuffix(second, "}") + `,"returnUrl":"https://pay.shop.example/payment/back"}`))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	t.Cleanup(client.CloseIdle)
	opened, err := config.Open(connector.Deps{Client: client, Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	conn := opened.(*openbanking.OpenBanking)
	banks, err := conn.Banks(t.Context(), connector.Choice{Method: payment.OpenBanking, Currency: "GBP"})
	if err != nil || len(banks) != 2 || banks[0].ID != "other" || banks[1].Name != "A bank" {
		t.Errorf("%v, %v", banks, err)
	}
	q := sale(1)
	for name, change := range map[string]func(){
		"none was chosen": func() {}, "one that is not there": func() { q.Means = &instrument.Bank{ID: "nobody"} },
	} {
		if change(); err == nil {
			if f, err := conn.Start(t.Context(), q); !errors.Is(err, connector.ErrIncomplete) {
				t.Errorf("%s: %+v, %v", name, f, err)
			}
		}
		q = sale(1)
	}
	q.Means = &instrument.Bank{ID: "bank"}
	f, err := conn.Start(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	to, err := s.Decide(f.Next.URL, true) // which verifies the request
	u, failed := url.Parse(to)
	if errors.Join(err, failed) != nil || u.Host != "pay.shop.example" || u.Path != "/payment/back" || u.Query().Get("state") != "token" || u.Query().Get("code") == "" {
		t.Errorf("sent back to %s, %v", to, err)
	}
	if f, err := conn.Resume(t.Context(), refOf(q, f.Next.URL), payment.Brought{Form: u.Query()}); err != nil || f.ProviderRef == "" || s.Stands(said(q.Key)) != "RCVD" {
		t.Errorf("by form: %+v, %v", f, err)
	}
	for _, page := range []string{strings.Replace(f.Next.URL, "request=", "requests=", 1), strings.Replace(f.Next.URL, "/authorize", "/elsewhere", 1), "", ":"} {
		if f, err := conn.Resume(t.Context(), refOf(q, page), payment.Brought{Query: u.Query()}); err != nil || !f.NotFound {
			t.Errorf("%q: %+v, %v", page, f, err)
		}
	}
}

// TestOnlyWhatWasNotSentIsClosed: before the customer has agreed. Later it is asked about.
func TestOnlyWhatWasNotSentIsClosed(t *testing.T) {
	s := open(t)
	conn := s.connect(t, s.URL)
	if f, err := conn.Fence(t.Context(), refOf(sale(1), "")); err != nil || f.Class != payment.ClassRejected {
		t.Errorf("nobody was sent to a bank: %+v, %v", f, err)
	}
	f, err := conn.Start(t.Context(), sale(2))
	if err != nil {
		t.Fatal(err)
	}
	ref := refOf(sale(2), f.Next.URL)
	if f, err := conn.Fence(t.Context(), ref); err != nil || f.Class != payment.ClassRejected {
		t.Errorf("the customer has not agreed: %+v, %v", f, err)
	}
	back, err := s.back(f.Next.URL, true)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := conn.Fence(t.Context(), ref); err != nil || f.Class != payment.ClassWaiting {
		t.Errorf("the customer has agreed: %+v, %v", f, err)
	}
	if f, err := conn.Resume(t.Context(), ref, back); err != nil || f.Class != payment.ClassWaiting {
		t.Fatalf("%+v, %v", f, err)
	}
	if f, err := conn.Fence(t.Context(), ref); err != nil || f.Class != payment.ClassWaiting || f.ProviderRef == "" {
		t.Errorf("it was sent: %+v, %v", f, err)
	}
	ref.Page = "https://elsewhere.example/"
	if f, err := conn.Fence(t.Context(), ref); err != nil || !f.NotFound {
		t.Errorf("at a bank that is not in the settings any more: %+v, %v", f, err)
	}
}

// TestACodeOfAnotherPaymentPaysNothing: what a browser brings is not believed.
func TestACodeOfAnotherPaymentPaysNothing(t *testing.T) {
	s := open(t)
	conn := s.connect(t, s.URL)
	one, err := conn.Start(t.Context(), sale(1))
	if err != nil {
		t.Fatal(err)
	}
	two, err := conn.Start(t.Context(), sale(2))
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.back(one.Next.URL, true)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := conn.Resume(t.Context(), refOf(sale(2), two.Next.URL), back); err == nil && f.Class != payment.ClassUnknown || s.Stands(said(key(2))) != "" {
		t.Errorf("%+v, %v", f, err)
	}
	for name, brought := range map[string]url.Values{"an invented code": {"code": {"x"}}, "nothing": {}, "another error": {"error": {"server_error"}}} {
		if f, err := conn.Resume(t.Context(), refOf(sale(2), two.Next.URL), payment.Brought{Query: brought}); err == nil && f.Class != payment.ClassWaiting && f.Class != payment.ClassUnknown {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestSettingsTellAllTheirFaultsAndNoSecret(t *testing.T) {
	_, err := openbanking.Type().Parse([]byte(`{"banks":[{"id":"a b","name":"","url":"x","tokenUrl":"y","authorizeUrl":"z","issuer":"","clientId":""}],"account":{"number":"1","name":""},
		"signer":"","keyId":"","signingKey":"topsecret","certificate":"topsecret","authorities":"topsecret","returnUrl":"x","timeoutMs":-1}`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"banks[0].id", "banks[0].name", "banks[0].url", "banks[0].tokenUrl", "banks[0].authorizeUrl", "banks[0].issuer", "banks[0].clientId", "account", "signer", "keyId",
		"signingKey", "certificate", "authorities", "returnUrl", "timeoutMs"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
	if strings.Contains(err.Error(), "topsecret") {
		t.Error("a secret is shown: ", err)
	}
}

// TestWithoutASigningKeyNothingIsSent, and that is said.
func TestWithoutASigningKeyNothingIsSent(t *testing.T) {
	config, err := openbanking.Type().Parse(openbanking.Type().Sample())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	t.Cleanup(client.CloseIdle)
	opened, err := config.Open(connector.Deps{Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	conn := opened.(*openbanking.OpenBanking)
	if f, err := conn.Start(t.Context(), sale(1)); !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("%+v, %v", f, err)
	}
	if err := conn.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "signingKey") {
		t.Error(err)
	}
}
