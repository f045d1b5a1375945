package declared_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/declared"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/simulated"
)

// small is a declaration of a provider with a form API and whole numbers.
const small = `{
  "connector": "small",
  "settings": {"url": {"needed": true, "shown": true, "example": "https://small.example"}, "secret": {"needed": true}},
  "base": "{settings.url}/v1",
  "headers": {"X-Key": "{settings.secret}"},
  "body": "form",
  "amounts": {"as": "number", "iso": true, "digits": {"ISK": 2}, "not": ["KWD"]},
  "methods": {"PAY_BY_LINK": "link"},
  "traits": {"maxInFlightSeconds": 60, "resendSeconds": 3600},
  "calls": {
    "sale": {"send": "POST /pay", "once": "Idempotency-Key", "body": {"amount": "{amount}", "pin": "{card.code}", "meta": {"key": "{settings.secret}", "ref": "{key}", "mail": "{customer.email}"}, "kind": "{method}", "go": ["{returnUrl}"]}},
    "status": {"send": "GET /pay/{key}"}
  },
  "told": {"id": "id", "key": "meta.ref", "amount": "amount", "currency": "cur", "code": "why"},
  "answers": [
    {"on": "status", "when": {"@status": "404", "error": "none"}, "is": "NOT_FOUND"},
    {"when": {"@status": ["400", "422"], "error": "bad"}, "is": "REJECTED", "from": "error"},
    {"when": {"state": "done"}, "is": "APPROVED"},
    {"when": {"state": "open"}, "is": "WAITING"},
    {"when": {"state": "no"}, "is": "DECLINED"}
  ],
  "declines": {"poor": {"code": "4.01"}},
  "log": {"fields": ["state"]}
}`

func TestEverythingThatIsWrongIsToldAtOnceWithItsLine(t *testing.T) {
	t.Parallel()
	if _, err := declared.Load([]byte(small)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ was, is, want string }{
		{`"connector": "small"`, `"connector": "a b"`, "line 2: connector is a name"},
		{`"settings": {"url"`, `"settings": {"timeoutMs": {}, "url"`, `line 3: "timeoutMs" is no name of a setting`},
		{`{settings.url}/v1`, `{settings.urll}/v1`, `line 4: base names the setting "urll"`},
		{`{settings.url}/v1`, `{settings.url/v1`, "line 4: base has a brace that does not end"},
		{`"{settings.secret}"}`, `"{card.number}"}`, "line 5: X-Key names {card.number}, which is not known here"},
		{`"form"`, `"xml"`, "line 6: body is json or form"},
		{`"ISK"`, `"ISQ"`, `line 7: "ISQ" is no known currency`},
		{`"PAY_BY_LINK"`, `"BARTER"`, `line 8: "BARTER" is no payment method`},
		{`"resendSeconds": 3600`, `"resendSeconds": -1`, "line 9: resendSeconds is a number from 0"},
		{`"once": "Idempotency-Key", `, ``, `sale needs "once"`},
		{`"status": {"send": "GET`, `"status": {"send": "POST`, "line 12: status is sent by POST: what asks is a GET"},
		{`"GET /pay/{key}"`, `"GET /pay/{settings.secret}"`, "line 12: an address holds no setting"},
		{`"sale": {"send"`, `"sell": {"send"`, `line 11: there is no call "sell"`},
		{`"key": "meta.ref", `, ``, `told needs "key"`},
		{`"@status": "404", "error": "none"`, `"@status": "404"`, "line 16: NOT_FOUND is said \"on\" status only, by more than the status"},
		{`"status": {"send"`, `"refund": {"send": "POST /back", "once": "Key"}, "status": {"send"`, `line 16: NOT_FOUND needs "for": the kinds of attempts that status finds`},
		{`["400", "422"], "error": "bad"`, `["400", "500"], "error": "bad"`, "line 17: status 500 proves no REJECTED"},
		{`["400", "422"], "error": "bad"`, `["400", "422"]`, "line 17: REJECTED needs the provider's word"},
		{`["400", "422"], "error": "bad"`, `["400", "422"], "error": {"not": []}`, "line 17: REJECTED needs the provider's word"},
		{`"@status": "404", "error": "none"`, `"@status": "404", "error": {"not": "some"}`, "line 16: NOT_FOUND is said"},
		{`"when": {"state": "done"}`, `"when": {"state": {"not": "open"}}`, "line 18: APPROVED needs something that stands in the answer"},
		{`"GET /pay/{key}"`, `"GET /pay/{key}", "within": "list.0"`, `line 12: "list.0" names a place in a list: name the list in "within"`},
		{`"id": "id"`, `"id": "$.id"`, `line 14: "$.id" is no path here`},
		{`"log"`, `"notices": {"header": "X-Sign", "kind": "kind"}, "log"`, `line 23: notices needs "kinds"`},
		{`"log"`, `"notices": {"header": "", "kind": "kind"}, "log"`, "line 23: header is the name of one"},
		{`"when": {"state": "done"}`, `"when": {}`, "line 18: a rule without \"when\""},
		{`"is": "WAITING"`, `"is": "MAYBE"`, "line 19: a rule needs \"is\""},
		{`"state": "no"}, "is": "DECLINED"`, `"state": "no", "@status": "402"}, "is": "APPROVED"`, "line 20: status 402 proves no APPROVED"},
		{`"code": "4.01"`, `"code": "99.1"`, `line 22: "99.1" is none of our codes`},
		{`"log": {"fields"`, `"log": {"headers": ["x-key"], "fields"`, "line 23: header x-key has a setting in it"},
		{`"fields": ["state"]`, `"fields": ["state", "pin"]`, "log shows pin, which has {card.code} in it in sale"},
		{`"fields": ["state"]`, `"fields": ["meta[key]"]`, "log shows key, which has a setting in it in sale"},
		{`"log"`, `"lag"`, `line 23: the file has nothing called "lag"`},
		{`"body": "form"`, `"body": "form", "body": "form"`, "line 6: it is no JSON"},
		{"{\n  \"connector\"", "[{\n  \"connector\"", "it is no JSON"},
	} {
		if !strings.Contains(small, c.was) {
			t.Fatalf("%q stands nowhere", c.was)
		}
		if _, err := declared.Load([]byte(strings.Replace(small, c.was, c.is, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant %s", c.is, err, c.want)
		}
	}
	many := strings.NewReplacer(`"form"`, `"xml"`, `"PAY_BY_LINK"`, `"BARTER"`, `"WAITING"`, `"MAYBE"`).Replace(small)
	if _, err := declared.Load([]byte(many)); err == nil || strings.Count(err.Error(), "line ") != 3 {
		t.Errorf("three faults are told as: %v", err)
	}
}

// server answers with a status and a body, and keeps what was sent.
type server struct {
	status    int
	body      string
	path, got string
	header    http.Header
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	s.path, s.got, s.header = r.URL.Path, string(raw), r.Header
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

func opened(t *testing.T, kind connector.Type, settings string) connector.Connector {
	t.Helper()
	config, err := kind.Parse([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatNoRuleFitsProvesNothing(t *testing.T) {
	t.Parallel()
	kind, err := declared.Load([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	httpd := httptest.NewServer(s)
	defer httpd.Close()
	c := opened(t, kind, fmt.Sprintf(`{"url":%q,"secret":"k3y"}`, httpd.URL))
	sale := connector.Request{
		Key: "k-1", Amount: money.MustParse("5.00"), Currency: "ISK", Method: payment.PayByLink, ReturnURL: "https://shop.example/?a=b&c",
		Customer: payment.Customer{Email: "jane@shop.example"},
	}
	const done = `{"id":"p1","meta":{"ref":"k-1"},"amount":500,"cur":"ISK","state":"done"}`
	for _, x := range []struct {
		status int
		body   string
		want   payment.Class // empty: an error that proves nothing
		code   payment.ErrorCode
	}{
		{200, done, payment.ClassApproved, ""},
		{201, done, payment.ClassApproved, ""},
		{200, strings.Replace(done, `"done"`, `"open"`, 1), payment.ClassWaiting, ""},
		{200, strings.Replace(done, `"done"`, `"no","why":"poor"`, 1), payment.ClassDeclinedHard, "4.01"},
		{200, strings.Replace(done, `"done"`, `"no","why":"new"`, 1), payment.ClassDeclinedHard, payment.CodeAcquirerUnmapped},
		{422, `{"error":"bad"}`, payment.ClassRejected, payment.CodeAcquirerRequest},
		{200, strings.Replace(done, `"done"`, `"settled"`, 1), "", ""},
		{200, strings.Replace(done, `"k-1"`, `"k-2"`, 1), "", ""},
		{200, strings.Replace(done, `"p1"`, `"../p1"`, 1), "", ""},
		{200, strings.Replace(done, `500`, `0`, 1), "", ""},
		{200, strings.Replace(done, `500`, `"5"`, 1), payment.ClassApproved, ""},
		{200, strings.Replace(done, `500`, `5.5`, 1), "", ""},
		{200, strings.Replace(done, `"ISK"`, `"KWD"`, 1), "", ""},
		{200, strings.Replace(done, `"ISK"`, `"XXZ"`, 1), "", ""},
		{402, done, "", ""}, {500, done, "", ""}, {302, done, "", ""}, {404, `{"error":"none"}`, "", ""}, {500, `{"error":"bad"}`, "", ""}, {422, `<html>`, "", ""},
		{200, `{}`, "", ""}, {200, ``, "", ""}, {200, `[` + done + `]`, "", ""}, {200, `{"state":"done","state":"done"}`, "", ""},
	} {
		s.status, s.body = x.status, x.body
		fact, err := c.Start(t.Context(), sale)
		if x.want == "" {
			if err == nil || errors.Is(err, outbound.ErrNotSent) {
				t.Errorf("%d %s: %+v, %v; want an error that proves nothing", x.status, x.body, fact, err)
			}
			continue
		}
		if err != nil || fact.Class != x.want || fact.Code != x.code {
			t.Errorf("%d %s: %+v, %v; want %s %s", x.status, x.body, fact, err, x.want, x.code)
		}
	}
	if want := "amount=500&meta%5Bkey%5D=k3y&meta%5Bref%5D=k-1&meta%5Bmail%5D=jane%40shop.example&kind=link&go%5B%5D=https%3A%2F%2Fshop.example%2F%3Fa%3Db%26c"; s.got != want || s.path != "/v1/pay" {
		t.Errorf("sent %s %s, want %s", s.path, s.got, want)
	}
	if s.header.Get("Idempotency-Key") != "k-1" || s.header.Get("X-Key") != "k3y" {
		t.Errorf("%v", s.header)
	}
	for _, bad := range []connector.Request{{Amount: sale.Amount, Currency: "ISK"}, {Key: "k", Amount: money.MustParse("1"), Currency: "KWD"}, {Key: "k", Amount: money.MustParse("0.001"), Currency: "EUR"}, {Key: "a/b", Amount: sale.Amount, Currency: "EUR"}} {
		if _, err := c.Start(t.Context(), bad); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, ok := connector.As[connector.Refunder](c); ok || !c.(connector.Limited).Has("status") {
		t.Error("it can do what is not declared")
	}
}

func TestNoticesOfADeclaredProviderAreVerified(t *testing.T) {
	t.Parallel()
	c := opened(t, sandbox(t), fmt.Sprintf(`{"url":"https://a.example","apiKey":%q,"noticeSecret":%q}`, simulated.APIKey, simulated.NoticeSecret))
	n := c.(connector.Notifier)
	body := []byte(`{"id":"evt1","type":"transaction.updated","transaction":{"id":"t1","reference":"k-1","kind":"sale","status":"approved","responseCode":"00","amount":"5","currency":"EUR"}}`)
	signed := func(secret string, body []byte, at time.Time) http.Header {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(stamp + "." + string(body)))
		return http.Header{"Sandbox-Timestamp": {stamp}, "Sandbox-Signature": {"v1=" + hex.EncodeToString(mac.Sum(nil))}}
	}
	all, err := n.ParseNotice(signed(simulated.NoticeSecret, body, time.Now()), body)
	if err != nil || len(all) != 1 || all[0].EventKey != "evt1" || all[0].Key != "k-1" || all[0].Fact.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", all, err)
	}
	if read, err := n.ReadNotice(body, "evt1"); err != nil || read.Fact.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", read, err)
	}
	if _, err := n.ReadNotice(body, "evt2"); err == nil {
		t.Error("another event is read")
	}
	for name, header := range map[string]http.Header{
		"another secret": signed("other", body, time.Now()), "too old": signed(simulated.NoticeSecret, body, time.Now().Add(-6*time.Minute)),
		"another body": signed(simulated.NoticeSecret, body[1:], time.Now()), "nothing": {}, "early": signed(simulated.NoticeSecret, body, time.Now().Add(6*time.Minute)),
	} {
		if _, err := n.ParseNotice(header, body); err == nil || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, odd := range []string{`{"id":"evt1"}`, `[]`, strings.Replace(string(body), `"sale"`, `"gift"`, 1)} {
		if _, err := n.ParseNotice(signed(simulated.NoticeSecret, []byte(odd), time.Now()), []byte(odd)); !errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v", odd, err)
		}
	}
	quiet := opened(t, sandbox(t), fmt.Sprintf(`{"url":"https://a.example","apiKey":%q}`, simulated.APIKey))
	if _, err := quiet.(connector.Notifier).ParseNotice(signed("", body, time.Now()), body); err == nil {
		t.Error("a terminal without a secret believes a notice")
	}
}

// listing is a provider that finds payments by lists of them, writes all decimals, and says outside of a payment what its notices are about.
const listing = `{
  "connector": "listing",
  "settings": {"url": {"needed": true, "shown": true, "example": "https://listing.example"}, "secret": {"needed": true}},
  "base": "{settings.url}",
  "amounts": {"as": "decimal", "iso": true},
  "methods": {"PAY_BY_LINK": ""},
  "calls": {
    "sale": {"send": "POST /pay", "body": {"amount": "{amount}", "ref": "{key}"}},
    "status": {"send": "GET /pay?ref={key}", "within": "found"}
  },
  "told": {"id": "id", "key": "ref", "amount": "amount", "currency": "cur"},
  "answers": [
    {"on": "status", "when": {"@answer.found": []}, "is": "NOT_FOUND"},
    {"when": {"@status": "4xx", "error.code": {"not": ""}}, "is": "REJECTED", "from": "error.code"},
    {"when": {"state": "done"}, "is": "APPROVED"}
  ],
  "notices": {"header": "X-Sign", "form": "{signature}", "algorithm": "hmac-sha256", "encoding": "hex", "key": "secret", "over": "{body}", "event": "id", "within": "data", "kind": "@answer.type", "kinds": {"paid": "deposit"}}
}`

func TestPaymentsAreFoundInLists(t *testing.T) {
	t.Parallel()
	kind, err := declared.Load([]byte(listing))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{}
	httpd := httptest.NewServer(s)
	defer httpd.Close()
	c := opened(t, kind, fmt.Sprintf(`{"url":%q,"secret":"k3y"}`, httpd.URL))
	const ours, other = `{"id":"p1","ref":"k-1","amount":"5.00","cur":"EUR","state":"done"}`, `{"id":"p2","ref":"k-2","amount":"5.00","cur":"EUR","state":"done"}`
	ref := connector.Ref{Kind: payment.AttemptDeposit, Key: "k-1", Amount: money.MustParse("5"), Currency: "EUR"}
	for _, x := range []struct {
		status         int
		body           string
		found, unknown bool
	}{
		{200, `{"found":[` + ours + `]}`, true, false},
		{200, `{"found":[` + other + `,` + ours + `]}`, true, false},
		{200, `{"found":` + ours + `}`, true, false},
		{200, `{"found":[]}`, false, true},
		{200, `{"found":[` + other + `]}`, false, false},
		{200, `{"found":[` + ours + `,` + ours + `]}`, false, false},
		{200, `{"found":[null,1,["x"],"k-1"]}`, false, false},
		{200, `{"found":null}`, false, false}, {200, `{}`, false, false}, {200, ours, false, false}, {404, `{"found":[]}`, false, false}, {404, `<html>`, false, false},
	} {
		s.status, s.body = x.status, x.body
		fact, err := c.Status(t.Context(), ref)
		if got := err == nil && fact.Class == payment.ClassApproved && fact.ProviderRef == "p1"; got != x.found || fact.NotFound != x.unknown || err == nil != (x.found || x.unknown) {
			t.Errorf("%d %s: %+v, %v", x.status, x.body, fact, err)
		}
	}

	sale := connector.Request{Key: "k-1", Amount: money.MustParse("5"), Currency: "EUR", Method: payment.PayByLink}
	s.status, s.body = http.StatusUnprocessableEntity, `{"error":{"code":"anything"}}`
	if fact, err := c.Start(t.Context(), sale); err != nil || fact.Class != payment.ClassRejected || fact.RawCode != "anything" || s.got != `{"amount":"5.00","ref":"k-1"}` {
		t.Errorf("%+v, %v, sent %s", fact, err, s.got)
	}
	s.status, s.body = http.StatusForbidden, `{"blocked":true}`
	if fact, err := c.Start(t.Context(), sale); err == nil || errors.Is(err, outbound.ErrNotSent) {
		t.Errorf("a refusal without a word of the provider's: %+v, %v", fact, err)
	}

	read := c.(connector.Notifier).ReadNotice
	if n, err := read([]byte(`{"id":"e1","type":"paid","data":`+ours+`}`), ""); err != nil || n.Key != "k-1" || n.Fact.Class != payment.ClassApproved {
		t.Errorf("%+v, %v", n, err)
	}
	for body, want := range map[string]string{
		`{"type":"paid","data":` + ours + `}`:             "no usable id of an event at id",
		`{"id":"e1","type":"gone","data":` + ours + `}`:   "what stands at type is none of its kinds",
		`{"id":"e1","type":"paid","data":[` + ours + `]}`: "no key of ours at data.ref",
	} {
		if _, err := read([]byte(body), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// FuzzLoad: whatever stands in a file, it is taken or refused.
func FuzzLoad(f *testing.F) {
	raw, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(small))
	f.Add([]byte(listing))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if kind, err := declared.Load(raw); err == nil {
			_, _ = kind.Can() // it must not panic
		}
	})
}
