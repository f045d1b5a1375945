package yandexpay_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

// Cards of the simulator's table.
const (
	approved  = "4000000000000408"
	poor      = "4000000000009995"
	challenge = "4000000000000002"
)

const orders = "/v1/orders"

// client is a merchant's program.
type client struct {
	app  *testkit.App
	shop testkit.Member
}

func newClient(t testing.TB, d *storetest.Database, edit func(*shop.Shop), more ...func(*store.Options)) *client {
	t.Helper()
	return newClientBy(t, d, edit, testkit.Options{}, more...)
}

// newClientBy is newClient of an application with these options.
func newClientBy(t testing.TB, d *storetest.Database, edit func(*shop.Shop), o testkit.Options, more ...func(*store.Options)) *client {
	t.Helper()
	clock := testkit.SlowClock(200) // checks come due by later, not while a test looks at what is PENDING
	db := d.Open(append([]func(*store.Options){func(o *store.Options) { o.Now = clock.Now }}, more...)...)
	o.Clock = clock
	app := testkit.New(t, db, o)
	return &client{app: app, shop: app.NewShop(t, edit)}
}

// unreliable makes the store fail by chance in every way that nobody may notice.
func unreliable(o *store.Options) { o.Fault = storetest.Unreliable(30) }

func (c *client) other(t testing.TB, edit func(*shop.Shop)) *client {
	t.Helper()
	return &client{app: c.app, shop: c.app.NewShop(t, edit)}
}

func twoStage(s *shop.Shop) { s.Settings.YandexPay.TwoStage = true }

type answer struct {
	status int
	header http.Header
	body   []byte
}

// request is what is sent. Header values may replace those that every request has; an empty one removes it.
type request struct {
	method, path string // path below the base
	header       map[string]string
	body         string
}

func (c *client) do(t testing.TB, q request) answer {
	t.Helper()
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), q.method, c.app.URL+yandexpay.BasePath+q.path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+c.shop.APIKey)
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	resp, err := c.app.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if q.method != http.MethodHead {
		a.check(t, q)
	}
	return a
}

// check holds every answer against what all answers have in common.
func (a *answer) check(t testing.TB, q request) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: %d with Content-Type %q", q.method, q.path, a.status, got)
	}
	var e struct {
		Code       int
		Status     string
		Data       *json.RawMessage
		ReasonCode *string
		Reason     *string
	}
	decode(t, a.body, &e)
	good := e.Status == "success" && e.Data != nil && e.ReasonCode == nil
	if a.status != 200 {
		good = e.Status == "fail" && e.Data == nil && e.ReasonCode != nil && e.Reason != nil && *e.Reason != ""
	}
	sent, err := url.PathUnescape(q.path)
	if err != nil {
		sent = q.path
	}
	for _, shown := range uuid.FindAllString(string(a.body), -1) {
		if shown[14] != '4' && !strings.Contains(sent+q.body, shown) {
			t.Errorf("%s %s: %s is no UUID of version 4", q.method, q.path, shown)
		}
	}
	if !good || e.Code != a.status {
		t.Errorf("%s %s: %d with the envelope %s", q.method, q.path, a.status, a.body)
	}
}

func decode(t testing.TB, raw []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
}

func (c *client) want(t testing.TB, status int, q request) answer {
	t.Helper()
	a := c.do(t, q)
	if a.status != status {
		t.Fatalf("%s %s: %d, want %d\n%s\n%s", q.method, q.path, a.status, status, q.body, a.body)
	}
	return a
}

// post sends a body and wants 200.
func (c *client) post(t testing.TB, path, body string) answer {
	t.Helper()
	return c.want(t, 200, request{method: http.MethodPost, path: path, body: body})
}

func (c *client) get(t testing.TB, path string) answer {
	t.Helper()
	return c.want(t, 200, request{method: http.MethodGet, path: path})
}

// field reads a value of an answer by its path, such as data.order.paymentStatus, as text; "" for null and nothing.
func (a *answer) field(t testing.TB, path string) string {
	t.Helper()
	var at any
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if err := d.Decode(&at); err != nil {
		t.Fatal(err)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at = in[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				return ""
			}
			at = in[i]
		default:
			return ""
		}
	}
	if at == nil {
		return ""
	}
	return fmt.Sprint(at)
}

func (a *answer) reasonCode(t testing.TB) string { t.Helper(); return a.field(t, "reasonCode") }

// tea is a minimal order.
const tea = `{"cart":{"items":[{"productId":"p1","title":"Tea","quantity":{"count":"2"},"total":"180.00"}],"total":{"amount":"180.00"}},` +
	`"currencyCode":"RUB","orderId":"A-1","redirectUrls":{"onSuccess":"https://shop.example/ok","onError":"https://shop.example/no"}}`

// with returns a request with members set to JSON texts, or removed where that is empty. The path of a member has dots.
func with(t testing.TB, body string, pairs ...string) string {
	t.Helper()
	var doc map[string]any
	decode(t, []byte(body), &doc)
	for i := 0; i < len(pairs); i += 2 {
		steps := strings.Split(pairs[i], ".")
		at := doc
		for _, s := range steps[:len(steps)-1] {
			if _, ok := at[s].(map[string]any); !ok {
				at[s] = map[string]any{}
			}
			at = at[s].(map[string]any)
		}
		name := steps[len(steps)-1]
		if pairs[i+1] == "" {
			delete(at, name)
		} else {
			at[name] = json.RawMessage(pairs[i+1])
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// order makes an order with that id and returns its path.
func (c *client) order(t testing.TB, oid string, pairs ...string) string {
	t.Helper()
	c.post(t, orders, with(t, tea, append([]string{"orderId", strconv.Quote(oid)}, pairs...)...))
	return orders + "/" + url.PathEscape(oid)
}

// paid makes an order that is paid, or held in a shop of two stages.
func (c *client) paid(t testing.TB, oid string, pairs ...string) string {
	t.Helper()
	path := c.order(t, oid, pairs...)
	c.pay(t, oid, approved)
	return path
}

func (c *client) paymentOf(t testing.TB, oid string) payment.ID {
	t.Helper()
	o, err := c.app.Records.Order(t.Context(), c.shop.ID, oid)
	if err != nil {
		t.Fatalf("order %s: %v", oid, err)
	}
	return o.Payment
}

// pay is what the customer does on the page.
func (c *client) pay(t testing.TB, oid, card string) {
	t.Helper()
	c.payBy(t, c.paymentOf(t, oid), card)
}

func (c *client) payBy(t testing.TB, pid payment.ID, card string) {
	t.Helper()
	pan, err := instrument.ParsePAN(card)
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("123")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.app.Engine.Execute(t.Context(), engine.Execute{
		Target: engine.Target{Shop: c.shop.Shop, ID: pid}, Hosted: true, Method: payment.BasicCard,
		Means: &instrument.Card{Number: pan, SecurityCode: code, Holder: "JANE DOE", ExpiryMonth: "12",
			ExpiryYear: strconv.Itoa(time.Now().Year() + 3)},
	})
	if err != nil {
		t.Fatalf("pay: %v", err)
	}
}

// strike puts an effect in force for the next request of that operation at the provider.
func (c *client) strike(t testing.TB, operation string, e simulator.Effect) {
	t.Helper()
	_, err := c.app.Simulator.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Effect: e, Times: 1})
	if err != nil {
		t.Fatal(err)
	}
}

// later moves the clock behind every check that is set.
func (c *client) later() { c.app.Clock.Advance(10 * time.Minute) }

// slow is a call that the provider leaves open for a while, and then ends as the code says.
func slow(code string) simulator.Effect {
	return simulator.Effect{AsyncAfterMs: 60_000, ResponseCode: code, Notice: simulator.NoticeLost}
}

// transcript is a conversation with the API that is kept as a file. What differs from run to run is replaced, so that
// the file is the same whatever the database.
type transcript struct {
	*client
	out   bytes.Buffer
	names map[string]string // of ids, in the order in which they are met
}

// record runs a conversation on both databases and compares each with testdata/<name>.http.
func record(t *testing.T, name string, edit func(*shop.Shop), talk func(*testing.T, *transcript)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		s := &transcript{client: newClient(t, d, edit), names: make(map[string]string)}
		talk(t, s)
		golden.Check(t, filepath.Join("testdata", name+".http"), s.out.Bytes())
	})
}

// by returns the transcript continued by another client of the same application.
func (s *transcript) by(c *client, talk func(*transcript)) {
	mine := s.client
	s.client = c
	talk(s)
	s.client = mine
}

// step sends a request, wants the status and the reasonCode, empty for a success, and writes both down.
func (s *transcript) step(t *testing.T, title, want string, q request) answer {
	t.Helper()
	a := s.do(t, q)
	s.note(t, title, want, q, a)
	return a
}

// note writes down what was sent and what came back, which should be what is wanted.
func (s *transcript) note(t *testing.T, title, want string, q request, a answer) {
	t.Helper()
	code := ""
	if a.status != 200 {
		code = fmt.Sprintf("%d %s", a.status, a.reasonCode(t))
	}
	if code != want {
		t.Errorf("%s: %q, want %q\n%s", title, code, want, a.body)
	}
	fmt.Fprintf(&s.out, "### %s\n%s %s\n", title, q.method, s.normal(yandexpay.BasePath+q.path))
	if given, changed := q.header["Authorization"]; !changed {
		s.out.WriteString("Authorization: Api-Key <key>\n")
	} else if given != "" {
		s.out.WriteString("Authorization: " + s.normal(strings.ReplaceAll(given, s.shop.APIKey, "<key>")) + "\n")
	}
	for _, name := range []string{"Content-Type", "X-Request-Id", "X-Request-Timeout", "X-Request-Attempt"} {
		if q.header[name] != "" {
			s.out.WriteString(name + ": " + q.header[name] + "\n")
		}
	}
	switch {
	case len(q.body) > 4096:
		fmt.Fprintf(&s.out, "\n<%d bytes>\n", len(q.body))
	case q.body != "":
		s.out.WriteString("\n" + s.normal(strings.ToValidUTF8(q.body, "<not UTF-8>")) + "\n")
	}
	fmt.Fprintf(&s.out, "\nHTTP/1.1 %d %s\n", a.status, http.StatusText(a.status))
	for _, name := range []string{"Allow", "Content-Type", "Idempotency-Replayed", "Retry-After", "WWW-Authenticate"} {
		if v := a.header.Get(name); v != "" {
			s.out.WriteString(name + ": " + v + "\n")
		}
	}
	s.out.WriteString("\n" + s.normal(string(a.body)) + "\n\n")
}

func (s *transcript) post(t *testing.T, title, want, path, body string) answer {
	t.Helper()
	return s.step(t, title, want, request{method: http.MethodPost, path: path, body: body})
}

func (s *transcript) get(t *testing.T, title, want, path string) answer {
	t.Helper()
	return s.step(t, title, want, request{method: http.MethodGet, path: path})
}

const unknownID = "0193f0c2-a7b1-7c9e-8d4f-5a6b7c8d9e0f"

var (
	tokenPath = regexp.MustCompile(`/payment/[A-Za-z0-9_-]{64}`)
	instant   = regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00`)
	uuid      = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	hexID     = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
)

func (s *transcript) normal(text string) string {
	text = strings.ReplaceAll(text, s.app.URL, "<url>")
	text = strings.ReplaceAll(text, s.shop.MerchantID(), "<merchant>")
	text = tokenPath.ReplaceAllString(text, "/payment/<token>")
	text = instant.ReplaceAllString(text, "<time>")
	name := func(bare string) string {
		if s.names[bare] == "" {
			s.names[bare] = fmt.Sprintf("<id-%d>", len(s.names)+1)
		}
		return s.names[bare]
	}
	text = uuid.ReplaceAllStringFunc(text, func(dashed string) string {
		if dashed == unknownID {
			return dashed
		}
		bare, _ := id.Undashed(dashed)
		return name(id.FromVersion4(bare))
	})
	return hexID.ReplaceAllStringFunc(text, func(bare string) string { return name(id.FromVersion4(bare)) })
}

// jsonText is a string as JSON.
func jsonText(t testing.TB, s string) string {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
