package przelewy24_test

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
	"github.com/sluicepay/sluice/internal/connector/przelewy24"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/przelewy24"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

func connect(t testing.TB, url string, now func() time.Time, more ...string) connector.Connector {
	t.Helper()
	raw := strings.TrimSuffix(string(settingsFor(url)), "}")
	for _, m := range more {
		raw += "," + m
	}
	config, err := przelewy24.Type().Parse(json.RawMessage(raw + "}"))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: przelewy24.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	conn, err := config.Open(connector.Deps{Client: client, Now: now})
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

func refOf(q *connector.Request) connector.Ref {
	return connector.Ref{Kind: payment.AttemptDeposit, Key: q.Key, Amount: q.Amount, Currency: q.Currency, Started: time.Now()}
}

// canned answers everything with these bytes, and counts.
func canned(t *testing.T, answers map[string]string) (string, *atomic.Int64) {
	t.Helper()
	count := new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for path, text := range answers {
			if !strings.Contains(r.URL.Path, path) {
				continue
			}
			if strings.Contains(path, "verify") {
				count.Add(1)
			}
			status, body, _ := strings.Cut(text, " ")
			code := 0
			_, _ = fmt.Sscan(status, &code)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(server.Close)
	return server.URL, count
}

// TestEveryPublishedState of a transaction, and what is none: only what is verified is a success, and only what is paid as it was asked for
// is verified.
func TestEveryPublishedState(t *testing.T) {
	now := time.Now()
	tx := func(status, amount, currency string) string {
		return `200 {"data":{"orderId":300000001,"sessionId":"k","status":` + status + `,"amount":` + amount + `,"currency":"` + currency + `","paymentMethod":25},"responseCode":0}`
	}
	verified, never := `200 {"data":{"status":"success"},"responseCode":0}`, `500 {"error":"Undefined error","code":500}`
	none := `404 {"error":"Transaction not found","responseCode":0}`
	given := `200 {"data":{"orderId":300000001,"sessionId":"k","amount":1112,"currency":"PLN","refunds":[{"requestId":"r","status":%d,"amount":1112}]},"responseCode":0}`
	for name, c := range map[string]struct {
		query, verify, refunds string
		started                time.Duration // before now
		waiting                bool
		want                   payment.Class
		verifies               int64
		notFound               bool
	}{
		"not paid":                          {query: tx("0", "1112", "PLN"), want: payment.ClassWaiting},
		"not paid in time":                  {query: tx("0", "1112", "PLN"), started: 61 * time.Minute, want: payment.ClassCancelled},
		"not paid, perhaps on its way":      {query: tx("0", "1112", "PLN"), started: 59 * time.Minute, want: payment.ClassWaiting},
		"not known":                         {query: none, want: payment.ClassUnknown, notFound: true},
		"not known, and waiting":            {query: none, waiting: true, want: payment.ClassWaiting},
		"not known, and waiting too long":   {query: none, waiting: true, started: 61 * time.Minute, want: payment.ClassCancelled},
		"prepaid":                           {query: tx("1", "1112", "PLN"), verify: verified, want: payment.ClassApproved, verifies: 1},
		"prepaid after its time":            {query: tx("1", "1112", "PLN"), verify: verified, started: 99 * time.Hour, want: payment.ClassApproved, verifies: 1},
		"prepaid, not verified":             {query: tx("1", "1112", "PLN"), verify: never, want: payment.ClassUnknown, verifies: 1},
		"prepaid, verified with another":    {query: tx("1", "1112", "PLN"), verify: `200 {"data":{"status":"failure"},"responseCode":0}`, want: payment.ClassUnknown, verifies: 1},
		"prepaid, verified with nothing":    {query: tx("1", "1112", "PLN"), verify: `200 {}`, want: payment.ClassUnknown, verifies: 1},
		"prepaid, verified as not paid":     {query: tx("1", "1112", "PLN"), verify: `400 {"error":"Error call 2","code":400}`, want: payment.ClassUnknown, verifies: 1},
		"prepaid with less":                 {query: tx("1", "1111", "PLN"), verify: verified, want: payment.ClassApproved}, // of another amount, which the engine does not believe
		"prepaid in another currency":       {query: tx("1", "1112", "EUR"), verify: verified, want: payment.ClassUnknown},
		"paid":                              {query: tx("2", "1112", "PLN"), want: payment.ClassApproved},
		"returned before it was verified":   {query: tx("3", "1112", "PLN"), refunds: none, want: payment.ClassCancelled},
		"returned by a refund":              {query: tx("3", "1112", "PLN"), refunds: fmt.Sprintf(given, 1), want: payment.ClassApproved},
		"returned, its refund was rejected": {query: tx("3", "1112", "PLN"), refunds: fmt.Sprintf(given, 4), want: payment.ClassCancelled},
		"returned, nobody knows how":        {query: tx("3", "1112", "PLN"), refunds: never, want: payment.ClassUnknown},
		"a new state":                       {query: tx("4", "1112", "PLN"), want: payment.ClassUnknown},
		"a negative state":                  {query: tx("-1", "1112", "PLN"), want: payment.ClassUnknown},
		"no state":                          {query: tx("null", "1112", "PLN"), want: payment.ClassUnknown},
		"another session":                   {query: strings.Replace(tx("2", "1112", "PLN"), `"k"`, `"K"`, 1), want: payment.ClassUnknown},
		"no order":                          {query: strings.Replace(tx("2", "1112", "PLN"), "300000001", "0", 1), want: payment.ClassUnknown},
		"no amount":                         {query: tx("2", "0", "PLN"), want: payment.ClassUnknown},
		"another 404":                       {query: `404 {"error":"Not found","code":404}`, want: payment.ClassUnknown},
		"no data":                           {query: `200 {"responseCode":0}`, want: payment.ClassUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			url, verifies := canned(t, map[string]string{"by/sessionId": c.query, "transaction/verify": c.verify, "refund/by": c.refunds})
			conn := connect(t, url, func() time.Time { return now })
			ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k", Amount: money.MustParse("11.12"), Currency: "PLN", Started: now.Add(-c.started), Waiting: c.waiting}
			fact, err := conn.Status(t.Context(), ref)
			if err != nil {
				fact = payment.Fact{Class: payment.ClassUnknown}
			}
			if fact.Class != c.want || verifies.Load() != c.verifies || fact.NotFound != c.notFound {
				t.Errorf("%+v, %v after %d verifications; want %s", fact, err, verifies.Load(), c.want)
			}
			if fact.Class == payment.ClassApproved && (fact.ProviderRef != "300000001" || fact.Echoed.Currency != "PLN") {
				t.Errorf("%+v", fact)
			}
		})
	}
}

// TestALostVerificationIsMadeAgain, and hands over nothing twice.
func TestALostVerificationIsMadeAgain(t *testing.T) {
	for _, kind := range []frame.Kind{frame.Drop, frame.ServerError, frame.Garbage, frame.Empty, frame.Truncated, frame.ErrorInside, frame.Elsewhere, frame.Unauthorized, frame.Rejected} {
		for _, before := range []bool{true, false} {
			s := open(t)
			conn, q := connect(t, s.URL, s.Now), sale()
			if _, err := conn.Start(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			s.Double.Finish(q.Key, true)
			s.Strike(frame.Fault{Op: double.OpVerify, Kind: kind, Before: before})
			if fact, err := conn.Status(t.Context(), refOf(&q)); err == nil {
				t.Errorf("%s, before %t: %+v; want UNKNOWN", kind, before, fact)
			}
			for range 2 {
				if fact, err := conn.Status(t.Context(), refOf(&q)); err != nil || fact.Class != payment.ClassApproved {
					t.Errorf("%s, before %t: %+v, %v; want APPROVED", kind, before, fact, err)
				}
			}
			if moved := s.Booked(q.Key); len(moved) != 1 {
				t.Errorf("%s, before %t: %v", kind, before, moved)
			}
		}
	}
}

// TestWhatIsGivenUpIsNotTaken: what its customer pays after a fence stays the customer's, and what was paid before it is ours.
func TestWhatIsGivenUpIsNotTaken(t *testing.T) {
	s := open(t)
	conn, open, done := connect(t, s.URL, s.Now), sale(), sale()
	for _, q := range []connector.Request{open, done} {
		if _, err := conn.Start(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s.Double.Finish(done.Key, true)
	for want, q := range map[payment.Class]*connector.Request{payment.ClassRejected: &open, payment.ClassApproved: &done} {
		if fact, err := conn.(connector.Fencer).Fence(t.Context(), refOf(q)); err != nil || fact.Class != want {
			t.Errorf("%+v, %v; want %s", fact, err, want)
		}
	}
	s.Double.Finish(open.Key, true)
	if len(s.Booked(open.Key)) != 0 || s.State(open.Key) != 1 || len(s.Booked(done.Key)) != 1 {
		t.Errorf("%v, state %d, and %v", s.Booked(open.Key), s.State(open.Key), s.Booked(done.Key))
	}
}

// TestACodeThatWasUsed is not taken for a refusal where it was used for this payment.
func TestACodeThatWasUsed(t *testing.T) {
	used := `400 {"error":"Ticket used","code":"35"}`
	for name, c := range map[string]struct {
		query string
		want  payment.Class
	}{
		"elsewhere": {`404 {"error":"Transaction not found","responseCode":0}`, payment.ClassDeclinedSoft},
		"here":      {`200 {"data":{"orderId":300000001,"sessionId":"%s","status":0,"amount":1112,"currency":"PLN"},"responseCode":0}`, payment.ClassWaiting},
		"somewhere": {`500 {"error":"Undefined error","code":500}`, payment.ClassUnknown},
	} {
		q := sale()
		if strings.Contains(c.query, "%s") {
			c.query = fmt.Sprintf(c.query, q.Key)
		}
		url, _ := canned(t, map[string]string{"register": `200 {"data":{"token":"T-1"},"responseCode":0}`, "chargeByCode": used, "by/sessionId": c.query})
		fact, err := connect(t, url, time.Now).Start(t.Context(), q)
		if err != nil {
			fact.Class = payment.ClassUnknown
		}
		if fact.Class != c.want || fact.Class.Refused() && fact.RawCode != "35" {
			t.Errorf("%s: %+v, %v; want %s", name, fact, err, c.want)
		}
	}
}

// TestWhatIsSent: the registration has what is published and what the payment has, and nothing that does not fit is shortened into something else.
func TestWhatIsSent(t *testing.T) {
	var sent map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if sent = nil; user != "77" || password != apiKey || json.NewDecoder(r.Body).Decode(&sent) != nil {
			t.Errorf("%s:%s, %v", user, password, sent)
		}
		_, _ = io.WriteString(w, `{"data":{"token":"T-1"},"responseCode":0}`)
	}))
	defer server.Close()
	now := time.Now()
	conn := connect(t, server.URL, func() time.Time { return now }, `"posId":77`, `"minutes":20`)
	for name, c := range map[string]struct {
		edit func(q *connector.Request)
		want map[string]any // nil: nothing is sent
	}{
		"a bank":                {nil, map[string]any{"method": 25., "channel": nil, "timeLimit": 20., "country": "PL", "language": "pl", "client": "Jan Żuk", "amount": 1112., "posId": 77., "merchantId": 123456.}},
		"no bank":               {func(q *connector.Request) { q.Means = nil }, map[string]any{"method": nil, "channel": 64.}},
		"the merchant's bank":   {func(q *connector.Request) { q.Means = nil; q.Customer.BankCode = "31" }, map[string]any{"method": 31.}},
		"BLIK on the page":      {func(q *connector.Request) { q.Means, q.Method = nil, payment.Blik }, map[string]any{"method": nil, "channel": 8192., "urlCardPaymentNotification": "https://pay.example/notices/1"}},
		"little time":           {func(q *connector.Request) { q.Until = now.Add(61 * time.Second) }, map[string]any{"timeLimit": 2.}},
		"no time":               {func(q *connector.Request) { q.Until = now.Add(-time.Hour) }, map[string]any{"timeLimit": 1.}},
		"a customer in German":  {func(q *connector.Request) { q.Customer.Locale = "de-AT"; q.Billing.CountryCode = "AT" }, map[string]any{"language": "de", "country": "AT"}},
		"a language it has not": {func(q *connector.Request) { q.Browser.Language = "zh" }, map[string]any{"language": "pl"}},
		"a long name":           {func(q *connector.Request) { q.Customer.FirstName = strings.Repeat("ż", 40) }, map[string]any{"client": nil}},
		"a long text":           {func(q *connector.Request) { q.Description = strings.Repeat("ż", 2000) }, map[string]any{"description": strings.Repeat("ż", 1024)}},
		"no e-mail address":     {func(q *connector.Request) { q.Customer.Email = "" }, nil},
		"a long e-mail address": {func(q *connector.Request) { q.Customer.Email = strings.Repeat("a", 39) + "@shop.example" }, nil},
		"a bank of a name":      {func(q *connector.Request) { q.Means = &instrument.Bank{ID: "mbank"} }, nil},
		"a long return address": {func(q *connector.Request) { q.ReturnURL += strings.Repeat("a", 250) }, nil},
		"half a code":           {func(q *connector.Request) { q.Means = &instrument.Code{Digits: "777"} }, nil},
		"a code from nowhere":   {func(q *connector.Request) { q.Means, q.Browser.IP = &instrument.Code{Digits: "777123"}, "" }, nil},
		"euros":                 {func(q *connector.Request) { q.Currency = "EUR" }, nil},
	} {
		q := sale()
		q.Method, q.Means = payment.PayByLink, &instrument.Bank{ID: "25"}
		if c.edit != nil {
			c.edit(&q)
		}
		sent = nil
		fact, err := conn.Start(t.Context(), q)
		if c.want == nil {
			if sent != nil || !errors.Is(err, connector.ErrIncomplete) {
				t.Errorf("%s: %v is sent, %v", name, sent, err)
			}
			continue
		}
		if err != nil || fact.Next.URL != server.URL+"/trnRequest/T-1" {
			t.Errorf("%s: %+v, %v", name, fact, err)
		}
		for member, want := range c.want {
			if sent[member] != want {
				t.Errorf("%s: %s is %v, want %v", name, member, sent[member], want)
			}
		}
	}
}

// TestRefusalsOfRefunds: every published reason, and one that is not.
func TestRefusalsOfRefunds(t *testing.T) {
	for message, want := range map[string]payment.ErrorCode{
		"Transaction not found": payment.CodeNotFound, "Transaction in wrong status - cannot refund": payment.CodeWrongState, "Insufficient funds available": "1.10",
		"The amount of refund exceeds available amount for the transaction": payment.CodeInvalidAmount, "Something new": payment.CodeAcquirerUnmapped,
	} {
		s := open(t)
		conn, q := connect(t, s.URL, s.Now), sale()
		if _, err := conn.Start(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		s.Double.Finish(q.Key, true)
		if _, err := conn.Status(t.Context(), refOf(&q)); err != nil {
			t.Fatal(err)
		}
		s.Strike(frame.Fault{Op: double.OpRefund, Kind: frame.Decline, Code: message})
		back := connector.Request{Key: key(), Amount: q.Amount, Currency: "PLN", Original: refOf(&q)}
		if fact, err := conn.(connector.Refunder).Refund(t.Context(), back); err != nil || fact.Class != payment.ClassDeclinedHard || fact.Code != want {
			t.Errorf("%s: %+v, %v; want %s", message, fact, err, want)
		}
	}
}

func TestSettings(t *testing.T) {
	for raw, want := range map[string]string{
		`{"merchantId":1,"apiKey":"k","crc":"c"}`:                     "https://secure.przelewy24.pl",
		`{"merchantId":1,"apiKey":"k","crc":"c","sandbox":true}`:      "https://sandbox.przelewy24.pl",
		`{"merchantId":1,"apiKey":"k","crc":"c","url":"http://x/"}`:   "http://x",
		`{"merchantId":0,"apiKey":"k","crc":"c"}`:                     "",
		`{"merchantId":1,"posId":-1,"apiKey":"k","crc":"c"}`:          "",
		`{"merchantId":"1","apiKey":"k","crc":"c"}`:                   "",
		`{"merchantId":1,"apiKey":"secret key","crc":"c"}`:            "",
		`{"merchantId":1,"apiKey":"k"}`:                               "",
		`{"merchantId":1,"apiKey":"k","crc":"c","minutes":100}`:       "",
		`{"merchantId":1,"apiKey":"k","crc":"c","timeoutMs":1000000}`: "",
	} {
		config, err := przelewy24.Type().Parse(json.RawMessage(raw))
		switch {
		case want == "" && (err == nil || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v", raw, err)
		case want != "" && (err != nil || config.Addresses()[0] != want):
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}

// TestBanks are those on whose pages customers pay at once.
func TestBanks(t *testing.T) {
	s := open(t)
	banks, err := connect(t, s.URL, s.Now).(connector.Chooser).Banks(t.Context(), connector.Choice{Method: payment.PayByLink, Currency: "PLN"})
	if err != nil || fmt.Sprint(banks) != "[{20 PKO Bank Polski} {25 mBank - mTransfer} {270 Bank Nowy S.A.}]" {
		t.Errorf("%v, %v", banks, err)
	}
}
