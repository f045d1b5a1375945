package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
)

// clock is a fake one that starts on a fixed day.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2030, 3, 14, 9, 26, 53, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// sandbox is a simulator on its own listener and a client that knows the key.
type sandbox struct {
	t      testing.TB
	sim    *simulator.Simulator
	url    string
	clock  *clock
	client *http.Client
}

func newSandbox(t testing.TB, change ...func(*simulator.Config)) *sandbox {
	t.Helper()
	clk := newClock()
	cfg := simulator.Config{Now: clk.now, APIKey: "merchant-key", NoticeSecret: "notice-secret"}
	for _, f := range change {
		f(&cfg)
	}
	sim, err := simulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: false, MaxIdleConnsPerHost: 64}, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		client.CloseIdleConnections()
		server.Close()
		for _, breach := range sim.Breaches() {
			t.Error("books broken:", breach)
		}
	})
	return &sandbox{t: t, sim: sim, url: server.URL, clock: clk, client: client}
}

type object = map[string]any

// reply is one answer, decoded if it was JSON.
type reply struct {
	status int
	header http.Header
	raw    []byte
	body   object
}

func (r reply) str(name string) string {
	text, _ := r.body[name].(string)
	return text
}

func (r reply) errorCode() string {
	inner, _ := r.body["error"].(object)
	code, _ := inner["code"].(string)
	return code
}

// try makes a request and returns the transport's error, if any.
func (s *sandbox) try(method, path string, body any) (reply, error) {
	return s.tryIn(context.Background(), method, path, body)
}

func (s *sandbox) tryIn(ctx context.Context, method, path string, body any) (reply, error) {
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			return reply{}, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer merchant-key")
	resp, err := s.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	r := reply{status: resp.StatusCode, header: resp.Header}
	if r.raw, err = io.ReadAll(resp.Body); err != nil {
		return r, err
	}
	_ = json.Unmarshal(r.raw, &r.body) // garbage stays nil
	return r, nil
}

func (s *sandbox) do(method, path string, body any) reply {
	s.t.Helper()
	r, err := s.try(method, path, body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *sandbox) post(path string, body any) reply {
	s.t.Helper()
	return s.do(http.MethodPost, path, body)
}

func (s *sandbox) byReference(reference string) reply {
	s.t.Helper()
	return s.do(http.MethodGet, "/v1/transactions/by-reference/"+reference, nil)
}

func card(number string) object {
	return object{"number": number, "expiryMonth": "12", "expiryYear": "2035", "holder": "JANE DOE", "securityCode": "123"}
}

const plainCard = "4000000000000408"

// payment is a sale by the plain card, changed by the pairs given.
func payment(reference, amount string, pairs ...any) object {
	body := object{"reference": reference, "amount": amount, "currency": "EUR", "card": card(plainCard),
		"returnUrl": "https://shop.example/back?o=1"}
	for i := 0; i < len(pairs); i += 2 {
		if name := pairs[i].(string); pairs[i+1] == nil {
			delete(body, name)
		} else {
			body[name] = pairs[i+1]
		}
	}
	return body
}

// decide submits the customer's page.
func (s *sandbox) decide(actionURL, decision string) reply {
	s.t.Helper()
	return s.form(actionURL, url.Values{"decision": {decision}})
}

// form posts one to an address, or to a path of the sandbox.
func (s *sandbox) form(address string, values url.Values) reply {
	s.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	resp, err := s.client.PostForm(address, values)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{status: resp.StatusCode, header: resp.Header, raw: raw}
}

// booked lists the types of the ledger's entries for a reference.
func (s *sandbox) booked(reference string) string {
	var types []string
	for _, e := range s.sim.Find(simulator.Filter{Reference: reference}) {
		types = append(types, e.Type)
	}
	return strings.Join(types, " ")
}

func (s *sandbox) scenario(body object) {
	s.t.Helper()
	if r := s.post("/scenarios", body); r.status != http.StatusCreated {
		s.t.Fatalf("scenario %v: %d %s", body, r.status, r.raw)
	}
}

func ledgerFile(t testing.TB) string { return filepath.Join(t.TempDir(), "ledger.jsonl") }

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("never happened: ", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func withLog(w io.Writer) func(*simulator.Config) {
	return func(cfg *simulator.Config) { cfg.Logger = slog.New(slog.NewTextHandler(w, nil)) }
}
