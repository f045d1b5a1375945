package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

const payments = "/api/v1/payments"

// client is a merchant's program. It holds every answer that it gets against the published contract.
type client struct {
	app      *testkit.App
	contract *contract
	shop     testkit.Member
	partial  bool // see exchange
}

func newClient(t *testing.T, d *storetest.Database, edit func(*shop.Shop)) *client {
	t.Helper()
	return newClientBy(t, d, edit, testkit.Options{})
}

// newClientBy is newClient of an application with these options.
func newClientBy(t *testing.T, d *storetest.Database, edit func(*shop.Shop), o testkit.Options) *client {
	t.Helper()
	clock := testkit.SlowClock(200) // the same within a minute is that on every machine
	db := d.Open(func(o *store.Options) { o.Now = clock.Now })
	o.Clock = clock
	app := testkit.New(t, db, o)
	return &client{app: app, contract: contractFor(t), shop: app.NewShop(t, demanding(edit))}
}

// demanding lets a shop demand what is published, unless edit says otherwise: so tests see every demand there is.
func demanding(edit func(*shop.Shop)) func(*shop.Shop) {
	return func(s *shop.Shop) {
		s.Settings.Required = shop.RequiredContract
		if edit != nil {
			edit(s)
		}
	}
}

// other is a client of another shop of the same application.
func (c *client) other(t *testing.T, edit func(*shop.Shop)) *client {
	t.Helper()
	return &client{app: c.app, contract: c.contract, shop: c.app.NewShop(t, demanding(edit))}
}

func relaxed(s *shop.Shop) { s.Settings.Required = shop.RequiredRelaxed }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request is what is sent. Header values may replace those that every request has; an empty one removes it.
type request struct {
	method, path string
	header       map[string]string
	body         string
}

var idPattern = regexp.MustCompile(`^/api/v1/payments/[^/]+`)

// pattern is the path as the documents have it, and empty for one that they do not have.
func (r *request) pattern() string {
	path, _, _ := strings.Cut(r.path, "?")
	if path != payments {
		path = idPattern.ReplaceAllString(path, payments+"/{id}")
	}
	for _, known := range []string{"", "/{id}", "/{id}/capture", "/{id}/void", "/{id}/operations"} {
		if path == payments+known {
			return path
		}
	}
	return ""
}

func (c *client) do(t testing.TB, q request) answer {
	t.Helper()
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), q.method, c.app.URL+q.path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.shop.APIKey)
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	a := c.read(t, r)
	c.checkAnswer(t, q, a)
	return a
}

func (c *client) read(t testing.TB, r *http.Request) answer {
	t.Helper()
	resp, err := c.app.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return a
}

func (c *client) checkAnswer(t testing.TB, q request, a answer) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: Content-Type %q", q.method, q.path, got)
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: no X-Request-Id", q.method, q.path)
	}
	x := exchange{method: q.method, pattern: q.pattern(), status: a.status, header: a.header, body: a.body, partial: c.partial}
	if a.status == http.StatusMethodNotAllowed {
		x.pattern = "" // the documents do not have the method
	}
	c.contract.check(t, x)
}

// post sends a body to a path below /payments and wants the status.
func (c *client) post(t testing.TB, path, body string, status int) answer {
	t.Helper()
	return c.want(t, request{method: http.MethodPost, path: payments + path, body: body}, status)
}

func (c *client) get(t testing.TB, path string, status int) answer {
	t.Helper()
	return c.want(t, request{method: http.MethodGet, path: payments + path}, status)
}

func (c *client) want(t testing.TB, q request, status int) answer {
	t.Helper()
	a := c.do(t, q)
	if a.status != status {
		t.Fatalf("%s %s: %d, want %d\n%s\n%s", q.method, q.path, a.status, status, q.body, a.body)
	}
	return a
}

// field reads a member of the payment in an answer as text.
func (a *answer) field(t testing.TB, name string) string {
	t.Helper()
	var envelope struct {
		Result map[string]any `json:"result"`
	}
	decode(t, a.body, &envelope)
	v, ok := envelope.Result[name]
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// stored is how many payments the shop has.
func (c *client) stored(t testing.TB) int {
	t.Helper()
	a := c.get(t, "?limit=1000", http.StatusOK)
	var list struct {
		Result []json.RawMessage `json:"result"`
	}
	decode(t, a.body, &list)
	return len(list.Result)
}

// deposit is a request with everything that the contract demands.
const deposit = `{"paymentType":"DEPOSIT","currency":"EUR","amount":11.12,"customer":{"firstName":"John","lastName":"Doe",` +
	`"ip":"152.13.130.125","email":"john@example.com","phone":"44 02072243688"},"billingAddress":{"countryCode":"GB",` +
	`"city":"London","addressLine1":"221b Baker St, Marylebone","postalCode":"NW1 6XE"}}`

// with returns a request with a member set to a JSON text, or removed where that is empty. The path of the member
// has dots. Members come out sorted.
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

func quoted(n int) string { return `"` + strings.Repeat("é", n) + `"` }

func serve(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}
