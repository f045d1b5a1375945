package przelewy24

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// Operations by which faults are wished for.
const (
	OpRegister = "register"
	OpCharge   = "charge" // BLIK by code
	OpQuery    = "query"
	OpVerify   = "verify"
	OpRefund   = "refund"
	OpRefunds  = "refunds" // the query of those of an order
	OpBanks    = "banks"
	OpAccess   = "access"
)

// Config is what a double is made of.
type Config struct {
	Now        func() time.Time
	Merchant   int64
	POS        int64
	APIKey     string
	CRC        string
	URL        string // where the double itself is reached
	Wait       func(ctx context.Context) error
	FirstOrder int64 // the number of the first order; 300000001 where zero
}

// Double is one account at Przelewy24.
type Double struct {
	frame.Frame
	c Config

	order        int64
	transactions []*transaction // oldest first
	refunds      []*refund
	notices      []*notice
}

type object = frame.Object

// New returns an account with empty books.
func New(c Config) *Double {
	d := &Double{c: c, order: c.FirstOrder}
	if d.order == 0 {
		d.order = 300000001
	}
	d.Wait, d.Twists = c.Wait, twists
	d.Spoilt = frame.Spoilt{
		ServerError: fail(http.StatusInternalServerError, 500, "Undefined error"),
		ErrorInside: frame.Answer{Status: http.StatusOK, Body: object{"error": "Undefined error", "code": 500}},
	}
	return d
}

// call is one request. In holds the members of its body, numbers as they were written.
type call struct {
	in    object
	id    string
	fault frame.Fault
	now   time.Time
}

type route struct {
	op  string
	run func(d *Double, c *call) frame.Answer
}

var routes = map[string]route{
	"POST /api/v1/transaction/register":            {OpRegister, (*Double).register},
	"POST /api/v1/paymentMethod/blik/chargeByCode": {OpCharge, (*Double).charge},
	"GET /api/v1/transaction/by/sessionId/{id}":    {OpQuery, (*Double).query},
	"PUT /api/v1/transaction/verify":               {OpVerify, (*Double).verify},
	"POST /api/v1/transaction/refund":              {OpRefund, (*Double).refund},
	"GET /api/v1/refund/by/orderId/{id}":           {OpRefunds, (*Double).refundsOf},
	"GET /api/v1/payment/methods/{id}":             {OpBanks, (*Double).banks},
	"GET /api/v1/testAccess":                       {OpAccess, (*Double).access},
}

// Handler serves the account.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, r := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, r) })
	}
	mux.HandleFunc("GET /trnRequest/{token}", d.page)
	mux.HandleFunc("POST /trnRequest/{token}", d.chosen)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		frame.Write(w, fail(http.StatusNotFound, 404, "Not found"))
	})
	return mux
}

// serve admits a request, carries it out, and misbehaves where it was asked to.
func (d *Double) serve(w http.ResponseWriter, q *http.Request, r route) {
	c := &call{id: q.PathValue("id"), fault: d.Take(r.op), now: d.c.Now()}
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
	user, key, _ := q.BasicAuth()
	switch {
	case user != strconv.FormatInt(d.c.POS, 10) || key != d.c.APIKey || c.fault.Kind == frame.Unauthorized:
		return fail(http.StatusUnauthorized, 401, "Incorrect authentication"), true
	case c.fault.Kind == frame.Rejected:
		return fail(http.StatusBadRequest, 400, "Invalid input data"), true
	case c.fault.Kind == frame.RateLimited:
		return fail(http.StatusTooManyRequests, 429, "Too many requests"), true
	}
	if q.Method == http.MethodGet {
		return frame.Answer{}, false
	}
	read := json.NewDecoder(io.LimitReader(q.Body, 64<<10))
	read.UseNumber()
	if !strings.HasPrefix(q.Header.Get("Content-Type"), "application/json") || read.Decode(&c.in) != nil || read.More() {
		return fail(http.StatusBadRequest, 400, "Invalid input data"), true
	}
	return frame.Answer{}, false
}

// text is a member that has to be a text of at most so many characters.
func (c *call) text(name string, most int) (string, bool) {
	s, is := c.in[name].(string)
	return s, is && s != "" && len([]rune(s)) <= most
}

// whole is a member that has to be a whole number.
func (c *call) whole(name string) (int64, bool) {
	n, is := c.in[name].(json.Number)
	if !is {
		return 0, false
	}
	v, err := strconv.ParseInt(n.String(), 10, 64)
	return v, err == nil
}

// sum is how everything is signed: SHA-384 over the JSON text of these members in this order.
func sum(members ...any) string {
	hash := sha512.Sum384([]byte("{" + listed(members) + "}"))
	return hex.EncodeToString(hash[:])
}

// listed writes names and values, which take turns, as members of an object.
func listed(members []any) string {
	var all []string
	for pair := range slices.Chunk(members, 2) {
		all = append(all, plain(pair[0])+":"+plain(pair[len(pair)-1]))
	}
	return strings.Join(all, ",")
}

// plain is a value as JSON with slashes and letters as they are.
func plain(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts and numbers have a form
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func fail(status, code int, message string) frame.Answer {
	return frame.Answer{Status: status, Body: object{"error": message, "code": code}}
}

func notFound() frame.Answer {
	return frame.Answer{Status: http.StatusNotFound, Body: object{"error": "Transaction not found", "responseCode": 0}}
}

func answer(status int, data any) frame.Answer {
	return frame.Answer{Status: status, Body: object{"data": data, "responseCode": 0}}
}

// twists make an answer one about something else.
var twists = frame.Twists{
	frame.WrongAmount:    each(func(o object) { bump(o, "amount") }),
	frame.WrongID:        each(func(o object) { bump(o, "orderId") }),
	frame.WrongCurrency:  each(func(o object) { o["currency"] = "CHF" }),
	frame.WrongReference: each(func(o object) { o["sessionId"] = "another" }),
	frame.NewStatus:      each(func(o object) { o["status"] = 9 }),
}

func bump(o object, name string) {
	if n, is := o[name].(float64); is {
		o[name] = n + 1
	}
}

// each has a twist go through what an answer is about.
func each(swap func(object)) func(object) {
	return func(o object) {
		switch data := o["data"].(type) {
		case object:
			swap(data)
			if inner, is := data["refunds"].([]any); is {
				for _, one := range inner {
					if r, is := one.(object); is {
						swap(r)
					}
				}
			}
		case []any:
			for _, one := range data {
				if o, is := one.(object); is {
					swap(o)
				}
			}
		}
	}
}
