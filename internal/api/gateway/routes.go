package gateway

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/shop"
)

// Gateway is the dialect. It is safe for concurrent use.
type Gateway struct {
	// Gate bounds what runs at a time, and how fast a shop may come; those beyond are answered 429. Nil, which New leaves it
	// at, sets no limit. It may be set before Mount.
	Gate *api.Gate
	// Stopping, when it is closed, ends the requests that wait for events, so that they do not hold up a server that
	// stops. It may be set before Mount; without it they end when their time is over.
	Stopping <-chan struct{}
	// TrustedProxies are the proxies whose X-Forwarded-For is believed; none by default. It may be set before Mount.
	TrustedProxies []netip.Prefix
	// Hooks are the operator's rules for addresses that events are posted to; none by default. It may be set before Mount.
	Hooks api.Hooks

	engine  *engine.Engine
	cards   engine.Cards
	records *records.Records
	auth    *api.Auth
	log     *slog.Logger
	waiting waiters
	buffers sync.Pool // of *[]byte, to write answers into
}

// New returns the dialect on an engine, to be mounted on a mux.
func New(e *engine.Engine, r *records.Records, auth *api.Auth, log *slog.Logger) *Gateway {
	g := &Gateway{engine: e, cards: engine.CardsOf(e), records: r, auth: auth, log: log}
	g.buffers.New = func() any { b := make([]byte, 0, 4096); return &b }
	return g
}

// Name is "gateway".
func (g *Gateway) Name() string { return "gateway" }

// BasePath is where the dialect is mounted.
const BasePath = "/api/v1"

const (
	pathPayments = BasePath + "/payments"
	pathPayment  = pathPayments + "/{id}"
	pathTokens   = BasePath + "/customers/{customerReferenceId}/card-tokens"
)

// endpoint is one operation of the contract. Its handler writes the answer or returns the error to answer with;
// object is the name under which that error's entries are listed.
type endpoint struct {
	method, path string
	operation    string // operationId of the published document
	object       string
	reads        bool // the body
	handle       func(*Gateway, http.ResponseWriter, *http.Request, *shop.Shop) error
}

func (e *endpoint) route() string { return e.method + " " + e.path }

var endpoints = []endpoint{
	{http.MethodGet, pathPayments, "getPayments", "paymentFilter", false, (*Gateway).list},
	{http.MethodPost, pathPayments, "createPayment", "paymentRequest", true, (*Gateway).create},
	{http.MethodGet, pathPayment, "getPayment", "payment", false, (*Gateway).get},
	{http.MethodPatch, pathPayment, "executeDeposit", "depositPatchRequest", true, (*Gateway).execute},
	{http.MethodPost, pathPayment + "/capture", "capturePayment", "captureRequest", true, (*Gateway).capture},
	{http.MethodPost, pathPayment + "/void", "voidPayment", "voidRequest", false, (*Gateway).void},
	{http.MethodGet, pathPayment + "/operations", "getOperations", "operationFilter", false, (*Gateway).operations},
	{http.MethodGet, pathEvents, "getEvents", "eventFilter", false, (*Gateway).events},
	{http.MethodGet, pathTokens, "getCardTokens", "cardTokenFilter", false, (*Gateway).cardTokens},
	{http.MethodDelete, pathTokens + "/{id}", "deleteCardToken", "cardToken", false, (*Gateway).deleteCardToken},
}

// Routes lists the endpoints of the contract as method and path, with ids in braces.
func Routes() []string {
	all := make([]string, len(endpoints))
	for i := range endpoints {
		all[i] = endpoints[i].route()
	}
	return all
}

// Mount registers the endpoints, what answers for everything else below /api/v1, and the OpenAPI document.
func (g *Gateway) Mount(mux *http.ServeMux) {
	allowed := make(map[string][]string)
	for i := range endpoints {
		e := &endpoints[i]
		mux.Handle(e.route(), g.serve(e))
		mux.Handle(e.route()+atItsEnd, g.serve(e))
		allowed[e.path] = append(allowed[e.path], e.method)
	}
	for path, methods := range allowed {
		refusal := g.serve(&endpoint{handle: refuseWith(&methodError{allow: strings.Join(methods, ", ")})})
		mux.Handle(path, refusal)
		mux.Handle(path+atItsEnd, refusal)
	}
	unknown := g.serve(&endpoint{handle: refuseWith(errNoPath)})
	mux.Handle(BasePath, unknown)
	mux.Handle(BasePath+"/", unknown)
	mux.HandleFunc("GET /openapi.json", serveOpenAPI)
}

// atItsEnd is a pattern for one slash: behind a path it changes nothing.
const atItsEnd = "/{$}"

// Absent answers a request for which there is nothing on the whole server: in the frame that the contract has, or by
// page where a browser asks for HTML.
func (g *Gateway) Absent(page http.Handler) api.Nothing {
	return func(w http.ResponseWriter, r *http.Request, status int) {
		if status == http.StatusNotFound && api.PrefersHTML(r.Header) {
			page.ServeHTTP(w, r)
			return
		}
		message := messageNoPath
		if status == http.StatusMethodNotAllowed {
			message = messageNoMethod
		}
		f := g.frame(r, status, message)
		g.answer(w, status, func(dst []byte) []byte { return appendFrame(dst, f) })
	}
}

func refuseWith(err error) func(*Gateway, http.ResponseWriter, *http.Request, *shop.Shop) error {
	return func(*Gateway, http.ResponseWriter, *http.Request, *shop.Shop) error { return err }
}

// serve is the frame around an endpoint: who is calling, is there room, then the endpoint.
func (g *Gateway) serve(e *endpoint) http.Handler {
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.path != "" { // requests are compared by it, whether or not a slash ends the path
			r.Pattern = e.route()
		}
		s, err := g.auth.Shop(r)
		if err == nil {
			err = g.run(e, w, r, s)
		}
		if err != nil {
			g.fail(w, r, e.object, err)
		}
	})
	return api.Guard(served, g.log, func(w http.ResponseWriter, r *http.Request) {
		g.answer(w, http.StatusInternalServerError, func(dst []byte) []byte {
			return appendFrame(dst, g.frame(r, http.StatusInternalServerError, messageInternal))
		})
	})
}

// run runs an endpoint if there is room for it.
func (g *Gateway) run(e *endpoint, w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	if err := g.Gate.Enter(w, r, s, e.reads); err != nil {
		return err
	}
	defer g.Gate.Leave(s)
	return e.handle(g, w, r, s)
}

// target names the payment in the request's path. Any text that is no id is a payment that does not exist.
func target(r *http.Request, s *shop.Shop) (engine.Target, error) {
	text := r.PathValue("id")
	if !id.Valid(text) {
		return engine.Target{}, payment.ErrNotFound
	}
	return engine.Target{Shop: s, ID: payment.ID(text)}, nil
}

// answer lets render write a body and sends it.
func (g *Gateway) answer(w http.ResponseWriter, status int, render func(dst []byte) []byte) {
	buf := g.buffers.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	*buf = render((*buf)[:0])
	api.Answer(w, status, *buf)
	if cap(*buf) <= maxPooled {
		g.buffers.Put(buf)
	}
}

// maxPooled is the size up to which a buffer is worth keeping.
const maxPooled = 256 << 10
