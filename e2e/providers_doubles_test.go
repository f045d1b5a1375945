package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// double is a provider's server with books.
type double interface {
	Strike(f frame.Fault)
	Take(op string) frame.Fault
	Books() []frame.Entry
	Handler() http.Handler
}

// notice is what a provider posts by itself.
type notice struct {
	header http.Header
	body   []byte
}

// pretended is a provider that there is a connector for.
type pretended struct {
	name      string
	connector string            // empty where it is the name
	settings  object            // of a terminal, but for the address
	cards     map[string]string // by way to pay
	bank      string            // the headline of the page on which the customer is asked; empty where there is none
	agrees    string            // the button there that pays
	choice    string            // the bank that is chosen, where there are several
	more      []string          // ways to pay besides cards that are entered here
	calls     map[string]string // the double's names of calls
	scale     int64             // of amounts in the books: 100 where they are whole cents
	late      bool              // refunds may be settled late
	// never says that what becomes of such a request is told by nobody within a minute; nil for none.
	never func(way, call string, f frame.Fault) bool
	// open starts the double, which is reached at that address.
	open func(a *providerAccount, address string)
}

func (p *pretended) ways() (ways []string) {
	for _, way := range []string{byCard, byChallenge, byHold} {
		if p.cards[way] != "" {
			ways = append(ways, way)
		}
	}
	return append(ways, p.more...)
}

func (p *pretended) unsure(way, call string, f frame.Fault) bool {
	return p.never != nil && p.never(way, call, f)
}

// unsent is where a request that was lost on its way leaves no trace, and only two answers that there is nothing, minutes apart, prove that.
func unsent(_, _ string, f frame.Fault) bool { return f.Before }

// call is the double's name of a call by that way.
func (p *pretended) call(call, way string) string {
	return cmp.Or(p.calls[call+" by "+way], p.calls[call])
}

// order are the members of a payment by that way.
func (p *pretended) order(way string) object {
	switch way {
	case byHold:
		return object{"paymentMethod": "BASIC_CARD", "preAuth": true}
	case byBlik:
		return object{"paymentMethod": "BLIK", "currency": "PLN"}
	case byPix:
		return object{"paymentMethod": "PIX", "currency": "BRL"}
	case byLink:
		return object{"paymentMethod": "PAY_BY_LINK", "currency": "PLN"}
	case byAccount:
		return object{"paymentMethod": "OPEN_BANKING", "currency": "GBP"}
	case byPage:
		return object{"paymentMethod": "BASIC_CARD", "currency": "RUB"}
	case byPageHold:
		return object{"paymentMethod": "BASIC_CARD", "currency": "RUB", "preAuth": true}
	}
	return object{"paymentMethod": "BASIC_CARD"}
}

// account is a shop's account at such a provider.
type providerAccount struct {
	*pretended
	double  double
	client  *client
	base    string // of the server
	own     object // settings that are made with the double
	notify  string // where notices are posted to
	notices func() []notice
	finish  func(key string) bool
	scan    func(t *testing.T, code string) // pays by a code
	told    map[string]bool

	mu   sync.Mutex
	keys map[string]string // the last key of each call
}

// start makes a shop on the server with a terminal at a new account.
func (p *pretended) start(t *testing.T, s *server) *providerAccount {
	t.Helper()
	a := &providerAccount{pretended: p, base: s.base, keys: map[string]string{}, told: map[string]bool{}}
	var handler http.Handler
	httpd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.note(r)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(httpd.Close)
	p.open(a, httpd.URL)
	handler = a.double.Handler()
	settings := maps.Clone(a.own)
	if settings == nil {
		settings = with(p.settings, "url", httpd.URL)
	}
	raw, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	var shop struct{ ShopID, APIKey string }
	s.admin(t, &shop, "shop", "create", "--name", "Shop at "+p.name)
	var terminal struct{ TerminalID string }
	s.admin(t, &terminal, "terminal", "create", "--shop", shop.ShopID, "--name", p.name, "--connector", cmp.Or(p.connector, p.name), "--settings", string(raw))
	a.client, a.notify = newClient(s.base, shop.APIKey), s.base+"/notices/"+terminal.TerminalID
	return a
}

// note keeps the key of a request that does something: by it the double is told what the provider decides.
func (a *providerAccount) note(r *http.Request) {
	if r.Method == http.MethodGet || r.Body == nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key := r.Header.Get("Idempotency-Key") + r.Header.Get("X-Idempotency-Key") + r.Header.Get("Paypal-Request-Id") + r.Header.Get("X-Request-Id")
	if key == "" {
		var told struct {
			Reference string `json:"referenceId"`
			Session   string `json:"sessionId"`
			Request   string `json:"requestId"`
			Order     string `json:"extOrderId"`
			Refund    struct {
				ID string `json:"extRefundId"`
			} `json:"refund"`
		}
		_ = json.Unmarshal(body, &told) // it may be a form
		key = cmp.Or(told.Reference, told.Session, told.Request, told.Order, told.Refund.ID)
	}
	if _, after, found := strings.Cut(r.URL.Path, "/devolucao/"); found {
		key = after
	}
	call := atPay
	if strings.Contains(r.URL.Path, "refund") || strings.Contains(string(body), `"REFUND"`) || strings.Contains(r.URL.Path, "/devolucao/") {
		call = atRefund
	}
	if key == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[call] = key
}

func (a *providerAccount) lastKey(call string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys[call]
}

// posts makes notices of bodies, each with its header.
func posts(bodies [][]byte, header func([]byte) http.Header) (all []notice) {
	for _, body := range bodies {
		h := header(body)
		h.Set("Content-Type", "application/json")
		all = append(all, notice{h, body})
	}
	return all
}
