package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// The operations, by which faults are wished for.
const (
	OpCreate   = "create"   // of a deposit, which moves nothing
	OpExecute  = "execute"  // of a deposit by PATCH, also of one that only verifies a card
	OpCharge   = "charge"   // of a recurring token
	OpCapture  = "capture"  // of a hold
	OpVoid     = "void"     // of a hold
	OpRefund   = "refund"   // of a deposit
	OpWithdraw = "withdraw" // to a card or an account
	OpQuery    = "query"    // of one payment or a list
)

// Config is what a double is made of.
type Config struct {
	Now        func() time.Time
	APIKey     string
	SigningKey string
	URL        string                          // where the double itself is reached, for the pages that it sends customers to
	Keys       bool                            // it honours Idempotency-Key, which the published API does not have
	Wait       func(ctx context.Context) error // see frame.Frame
}

// Double is one shop at a gateway.
type Double struct {
	frame.Frame
	c Config

	payments map[string]*entry
	order    []string // ids, oldest first
	keys     map[string]done
	events   []Event
}

// done is what a request under a key did.
type done struct {
	sum [32]byte
	id  string
}

// New returns a shop with empty books.
func New(c Config) *Double {
	d := &Double{c: c, payments: map[string]*entry{}, keys: map[string]done{}}
	d.Wait, d.Twists, d.Spoilt = c.Wait, twists, spoilt
	return d
}

// call is one request.
type call struct {
	op, key, id string
	body        map[string]any
	q           *http.Request
	fault       frame.Fault
	now         time.Time
}

// refusal is an answer in the frame of errors.
type refusal struct {
	status  int
	message string
	field   string
}

// Handler serves the API.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern, op string, run func(*call) (*entry, *refusal)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, op, run) })
	}
	serve("POST /api/v1/payments", "", d.create)
	serve("GET /api/v1/payments", OpQuery, nil)
	serve("GET /api/v1/payments/{id}", OpQuery, d.found)
	serve("PATCH /api/v1/payments/{id}", OpExecute, d.execute)
	serve("POST /api/v1/payments/{id}/capture", OpCapture, d.capture)
	serve("POST /api/v1/payments/{id}/void", OpVoid, d.void)
	mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) {
		frame.Write(w, d.failed(q, &refusal{http.StatusNotFound, "No such path", ""}))
	})
	return mux
}

// serve admits a request, runs it, and misbehaves where it was asked to.
func (d *Double) serve(w http.ResponseWriter, q *http.Request, op string, run func(*call) (*entry, *refusal)) {
	c := &call{op: op, key: q.Header.Get("Idempotency-Key"), id: q.PathValue("id"), q: q, now: d.c.Now()}
	raw, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 64<<10))
	if err == nil && len(raw) > 0 {
		err = decode(raw, &c.body)
	}
	if op == "" {
		c.op = kindOf(c.body)
	}
	c.fault = d.Take(c.op)
	no := d.admit(c, err)
	var a frame.Answer
	switch {
	case no != nil:
		a = d.failed(q, no)
	case c.fault.Before:
	case run == nil:
		a = d.list(c)
	default:
		a = d.once(c, raw, run)
	}
	d.Send(w, q, c.fault, a)
}

// admit checks what comes before any work: credentials, the pace, and that there is a request.
func (d *Double) admit(c *call, unread error) *refusal {
	switch {
	case c.q.Header.Get("Authorization") != "Bearer "+d.c.APIKey, c.fault.Kind == frame.Unauthorized:
		return &refusal{http.StatusUnauthorized, "Invalid token", ""}
	case unread != nil:
		return &refusal{http.StatusBadRequest, "Malformed JSON", ""}
	case c.fault.Kind == frame.RateLimited:
		return &refusal{http.StatusTooManyRequests, "Too many requests", ""}
	case c.fault.Kind == frame.Rejected:
		return invalid("description")
	}
	return nil
}

// once carries a request out. With Config.Keys it does so once under its key, and shows the payment as it is by then.
func (d *Double) once(c *call, raw []byte, run func(*call) (*entry, *refusal)) frame.Answer {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	name := c.q.Pattern + " " + c.key
	sum := sha256.Sum256(append([]byte(c.q.URL.Path+"\n"), raw...))
	keeps := d.c.Keys && c.key != "" && c.q.Method != http.MethodGet
	if was, used := d.keys[name]; used && keeps {
		if was.sum != sum {
			return d.failed(c.q, &refusal{http.StatusUnprocessableEntity, "The Idempotency-Key was used with another request", ""})
		}
		a := d.shown(c, d.payments[was.id])
		a.Header = http.Header{"Idempotency-Replayed": {"true"}}
		return a
	}
	e, no := run(c)
	if no != nil {
		return d.failed(c.q, no)
	}
	if keeps {
		d.keys[name] = done{sum, e.id}
	}
	return d.shown(c, e)
}

// decode reads one JSON object, numbers as they are written.
func decode(raw []byte, into *map[string]any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// kindOf is the operation that a request to create something is.
func kindOf(body map[string]any) string {
	switch {
	case body["paymentType"] == "REFUND":
		return OpRefund
	case body["paymentType"] == "WITHDRAWAL":
		return OpWithdraw
	case body["recurringToken"] != nil:
		return OpCharge
	}
	return OpCreate
}
