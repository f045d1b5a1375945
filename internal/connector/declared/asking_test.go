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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/declared"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// wide is a declaration of a provider that has lists, ids of its own for what is followed up, answers that tell no key, and stamped signatures.
const wide = `{
  "connector": "wide",
  "settings": {"url": {"needed": true, "shown": true, "example": "https://wide.example"}, "secret": {}},
  "base": "{settings.url}",
  "body": "form",
  "amounts": {"as": "number", "iso": true, "currency": "lower", "most": 5000, "digits": {"UGX": {"digits": 2, "step": 100}}},
  "methods": {"PAY_BY_LINK": "link"},
  "calls": {
    "sale": {"send": "POST /pay", "body": {"sum": "{amount}", "cur": "{currency}", "ref": "{key}"}},
    "hold": {"send": "POST /hold", "body": {"sum": "{amount}", "ref": "{key}"}},
    "capture": {"send": "POST /pay/{original.id}/take", "body": {"sum": "{amount}", "ref": "{key}"}, "told": {"key": ["take.ref", "taken"]}, "echoes": {"id": "{original.id}"}},
    "void": {"send": "POST /pay/{original.id}/end", "told": {"key": ""}, "echoes": {"id": "{original.id}", "ref": "{original.key}"}},
    "status": [
      {"for": "deposit", "send": "GET /pay/{id}", "echoes": {"id": "{id}"}},
      {"for": "deposit", "send": "GET /find/{key}", "list": {"at": "found.list", "whole": {"more": "false"}}, "echoes": {"ref": "{key}"}},
      {"for": "refund", "send": "GET /back/{original.id}", "list": {"at": "list", "whole": {"more": "false"}, "where": {"ref": "{key}"}}, "echoes": {"of": "{original.id}"}}, {
        "for": "void", "send": "GET /void/{original.id}", "told": {"key": ""}, "echoes": {"id": "{original.id}", "ref": "{original.key}"}}
    ],
    "fence": {"for": "deposit", "after": "status", "send": "POST /pay/{id}/end", "echoes": {"id": "{id}"}}
  },
  "told": {"id": "id", "key": "ref", "amount": "sum", "currency": "cur", "code": ["why", "cause"]},
  "answers": [
    {"on": "sale", "within": "error.pay", "when": {"@status": "402", "state": "no"}, "is": "DECLINED"},
    {"on": "fence", "when": {"@status": "409", "error.word": "done"}, "is": "REJECTED", "from": ["error.code", "error.word"]},
    {"on": "status", "for": "void", "when": {"state": "held"}, "is": "NOT_FOUND"},
    {"for": "void", "when": {"state": "ended"}, "is": "APPROVED"},
    {"for": "deposit", "when": {"state": "ended"}, "is": "CANCELLED"},
    {"when": {"state": "done"}, "is": "APPROVED"},
    {"when": {"state": "open"}, "is": "WAITING"}
  ],
  "declines": {"poor": {"code": "4.01"}},
  "notices": {
    "header": "Signed", "form": "t={time},v1={signature}", "separator": ",", "toleranceSeconds": 60, "algorithm": "hmac-sha256", "encoding": "hex", "key": "secret",
    "over": "{time}.{body}", "event": "event", "kind": "kind", "kinds": {"pay": "deposit"}, "within": "of", "ignore": {"kind": "pay", "ref": ""}
  }
}`

func TestWhatIsWrongWithQuestionsAndSignaturesIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	if _, err := declared.Load([]byte(wide)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ was, is, want string }{
		{`"lower"`, `"small"`, "line 6: currency is upper or lower"},
		{`"most": 5000`, `"most": -1`, "line 6: most is a number from 0"},
		{`"step": 100`, `"step": "100"`, "line 6: step is a number from 0"},
		{`"step": 100`, `"steps": 100`, `line 6: UGX has nothing called "steps"`},
		{`"told": {"key": ["take.ref", "taken"]}`, `"told": {"keys": "x"}`, `line 11: nothing is known of a told "keys"`},
		{`"id": "{original.id}", "ref": "{original.key}"}},`, `"id": "{original.id}"}},`, `line 12: void tells no key: "echoes" has to say`},
		{`"ref": "{original.key}"}}`, `"ref": "{original.kee}"}}`, "line 12: echoes names {original.kee}, which is not known here"},
		{`"ref": "{original.key}"}}`, `"ref": "{settings.secret}"}}`, "line 12: echoes compares no secret"},
		{`"ref": "{original.key}"}}`, `"a/b": "{original.key}"}}`, `line 12: "a/b" is no path`},
		{`"for": "deposit", "send": "GET /pay/{id}"`, `"for": "gift", "send": "GET /pay/{id}"`, "line 14: for names kinds of attempts"},
		{`"send": "GET /pay/{id}"`, `"send": "POST /pay/{id}"`, "line 14: status is sent by POST"},
		{`"whole": {"more": "false"}}, "echoes": {"ref"`, `"whole": {}}, "echoes": {"ref"`, `line 15: list needs "at", its path, and "whole"`},
		{`"whole": {"more": "false"}}, "echoes": {"ref"`, `"whole": {"more": ""}}, "echoes": {"ref"`, "line 15: whole needs something that stands in the answer"},
		{`"whole": {"more": "false"}}, "echoes": {"ref"`, `"whole": {"more": {"not": "true"}}}, "echoes": {"ref"`, "line 15: whole needs something that stands in the answer"},
		{`"at": "found.list"`, `"at": "found.0"`, `line 15: "found.0" names a place in a list`},
		{`{"for": "deposit", "send": "GET /find/{key}"`, `{"send": "GET /find/{key}"`, `line 15: status with a list needs "for"`},
		{`"within": "error.pay"`, `"within": "$.pay"`, `line 23: "$.pay" is no path here`},
		{`["take.ref", "taken"]`, `["take.ref", ""]`, `line 11: "" is no path here`},
		{`"where": {"ref": "{key}"}`, `"where": {"ref": ""}`, "line 16: where compares no secret, and nothing with an empty text"},
		{`"send": "GET /pay/{id}"`, `"send": "GET /pay/{id}", "body": {"x": "{card.code}"}`, "line 14: status has a body, which a GET has not"},
		{`"after": "status"`, `"after": "sale"`, "line 19: after is status"},
		{`"after": "status", `, ``, `line 19: a fence that is "for" some kinds comes "after" status`},
		{`"send": "POST /pay", "body"`, `"send": "POST /pay", "list": {}, "body"`, `line 9: sale has nothing called "list"`},
		{`"from": ["error.code", "error.word"]`, `"from": [1]`, "line 24: from is a text"},
		{`"separator": ","`, `"separator": ", "`, "line 33: separator is one character"},
		{`"separator": ",", `, ``, "line 33: form names {time}, which is not known here"},
		{`t={time},v1={signature}`, `t={time},v1`, "line 33: form is words around {signature}"},
		{`t={time},v1={signature}`, `t={time},{signature}{signature}`, "line 33: form is words around {signature}"},
		{`t={time},v1={signature}`, `t={time}v1={signature}`, "line 33: form is words around {signature}"},
		{`t={time},v1={signature}`, `v1={signature}`, "form has {signature} in it, over has {body}, and {time} where there is one"},
		{`"toleranceSeconds": 60`, `"toleranceSeconds": 3601`, "line 33: toleranceSeconds is a number from 0 to 3600"},
		{`"over": "{time}.{body}"`, `"over": "{body}"`, "over has {body}, and {time} where there is one"},
		{`"ignore": {"kind": "pay", "ref": ""}`, `"ignore": {"a b": ""}`, `line 34: "a b" is no path`},
		{`"ignore": {"kind": "pay", "ref": ""}`, `"ignore": {"ref": ""}`, "line 34: ignore needs something that stands in the post"},
	} {
		if !strings.Contains(wide, c.was) {
			t.Fatalf("%q stands nowhere", c.was)
		}
		if _, err := declared.Load([]byte(strings.Replace(wide, c.was, c.is, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant %s", c.is, err, c.want)
		}
	}
}

// answers are given by method and path; what was asked is kept.
type answers struct {
	mu   sync.Mutex
	of   map[string]string // a status that is not 200 stands before the body
	seen []string
	sent string
}

func (p *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	what := r.Method + " " + r.URL.Path
	p.seen = append(p.seen, what)
	if len(raw) > 0 {
		p.sent = string(raw)
	}
	body, status := p.of[what], http.StatusOK
	if _, err := fmt.Sscanf(body, "%d {", &status); err == nil {
		body = body[4:]
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (p *answers) set(what, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of[what] = body
}

func (p *answers) asked() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := strings.Join(p.seen, ", ")
	p.seen = nil
	return all
}

func wideAt(t *testing.T, of map[string]string) (connector.Connector, *answers) {
	t.Helper()
	kind, err := declared.Load([]byte(wide))
	if err != nil {
		t.Fatal(err)
	}
	p := &answers{of: of}
	httpd := httptest.NewServer(p)
	t.Cleanup(httpd.Close)
	return opened(t, kind, fmt.Sprintf(`{"url":%q,"secret":"k3y"}`, httpd.URL)), p
}

const (
	findOne = "GET /find/k-1"
	open    = `{"id":"p1","ref":"k-1","sum":500,"cur":"eur","state":"open"}`
)

func deposit(id string) connector.Ref {
	return connector.Ref{Kind: payment.AttemptDeposit, Key: "k-1", ProviderRef: id, Amount: money.MustParse("5"), Currency: "EUR"}
}

func TestAPaymentIsFoundInAList(t *testing.T) {
	t.Parallel()
	other := strings.Replace(open, `"k-1"`, `"K-1"`, 1)
	for _, x := range []struct {
		list  string
		found bool
		want  payment.Class // empty: an error
	}{
		{`{"more":false,"found":{"list":[` + open + `]}}`, true, payment.ClassWaiting},
		{`{"more":false,"found":{"list":[]}}`, false, payment.ClassUnknown},
		{`{"more":true,"found":{"list":[]}}`, false, ""},
		{`{"more":true,"found":{"list":[` + open + `]}}`, false, ""},
		{`{"found":{"list":[]}}`, false, ""},
		{`{"more":false,"found":{"list":null}}`, false, ""},
		{`{"more":false,"found":{}}`, false, ""},
		{`{"more":false}`, false, ""},
		{`{"more":false,"found":{"list":["k-1"]}}`, false, ""},
		{`{"more":false,"found":{"list":[` + open + `,` + open + `]}}`, false, ""},
		{`{"more":false,"found":{"list":[` + other + `]}}`, false, ""},
		{`{"more":false,"found":{"list":[` + open + `,` + other + `]}}`, false, ""},
	} {
		c, _ := wideAt(t, map[string]string{findOne: x.list})
		fact, err := c.Status(t.Context(), deposit(""))
		switch {
		case x.want == "" && (err == nil || fact.NotFound || errors.Is(err, outbound.ErrNotSent)):
			t.Errorf("%s: %+v, %v; want an error that proves nothing", x.list, fact, err)
		case x.want != "" && (err != nil || fact.Class != x.want || fact.NotFound == x.found || (fact.ProviderRef == "p1") != x.found):
			t.Errorf("%s: %+v, %v; want %s", x.list, fact, err, x.want)
		}
	}
}

func TestPathsInAListAreSeenFromEachOfItOrFromTheWholeAnswer(t *testing.T) {
	t.Parallel()
	deep := strings.Replace(wide, `"send": "GET /find/{key}",`, `"send": "GET /find/{key}", "within": "of", "told": {"key": ["mark", "ref"], "currency": ["cur", "@answer.cur"]},`, 1)
	kind, err := declared.Load([]byte(deep))
	if err != nil {
		t.Fatal(err)
	}
	p := &answers{of: map[string]string{}}
	httpd := httptest.NewServer(p)
	defer httpd.Close()
	c := opened(t, kind, fmt.Sprintf(`{"url":%q}`, httpd.URL))
	const bare = `{"id":"p1","ref":"k-1","sum":500,"state":"open"}`
	for list, found := range map[string]bool{
		`{"more":false,"cur":"eur","found":{"list":[{"of":` + bare + `}]}}`:             true,
		`{"more":false,"found":{"list":[{"of":` + open + `}]}}`:                         true,
		`{"more":false,"found":{"list":[{"of":` + bare + `}]}}`:                         false,
		`{"more":false,"cur":"eur","found":{"list":[` + bare + `]}}`:                    false,
		`{"more":false,"cur":"eur","found":{"list":[{"of":[` + bare + `]}]}}`:           false,
		`{"more":false,"cur":"eur","found":{"list":[{"of":` + bare + `},{"of":null}]}}`: false,
	} {
		p.set(findOne, list)
		fact, err := c.Status(t.Context(), deposit(""))
		if found != (err == nil && fact.Class == payment.ClassWaiting && fact.Echoed.Currency == "EUR") || fact.NotFound || !found && err == nil {
			t.Errorf("%s: %+v, %v", list, fact, err)
		}
	}
}

func TestQuestionsAreChosenByWhatIsKnown(t *testing.T) {
	t.Parallel()
	held := strings.Replace(open, "open", "held", 1)
	back := `{"more":false,"list":[{"id":"r0","ref":"k-0","of":"p1","sum":1,"cur":"eur","state":"done"},{"id":"r1","ref":"k-2","of":"p1","sum":100,"cur":"eur","state":"done"}]}`
	c, p := wideAt(t, map[string]string{"GET /pay/p1": open, "GET /pay/p2": open, findOne: `{"more":false,"found":{"list":[` + open + `]}}`, "GET /back/p1": back, "GET /void/p1": held, "GET /void/p2": held})
	if fact, err := c.Status(t.Context(), deposit("p1")); err != nil || fact.Class != payment.ClassWaiting || p.asked() != "GET /pay/p1" {
		t.Errorf("by its id: %+v, %v", fact, err)
	}
	if fact, err := c.Status(t.Context(), deposit("p2")); err == nil {
		t.Errorf("another id is told: %+v", fact)
	}
	p.asked()
	refund := connector.Ref{Kind: payment.AttemptRefund, Key: "k-2", Amount: money.MustParse("1"), Of: connector.Original{Key: "k-1", ProviderRef: "p1"}}
	if fact, err := c.Status(t.Context(), refund); err != nil || fact.ProviderRef != "r1" || p.asked() != "GET /back/p1" {
		t.Errorf("by the id of its original: %+v, %v", fact, err)
	}
	refund.Of.ProviderRef = ""
	if fact, err := c.Status(t.Context(), refund); err != nil || fact.ProviderRef != "r1" || p.asked() != findOne+", GET /back/p1" {
		t.Errorf("by the key of its original: %+v, %v", fact, err)
	}
	refund.Key = "k-3"
	if fact, err := c.Status(t.Context(), refund); err != nil || !fact.NotFound {
		t.Errorf("one that is not there: %+v, %v", fact, err)
	}
	p.asked()
	p.set("GET /back/p1", strings.Replace(back, `"ref":"k-0","of":"p1"`, `"ref":"k-0","of":"p2"`, 1))
	if fact, err := c.Status(t.Context(), refund); err == nil || fact.NotFound {
		t.Errorf("the list is one of another payment: %+v, %v", fact, err)
	}
	p.asked()
	refund.Of.Key = ""
	if fact, err := c.Status(t.Context(), refund); err == nil || p.asked() != "" {
		t.Errorf("of an original that nobody knows: %+v", fact)
	}
	if fact, err := c.Status(t.Context(), connector.Ref{Kind: payment.AttemptCapture, Key: "k-4", Of: connector.Original{Key: "k-1"}}); err == nil || p.asked() != "" {
		t.Errorf("there is no question for captures: %+v", fact)
	}
	for of, absent := range map[connector.Original]bool{{Key: "k-1", ProviderRef: "p1"}: true, {Key: "k-1", ProviderRef: "p2"}: false, {Key: "k-9", ProviderRef: "p1"}: false} {
		if fact, err := c.Status(t.Context(), connector.Ref{Kind: payment.AttemptVoid, Key: "k-4", Of: of}); fact.NotFound != absent || absent != (err == nil) {
			t.Errorf("a hold that stands, of %+v: %+v, %v", of, fact, err)
		}
	}
	if traits := c.Traits(); traits.NoAskByKey || !traits.ByOriginal {
		t.Errorf("%+v", traits)
	}
}

func TestAnOriginalIsAskedForFirst(t *testing.T) {
	t.Parallel()
	found, ended := `{"more":false,"found":{"list":[`+open+`]}}`, strings.Replace(open, "open", "ended", 1)
	void := connector.Request{Key: "k-2", Original: connector.Ref{Key: "k-1"}}
	for name, x := range map[string]struct {
		list, answer, asked string
		want                payment.Class
		unsent              bool
	}{
		"found":            {found, ended, findOne + ", POST /pay/p1/end", payment.ClassApproved, false},
		"another's answer": {found, strings.Replace(ended, "p1", "p2", 1), findOne + ", POST /pay/p1/end", "", false},
		"another key":      {found, strings.Replace(ended, "k-1", "k-9", 1), findOne + ", POST /pay/p1/end", "", false},
		"not found":        {`{"more":false,"found":{"list":[]}}`, ended, findOne, "", true},
		"no answer":        {`500 {}`, ended, findOne, "", true},
	} {
		c, p := wideAt(t, map[string]string{findOne: x.list, "POST /pay/p1/end": x.answer})
		fact, err := c.(connector.Voider).Void(t.Context(), void)
		if asked := p.asked(); asked != x.asked || fact.Class != x.want || (x.want == "") != (err != nil) || errors.Is(err, outbound.ErrNotSent) != x.unsent {
			t.Errorf("%s: %+v, %v after %s", name, fact, err, asked)
		}
	}
}

func TestAnswersTellTheKeyWhereTheirCallSaysSo(t *testing.T) {
	t.Parallel()
	take := connector.Request{Key: "k-2", Amount: money.MustParse("5"), Currency: "EUR", Original: connector.Ref{Key: "k-1", ProviderRef: "p1"}}
	for body, want := range map[string]payment.Class{
		`{"id":"p1","ref":"k-1","take":{"ref":"k-2"},"sum":500,"cur":"eur","state":"done"}`: payment.ClassApproved,
		`{"id":"p1","ref":"k-1","taken":"k-2","sum":500,"cur":"eur","state":"done"}`:        payment.ClassApproved,
		`{"id":"p1","ref":"k-2","sum":500,"cur":"eur","state":"done"}`:                      "",
		`{"id":"p2","ref":"k-1","taken":"k-2","sum":500,"cur":"eur","state":"done"}`:        "",
	} {
		c, _ := wideAt(t, map[string]string{"POST /pay/p1/take": body})
		if fact, err := c.(connector.Capturer).Capture(t.Context(), take); fact.Class != want || (want == "") != (err != nil) {
			t.Errorf("%s: %+v, %v", body, fact, err)
		}
	}
}

func TestARefusalTellsOfWhatWasMadeInsideOfAnError(t *testing.T) {
	t.Parallel()
	sale := connector.Request{Key: "k-1", Amount: money.MustParse("5"), Currency: "EUR", Method: payment.PayByLink}
	refused := `402 {"error":{"pay":{"id":"p1","ref":"k-1","sum":500,"cur":"eur","state":"no","cause":"poor"}}}`
	for body, want := range map[string]payment.Class{
		refused: payment.ClassDeclinedHard,
		strings.Replace(refused, "k-1", "k-2", 1): "", strings.Replace(refused, `"no"`, `"done"`, 1): "", `402 {"error":{}}`: "",
	} {
		c, p := wideAt(t, map[string]string{"POST /pay": body})
		fact, err := c.Start(t.Context(), sale)
		if fact.Class != want || (want == "") != (err != nil) || want != "" && (fact.Code != "4.01" || fact.ProviderRef != "p1") {
			t.Errorf("%s: %+v, %v", body, fact, err)
		}
		if p.sent != "sum=500&cur=eur&ref=k-1" {
			t.Errorf("sent %s", p.sent)
		}
	}
	c, p := wideAt(t, nil)
	for amount, currency := range map[string]money.Currency{"50.01": "EUR", "1.5": "UGX"} {
		if _, err := c.Start(t.Context(), connector.Request{Key: "k-1", Amount: money.MustParse(amount), Currency: currency, Method: payment.PayByLink}); !errors.Is(err, connector.ErrIncomplete) || p.asked() != "" {
			t.Errorf("%s %s: %v", amount, currency, err)
		}
	}
}

func TestWhatWaitsIsClosedAfterAQuestion(t *testing.T) {
	t.Parallel()
	ended, done := strings.Replace(open, "open", "ended", 1), strings.Replace(open, "open", "done", 1)
	end := "POST /pay/p1/end"
	for name, x := range map[string]struct {
		first, end, then string
		want             payment.Class
		asked            string
	}{
		"it waits":             {open, ended, ended, payment.ClassCancelled, findOne + ", " + end + ", GET /pay/p1"},
		"it has gone on":       {open, `409 {"error":{"word":"done"}}`, done, payment.ClassApproved, findOne + ", " + end + ", GET /pay/p1"},
		"it is done":           {done, "", "", payment.ClassApproved, findOne},
		"the fence breaks":     {open, "500 {}", ended, "", findOne + ", " + end},
		"the fence is another": {open, strings.Replace(ended, "p1", "p2", 1), ended, "", findOne + ", " + end},
	} {
		c, p := wideAt(t, map[string]string{findOne: `{"more":false,"found":{"list":[` + x.first + `]}}`, end: x.end, "GET /pay/p1": x.then})
		fact, err := c.(connector.Fencer).Fence(t.Context(), deposit(""))
		if asked := p.asked(); asked != x.asked || fact.Class != x.want || (x.want == "") != (err != nil) {
			t.Errorf("%s: %+v, %v after %s", name, fact, err, asked)
		}
	}
}

func TestSignaturesWithTheirTimeAndSeveralSecrets(t *testing.T) {
	t.Parallel()
	c, _ := wideAt(t, nil)
	n := c.(connector.Notifier)
	body := `{"event":"e1","of":{"kind":"pay","id":"p1","ref":"k-1","sum":500,"cur":"eur","state":"done"}}`
	sign := func(at time.Time, body string, secrets ...string) string {
		s := fmt.Sprintf("t=%d", at.Unix())
		for _, secret := range secrets {
			mac := hmac.New(sha256.New, []byte(secret))
			fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
			s += ",v1=" + hex.EncodeToString(mac.Sum(nil))
		}
		return s
	}
	now := time.Now()
	good := sign(now, body, "k3y")
	for name, header := range map[string]string{
		"one": good, "with spaces": strings.Replace(good, ",", ", ", 1), "old and new": sign(now, body, "0ld", "k3y"), "another scheme beside": good + ",v0=00", "before": sign(now.Add(-50*time.Second), body, "k3y"),
	} {
		all, err := n.ParseNotice(http.Header{"Signed": {header}}, []byte(body))
		if err != nil || len(all) != 1 || all[0].Key != "k-1" || all[0].EventKey != "e1" || all[0].Fact.Class != payment.ClassApproved {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	_, signature, _ := strings.Cut(good, ",")
	for name, header := range map[string]string{
		"none": "", "no time": signature, "no signature": fmt.Sprintf("t=%d", now.Unix()), "another secret": sign(now, body, "0ld"), "another body": sign(now, body+" ", "k3y"),
		"old": sign(now.Add(-70*time.Second), body, "k3y"), "early": sign(now.Add(70*time.Second), body, "k3y"), "another time": fmt.Sprintf("t=%d,", now.Add(-time.Second).Unix()) + signature,
		"another scheme": strings.Replace(good, "v1=", "v0=", 1), "a word for a time": "t=now," + signature, "empty": "t=,v1=",
	} {
		if all, err := n.ParseNotice(http.Header{"Signed": {header}}, []byte(body)); err == nil || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	for odd, ignored := range map[string]bool{
		`{"event":"e2","of":{"kind":"pay","id":"p9"}}`: true, `{"event":"e2","of":{"kind":"strike","id":"p9"}}`: false, `{"event":"e2"}`: false, `[]`: false,
	} {
		all, err := n.ParseNotice(http.Header{"Signed": {sign(now, odd, "k3y")}}, []byte(odd))
		if len(all) != 0 || ignored != (err == nil) || !ignored && !errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", odd, all, err)
		}
	}
}
