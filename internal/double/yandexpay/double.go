package yandexpay

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// The operations, by which faults are wished for.
const (
	OpOrder   = "order"   // of a customer, who pays on the page; also a subscription
	OpRecur   = "recur"   // a charge of a subscription
	OpCapture = "capture" // of a hold
	OpCancel  = "cancel"  // of a hold
	OpRefund  = "refund"
	OpOrders  = "read an order"
	OpReads   = "read an operation"
)

// Config is what a double is made of.
type Config struct {
	Now      func() time.Time
	APIKey   string
	Merchant string // its id
	URL      string // where the double itself is reached, for the pages that it sends customers to
	TwoStage bool   // money is held first
	Key      *ecdsa.PrivateKey
	KeyID    string
	Wait     func(ctx context.Context) error // see frame.Frame
}

// Double is one merchant at Yandex Pay.
type Double struct {
	frame.Frame
	c Config

	orders     map[string]*order
	operations []*operation
	requests   map[string]*operation // of what was asked for with an X-Request-Id
	events     [][]byte              // payloads
}

// New returns a merchant with empty books.
func New(c Config) *Double {
	d := &Double{c: c, orders: map[string]*order{}, requests: map[string]*operation{}}
	d.Wait, d.Twists, d.Spoilt = c.Wait, twists, spoilt
	return d
}

// call is one request.
type call struct {
	op, id string
	body   map[string]any
	q      *http.Request
	fault  frame.Fault
	now    time.Time
}

// failure is an answer that is none.
type failure struct {
	status       int
	code, reason string
}

// Handler serves the API, the page for customers and the key set.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	serve := func(pattern, op string, fields []string, run func(*call) (frame.Object, *failure)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, op, fields, run) })
	}
	const base = "/api/merchant"
	serve("POST "+base+"/v1/orders", OpOrder, orderFields, d.order)
	serve("GET "+base+"/v1/orders/{id}", OpOrders, nil, d.read)
	serve("POST "+base+"/v1/subscriptions", OpOrder, append([]string{"intervalUnit", "intervalCount", "title"}, orderFields...), d.subscribe)
	serve("POST "+base+"/v1/subscriptions/recur", OpRecur, []string{"amount", "cart", "currencyCode", "orderId", "parentOrderId", "metadata", "purpose"}, d.recur)
	serve("POST "+base+"/v1/orders/{id}/capture", OpCapture, []string{"cart", "orderAmount", "externalOperationId"}, d.capture)
	serve("POST "+base+"/v1/orders/{id}/cancel", OpCancel, []string{"reason", "externalOperationId"}, d.cancel)
	serve("POST "+base+"/v2/orders/{id}/refund", OpRefund, []string{"refundAmount", "externalOperationId"}, d.refund)
	serve("GET "+base+"/v1/operations/{id}", OpReads, nil, d.readOperation)
	mux.HandleFunc("GET /api/jwks", d.keySet)
	mux.HandleFunc("GET /l/{link}", d.shown)
	mux.HandleFunc("POST /l/{link}", d.chosen)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		frame.Write(w, failed(&failure{http.StatusNotFound, "METHOD_NOT_FOUND", "no such path"}))
	})
	return mux
}

func (d *Double) serve(w http.ResponseWriter, q *http.Request, op string, fields []string, run func(*call) (frame.Object, *failure)) {
	c := &call{op: op, id: q.PathValue("id"), q: q, now: d.c.Now(), body: map[string]any{}}
	raw, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 64<<10))
	if err == nil && len(raw) > 0 {
		err = decode(raw, &c.body)
	}
	c.fault = d.Take(op)
	no := d.admit(c, fields, err)
	var a frame.Answer
	if no == nil && !c.fault.Before {
		d.Mu.Lock()
		var data frame.Object
		if data, no = run(c); no == nil {
			a = frame.Answer{Status: http.StatusOK, Body: frame.Object{"code": 200, "status": "success", "data": data}}
		}
		d.Mu.Unlock()
	}
	if no != nil {
		a = failed(no)
	}
	d.Send(w, q, c.fault, a)
}

func decode(raw []byte, into *map[string]any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

// admit checks what comes before any work: credentials, the pace, and the names of fields.
func (d *Double) admit(c *call, fields []string, unread error) *failure {
	switch {
	case c.q.Header.Get("Authorization") != "Api-Key "+d.c.APIKey, c.fault.Kind == frame.Unauthorized:
		return &failure{http.StatusUnauthorized, "AUTHENTICATION_ERROR", "Malformed API key"}
	case unread != nil:
		return bad("the body is no object")
	case c.fault.Kind == frame.RateLimited:
		return &failure{http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "later"}
	case c.fault.Kind == frame.Rejected:
		return bad("because the test wants it")
	}
	for name := range c.body {
		if !slices.Contains(fields, name) {
			return bad("unknown field " + name)
		}
	}
	return nil
}

func bad(reason string) *failure { return &failure{http.StatusBadRequest, "BAD_REQUEST", reason} }

func failed(no *failure) frame.Answer {
	return frame.Answer{Status: no.status, Body: frame.Object{"status": "fail", "reasonCode": no.code, "reason": no.reason}}
}

func text(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}
