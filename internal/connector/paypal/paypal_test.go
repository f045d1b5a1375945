package paypal_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/paypal"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/paypal"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// connect opens the connector on the double, with more settings.
func connect(t testing.TB, s *server, more ...string) connector.Connector {
	t.Helper()
	settings := string(settingsFor(s.URL))
	for _, m := range more {
		settings = strings.TrimSuffix(settings, "}") + "," + m + "}"
	}
	config, err := paypal.Type().Parse([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: s.Now, Loggable: paypal.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: s.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sale(t testing.TB, key string) connector.Request {
	t.Helper()
	return connector.Request{
		Key: key, Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard, Means: connectortest.Card(t, "4242424242424242"),
		ReturnURL: "https://shop.example/back", Customer: payment.Customer{FirstName: "Jane", LastName: "Doe", Email: "jane@shop.example"},
	}
}

func follow(key string, of connector.Request, f payment.Fact) connector.Request {
	return connector.Request{Key: key, Amount: of.Amount, Currency: of.Currency, Original: connector.Ref{Key: of.Key, ProviderRef: f.ProviderRef}}
}

func refOf(r connector.Request, kind payment.AttemptKind, f payment.Fact) connector.Ref {
	return connector.Ref{
		Kind: kind, Key: r.Key, ProviderRef: f.ProviderRef, Amount: r.Amount, Currency: r.Currency, Started: time.Now(),
		Of: connector.Original{Key: r.Original.Key, ProviderRef: r.Original.ProviderRef},
	}
}

// canned answers every question with one body, and the rest by the double.
func canned(t *testing.T, body string) connector.Connector {
	t.Helper()
	s := open(t)
	inner := s.Handler()
	s.RequestsTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			inner.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	return connect(t, s)
}

const orderID = "5O190127TN364715T"

func orderJSON(status, more string) string {
	return fmt.Sprintf(`{"id":%q,"status":%q,"intent":"CAPTURE","purchase_units":[{"reference_id":"default","custom_id":"k","amount":{"currency_code":"EUR","value":"11.12"}%s}]}`, orderID, status, more)
}

// TestAmountsAreThoseOfPayPalsTable, written with the decimals that it wants.
func TestAmountsAreThoseOfPayPalsTable(t *testing.T) {
	t.Parallel()
	s := open(t)
	conn := connect(t, s)
	for i, c := range []struct {
		amount, currency, want string // empty: refused before anything is sent
	}{
		{"11.12", "EUR", "11.12"}, {"0.01", "USD", "0.01"}, {"5", "PLN", "5.00"}, {"1234567.1", "GBP", "1234567.10"}, {"0.001", "EUR", ""},
		{"5", "JPY", "5"}, {"5.5", "JPY", ""}, {"100", "HUF", "100"}, {"100.5", "HUF", ""}, {"7", "TWD", "7"}, {"7.1", "TWD", ""},
		{"5", "ISK", ""}, {"5", "CLP", ""}, {"5", "IDR", ""}, {"5", "UGX", ""}, {"5", "KWD", ""}, {"5", "KRW", ""}, {"1", "BTC", ""},
		{"999999999999999.99", "EUR", "999999999999999.99"}, {"1000000000000000", "EUR", ""},
	} {
		r := sale(t, fmt.Sprintf("amount-%d", i))
		r.Amount, r.Currency = money.MustParse(c.amount), money.Currency(c.currency)
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

// TestEveryPublishedStateOfAnOrder, one that was never published, and amounts that prove nothing.
func TestEveryPublishedStateOfAnOrder(t *testing.T) {
	t.Parallel()
	movement := func(list, status, more string) string {
		return fmt.Sprintf(`,"payments":{%q:[{"id":"2GG279541U471931P","status":%q,"custom_id":"k","invoice_id":"k","amount":{"currency_code":"EUR","value":"11.12"}%s}]}`, list, status, more)
	}
	unknown := payment.Class("")
	for _, c := range []struct {
		name, body string
		want       payment.Class
	}{
		{"created", orderJSON("CREATED", ""), payment.ClassWaiting},
		{"saved", orderJSON("SAVED", ""), payment.ClassWaiting},
		{"approved", orderJSON("APPROVED", ""), payment.ClassWaiting},
		{"payer action", orderJSON("PAYER_ACTION_REQUIRED", ""), payment.ClassWaiting},
		{"voided", orderJSON("VOIDED", ""), payment.ClassRejected},
		{"completed without anything", orderJSON("COMPLETED", ""), unknown},
		{"new status", orderJSON("QUANTUM", ""), unknown},
		{"new status, paid", orderJSON("QUANTUM", movement("captures", "COMPLETED", "")), unknown},
		{"capture completed", orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), payment.ClassApproved},
		{"capture refunded", orderJSON("COMPLETED", movement("captures", "REFUNDED", "")), payment.ClassApproved},
		{"capture refunded in part", orderJSON("COMPLETED", movement("captures", "PARTIALLY_REFUNDED", "")), payment.ClassApproved},
		{"capture pending", orderJSON("COMPLETED", movement("captures", "PENDING", `,"status_details":{"reason":"ECHECK"}`)), payment.ClassWaiting},
		{"capture declined", orderJSON("COMPLETED", movement("captures", "DECLINED", "")), payment.ClassDeclinedHard},
		{"capture declined, softly", orderJSON("COMPLETED", movement("captures", "DECLINED", `,"processor_response":{"response_code":"0500"}`)), payment.ClassDeclinedSoft},
		{"and the scheme says never", orderJSON("COMPLETED", movement("captures", "DECLINED", `,"processor_response":{"response_code":"0500","payment_advice_code":"03"}`)), payment.ClassDeclinedHard},
		{"capture failed", orderJSON("COMPLETED", movement("captures", "FAILED", "")), payment.ClassDeclinedHard},
		{"capture of a new status", orderJSON("COMPLETED", movement("captures", "QUANTUM", "")), unknown},
		{"held", orderJSON("COMPLETED", movement("authorizations", "CREATED", "")), payment.ClassAuthorized},
		{"hold pending", orderJSON("COMPLETED", movement("authorizations", "PENDING", "")), payment.ClassWaiting},
		{"hold denied", orderJSON("COMPLETED", movement("authorizations", "DENIED", "")), payment.ClassDeclinedHard},
		{"hold voided", orderJSON("COMPLETED", movement("authorizations", "VOIDED", "")), payment.ClassCancelled},
		{"hold of a new status", orderJSON("COMPLETED", movement("authorizations", "EXPIRED", "")), unknown},
		{"no amount", strings.Replace(orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), `"11.12"`, `"-1"`, 1), unknown},
		{"nought", strings.ReplaceAll(orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), `"11.12"`, `"0.00"`), unknown},
		{"too many decimals", strings.ReplaceAll(orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), `"11.12"`, `"11.125"`), unknown},
		{"no currency", strings.ReplaceAll(orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), `"EUR"`, `"QQQ"`), unknown},
		{"another order", strings.Replace(orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), orderID, "5O190127TN364715X", 1), unknown},
		{"of another key", strings.ReplaceAll(orderJSON("COMPLETED", movement("captures", "COMPLETED", "")), `"custom_id":"k"`, `"custom_id":"K"`), unknown},
		{"two units", strings.Replace(orderJSON("CREATED", ""), `[{`, `[{},{`, 1), unknown},
	} {
		f, err := canned(t, c.body).Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: orderID})
		if c.want == unknown && err == nil || c.want != unknown && (err != nil || f.Class != c.want || f.ProviderRef != orderID || !f.Code.Valid() && f.Code != "") {
			t.Errorf("%s: %+v, %v; want %q", c.name, f, err, c.want)
		}
	}
}

// TestAnOrderIsTakenAsPayPalAdvises after the holder of its card was asked.
func TestAnOrderIsTakenAsPayPalAdvises(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		enrolled, status, shift string
		want                    string // take, refuse, wait
	}{
		{"Y", "Y", "POSSIBLE", "take"}, {"Y", "Y", "YES", "take"}, {"Y", "A", "POSSIBLE", "take"}, {"Y", "N", "NO", "refuse"}, {"Y", "R", "NO", "refuse"},
		{"Y", "N", "POSSIBLE", "refuse"}, {"Y", "U", "UNKNOWN", "refuse"}, {"Y", "U", "NO", "refuse"}, {"Y", "C", "UNKNOWN", "wait"}, {"Y", "D", "UNKNOWN", "wait"},
		{"Y", "", "NO", "refuse"}, {"N", "", "NO", "take"}, {"U", "", "NO", "take"}, {"U", "", "UNKNOWN", "refuse"}, {"B", "", "NO", "take"}, {"", "", "UNKNOWN", "refuse"},
		{"Y", "Q", "UNKNOWN", "refuse"}, {"Y", "Y", "QUANTUM", "refuse"},
	} {
		s := open(t)
		var taken int
		source := fmt.Sprintf(`,"payment_source":{"card":{"authentication_result":{"liability_shift":%q,"three_d_secure":{"enrollment_status":%q,"authentication_status":%q}}}}}`, c.shift, c.enrolled, c.status)
		body := strings.TrimSuffix(orderJSON("APPROVED", ""), "}") + source
		inner := s.Handler()
		s.RequestsTo(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case prepares(r):
				inner.ServeHTTP(w, r)
			case r.Method == http.MethodPost:
				taken++
				w.WriteHeader(http.StatusInternalServerError)
			default:
				fmt.Fprint(w, body)
			}
		}))
		f, err := connect(t, s).(connector.Resumer).Resume(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: orderID}, payment.Brought{})
		got := "take"
		switch {
		case taken == 0 && err == nil && f.Class == payment.ClassDeclinedHard && strings.HasPrefix(string(f.Code), "5.0"):
			got = "refuse"
		case taken == 0 && err == nil && f.Class == payment.ClassWaiting:
			got = "wait"
		case taken != 1 || err == nil:
			got = fmt.Sprintf("%+v, %v", f, err)
		}
		if got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestStatusTakesNothing: only whoever asks about a live attempt has it taken.
func TestStatusTakesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	conn := connect(t, s)
	r := sale(t, "k")
	r.Means = connectortest.Card(t, "4868719460707704")
	f, err := conn.Start(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	s.Finish("k", true)
	ref := refOf(r, payment.AttemptDeposit, f)
	if f, err := conn.Status(t.Context(), ref); err != nil || f.Class != payment.ClassWaiting || len(s.Booked("k")) != 0 {
		t.Errorf("%+v, %v, %v", f, err, s.Booked("k"))
	}
	for range 3 {
		if f, err := conn.(connector.Resumer).Resume(t.Context(), ref, payment.Brought{}); err != nil || f.Class != payment.ClassApproved || len(s.Booked("k")) != 1 {
			t.Errorf("%+v, %v, %v", f, err, s.Booked("k"))
		}
	}
}

// TestWhatIsClosedIsNeverTaken, even where the request that takes it is still under way.
func TestWhatIsClosedIsNeverTaken(t *testing.T) {
	t.Parallel()
	for _, approved := range []bool{false, true} {
		for _, hold := range []bool{false, true} {
			s := open(t)
			conn := connect(t, s)
			r := sale(t, "k")
			r.Means, r.PreAuth = connectortest.Card(t, "4868719460707704"), hold
			f, err := conn.Start(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			ref := refOf(r, payment.AttemptDeposit, f)
			if approved {
				s.Finish("k", true)
			}
			for range 2 {
				if f, err := conn.(connector.Fencer).Fence(t.Context(), ref); err != nil || f.Class != payment.ClassRejected {
					t.Fatalf("%+v, %v", f, err)
				}
			}
			if !approved {
				continue // nobody asks for what was closed
			}
			// what a process that died has left on the way
			late, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v2/checkout/orders/"+f.ProviderRef+map[bool]string{false: "/capture", true: "/authorize"}[hold], strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			late.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token(t, s)}, "Paypal-Request-Id": {"k-take"}}
			res, err := http.DefaultClient.Do(late)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusUnprocessableEntity || len(s.Booked("k")) != 0 {
				t.Errorf("status %d, booked %v", res.StatusCode, s.Booked("k"))
			}
			if f, err := conn.(connector.Resumer).Resume(t.Context(), ref, payment.Brought{}); err != nil || !f.Class.Refused() {
				t.Errorf("%+v, %v", f, err)
			}
		}
	}
}

func token(t *testing.T, s *server) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/oauth2/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	q.SetBasicAuth(clientID, clientSecret)
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(body.String(), `"access_token":"`)
	found, _, _ := strings.Cut(rest, `"`)
	return found
}

// TestARequestIDIsUsedUpOnlyWhilePayPalRemembersIt: later the same id is a new one, and what is made under it proves nothing.
func TestARequestIDIsUsedUpOnlyWhilePayPalRemembersIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	conn := connect(t, s)
	r := sale(t, "k")
	if _, err := conn.Start(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	ref := refOf(r, payment.AttemptDeposit, payment.Fact{})
	if f, err := conn.(connector.Fencer).Fence(t.Context(), ref); err != nil || f.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", f, err)
	}
	before := s.Requests.Load()
	for _, age := range []time.Duration{5 * time.Hour, 7 * time.Hour, 30 * 24 * time.Hour} {
		old := ref
		old.Started = s.Now().Add(-age)
		if f, err := conn.(connector.Fencer).Fence(t.Context(), old); err != nil || f.Class != payment.ClassUnknown || f.NotFound {
			t.Errorf("%s: %+v, %v", age, f, err)
		}
	}
	ref.Started = time.Time{}
	if f, err := conn.(connector.Fencer).Fence(t.Context(), ref); err != nil || f.Class != payment.ClassUnknown || s.Requests.Load() != before {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestATokenThatIsRefusedIsFetchedAnew with the next call, and one that cannot be had leaves nothing sent.
func TestATokenThatIsRefusedIsFetchedAnew(t *testing.T) {
	t.Parallel()
	s := open(t)
	conn := connect(t, s)
	s.Strike(frame.Fault{Op: double.OpCreate, Kind: frame.Unauthorized})
	if f, err := conn.Start(t.Context(), sale(t, "one")); err != nil || f.Class != payment.ClassRejected {
		t.Errorf("%+v, %v", f, err)
	}
	for i, kind := range []frame.Kind{frame.Drop, frame.ServerError, frame.Garbage, frame.Elsewhere, frame.Empty, frame.Unauthorized} {
		s.Strike(frame.Fault{Op: double.OpToken, Kind: kind})
		conn = connect(t, s)
		f, err := conn.Start(t.Context(), sale(t, fmt.Sprintf("two-%d", i)))
		if !errors.Is(err, outbound.ErrNotSent) || errors.Is(err, outbound.ErrOurs) {
			t.Errorf("%s: %+v, %v", kind, f, err)
		}
	}
	if f, err := conn.Start(t.Context(), sale(t, "three")); err != nil || f.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestWhatPayPalDoesNotTakeIsNotSent.
func TestWhatPayPalDoesNotTakeIsNotSent(t *testing.T) {
	t.Parallel()
	s := open(t)
	conn := connect(t, s)
	for name, change := range map[string]func(*connector.Request){
		"no key":            func(r *connector.Request) { r.Key = "" },
		"a key with spaces": func(r *connector.Request) { r.Key = "a b" },
		"no amount":         func(r *connector.Request) { r.Amount = money.Amount{} },
		"no means":          func(r *connector.Request) { r.Means = nil },
		"a foreign handle":  func(r *connector.Request) { r.Means = &instrument.Credential{Handle: "a/b"} },
		"BLIK in euros":     func(r *connector.Request) { r.Method, r.Means = payment.Blik, &instrument.Code{Digits: "777123"} },
		"BLIK of nobody": func(r *connector.Request) {
			r.Method, r.Currency, r.Means, r.Customer = payment.Blik, "PLN", &instrument.Code{Digits: "777123"}, payment.Customer{}
		},
		"BLIK that is a hold": func(r *connector.Request) {
			r.Method, r.Currency, r.PreAuth, r.Means = payment.Blik, "PLN", true, &instrument.Code{Digits: "777123"}
		},
	} {
		r := sale(t, "k")
		change(&r)
		if f, err := conn.Start(t.Context(), r); !errors.Is(err, connector.ErrIncomplete) || s.Requests.Load() != 0 {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for kind, call := range map[string]func(connector.Request) (payment.Fact, error){
		"capture": func(r connector.Request) (payment.Fact, error) {
			return conn.(connector.Capturer).Capture(t.Context(), r)
		},
		"void": func(r connector.Request) (payment.Fact, error) { return conn.(connector.Voider).Void(t.Context(), r) },
		"refund": func(r connector.Request) (payment.Fact, error) {
			return conn.(connector.Refunder).Refund(t.Context(), r)
		},
	} {
		if f, err := call(follow("k", sale(t, "of"), payment.Fact{})); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s of what has no name: %+v, %v", kind, f, err)
		}
	}
}

// TestFeesAreTold where PayPal has them.
func TestFeesAreTold(t *testing.T) {
	t.Parallel()
	f, err := connect(t, open(t)).Start(t.Context(), sale(t, "k"))
	if err != nil || f.Fee.Amount != money.MustParse("0.72") || f.Settled.Amount != money.MustParse("10.4") || f.Fee.Currency != "EUR" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestSettingsThatContradict are refused, and none of their values is repeated.
func TestSettingsThatContradict(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{"clientId":"a:topsecret","clientSecret":"s"}`, `{"clientId":"a","clientSecret":"top secret"}`, `{"clientId":"a"}`,
		`{"clientId":"a","clientSecret":"s","webhookId":"topsecret/"}`, `{"clientId":"a","clientSecret":"s","threeDSecure":"topsecret"}`,
		`{"clientId":"a","clientSecret":"s","sandbox":true,"url":"https://topsecret.example"}`, `{"clientId":"a","clientSecret":"s","timeoutMs":30001}`,
	} {
		if _, err := paypal.Type().Parse([]byte(raw)); err == nil || strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "top secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
	c, err := paypal.Type().Parse([]byte(`{"clientId":"a","clientSecret":"s","sandbox":true,"webhookId":"w"}`))
	if err != nil || strings.Join(c.Addresses(), " ") != "https://api-m.sandbox.paypal.com https://api.sandbox.paypal.com" {
		t.Error(c, err)
	}
}

// TestProbeAsksAndMovesNothing.
func TestProbeAsksAndMovesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := connect(t, s).(connector.Prober).Probe(t.Context()); err != nil || s.Requests.Load() != 0 {
		t.Error(err)
	}
	s.Strike(frame.Fault{Op: double.OpQuery, Kind: frame.Unauthorized})
	if err := connect(t, s).(connector.Prober).Probe(t.Context()); err == nil || strings.Contains(err.Error(), clientSecret) {
		t.Error(err)
	}
}
