package stripe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
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
	frame.Frame
	c Config

	seq       int
	intents   map[string]*intent
	setups    map[string]*setup
	refunds   map[string]*refund
	methods   map[string]*method
	customers map[string]object
	order     []string // ids of all of them, oldest first
	keys      frame.Keys
	events    []*event
}

// object is a JSON object.
type object = frame.Object

// New returns an account with empty books.
func New(c Config) *Double {
	d := &Double{
		c: c, intents: map[string]*intent{}, setups: map[string]*setup{}, refunds: map[string]*refund{}, methods: map[string]*method{},
		customers: map[string]object{},
	}
	d.Wait, d.Twists, d.Spoilt = c.Wait, twists, spoilt
	return d
}

// answer is what a request is answered.
type answer = frame.Answer

// call is one request.
type call struct {
	op    string
	key   string
	id    string
	form  url.Values
	fault frame.Fault
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
	c.fault = d.Take(c.op)
	says(w)
	if a, refused := d.admit(q, c, r); refused {
		write(w, a)
		return
	}
	if c.fault.Before {
		d.Send(w, q, c.fault, answer{})
		return
	}
	a, replayed := d.once(q, c, r.run)
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	d.Send(w, q, c.fault, a)
}

// admit checks what comes before any work and any key: credentials, the pace, the version and the names of parameters.
func (d *Double) admit(q *http.Request, c *call, r route) (answer, bool) {
	switch {
	case q.Header.Get("Authorization") != "Bearer "+d.c.APIKey || c.fault.Kind == frame.Unauthorized:
		return fail(http.StatusUnauthorized, "", "Invalid API Key provided"), true
	case c.fault.Kind == frame.RateLimited:
		return fail(http.StatusTooManyRequests, "rate_limit", "Too many requests"), true
	case q.Header.Get("Stripe-Version") != Version:
		return fail(http.StatusBadRequest, "", "Invalid Stripe API version"), true
	case c.fault.Kind == frame.Rejected:
		return fail(http.StatusBadRequest, "parameter_invalid_empty", "You passed an empty string"), true
	case len(c.key) > 255:
		return fail(http.StatusBadRequest, "", "Idempotency key is too long"), true
	}
	for name := range q.Form {
		if !r.takes(name) {
			a := fail(http.StatusBadRequest, "parameter_unknown", "Received unknown parameter: "+name)
			inside(a)["param"] = name
			return a, true
		}
	}
	return answer{}, false
}

// once runs a request that changes something at most once under its key. A request that is refused for its form leaves no key.
func (d *Double) once(q *http.Request, c *call, run handler) (a answer, replayed bool) {
	if q.Method != http.MethodPost || c.key == "" {
		d.Mu.Lock()
		defer d.Mu.Unlock()
		return run(d, c), false
	}
	sum := sha256.Sum256([]byte(q.URL.Path + "?" + c.form.Encode()))
	a, how := d.keys.Once(c.key, sum, c.now, keyLife, func() (answer, bool) {
		d.Mu.Lock()
		defer d.Mu.Unlock()
		a := run(d, c)
		return a, a.Status != http.StatusBadRequest && a.Status != http.StatusNotFound
	})
	switch how {
	case frame.Other:
		return failOf("idempotency_error", http.StatusBadRequest, "", "Keys for idempotent requests can only be used with the same parameters"), false
	case frame.Running:
		return fail(http.StatusConflict, "idempotency_key_in_use", "There is currently another in-progress request using this key"), false
	default:
		return a, how == frame.Again
	}
}

// book enters a movement.
func (d *Double) book(key string, m frame.Movement, amount int64, currency string) {
	d.Book(key, m, strconv.FormatInt(amount, 10), currency)
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
	return answer{Status: status, Body: object{"error": e}}
}

// inside is the error that an answer tells of.
func inside(a answer) object {
	body, _ := a.Body.(object)
	inner, _ := body["error"].(object)
	return inner
}

func ok(body object) answer { return answer{Status: http.StatusOK, Body: body} }

func write(w http.ResponseWriter, a answer) {
	says(w)
	frame.Write(w, a)
}

// says puts into an answer what all have.
func says(w http.ResponseWriter) {
	w.Header().Set("Request-Id", "req_double")
	w.Header().Set("Stripe-Version", Version)
}
