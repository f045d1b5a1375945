package stripe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Version is the interface that the double speaks. Requests for another are refused, so that a caller which pins none is noticed.
const Version = "2026-03-25.dahlia"

// keyLife is how long results are kept under an idempotency key.
const keyLife = 24 * time.Hour

// Config is what a double is made of.
type Config struct {
	Now           func() time.Time
	APIKey        string
	WebhookSecret []string // all of them sign
	NoticeURL     string   // where Deliver posts; may be empty
	URL           string   // where the double itself is reached, for the pages that it sends customers to
	// Wait lets time pass in answers that are slow or never come. It returns when the client has gone at the latest.
	Wait func(ctx context.Context) error
}

// Double is one account at Stripe.
type Double struct {
	c  Config
	mu sync.Mutex

	seq       int
	intents   map[string]*intent
	setups    map[string]*setup
	refunds   map[string]*refund
	methods   map[string]*method
	customers map[string]object
	order     []string // ids of all of them, oldest first
	keys      map[string]*saved
	faults    []Fault
	books     []Entry
	events    []*event
	hanging   int64
}

// object is a JSON object.
type object = map[string]any

// Entry is one movement of money, under the idempotency key of the request that led to it.
type Entry struct {
	Key      string
	Moved    Movement
	Amount   int64 // as Stripe writes it
	Currency string
}

// Movement says which way money went.
type Movement string

// The movements.
const (
	Held     Movement = "held"
	Taken    Movement = "taken"
	Released Movement = "released"
	Returned Movement = "returned"
)

// New returns an account with empty books.
func New(c Config) *Double {
	return &Double{
		c: c, intents: map[string]*intent{}, setups: map[string]*setup{}, refunds: map[string]*refund{}, methods: map[string]*method{},
		customers: map[string]object{}, keys: map[string]*saved{},
	}
}

// Booked lists what was moved under a key, oldest first.
func (d *Double) Booked(key string) (found []Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.books {
		if e.Key == key {
			found = append(found, e)
		}
	}
	return found
}

// Hanging counts requests that were never answered so far.
func (d *Double) Hanging() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hanging
}

// saved is the result of the first request under a key.
type saved struct {
	sum     [32]byte
	at      time.Time
	running bool
	answer  answer
}

// answer is what a request is answered.
type answer struct {
	status int
	body   object
}

// call is one request.
type call struct {
	op    string
	key   string
	id    string
	form  url.Values
	fault Fault
	now   time.Time
}

type handler func(d *Double, c *call) answer

// Handler serves the account.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, r := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, r) })
	}
	mux.HandleFunc("GET /authenticate/{id}", d.page)
	mux.HandleFunc("POST /authenticate/{id}", d.authenticated)
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		write(w, fail(http.StatusNotFound, "url_invalid", "Unrecognized request URL"))
	})
	return mux
}

// serve admits a request, runs it under its key, and misbehaves where it was asked to.
func (d *Double) serve(w http.ResponseWriter, q *http.Request, r route) {
	if err := q.ParseForm(); err != nil {
		write(w, fail(http.StatusBadRequest, "", "the body is no form"))
		return
	}
	c := &call{op: r.op, key: q.Header.Get("Idempotency-Key"), id: q.PathValue("id"), form: q.Form, now: d.c.Now()}
	d.mu.Lock()
	c.fault = d.strikes(c.op)
	d.mu.Unlock()
	if a, refused := d.admit(q, c, r); refused {
		write(w, a)
		return
	}
	if c.fault.Before {
		d.misbehave(w, q, c, answer{})
		return
	}
	a, replayed := d.once(q, c, r.run)
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	d.misbehave(w, q, c, a)
}

// admit checks what comes before any work and any key: credentials, the pace, the version and the names of parameters.
func (d *Double) admit(q *http.Request, c *call, r route) (answer, bool) {
	switch {
	case q.Header.Get("Authorization") != "Bearer "+d.c.APIKey || c.fault.Kind == Unauthorized:
		return fail(http.StatusUnauthorized, "", "Invalid API Key provided"), true
	case c.fault.Kind == RateLimited:
		return fail(http.StatusTooManyRequests, "rate_limit", "Too many requests"), true
	case q.Header.Get("Stripe-Version") != Version:
		return fail(http.StatusBadRequest, "", "Invalid Stripe API version"), true
	case c.fault.Kind == Rejected:
		return fail(http.StatusBadRequest, "parameter_invalid_empty", "You passed an empty string"), true
	case len(c.key) > 255:
		return fail(http.StatusBadRequest, "", "Idempotency key is too long"), true
	}
	for name := range q.Form {
		if !r.takes(name) {
			a := fail(http.StatusBadRequest, "parameter_unknown", "Received unknown parameter: "+name)
			inner, _ := a.body["error"].(object)
			inner["param"] = name
			return a, true
		}
	}
	return answer{}, false
}

// once runs a request that changes something at most once under its key. A request that is refused for its form leaves no key.
func (d *Double) once(q *http.Request, c *call, run handler) (a answer, replayed bool) {
	if q.Method != http.MethodPost || c.key == "" {
		d.mu.Lock()
		defer d.mu.Unlock()
		return run(d, c), false
	}
	sum := sha256.Sum256([]byte(q.URL.Path + "?" + c.form.Encode()))
	d.mu.Lock()
	s := d.keys[c.key]
	switch {
	case s != nil && c.now.Sub(s.at) >= keyLife:
	case s != nil && s.sum != sum:
		d.mu.Unlock()
		return failOf("idempotency_error", http.StatusBadRequest, "", "Keys for idempotent requests can only be used with the same parameters"), false
	case s != nil && s.running:
		d.mu.Unlock()
		return fail(http.StatusConflict, "idempotency_key_in_use", "There is currently another in-progress request using this key"), false
	case s != nil:
		d.mu.Unlock()
		return s.answer, true
	}
	s = &saved{sum: sum, at: c.now, running: true}
	d.keys[c.key] = s
	d.mu.Unlock()
	d.mu.Lock() // between the two another request may find the key in use
	defer d.mu.Unlock()
	s.answer, s.running = run(d, c), false
	if s.answer.status == http.StatusBadRequest || s.answer.status == http.StatusNotFound {
		delete(d.keys, c.key)
	}
	return s.answer, false
}

// book enters a movement.
func (d *Double) book(key string, m Movement, amount int64, currency string) {
	d.books = append(d.books, Entry{key, m, amount, currency})
}

// name makes the id of something new.
func (d *Double) name(prefix string) string {
	d.seq++
	id := fmt.Sprintf("%s_3Du%021d", prefix, d.seq)
	d.order = append(d.order, id)
	return id
}

func fail(status int, code, message string) answer {
	return failOf("invalid_request_error", status, code, message)
}

func failOf(kind string, status int, code, message string) answer {
	e := object{"type": kind, "message": message}
	if code != "" {
		e["code"], e["doc_url"] = code, "https://stripe.com/docs/error-codes/"+strings.ReplaceAll(code, "_", "-")
	}
	return answer{status, object{"error": e}}
}

func ok(body object) answer { return answer{http.StatusOK, body} }

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_double")
	w.Header().Set("Stripe-Version", Version)
	w.WriteHeader(a.status)
	_, _ = w.Write(encode(a)) // the client may have gone
}
