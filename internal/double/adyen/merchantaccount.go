package adyen

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// keyLife is how long results are kept under an idempotency key at the least.
const keyLife = 7 * 24 * time.Hour

// Config is what a double is made of.
type Config struct {
	Now             func() time.Time
	APIKey          string
	MerchantAccount string
	HMACKey         string // hexadecimal
	NoticeURL       string // where Deliver posts; may be empty
	URL             string // where the double itself is reached, for the pages that it sends customers to
	// Wait lets time pass in answers that never come. It returns when the client has gone at the latest.
	Wait func(ctx context.Context) error
}

// Double is one merchant account at Adyen.
type Double struct {
	frame.Frame
	c Config

	seq      int
	payments map[string]*paid   // by pspReference
	changes  map[string]*change // by pspReference
	tokens   map[string]string  // stored cards: whose they are
	keys     frame.Keys
	events   []*event
}

type object = frame.Object

type answer = frame.Answer

// New returns an account with empty books.
func New(c Config) *Double {
	d := &Double{c: c, payments: map[string]*paid{}, changes: map[string]*change{}, tokens: map[string]string{}}
	d.Wait, d.Twists, d.Spoilt = c.Wait, twists, spoilt
	return d
}

// The names of operations, for faults.
const (
	OpPay     = "pay"
	OpDetails = "details"
	OpCapture = "capture"
	OpCancel  = "cancel"
	OpRefund  = "refund"
	OpAsk     = "ask" // which ways to pay there are
)

// call is one request.
type call struct {
	op, key, of string
	in          request
	fault       frame.Fault
	now         time.Time
}

// Handler serves the account.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, r := range map[string]struct {
		op  string
		run func(*Double, *call) answer
	}{
		"POST /payments":               {OpPay, (*Double).pay},
		"POST /payments/details":       {OpDetails, (*Double).details},
		"POST /payments/{of}/captures": {OpCapture, (*Double).newChange},
		"POST /payments/{of}/cancels":  {OpCancel, (*Double).newChange},
		"POST /payments/{of}/refunds":  {OpRefund, (*Double).newChange},
		"POST /paymentMethods":         {OpAsk, func(*Double, *call) answer { return ways }},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, r.op, r.run) })
	}
	mux.HandleFunc("GET /threeDS/{ref}", d.page)
	mux.HandleFunc("POST /threeDS/{ref}", d.authenticated)
	return mux
}

var ways = answer{Status: http.StatusOK, Body: object{"paymentMethods": []object{
	{"name": "Cards", "type": "scheme", "brands": []string{"visa", "mc", "amex"}}, {"name": "BLIK", "type": "blik"},
}}}

// serve admits a request, runs it under its key, and misbehaves where it was asked to.
func (d *Double) serve(w http.ResponseWriter, q *http.Request, op string, run func(*Double, *call) answer) {
	c := &call{op: op, key: q.Header.Get("Idempotency-Key"), of: q.PathValue("of"), now: d.c.Now(), fault: d.Take(op)}
	raw, err := io.ReadAll(q.Body)
	if err == nil {
		err = json.Unmarshal(raw, &c.in)
	}
	if err != nil {
		frame.Write(w, fail(http.StatusBadRequest, "702", "validation", "Unexpected input"))
		return
	}
	if a, refused := d.admit(q, c); refused {
		frame.Write(w, a)
		return
	}
	if c.fault.Before {
		d.Send(w, q, c.fault, answer{})
		return
	}
	a := d.once(w, c, run)
	d.Send(w, q, c.fault, a)
}

// admit checks what comes before any work: who it is, and what every request has to have.
func (d *Double) admit(q *http.Request, c *call) (answer, bool) {
	switch {
	case q.Header.Get("X-Api-Key") != d.c.APIKey || c.fault.Kind == frame.Unauthorized:
		return fail(http.StatusUnauthorized, "000", "security", "HTTP Status Response - Unauthorized"), true
	case c.op != OpDetails && c.in.MerchantAccount != d.c.MerchantAccount:
		return fail(http.StatusForbidden, "901", "security", "Invalid Merchant Account"), true
	case c.fault.Kind == frame.Rejected:
		return fail(http.StatusUnprocessableEntity, "130", "validation", "Reference Missing"), true
	case len(c.key) > 64:
		return fail(http.StatusUnprocessableEntity, "703", "validation", "Idempotency key is too long"), true
	}
	return answer{}, false
}

// once runs a request at most once under its key: whoever sends the key again is answered as before.
func (d *Double) once(w http.ResponseWriter, c *call, run func(*Double, *call) answer) answer {
	work := func() (answer, bool) {
		d.Mu.Lock()
		defer d.Mu.Unlock()
		a := run(d, c)
		return a, a.Status < 400
	}
	if c.key == "" {
		a, _ := work()
		return a
	}
	w.Header().Set("Idempotency-Key", c.key)
	a, was := d.keys.Once(c.key, [32]byte{}, c.now, keyLife, work)
	if was == frame.Running {
		w.Header().Set("transient-error", "true")
		return fail(http.StatusUnprocessableEntity, "704", "validation", "request already processed or in progress")
	}
	return a
}

// name makes a pspReference.
func (d *Double) name() string {
	d.seq++
	return fmt.Sprintf("DBL%013d", d.seq)
}

func fail(status int, code, kind, message string) answer {
	return answer{Status: status, Body: object{"status": status, "errorCode": code, "errorType": kind, "message": message}}
}
