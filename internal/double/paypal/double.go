package paypal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

const (
	// ordersLife and paymentsLife are how long request ids are kept by the two interfaces.
	ordersLife   = 6 * time.Hour
	paymentsLife = 45 * 24 * time.Hour
	// tokenLife is how long an access token lives.
	tokenLife = 9 * time.Hour
)

// The names of operations, for faults. OpQuery is every question.
const (
	OpToken    = "token"
	OpCreate   = "create"   // of an order
	OpComplete = "complete" // capture or authorization of an order that its payer has approved
	OpPatch    = "patch"
	OpCapture  = "capture" // of an authorization
	OpVoid     = "void"
	OpRefund   = "refund"
	OpQuery    = "query"
)

// Config is what a double is made of.
type Config struct {
	Now              func() time.Time
	ClientID, Secret string
	WebhookID        string
	NoticeURL        string // where Deliver posts; may be empty
	URL              string // where the double itself is reached, for the pages that it sends customers to and for its certificates
	// Wait lets time pass in answers that never come. It returns when the client has gone at the latest.
	Wait func(ctx context.Context) error
}

// Double is one account at PayPal.
type Double struct {
	frame.Frame
	c Config

	seq    int
	tokens map[string]time.Time // until when each lives
	orders []*order
	vault  map[string]source
	keys   map[string]*frame.Keys // of each interface
	events []*event
}

type (
	object = frame.Object
	answer = frame.Answer
)

// New returns an account with empty books.
func New(c Config) *Double {
	d := &Double{c: c, tokens: map[string]time.Time{}, vault: map[string]source{}, keys: map[string]*frame.Keys{}}
	d.Wait, d.Twists, d.Spoilt = c.Wait, twists, spoilt
	return d
}

// call is one request.
type call struct {
	key   string // PayPal-Request-Id
	id    string
	body  []byte
	fault frame.Fault
	now   time.Time
	full  bool // the caller prefers a whole representation
}

// read decodes the body strictly: members that the double does not know are refused.
func (c *call) read(into any) bool {
	if len(c.body) == 0 {
		return true
	}
	dec := json.NewDecoder(strings.NewReader(string(c.body)))
	dec.DisallowUnknownFields()
	return dec.Decode(into) == nil
}

// route is one operation: its name for faults, how long request ids are kept for it, and what it does.
type route struct {
	op   string
	life time.Duration
	run  func(d *Double, c *call) answer
}

var routes = map[string]route{
	"POST /v2/checkout/orders":                      {OpCreate, ordersLife, (*Double).create},
	"GET /v2/checkout/orders/{id}":                  {OpQuery, 0, (*Double).getOrder},
	"PATCH /v2/checkout/orders/{id}":                {OpPatch, 0, (*Double).patch},
	"POST /v2/checkout/orders/{id}/capture":         {OpComplete, ordersLife, (*Double).captureOrder},
	"POST /v2/checkout/orders/{id}/authorize":       {OpComplete, ordersLife, (*Double).authorizeOrder},
	"GET /v2/payments/authorizations/{id}":          {OpQuery, 0, (*Double).getAuthorization},
	"POST /v2/payments/authorizations/{id}/capture": {OpCapture, paymentsLife, (*Double).capture},
	"POST /v2/payments/authorizations/{id}/void":    {OpVoid, paymentsLife, (*Double).void},
	"GET /v2/payments/captures/{id}":                {OpQuery, 0, (*Double).getCapture},
	"POST /v2/payments/captures/{id}/refund":        {OpRefund, paymentsLife, (*Double).refund},
	"GET /v2/payments/refunds/{id}":                 {OpQuery, 0, (*Double).getRefund},
}

// Handler serves the account.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, r := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) { d.serve(w, q, r) })
	}
	mux.HandleFunc("POST /v1/oauth2/token", d.token)
	mux.HandleFunc("GET /v1/notifications/certs/{id}", d.certificate)
	mux.HandleFunc("GET /webapps/helios/{id}", d.page)
	mux.HandleFunc("POST /webapps/helios/{id}", d.challenged)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		frame.Write(w, fail(http.StatusNotFound, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"))
	})
	return mux
}

// token gives an access token to whoever knows the secret.
func (d *Double) token(w http.ResponseWriter, q *http.Request) {
	f := d.Take(OpToken)
	id, secret, _ := q.BasicAuth()
	if id != d.c.ClientID || secret != d.c.Secret || f.Kind == frame.Unauthorized {
		frame.Write(w, answer{Status: http.StatusUnauthorized, Body: object{"error": "invalid_client", "error_description": "Client Authentication failed"}})
		return
	}
	if q.FormValue("grant_type") != "client_credentials" {
		frame.Write(w, answer{Status: http.StatusBadRequest, Body: object{"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"}})
		return
	}
	d.Mu.Lock()
	token := "A21AA" + d.name()
	d.tokens[token] = d.c.Now().Add(tokenLife)
	d.Mu.Unlock()
	d.Send(w, q, f, answer{Status: http.StatusOK, Body: object{
		"scope": "https://uri.paypal.com/services/payments/payment", "access_token": token, "token_type": "Bearer", "app_id": "APP-80W284485P519543T",
		"expires_in": int64(tokenLife / time.Second), "nonce": "2026-01-01T00:00:00Zdouble",
	}})
}

// serve admits a request, carries it out once under its request id, and misbehaves where it was asked to.
func (d *Double) serve(w http.ResponseWriter, q *http.Request, r route) {
	c := &call{key: q.Header.Get("PayPal-Request-Id"), id: q.PathValue("id"), now: d.c.Now(), full: strings.Contains(q.Header.Get("Prefer"), "return=representation")}
	body, refusal := readBody(q)
	c.body, c.fault = body, d.Take(r.op)
	w.Header().Set("Paypal-Debug-Id", "f1000000000000")
	if a, refused := d.admit(q, c); refused || refusal.Status != 0 {
		if refused {
			refusal = a
		}
		frame.Write(w, refusal)
		return
	}
	if c.fault.Before {
		d.Send(w, q, c.fault, answer{})
		return
	}
	d.Send(w, q, c.fault, d.once(c, r))
}

func readBody(q *http.Request) ([]byte, answer) {
	if q.Method == http.MethodGet {
		return nil, answer{}
	}
	if kind := q.Header.Get("Content-Type"); kind != "application/json" {
		return nil, fail(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "")
	}
	var raw json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(nil, q.Body, 1<<20)).Decode(&raw); err != nil && q.ContentLength != 0 {
		return nil, fail(http.StatusBadRequest, "INVALID_REQUEST", "MALFORMED_REQUEST_JSON")
	}
	return raw, answer{}
}

// admit checks what comes before any work: credentials, the pace, the request id.
func (d *Double) admit(q *http.Request, c *call) (answer, bool) {
	d.Mu.Lock()
	until := d.tokens[strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")]
	d.Mu.Unlock()
	switch {
	case !c.now.Before(until) || c.fault.Kind == frame.Unauthorized:
		return answer{Status: http.StatusUnauthorized, Body: object{"error": "invalid_token", "error_description": "Token signature verification failed"}}, true
	case c.fault.Kind == frame.RateLimited:
		return answer{Status: http.StatusTooManyRequests, Body: object{
			"name": "RATE_LIMIT_REACHED", "message": "Too many requests. Blocked due to rate limiting.", "debug_id": "f1000000000000",
		}}, true
	case c.fault.Kind == frame.Rejected:
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_PARAMETER_VALUE"), true
	case len(c.key) > 108:
		return fail(http.StatusBadRequest, "INVALID_REQUEST", "INVALID_STRING_LENGTH"), true
	}
	return answer{}, false
}

// once carries a request with an id out at most once. One that comes again is answered with the latest state of what the first one made,
// whatever its body is; only what was refused leaves no id behind.
func (d *Double) once(c *call, r route) answer {
	run := func() answer {
		d.Mu.Lock()
		defer d.Mu.Unlock()
		return r.run(d, c)
	}
	if c.key == "" || r.life == 0 {
		return run()
	}
	d.Mu.Lock()
	keys := d.keys[r.op]
	if keys == nil {
		keys = new(frame.Keys)
		d.keys[r.op] = keys
	}
	d.Mu.Unlock()
	a, how := keys.Once(c.key, [32]byte{}, c.now, r.life, func() (answer, bool) {
		a := run()
		return a, a.Status < 300
	})
	switch how {
	case frame.Running:
		return fail(http.StatusConflict, "RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS")
	case frame.Again:
		body, _ := a.Body.(object)
		id, _ := body["id"].(string)
		d.Mu.Lock()
		defer d.Mu.Unlock()
		return answer{Status: http.StatusOK, Body: d.latest(id, c, a.Body)}
	default:
		return a
	}
}

// latest is how what has that id is now.
func (d *Double) latest(id string, c *call, was any) any {
	for _, o := range d.orders {
		switch {
		case o.id == id:
			return d.shown(o, c)
		case o.auth != nil && o.auth.id == id:
			return d.authView(o)
		}
		for _, m := range o.moves {
			if m.id == id {
				return d.moveView(o, m)
			}
		}
	}
	return was
}

// name makes the id of something new: seventeen capital letters and digits.
func (d *Double) name() string {
	d.seq++
	return fmt.Sprintf("5D%013d7P", d.seq)
}

func ok(status int, body any) answer { return answer{Status: status, Body: body} }

// fail is a refusal with one issue.
func fail(status int, name, issue string) answer {
	body := object{"name": name, "message": messages[name], "debug_id": "f1000000000000", "links": []object{}}
	if issue != "" {
		body["details"] = []object{{"issue": issue, "description": "of the double"}}
	}
	return answer{Status: status, Body: body}
}

var messages = map[string]string{
	"INVALID_REQUEST":        "Request is not well-formed, syntactically incorrect, or violates schema.",
	"UNPROCESSABLE_ENTITY":   "The requested action could not be performed, semantically incorrect, or failed business validation.",
	"RESOURCE_NOT_FOUND":     "The specified resource does not exist.",
	"RESOURCE_CONFLICT":      "The server has detected a conflict while processing this request.",
	"UNSUPPORTED_MEDIA_TYPE": "The server does not support the request payload's media type.",
	"INTERNAL_SERVER_ERROR":  "An internal server error occurred.",
	"AUTHENTICATION_FAILURE": "Authentication failed due to missing authorization header, or invalid authentication credentials.",
	"NOT_AUTHORIZED":         "Authorization failed due to insufficient permissions.",
	"SERVICE_UNAVAILABLE":    "Service Unavailable.",
}

func missing() answer { return fail(http.StatusNotFound, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID") }

func refuse(issue string) answer {
	return fail(http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", issue)
}
