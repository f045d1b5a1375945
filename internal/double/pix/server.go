package pix

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// tokenLife is how long an access token is taken.
const tokenLife = 5 * time.Minute

// Config is what a double is made of.
type Config struct {
	Now                    func() time.Time
	ClientID, ClientSecret string
	Key                    string // of the payee, in the directory of keys
	Location               string // host and path before the token of a charge's location; a pretended one where it is empty
}

// Double is one payee's account.
type Double struct {
	frame.Frame
	c Config

	seq     int
	tokens  map[string]time.Time // to their ends
	charges map[string]*charge   // by txid
	places  map[string]*charge   // by location
	pix     map[string]*received // by end-to-end id
	told    []*received          // not told yet, oldest first
	issued  atomic.Int64
}

type (
	object = frame.Object
	answer = frame.Answer
)

// The names of operations, for faults. OpQuery is every question.
const (
	OpToken  = "token"
	OpCharge = "charge"
	OpRemove = "remove"
	OpReturn = "return"
	OpQuery  = "query"
)

// New returns an account with empty books.
func New(c Config) *Double {
	if c.Location == "" {
		c.Location = "pix.bank.example/qr/v2/"
	}
	d := &Double{c: c, tokens: map[string]time.Time{}, charges: map[string]*charge{}, places: map[string]*charge{}, pix: map[string]*received{}}
	d.Twists, d.Spoilt = twists, spoilt
	return d
}

// call is one request.
type call struct {
	q     *http.Request
	body  []byte
	fault frame.Fault
	now   time.Time
}

type handler func(d *Double, c *call) answer

var routes = map[string]struct {
	op    string
	scope string
	run   handler
}{
	"PUT /cob/{txid}":                 {OpCharge, "cob.write", (*Double).charge},
	"PATCH /cob/{txid}":               {OpRemove, "cob.write", (*Double).revise},
	"GET /cob/{txid}":                 {OpQuery, "cob.read", (*Double).chargeNow},
	"PUT /pix/{e2eid}/devolucao/{id}": {OpReturn, "pix.write", (*Double).giveBack},
	"GET /pix/{e2eid}/devolucao/{id}": {OpQuery, "pix.read", (*Double).returnNow},
	"GET /pix/{e2eid}":                {OpQuery, "pix.read", (*Double).pixNow},
}

// Handler serves the account, with its tokens at POST /oauth/token.
func (d *Double) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, r := range routes {
		mux.HandleFunc(path, func(w http.ResponseWriter, q *http.Request) {
			body, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
			c := &call{q: q, body: body, now: d.c.Now(), fault: d.Take(r.op)}
			a, refused := d.admit(c)
			switch {
			case err != nil:
				panic(http.ErrAbortHandler)
			case refused:
				frame.Write(w, a)
				return
			case !c.fault.Before:
				a = d.run(c, r.run)
			}
			d.Send(w, q, c.fault, a)
		})
	}
	mux.HandleFunc("POST /oauth/token", d.token)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		frame.Write(w, problem(http.StatusNotFound, "NaoEncontrado"))
	})
	return mux
}

func (d *Double) run(c *call, run handler) answer {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return run(d, c)
}

// admit checks what comes before any work.
func (d *Double) admit(c *call) (answer, bool) {
	token, _ := strings.CutPrefix(c.q.Header.Get("Authorization"), "Bearer ")
	d.Mu.Lock()
	until, known := d.tokens[token]
	d.Mu.Unlock()
	switch {
	case !known || !c.now.Before(until) || c.fault.Kind == frame.Unauthorized:
		a := problem(http.StatusUnauthorized, "AcessoNegado")
		a.Header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return a, true
	case c.fault.Kind == frame.RateLimited:
		return problem(http.StatusTooManyRequests, "ServicoIndisponivel"), true
	case c.fault.Kind == frame.Rejected:
		return problem(http.StatusBadRequest, "RequisicaoInvalida"), true
	case c.fault.Kind == frame.Decline: // by what the account may do
		return problem(http.StatusForbidden, "AcessoNegado"), true
	}
	return answer{}, false
}

// token gives an access token by client credentials.
func (d *Double) token(w http.ResponseWriter, q *http.Request) {
	fault := d.Take(OpToken)
	id, secret, _ := q.BasicAuth()
	if q.ParseForm() != nil || id != d.c.ClientID || secret != d.c.ClientSecret || q.PostForm.Get("grant_type") != "client_credentials" || fault.Kind == frame.Unauthorized {
		frame.Write(w, answer{Status: http.StatusUnauthorized, Body: object{"error": "invalid_client"}})
		return
	}
	token := fmt.Sprintf("double.topsecret-token-%d", d.issued.Add(1))
	d.Mu.Lock()
	d.tokens[token] = d.c.Now().Add(tokenLife)
	d.Mu.Unlock()
	d.Send(w, q, fault, answer{Status: http.StatusOK, Body: object{
		"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()), "scope": q.PostForm.Get("scope"),
	}})
}

// Issued counts the access tokens that were given.
func (d *Double) Issued() int64 { return d.issued.Load() }

// Revoke ends all access tokens.
func (d *Double) Revoke() {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	clear(d.tokens)
}

// problem is an error as RFC 7807 has it, of a published type.
func problem(status int, kind string, wrong ...string) answer {
	body := object{"type": "https://pix.bcb.gov.br/api/v2/error/" + kind, "title": kind, "status": status, "detail": "said by a double"}
	var list []object
	for _, property := range wrong {
		list = append(list, object{"razao": "não respeita o schema ou o estado", "propriedade": property})
	}
	if len(list) > 0 {
		body["violacoes"] = list
	}
	return answer{Status: status, Header: http.Header{"Content-Type": {"application/problem+json"}}, Body: body}
}

// decode reads a body strictly.
func decode(body []byte, into any) bool {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	return dec.Decode(into) == nil && !dec.More()
}

var spoilt = frame.Spoilt{
	ServerError: problem(http.StatusInternalServerError, "ErroInternoDoServidor"),
	ErrorInside: answer{Status: http.StatusOK, Body: problem(http.StatusServiceUnavailable, "ServicoIndisponivel").Body},
}

// twists make an answer one about something else.
var twists = frame.Twists{
	frame.WrongAmount: func(o object) {
		if _, is := o["valor"].(string); is {
			o["valor"] = "98765.43"
		}
		if value, is := o["valor"].(object); is {
			value["original"] = "98765.43"
		}
		each(o, func(one object) { one["valor"] = "98765.43" })
	},
	frame.WrongID: func(o object) {
		other := func(name string, in object) {
			if text, is := in[name].(string); is {
				in[name] = text[:len(text)-1] + "z"
			}
		}
		other("rtrId", o)
		each(o, func(one object) { other("endToEndId", one) })
	},
	frame.WrongReference: func(o object) {
		for _, name := range []string{"txid", "id"} {
			if _, is := o[name].(string); is {
				o[name] = "another0000000000000000000000000"
			}
		}
	},
	frame.NewStatus: func(o object) { o["status"] = "QUANTICA" },
}

// each goes through the Pix of a charge.
func each(o object, swap func(object)) {
	list, _ := o["pix"].([]any)
	for _, one := range list {
		if inner, is := one.(object); is {
			swap(inner)
		}
	}
}
