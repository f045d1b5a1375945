// Package welcome owns the page at / of a demo: what this is, where everything stands, and how a first payment is made,
// for people as a page and for programs as JSON. It shows no key: those are printed by the console only.
package welcome

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/web"
)

// Facts are what the page tells.
type Facts struct {
	BaseURL   string `json:"baseUrl"`      // of this server, without a slash at its end
	Simulator string `json:"simulatorUrl"` // of the pretended provider
	Version   string `json:"version"`
	// Icon is the path of the icon that the browser shows.
	Icon string `json:"-"`
	// HTTPS says that the page is reached over TLS.
	HTTPS bool `json:"-"`
}

type card struct {
	Number string `json:"number"`
	Effect string `json:"effect"`
}

type place struct {
	Name    string `json:"name"`
	BaseURL string `json:"baseUrl"`
	OpenAPI string `json:"openapi"`
}

// told is the whole of it, as programs read it and as the template gets it.
type told struct {
	Name  string `json:"name"`
	About string `json:"about"`
	Facts
	APIs     []place `json:"apis"`
	Ledger   string  `json:"ledger"`
	Cards    []card  `json:"testCards"`
	Keys     string  `json:"keys"`
	Payment  string  `json:"firstPayment"`
	Order    string  `json:"firstOrder"`
	Continue string  `json:"then"`

	Style string `json:"-"`
}

const (
	about = "A payment engine with a demo shop and a simulated provider. Nothing here moves real money."
	keys  = "The API key and the signing key were printed in the console where this server was started. They are also in demo.json in its data folder."
	then  = `Open the redirectUrl or paymentUrl of the answer in a browser and pay with one of the cards, any future date and any security code.`
)

//go:embed page.html
var pageText string

//go:embed page.css
var style []byte

var page = template.Must(template.New("page").Parse(pageText))

// Mount adds / and the page's style to mux. It panics if the template built into the program is broken.
func Mount(mux *http.ServeMux, f Facts) {
	sum := sha256.Sum256(style)
	t := tell(f)
	t.Style = "/static/welcome/" + hex.EncodeToString(sum[:8]) + ".css"
	var html, data bytes.Buffer
	if err := page.Execute(&html, t); err != nil {
		panic("welcome: " + err.Error())
	}
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(t); err != nil {
		panic("welcome: " + err.Error())
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if api.PrefersHTML(r.Header) {
			web.SetPageHeaders(w.Header(), web.PagePolicy{HTTPS: f.HTTPS})
			w.Header().Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
			w.Header().Set("X-Robots-Tag", "noindex, nofollow")
			answer(w, "text/html; charset=utf-8", html.Bytes())
			return
		}
		web.SetAPIHeaders(w.Header())
		answer(w, "application/json", data.Bytes())
	})
	mux.HandleFunc("GET "+t.Style, func(w http.ResponseWriter, _ *http.Request) {
		web.SetAPIHeaders(w.Header())
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		answer(w, "text/css; charset=utf-8", style)
	})
}

func answer(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller may be gone
}

func tell(f Facts) told {
	return told{
		Name: "Sluice", About: about, Facts: f, Keys: keys, Continue: then,
		APIs: []place{
			{"Gateway API", f.BaseURL + "/api/v1", f.BaseURL + "/openapi.json"},
			{"Yandex Pay merchant API", f.BaseURL + "/api/merchant", f.BaseURL + "/openapi-yandexpay.json"},
		},
		Ledger: f.Simulator + "/ledger",
		Cards: []card{
			{"4000 0000 0000 0408", "approved"},
			{"4000 0000 0000 0002", "3-D Secure, then approved"},
			{"4000 0000 0000 0416", "declined"},
		},
		Payment: "curl -s " + f.BaseURL + `/api/v1/payments \
  -H 'Authorization: Bearer sk_test_…' \
  -H 'Content-Type: application/json' \
  -d '{"paymentType":"DEPOSIT","amount":11.12,
       "currency":"EUR","referenceId":"order-1"}'`,
		Order: "curl -s " + f.BaseURL + `/api/merchant/v1/orders \
  -H 'Authorization: Api-Key sk_test_…' \
  -H 'Content-Type: application/json' \
  -d '{"orderId":"A-1","currencyCode":"RUB","cart":{
       "total":{"amount":"180.00"},"items":[
        {"productId":"p1","title":"Tea",
         "quantity":{"count":"2"},"total":"180.00"}]}}'`,
	}
}
