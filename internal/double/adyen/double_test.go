package adyen_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	double "github.com/sluicepay/sluice/internal/double/adyen"
	"github.com/sluicepay/sluice/internal/double/frame"
)

const key = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"

// caller calls a double as any merchant would.
type caller struct {
	*double.Double
	t      *testing.T
	url    string
	mu     sync.Mutex
	ahead  time.Duration
	taken  []string
	answer string // to webhooks
}

func open(t *testing.T) *caller {
	t.Helper()
	c := &caller{t: t, answer: "[accepted]"}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	notices := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.taken = append(c.taken, string(body))
		_, _ = io.WriteString(w, c.answer)
	}))
	t.Cleanup(notices.Close)
	c.url = server.URL
	c.Double = double.New(double.Config{Now: c.now, APIKey: "k", MerchantAccount: "M", HMACKey: key, URL: server.URL, NoticeURL: notices.URL})
	handler = c.Handler()
	return c
}

func (c *caller) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *caller) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += by
}

// post makes a call and returns the answer's status and one of its members.
func (c *caller) post(path, idempotency, body, member string) (int, string) {
	c.t.Helper()
	q, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	q.Header.Set("X-API-Key", "k")
	q.Header.Set("Idempotency-Key", idempotency)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var told map[string]any
	if err := json.NewDecoder(res.Body).Decode(&told); err != nil {
		c.t.Fatal(err)
	}
	text, _ := told[member].(string)
	return res.StatusCode, text
}

func payment(reference, more string) string {
	return `{"merchantAccount":"M","reference":"` + reference + `","amount":{"value":1112,"currency":"EUR"},"returnUrl":"https://x.example/",
		"paymentMethod":{"type":"scheme","number":"4111111111111111","expiryMonth":"12","expiryYear":"2035"}` + more + `}`
}

func TestKeysAreKeptAsPublished(t *testing.T) {
	c := open(t)
	_, one := c.post("/payments", "a", payment("r", ""), "pspReference")
	_, two := c.post("/payments", "a", payment("r", ""), "pspReference")
	if one != two || len(c.Booked("a")) != 1 {
		t.Errorf("%s and %s, %v", one, two, c.Booked("a"))
	}
	if status, code := c.post("/payments", strings.Repeat("a", 65), payment("r", ""), "errorCode"); status != 422 || code != "703" {
		t.Errorf("a long key: %d %s", status, code)
	}
	if status, code := c.post("/payments", "b", payment("", ""), "errorCode"); status != 422 || code != "130" {
		t.Errorf("%d %s", status, code)
	}
	if _, result := c.post("/payments", "b", payment("r", ""), "resultCode"); result != "Authorised" {
		t.Errorf("after a fault of form: %s", result)
	}
	c.advance(8 * 24 * time.Hour)
	if _, three := c.post("/payments", "a", payment("r", ""), "pspReference"); three == one {
		t.Error("a key is kept for ever")
	}
}

func TestChangesAreReceivedAndTold(t *testing.T) {
	c := open(t)
	_, ref := c.post("/payments", "hold", payment("r", `,"additionalData":{"manualCapture":"true"}`), "pspReference")
	change := func(path, key, value string) string {
		_, status := c.post("/payments/"+ref+path, key, `{"merchantAccount":"M","reference":"`+key+`","amount":{"value":`+value+`,"currency":"EUR"}}`, "status")
		return status
	}
	for _, step := range [][3]string{{"/captures", "too much", "1113"}, {"/captures", "take", "1000"}, {"/captures", "again", "1"}, {"/cancels", "late", "1"},
		{"/refunds", "back", "600"}, {"/refunds", "more", "401"}, {"/refunds", "rest", "400"}} {
		if got := change(step[0], step[1], step[2]); got != "received" {
			t.Errorf("%v: %s", step, got)
		}
	}
	if status, code := c.post("/payments/DBL9/captures", "x", `{"merchantAccount":"M","amount":{"value":1,"currency":"EUR"}}`, "errorCode"); status != 422 || code != "167" {
		t.Errorf("of nothing: %d %s", status, code)
	}
	var books []string
	for _, e := range c.Books() {
		books = append(books, e.Key+" "+string(e.Moved)+" "+e.Amount)
	}
	if got := strings.Join(books, ", "); got != "hold held 1112, take taken 1000, back returned 600, rest returned 400" {
		t.Error(got)
	}
	c.answer = "OK"
	if err := c.Deliver(t.Context(), http.DefaultClient); err == nil {
		t.Error("a webhook is taken without Adyen's word")
	}
	c.answer = "[accepted]"
	if err := c.Deliver(t.Context(), http.DefaultClient); err != nil || len(c.taken) != 16 {
		t.Errorf("%v, %d posts", err, len(c.taken))
	}
	if all := string(c.Batch()); strings.Count(all, `"success":"false"`) != 4 || strings.Count(all, `"success":"true"`) != 4 {
		t.Error(all)
	}
}

func TestCustomersWhoStayAwayAreToldOf(t *testing.T) {
	c := open(t)
	asked := strings.Replace(payment("r", ""), "4111111111111111", "4212345678901237", 1)
	if _, result := c.post("/payments", "a", asked, "resultCode"); result != "RedirectShopper" {
		t.Fatal(result)
	}
	if status, code := c.post("/payments/details", "d", `{"details":{"redirectResult":"made up"}}`, "errorCode"); status != 422 || code != "14_006" {
		t.Errorf("%d %s", status, code)
	}
	if len(c.Events()) != 0 {
		t.Error("something is told")
	}
	c.advance(13 * time.Hour)
	if told := c.Events(); len(told) != 1 || !strings.Contains(string(told[0]), "OFFER_CLOSED") || c.Finish("a", true) {
		t.Errorf("%s", told)
	}
}

func TestWhoIsAskedFor(t *testing.T) {
	c := open(t)
	c.Strike(frame.Fault{Op: double.OpAsk, Kind: frame.Unauthorized})
	if status, _ := c.post("/paymentMethods", "", `{"merchantAccount":"M"}`, ""); status != http.StatusUnauthorized {
		t.Error(status)
	}
	if status, code := c.post("/paymentMethods", "", `{"merchantAccount":"N"}`, "errorCode"); status != http.StatusForbidden || code != "901" {
		t.Error(status, code)
	}
	if status, _ := c.post("/paymentMethods", "", `{"merchantAccount":"M"}`, ""); status != http.StatusOK {
		t.Error(status)
	}
}
