package payu_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/payu"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/payu"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

func connect(t testing.TB, s *server, url string) connector.Connector {
	t.Helper()
	config, err := payu.Type().Parse(s.settings(url))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: payu.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	conn, err := config.Open(connector.Deps{Client: client, Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

var keys atomic.Int64

func key() string { return fmt.Sprintf("7e57ab1e-%032x-1", keys.Add(1)) }

// sale is a request for 11.12 PLN by BLIK.
func sale() connector.Request {
	return connector.Request{
		Key: key(), Amount: money.MustParse("11.12"), Currency: "PLN", Method: payment.Blik, Means: &instrument.Code{Digits: "777123"},
		ReturnURL: "https://shop.example/back", NoticeURL: "https://pay.example/notices/1", Customer: payment.Customer{Email: "jan@shop.example", FirstName: "Jan", LastName: "Żuk"},
		Browser: payment.Browser{IP: "203.0.113.7", UserAgent: "Mozilla/5.0"},
	}
}

func refOf(q *connector.Request, name string) connector.Ref {
	return connector.Ref{Kind: payment.AttemptDeposit, Key: q.Key, ProviderRef: name, Amount: q.Amount, Currency: q.Currency, Started: time.Now()}
}

// canned answers everything with these bytes.
func canned(t *testing.T, answers map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, is := answers[r.Method+" "+r.URL.Path]
		if !is {
			text = answers["*"]
		}
		status, body, _ := strings.Cut(text, " ")
		code := http.StatusTeapot
		_, _ = fmt.Sscan(status, &code)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestEveryPublishedState of an order, and what is none.
func TestEveryPublishedState(t *testing.T) {
	order := func(state, amount, currency, ext string) string {
		return `200 {"orders":[{"orderId":"O1","extOrderId":"` + ext + `","status":"` + state + `","totalAmount":"` + amount + `","currencyCode":"` + currency + `"}],"status":{"statusCode":"SUCCESS"}}`
	}
	for name, c := range map[string]struct {
		query, reasons string
		want           payment.Class
		code           payment.ErrorCode
	}{
		"new":                      {order("NEW", "1112", "PLN", "k"), "", payment.ClassWaiting, ""},
		"pending":                  {order("PENDING", "1112", "PLN", "k"), "", payment.ClassWaiting, ""},
		"completed":                {order("COMPLETED", "1112", "PLN", "k"), "", payment.ClassApproved, ""},
		"canceled":                 {order("CANCELED", "1112", "PLN", "k"), "404 {}", payment.ClassCancelled, payment.CodeTimeout},
		"canceled for no reason":   {order("CANCELED", "1112", "PLN", "k"), `200 {"transactions":[{}]}`, payment.ClassCancelled, payment.CodeTimeout},
		"canceled for a reason":    {order("CANCELED", "1112", "PLN", "k"), `200 {"transactions":[{"resultCode":"AUT_ERROR_INSUFFICIENT_FUNDS"}]}`, payment.ClassDeclinedHard, "4.01"},
		"canceled for a limit":     {order("CANCELED", "1112", "PLN", "k"), `200 {"transactions":[{"resultCode":"AUT_ERROR_LIMIT_EXCEEDED"}]}`, payment.ClassDeclinedHard, "4.05"},
		"canceled, not allowed":    {order("CANCELED", "1112", "PLN", "k"), `200 {"transactions":[{"resultCode":"AUT_ERROR_MIT_NOT_ALLOWED"}]}`, payment.ClassDeclinedHard, "4.10"},
		"canceled, an old code":    {order("CANCELED", "1112", "PLN", "k"), `200 {"transactions":[{"resultCode":"REG_ERROR_AUTH_CODE_EXPIRED"}]}`, payment.ClassDeclinedSoft, "3.02"},
		"canceled for a new one":   {order("CANCELED", "1112", "PLN", "k"), `200 {"transactions":[{"resultCode":"AUT_ERROR_QUANTUM"}]}`, payment.ClassDeclinedHard, payment.CodeAcquirerUnmapped},
		"waiting, and not to take": {order("WAITING_FOR_CONFIRMATION", "1112", "PLN", "k"), "", payment.ClassWaiting, ""},
		"waiting with less":        {order("WAITING_FOR_CONFIRMATION", "1111", "PLN", "k"), "", payment.ClassUnknown, ""},
		"a new state":              {order("QUANTUM", "1112", "PLN", "k"), "", payment.ClassUnknown, ""},
		"another's":                {order("COMPLETED", "1112", "PLN", "K"), "", payment.ClassUnknown, ""},
		"no amount":                {order("COMPLETED", "", "PLN", "k"), "", payment.ClassUnknown, ""},
		"a broken amount":          {order("COMPLETED", "11.12", "PLN", "k"), "", payment.ClassUnknown, ""},
		"a currency of its own":    {order("COMPLETED", "1112", "JPY", "k"), "", payment.ClassUnknown, ""},
		"nothing":                  {`200 {"orders":[]}`, "", payment.ClassUnknown, ""},
		"not found":                {`404 {"status":{"statusCode":"DATA_NOT_FOUND"}}`, "", payment.ClassUnknown, ""},
	} {
		s := open(t, false)
		url := canned(t, map[string]string{"GET /api/v2_1/orders/O1": c.query, "GET /api/v2_1/orders/O1/transactions": c.reasons})
		ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k", ProviderRef: "O1", Amount: money.MustParse("11.12"), Currency: "PLN"}
		fact, err := connect(t, s, url).Status(t.Context(), ref)
		if err != nil {
			fact = payment.Fact{Class: payment.ClassUnknown}
		}
		if fact.Class != c.want || fact.Code != c.code || fact.NotFound {
			t.Errorf("%s: %+v, %v; want %s %s", name, fact, err, c.want, c.code)
		}
	}
}

// TestEveryPublishedError of an order: what was refused, and what says nothing.
func TestEveryPublishedError(t *testing.T) {
	for answer, want := range map[string]payment.Class{
		`400 ERROR_SYNTAX`: payment.ClassRejected, `400 ERROR_VALUE_INVALID`: payment.ClassRejected, `400 ERROR_VALUE_MISSING`: payment.ClassRejected, `400 BUSINESS_ERROR`: payment.ClassRejected,
		`401 UNAUTHORIZED`: payment.ClassRejected, `403 UNAUTHORIZED_REQUEST`: payment.ClassRejected, `403 ERROR_VALUE_INVALID`: payment.ClassRejected,
		`400 ERROR_ORDER_NOT_UNIQUE`: payment.ClassUnknown, `400 ERROR_INTERNAL`: payment.ClassUnknown, `400 QUANTUM`: payment.ClassUnknown, `404 DATA_NOT_FOUND`: payment.ClassUnknown, `408 TIMEOUT`: payment.ClassUnknown,
		`500 BUSINESS_ERROR`: payment.ClassUnknown, `500 ERROR_INTERNAL`: payment.ClassUnknown, `500 GENERAL_ERROR`: payment.ClassUnknown, `500 WARNING`: payment.ClassUnknown, `503 SERVICE_NOT_AVAILABLE`: payment.ClassUnknown,
		`200 ERROR_VALUE_INVALID`: payment.ClassUnknown, `302 WARNING_CONTINUE_CVV`: payment.ClassUnknown,
	} {
		status, code, _ := strings.Cut(answer, " ")
		url := canned(t, map[string]string{"*": status + ` {"status":{"statusCode":"` + code + `","statusDesc":"x"}}`})
		s := open(t, false)
		fact, err := connect(t, s, url).Start(t.Context(), sale())
		if err != nil && !errors.Is(err, outbound.ErrNotSent) {
			fact.Class = payment.ClassUnknown
		}
		if fact.Class != want || want == payment.ClassRejected && (fact.Code == "" || fact.RawCode != code) {
			t.Errorf("%s: %+v, %v; want %s", answer, fact, err, want)
		}
	}
}

// TestANameIsTakenOnce: what never arrived is closed, and stays so; what had arrived is not taken for closed.
func TestANameIsTakenOnce(t *testing.T) {
	s := open(t, false)
	conn, never, lost := connect(t, s, s.URL), sale(), sale()
	if fact, err := conn.(connector.Fencer).Fence(t.Context(), refOf(&never, "")); err != nil || fact.Class != payment.ClassRejected {
		t.Errorf("%+v, %v; want REJECTED", fact, err)
	}
	if fact, err := conn.Start(t.Context(), never); err == nil {
		t.Errorf("the original arrives: %+v", fact)
	}
	s.Strike(frame.Fault{Op: double.OpOrder, Kind: frame.Drop})
	if fact, err := conn.Start(t.Context(), lost); err == nil {
		t.Errorf("%+v", fact)
	}
	if fact, err := conn.(connector.Fencer).Fence(t.Context(), refOf(&lost, "")); err != nil || fact.Class != payment.ClassUnknown || fact.NotFound {
		t.Errorf("%+v, %v; want UNKNOWN", fact, err)
	}
	s.Double.Finish(lost.Key, true)
	if fact, err := conn.Status(t.Context(), refOf(&lost, s.name(lost.Key))); err != nil || fact.Class != payment.ClassApproved || len(s.Booked(lost.Key)) != 1 || len(s.Booked(never.Key)) != 0 {
		t.Errorf("%+v, %v", fact, err)
	}
}

// TestWhatWaitsIsConfirmed by whoever asks, once; what nobody wants any more is not.
func TestWhatWaitsIsConfirmed(t *testing.T) {
	for _, kind := range []frame.Kind{"", frame.Drop, frame.ServerError, frame.Garbage, frame.Rejected, frame.Elsewhere} {
		s := open(t, true)
		conn, q := connect(t, s, s.URL), sale()
		f, err := conn.Start(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		s.Double.Finish(q.Key, true)
		s.Strike(frame.Fault{Op: double.OpConfirm, Kind: kind})
		_, _ = conn.Status(t.Context(), refOf(&q, f.ProviderRef))
		if fact, err := conn.Status(t.Context(), refOf(&q, f.ProviderRef)); err != nil || fact.Class != payment.ClassApproved || len(s.Booked(q.Key)) != 1 {
			t.Errorf("%s: %+v, %v", kind, fact, err)
		}
	}
	s := open(t, true)
	conn, q := connect(t, s, s.URL), sale()
	f, err := conn.Start(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	s.Double.Finish(q.Key, true)
	if fact, err := conn.(connector.Fencer).Fence(t.Context(), refOf(&q, f.ProviderRef)); err != nil || fact.Class != payment.ClassRejected || len(s.Booked(q.Key)) != 0 {
		t.Errorf("given up: %+v, %v", fact, err)
	}
}

// TestAmountsAreHundredths, also of what has no subunits.
func TestAmountsAreHundredths(t *testing.T) {
	var sent struct {
		TotalAmount, CurrencyCode string
	}
	s := open(t, false)
	url := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
	}))
	defer url.Close()
	for sum, want := range map[string]string{"11.12 PLN": "1112", "10 HUF": "1000", "0.01 CZK": "1", "1000000 RON": "100000000", "1 JPY": "", "1 KWD": "", "1 ISK": "", "1 CLP": "", "1 IDR": "", "1 UGX": "", "0.001 EUR": ""} {
		amount, currency, _ := strings.Cut(sum, " ")
		q := sale()
		q.Amount, q.Currency = money.MustParse(amount), money.Currency(currency)
		sent.TotalAmount = ""
		_, err := connect(t, s, url.URL).Start(t.Context(), q)
		if sent.TotalAmount != want || want == "" && !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s is sent as %q, %v; want %q", sum, sent.TotalAmount, err, want)
		}
	}
}

// TestATokenThatIsNotTakenIsForgotten: the next call gets another.
func TestATokenThatIsNotTakenIsForgotten(t *testing.T) {
	s := open(t, false)
	conn, q := connect(t, s, s.URL), sale()
	s.Strike(frame.Fault{Op: double.OpOrder, Kind: frame.Unauthorized})
	if fact, err := conn.Start(t.Context(), q); err != nil || fact.Class != payment.ClassRejected {
		t.Errorf("%+v, %v", fact, err)
	}
	if fact, err := conn.Start(t.Context(), sale()); err != nil || fact.Class != payment.ClassWaiting {
		t.Errorf("%+v, %v", fact, err)
	}
}

func TestBanks(t *testing.T) {
	s := open(t, false)
	banks, err := connect(t, s, s.URL).(connector.Chooser).Banks(t.Context(), connector.Choice{Method: payment.PayByLink, Currency: "PLN"})
	if err != nil || fmt.Sprint(banks) != "[{m mTransfer} {ipko PKO BP}]" {
		t.Errorf("%v, %v", banks, err)
	}
}
