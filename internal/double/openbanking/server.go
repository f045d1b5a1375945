package openbanking

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// Base is the path of the API.
const Base = "/open-banking/v4.0/pisp"

const (
	tokenLife = 2 * time.Hour
	codeLife  = 10 * time.Minute
	keyLife   = 24 * time.Hour
)

// Config is what a double is made of.
type Config struct {
	Now       func() time.Time
	URL       string // where the double is reached, without a final slash; it is the bank's name in tokens, too
	ClientID  string
	KeyID     string // of the caller's key
	Caller    *rsa.PublicKey
	Issuer    string // of the caller's messages: its organisation and software
	Redirects []string
	Own       *rsa.PrivateKey // signs the bank's messages
}

// Double is one bank.
type Double struct {
	frame.Frame
	c Config

	seq      int
	tokens   map[string]token
	codes    map[string]code
	consents map[string]*consent
	payments map[string]*payment
	keys     frame.Keys
	seen     map[string]bool // ids of assertions
}

type (
	object = frame.Object
	answer = frame.Answer
)

// token is for the caller alone, or for one consent that a customer has authorised.
type token struct {
	until   time.Time
	consent string
}

// code is what a customer brings back.
type code struct {
	until    time.Time
	consent  string
	redirect string
}

// The names of operations, for faults. OpQuery is every question.
const (
	OpConsent = "consent"
	OpPay     = "pay"
	OpToken   = "token"
	OpQuery   = "query"
)

// New returns a bank with empty books.
func New(c Config) *Double {
	d := &Double{
		c: c, tokens: map[string]token{}, codes: map[string]code{}, consents: map[string]*consent{}, payments: map[string]*payment{}, seen: map[string]bool{},
	}
	d.Twists, d.Spoilt = twists, spoilt
	return d
}

// call is one request.
type call struct {
	q     *http.Request
	body  []byte
	fault frame.Fault
	now   time.Time
	token token
}

type handler func(d *Double, c *call) answer

var routes = map[string]struct {
	op   string
	psu  bool // it takes the token of a consent
	post bool
	run  handler
}{
	"POST " + Base + "/domestic-payment-consents":     {OpConsent, false, true, (*Double).newConsent},
	"GET " + Base + "/domestic-payment-consents/{id}": {OpQuery, false, false, (*Double).consentNow},
	"POST " + Base + "/domestic-payments":             {OpPay, true, true, (*Double).newPayment},
	"GET " + Base + "/domestic-payments/{id}":         {OpQuery, false, false, (*Double).paymentNow},
}

// Handler serves the bank: its API, its tokens at /token and its page at /authorize.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, r := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) {
			body, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			c := &call{q: q, body: body, now: d.c.Now(), fault: d.Take(r.op)}
			a, refused := d.admit(c, r.psu, r.post)
			switch {
			case refused:
				frame.Write(w, d.signed(a))
				return
			case c.fault.Before:
			case r.post:
				a = d.once(c, r.run)
			default:
				a = d.run(c, r.run)
			}
			d.Send(w, q, c.fault, d.signed(a))
		})
	}
	mux.HandleFunc("POST /token", d.grant)
	mux.HandleFunc("GET /authorize", d.page)
	mux.HandleFunc("POST /authorize", d.decided)
	return mux
}

func (d *Double) run(c *call, run handler) answer {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return run(d, c)
}

// admit checks what comes before any work: the token, the key and the signature.
func (d *Double) admit(c *call, psu, post bool) (answer, bool) {
	bearer, _ := strings.CutPrefix(c.q.Header.Get("Authorization"), "Bearer ")
	d.Mu.Lock()
	known, ok := d.tokens[bearer]
	d.Mu.Unlock()
	c.token = known
	key := c.q.Header.Get("X-Idempotency-Key")
	switch {
	case !ok || !c.now.Before(known.until) || c.fault.Kind == frame.Unauthorized:
		return answer{Status: http.StatusUnauthorized, Body: []byte(nil)}, true
	case psu != (known.consent != ""):
		return fail(http.StatusForbidden, "U028", "of the wrong grant"), true
	case c.fault.Kind == frame.RateLimited:
		return answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}, Body: []byte(nil)}, true
	case c.fault.Kind == frame.Rejected:
		return fail(http.StatusBadRequest, "U002", "a field is wrong"), true
	case post && (key == "" || len(key) > 40 || strings.TrimSpace(key) != key):
		return fail(http.StatusBadRequest, "U006", "x-idempotency-key"), true
	case post:
		if err := d.verified(c.q.Header.Get("X-Jws-Signature"), c.body); err != nil {
			return fail(http.StatusBadRequest, "U015", err.Error()), true
		}
	}
	return answer{}, false
}

// once carries a request out once under its key. One that comes again with the same body is answered with what has become of it.
func (d *Double) once(c *call, run handler) answer {
	name := c.q.URL.Path + " " + c.q.Header.Get("X-Idempotency-Key")
	a, how := d.keys.Once(name, sum(c.body), c.now, keyLife, func() (answer, bool) {
		a := d.run(c, run)
		return a, a.Status == http.StatusCreated
	})
	switch how {
	case frame.Other, frame.Running:
		return fail(http.StatusBadRequest, "U006", "the key stands for another request")
	case frame.Again:
		d.Mu.Lock()
		defer d.Mu.Unlock()
		return d.asItIs(a)
	default:
		return a
	}
}

// asItIs is what was made once, as it is now.
func (d *Double) asItIs(a answer) answer {
	body, _ := a.Body.(object)
	data, _ := body["Data"].(object)
	if id, is := data["DomesticPaymentId"].(string); is {
		return answer{Status: http.StatusCreated, Body: d.payments[id].view(d)}
	}
	id, _ := data["ConsentId"].(string)
	return answer{Status: http.StatusCreated, Body: d.consents[id].view(d)}
}

// critical are the members of a signature's header that have to be understood.
var critical = []string{"http://openbanking.org.uk/iat", "http://openbanking.org.uk/iss", "http://openbanking.org.uk/tan"}

// verified checks a detached signature over a body, as published.
func (d *Double) verified(signature string, body []byte) error {
	head, rest, _ := strings.Cut(signature, ".")
	between, mac, ok := strings.Cut(rest, ".")
	if !ok || between != "" {
		return errors.New("the signature is not detached")
	}
	whole := head + "." + base64.RawURLEncoding.EncodeToString(body) + "." + mac
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"PS256"}), jwt.WithoutClaimsValidation())
	read, err := parser.Parse(whole, func(*jwt.Token) (any, error) { return d.c.Caller, nil })
	if err != nil {
		return err
	}
	for name := range read.Header {
		if !slices.Contains(append([]string{"alg", "typ", "cty", "kid", "crit"}, critical...), name) {
			return fmt.Errorf("%s is none of the header's members", name)
		}
	}
	at, _ := read.Header[critical[0]].(float64)
	crit, _ := read.Header["crit"].([]any)
	switch {
	case read.Header["kid"] != d.c.KeyID, read.Header[critical[1]] != d.c.Issuer, read.Header[critical[2]] != "openbanking.org.uk":
		return errors.New("of somebody else")
	case len(crit) != 3 || at == 0 || time.Unix(int64(at), 0).After(d.c.Now().Add(time.Minute)):
		return errors.New("without its time, or what is critical")
	case read.Header["cty"] != nil && read.Header["cty"] != "application/json" && read.Header["cty"] != "json":
		return errors.New("of another type")
	}
	return nil
}

// signed adds the bank's signature and the id of the interaction.
func (d *Double) signed(a answer) answer {
	header := http.Header{"X-Fapi-Interaction-Id": {"93bac548-d2de-4546-b106-880a5018460d"}}
	maps.Copy(header, a.Header)
	body := encode(a.Body)
	t := jwt.New(jwt.SigningMethodPS256)
	t.Header = map[string]any{"alg": "PS256", "kid": "bank-1", "crit": critical, critical[0]: d.c.Now().Unix(), critical[1]: "bank", critical[2]: "openbanking.org.uk"}
	text, err := t.SigningString()
	if err != nil {
		panic(err)
	}
	head, _, _ := strings.Cut(text, ".")
	raw, err := jwt.SigningMethodPS256.Sign(head+"."+base64.RawURLEncoding.EncodeToString(body), d.c.Own)
	if err != nil {
		panic(err)
	}
	header.Set("X-Jws-Signature", head+".."+base64.RawURLEncoding.EncodeToString(raw))
	return answer{Status: a.Status, Header: header, Body: a.Body}
}

func fail(status int, code, message string) answer {
	return answer{Status: status, Body: object{"Id": "1", "Code": strconv.Itoa(status), "Message": message, "Errors": []object{{"ErrorCode": code, "Message": message}}}}
}

var spoilt = frame.Spoilt{
	ServerError: fail(http.StatusInternalServerError, "U000", "trouble"),
	ErrorInside: answer{Status: http.StatusOK, Body: fail(http.StatusInternalServerError, "U000", "late trouble").Body},
}

// twists make an answer one about something else.
var twists = frame.Twists{
	frame.WrongAmount:    inside(func(data, sum object) { sum["Amount"] = "98765.43" }),
	frame.WrongCurrency:  inside(func(data, sum object) { sum["Currency"] = "EUR" }),
	frame.WrongReference: inside(func(data, sum object) { data["ConsentId"] = "another" }),
	frame.NewStatus:      inside(func(data, sum object) { data["Status"] = "QNTM" }),
	frame.WrongID: inside(func(data, sum object) {
		if data["DomesticPaymentId"] != nil {
			data["DomesticPaymentId"] = "another"
		}
	}),
}

func inside(swap func(data, sum object)) func(object) {
	return func(o object) {
		data, _ := o["Data"].(object)
		initiation, _ := data["Initiation"].(object)
		if sum, is := initiation["InstructedAmount"].(object); is {
			swap(data, sum)
		}
	}
}
