package payu

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// Operations by which faults are wished for.
const (
	OpToken   = "token"
	OpOrder   = "order"
	OpQuery   = "query"
	OpCancel  = "cancel"
	OpConfirm = "confirm"
	OpReasons = "transactions"
	OpRefund  = "refund"
	OpRefunds = "refunds"
	OpBanks   = "banks"
)

// Config is what a double is made of.
type Config struct {
	Now       func() time.Time
	POS       string
	ClientID  string
	Secret    string // of the client
	SecondKey string // by which notices are signed
	URL       string // where the double itself is reached
	Manual    bool   // what is paid waits for the merchant's confirmation
	Lists     bool   // refunds are listed as the specification has it; else as the documentation does
	Algorithm string // of notices: MD5 where empty, or SHA-256
	Wait      func(ctx context.Context) error
}

// Double is one point of sale at PayU.
type Double struct {
	frame.Frame
	c Config

	tokens  map[string]time.Time // until when they live
	orders  []*order             // oldest first
	refunds []*refund
	told    []*notice
	seq     int
}

type object = frame.Object

// New returns a point of sale with empty books.
func New(c Config) *Double {
	d := &Double{c: c, tokens: map[string]time.Time{}}
	d.Wait, d.Twists = c.Wait, twists
	d.Spoilt = frame.Spoilt{
		ServerError: fail(http.StatusInternalServerError, "ERROR_INTERNAL", "PayU system is unavailable"),
		ErrorInside: frame.Answer{Status: http.StatusOK, Body: object{"status": object{"statusCode": "ERROR_INTERNAL", "statusDesc": "late trouble"}}},
	}
	return d
}

// call is one request.
type call struct {
	in     object
	id, of string
	fault  frame.Fault
	now    time.Time
}

type route struct {
	op  string
	run func(d *Double, c *call) frame.Answer
}

var routes = map[string]route{
	"POST /api/v2_1/orders":                   {OpOrder, (*Double).create},
	"GET /api/v2_1/orders/{id}":               {OpQuery, (*Double).query},
	"DELETE /api/v2_1/orders/{id}":            {OpCancel, (*Double).cancel},
	"PUT /api/v2_1/orders/{id}/status":        {OpConfirm, (*Double).confirm},
	"GET /api/v2_1/orders/{id}/transactions":  {OpReasons, (*Double).reasons},
	"POST /api/v2_1/orders/{id}/refunds":      {OpRefund, (*Double).refund},
	"GET /api/v2_1/orders/{id}/refunds":       {OpRefunds, (*Double).refundsOf},
	"GET /api/v2_1/orders/{id}/refunds/{ref}": {OpRefunds, (*Double).refundOf},
	"GET /api/v2_1/paymethods":                {OpBanks, (*Double).banks},
}

// Handler serves the point of sale.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /pl/standard/user/oauth/authorize", d.token)
	for path, r := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, r) })
	}
	mux.HandleFunc("GET /pay/{$}", d.page)
	mux.HandleFunc("POST /pay/{$}", d.chosen)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		frame.Write(w, fail(http.StatusNotFound, "DATA_NOT_FOUND", "Unknown address"))
	})
	return mux
}

// token gives an access token.
func (d *Double) token(w http.ResponseWriter, q *http.Request) {
	fault := d.Take(OpToken)
	if q.PostFormValue("grant_type") != "client_credentials" || q.PostFormValue("client_id") != d.c.ClientID || q.PostFormValue("client_secret") != d.c.Secret || fault.Kind == frame.Unauthorized {
		frame.Write(w, frame.Answer{Status: http.StatusUnauthorized, Body: object{"error": "invalid_client", "error_description": "Bad client credentials"}})
		return
	}
	d.Mu.Lock()
	d.seq++
	name := fmt.Sprintf("d0ub1e00-7e57-4000-8000-%012d", d.seq)
	d.tokens[name] = d.c.Now().Add(43199 * time.Second)
	d.Mu.Unlock()
	d.Send(w, q, fault, frame.Answer{Status: http.StatusOK, Body: object{"access_token": name, "token_type": "bearer", "expires_in": 43199, "grant_type": "client_credentials"}})
}

// serve admits a request, carries it out, and misbehaves where it was asked to.
func (d *Double) serve(w http.ResponseWriter, q *http.Request, r route) {
	c := &call{id: q.PathValue("id"), of: q.PathValue("ref"), fault: d.Take(r.op), now: d.c.Now()}
	if a, refused := d.admit(q, c); refused {
		frame.Write(w, a)
		return
	}
	var a frame.Answer
	if !c.fault.Before {
		d.Mu.Lock()
		a = r.run(d, c)
		d.Mu.Unlock()
	}
	d.Send(w, q, c.fault, a)
}

// admit checks what comes before any work.
func (d *Double) admit(q *http.Request, c *call) (frame.Answer, bool) {
	name, is := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
	d.Mu.Lock()
	until := d.tokens[name]
	d.Mu.Unlock()
	switch {
	case !is || !c.now.Before(until) || c.fault.Kind == frame.Unauthorized:
		return fail(http.StatusUnauthorized, "UNAUTHORIZED", "Incorrect authentication"), true
	case c.fault.Kind == frame.Rejected:
		return fail(http.StatusBadRequest, "ERROR_VALUE_INVALID", "One or more required values are incorrect"), true
	case c.fault.Kind == frame.RateLimited:
		return fail(http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "Too many requests"), true
	case q.Method == http.MethodGet || q.Method == http.MethodDelete:
		return frame.Answer{}, false
	}
	if q.Header.Get("Content-Type") != "application/json" || json.NewDecoder(io.LimitReader(q.Body, 64<<10)).Decode(&c.in) != nil {
		return fail(http.StatusBadRequest, "ERROR_SYNTAX", "Incorrect request syntax"), true
	}
	return frame.Answer{}, false
}

func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

func inner(o object, name string) object {
	x, _ := o[name].(object)
	return x
}

func fail(status int, code, message string) frame.Answer {
	return frame.Answer{Status: status, Body: object{"status": object{"statusCode": code, "severity": "ERROR", "code": "100", "codeLiteral": code, "statusDesc": message}}}
}

func success(more object) object {
	more["status"] = object{"statusCode": "SUCCESS"}
	return more
}

// twists make an answer one about something else.
var twists = frame.Twists{
	frame.WrongAmount: each(func(o object) {
		for _, name := range []string{"totalAmount", "amount"} {
			if s := text(o, name); s != "" {
				o[name] = s + "0"
			}
		}
	}),
	frame.WrongCurrency: each(func(o object) { swap(o, "currencyCode", "CHF") }),
	frame.WrongID: each(func(o object) {
		swap(o, "orderId", text(o, "orderId")+"X")
		swap(o, "refundId", text(o, "refundId")+"9")
	}),
	frame.WrongReference: each(func(o object) {
		swap(o, "extOrderId", "another")
		swap(o, "extRefundId", "another")
	}),
	frame.NewStatus: each(func(o object) { swap(o, "status", "QUANTUM") }),
}

func swap(o object, name, to string) {
	if text(o, name) != "" {
		o[name] = to
	}
}

// each has a twist go through what an answer is about.
func each(change func(object)) func(object) {
	return func(o object) {
		change(o)
		if r, is := o["refund"].(object); is {
			change(r)
		}
		for _, name := range []string{"orders", "refunds"} {
			list, _ := o[name].([]any)
			for _, one := range list {
				if x, is := one.(object); is {
					change(x)
				}
			}
		}
	}
}
