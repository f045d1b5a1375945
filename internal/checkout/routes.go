package checkout

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

// BasePath is what the addresses of all payments begin with.
const BasePath = "/payment"

// Deps is what the pages work with. Engine, Log and PublicURL are required.
type Deps struct {
	Engine *engine.Engine
	Log    *slog.Logger
	// PublicURL is the base of the addresses that customers are given, as the engine has it. Where it is https, browsers may
	// insist on that from then on.
	PublicURL string
	// TrustedProxies are the proxies whose X-Forwarded-For is believed; none by default.
	TrustedProxies []netip.Prefix
	// Rates are how often pages may be opened; without them as often as anybody likes.
	Rates Rates
	// Sold tells what a payment is for whose merchant API knows that. It is asked once for each page of such a payment.
	Sold func(context.Context, *payment.Payment) (Sold, error)
	// Session begins a merchant's session at Apple; without it no sheet of Apple Pay opens.
	Session Session
	// Logo reads the logo of a shop that has one; without it none is shown.
	Logo func(context.Context, shop.ID) (Logo, error)
}

// Pages serves the hosted payment page. It is safe for concurrent use.
type Pages struct {
	engine   *engine.Engine
	cards    engine.Cards
	log      *slog.Logger
	trusted  []netip.Prefix
	https    bool
	base     string // path of the public URL
	public   string // the public URL, without a slash at its end
	host     string // of the public URL
	assets   *assets
	paces    paces
	crowd    crowd
	shelf    *shelf
	sessions sessions
	sold     func(context.Context, *payment.Payment) (Sold, error)
	logos    *logos
}

// New returns the pages. It panics if a template or a text built into the program is broken.
func New(d Deps) *Pages {
	matcher() // reads the texts
	return &Pages{
		engine: d.Engine, cards: engine.CardsOf(d.Engine), log: d.Log, trusted: d.TrustedProxies, https: strings.HasPrefix(d.PublicURL, "https:"), base: pathOf(d.PublicURL), public: strings.TrimRight(d.PublicURL, "/"), assets: loadAssets(),
		host: hostOf(d.PublicURL), sessions: newSessions(d.Session), paces: paces{rates: d.Rates}, crowd: newCrowd(), shelf: newShelf(d.Engine.Now),
		sold: d.Sold, logos: newLogos(d.Logo),
	}
}

// Mount adds the pages to mux: everything under /payment/ and /static/checkout/.
func (g *Pages) Mount(mux *http.ServeMux) {
	pages := map[string]visitHandler{
		"GET /payment/{token}":           g.showPayment,
		"POST /payment/{token}":          g.submitPayment,
		"POST /payment/{token}/cancel":   g.cancelPayment,
		"POST /payment/{token}/other":    g.payOther,
		"POST /payment/{token}/session":  g.beginSession,
		"GET /payment/{token}/continue":  g.leavePayment,
		"POST /payment/{token}/continue": g.continuePayment,
	}
	for pattern, show := range pages {
		mux.Handle(pattern, g.guarded(g.visited(show)))
	}
	mux.Handle("GET /payment/{token}/news", g.guarded(g.tellNews))
	back := g.guarded(g.returned(g.returnPayment))
	mux.Handle("GET /payment/{token}/return", back)
	mux.Handle("POST /payment/{token}/return", back)
	mux.Handle("GET "+BasePath+"/back", g.guarded(g.comeBack))
	mux.Handle("GET "+BasePath, g.guarded(g.showNotFound)) // else it would be a redirect that repeats the query
	mux.Handle("GET "+BasePath+"/", g.guarded(g.showNotFound))
	mux.HandleFunc("GET /static/checkout/{name}", g.assets.serve)
	mux.HandleFunc("GET /static/checkout/logo/{shop}/{name}", g.serveLogo)
}

// Icon is the path of the icon that all pages show in the browser's tab.
func (g *Pages) Icon() string { return g.assets.icon.path }

// HTTPS tells whether customers reach the pages over TLS.
func (g *Pages) HTTPS() bool { return g.https }

// Absent is the page for an address under which there is nothing.
func (g *Pages) Absent() http.Handler { return g.guarded(g.showNotFound) }

// guarded sets what every answer of the page carries and turns a panic into a calm page.
func (g *Pages) guarded(next http.HandlerFunc) http.Handler {
	return web.Recover(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.setHeaders(w.Header(), web.PagePolicy{})
		next(w, r)
	}), g.log, g.showBroken)
}

// setHeaders closes the page: no script but those with the hashes that the policy has, if any, no framing but by the origins that it
// names, no referrer that would give its address away, no copy in a cache, which is why there is no Vary for the languages either. Forms
// may be sent to this server only; see leavePayment for how the customer gets to a bank all the same.
func (g *Pages) setHeaders(h http.Header, p web.PagePolicy) { g.setHeadersPaying(h, p, "()") }

// setHeadersPaying is setHeaders for a page that may ask the browser for a payment, with the origins that may.
func (g *Pages) setHeadersPaying(h http.Header, p web.PagePolicy, payment string) {
	p.HTTPS = g.https
	web.SetPageHeaders(h, p)
	h.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment="+payment+", usb=()")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}
