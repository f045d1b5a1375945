package yandexpay

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/records"
	"github.com/sluicepay/sluice/internal/shop"
)

// BasePath is where the dialect is mounted. Ids in paths are the merchants' own, so a server should serve everything
// below it by api.Exact.
const BasePath = "/api/merchant"

// YandexPay is the dialect. It is safe for concurrent use.
type YandexPay struct {
	// Gate bounds what runs at a time, and how fast a shop may come; those beyond are answered 429. Nil, which New leaves it
	// at, sets no limit. It may be set before Mount.
	Gate *api.Gate
	// MostPatience is how long a caller waits for a provider at most, and who says nothing about it: 10 s, as New leaves
	// it. It may be set before Mount.
	MostPatience time.Duration

	engine  *engine.Engine
	records *records.Records
	auth    *api.Auth
	log     *slog.Logger
}

// New returns the dialect on an engine, to be mounted on a mux.
func New(e *engine.Engine, r *records.Records, auth *api.Auth, log *slog.Logger) *YandexPay {
	return &YandexPay{MostPatience: mostPatience, engine: e, records: r, auth: auth, log: log}
}

// Name is "yandexpay".
func (y *YandexPay) Name() string { return Dialect }

// call is one request of a shop. Its writer is used once, with the answer.
type call struct {
	*http.Request
	w    http.ResponseWriter
	shop *shop.Shop
	id   string // what the path names: an order, an operation or a subscription; "" for none
}

// endpoint is one operation of the contract. Its handler writes the answer or returns the error to answer with. A
// segment of the path in braces stands for an id.
type endpoint struct {
	method, path string
	reads        bool // the body
	handle       func(*YandexPay, *call) error
}

// endpoints are in the order in which paths are looked up: those that name more come first.
var endpoints = []endpoint{
	{http.MethodPost, "/v1/orders", true, (*YandexPay).createOrder},
	{http.MethodGet, "/v1/orders/{order_id}", false, (*YandexPay).getOrder},
	{http.MethodPost, "/v1/orders/{order_id}/cancel", true, (*YandexPay).cancel},
	{http.MethodPost, "/v1/orders/{order_id}/capture", true, (*YandexPay).capture},
	{http.MethodPost, "/v1/orders/{order_id}/refund", true, (*YandexPay).refundV1},
	{http.MethodPost, "/v2/orders/{order_id}/refund", true, (*YandexPay).refundV2},
	{http.MethodPost, "/v1/orders/{order_id}/rollback", false, (*YandexPay).rollback},
	{http.MethodPost, "/v1/orders/{order_id}/submit", false, (*YandexPay).submit},
	{http.MethodGet, "/v1/operations/{external_operation_id}", false, (*YandexPay).getOperation},
	{http.MethodPost, "/v1/operations/{external_operation_id}", false, (*YandexPay).getOperation},
	{http.MethodPost, "/v1/subscriptions", true, (*YandexPay).subscribe},
	{http.MethodPost, "/v1/subscriptions/recur", true, (*YandexPay).recur},
	{http.MethodGet, "/v1/subscriptions/{subscription_id}", true, (*YandexPay).getSubscription},
	{http.MethodPost, "/v1/subscriptions/{subscription_id}", true, (*YandexPay).getSubscription},
}

// Routes lists the endpoints of the contract as method and path, with ids in braces.
func Routes() []string {
	all := make([]string, len(endpoints))
	for i := range endpoints {
		all[i] = endpoints[i].method + " " + BasePath + endpoints[i].path
	}
	return all
}

// Mount registers what answers for everything at and below BasePath, and the document at DocumentPath.
func (y *YandexPay) Mount(mux *http.ServeMux) {
	served := api.Guard(http.HandlerFunc(y.serve), y.log, func(w http.ResponseWriter, _ *http.Request) {
		answerFailure(w, errInternal)
	})
	mux.Handle(BasePath, served)
	mux.Handle(BasePath+"/", served)
	mux.HandleFunc("GET "+DocumentPath, serveOpenAPI)
}

// serve is the frame around an endpoint: who is calling, what for, is there room, then the endpoint.
func (y *YandexPay) serve(w http.ResponseWriter, r *http.Request) {
	if tried := r.Header.Get("X-Request-Attempt"); tried != "" {
		y.log.LogAttrs(r.Context(), slog.LevelDebug, "request of a client that counts",
			slog.String("request_id", api.RequestID(r)), slog.String("attempt", short(tried)))
	}
	s, err := y.caller(r)
	if err == nil {
		c := &call{Request: r, w: w, shop: s}
		var e *endpoint
		if e, err = c.route(); err == nil {
			err = y.run(e, c)
		}
	}
	if err != nil {
		y.fail(w, r, err)
	}
}

// run runs an endpoint if there is room for it.
func (y *YandexPay) run(e *endpoint, c *call) error {
	if err := y.Gate.Enter(c.w, c.Request, c.shop, e.reads); err != nil {
		return err
	}
	defer y.Gate.Leave(c.shop)
	return e.handle(y, c)
}

// route finds the endpoint by the path as it was sent, in which an escaped slash is part of an id.
func (c *call) route() (*endpoint, error) {
	segments := strings.Split(strings.TrimPrefix(c.URL.EscapedPath(), BasePath), "/")
	var allowed []string
	matched := ""
	for i := range endpoints {
		e := &endpoints[i]
		given, ok := match(e.path, segments)
		if !ok || matched != "" && matched != e.path {
			continue
		}
		matched = e.path
		if e.method == c.Method || e.method == http.MethodGet && c.Method == http.MethodHead {
			c.Pattern, c.id = BasePath+e.path, given
			return e, nil
		}
		allowed = append(allowed, e.method)
	}
	if matched == "" {
		return nil, errNoMethod
	}
	return nil, notAllowed(allowed)
}

// match compares a path with segments and returns what its segment in braces holds, unescaped.
func match(path string, segments []string) (given string, ok bool) {
	wanted := strings.Split(path, "/")
	if len(wanted) != len(segments) {
		return "", false
	}
	for i, s := range wanted {
		if !strings.HasPrefix(s, "{") {
			if s != segments[i] {
				return "", false
			}
			continue
		}
		var err error
		if given, err = url.PathUnescape(segments[i]); err != nil || given == "" {
			return "", false
		}
	}
	return given, true
}

// isName reports whether a text can be what a merchant called something.
func isName(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && utf8.RuneCountInString(s) <= maxText
}

// maxText is the most characters of a text in a request where nothing else is said.
const maxText = 2048
