package checkout

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// visit is one request of a customer for the payment that the address names.
type visit struct {
	shop    *shop.Shop
	payment payment.Payment
	path    string // of the payment's page
	host    string // of its address, without a port
	words   *words
	now     time.Time
	apple   bool // the customer's device may have Apple Pay
	android bool // it runs Android
}

type visitHandler func(http.ResponseWriter, *http.Request, *visit)

// visited loads the payment that the address names, and has its provider asked when that is due. Addresses that this installation did not issue, and payments
// that no customer has a part in, are answered alike. A payment that the merchant has abandoned takes nothing any more:
// every address of it shows that it is closed.
func (g *Pages) visited(next visitHandler) http.HandlerFunc { return g.visiting(g.engine.Get, next) }

// returned is visited for the way back from a bank: the provider is asked by the handler, and not twice.
func (g *Pages) returned(next visitHandler) http.HandlerFunc { return g.visiting(g.engine.Look, next) }

// loader finds the payment of a visit.
type loader func(context.Context, payment.ShopID, payment.ID) (payment.Payment, error)

func (g *Pages) visiting(load loader, next visitHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := g.visit(r, load)
		if err != nil {
			g.showProblem(w, r, err)
			return
		}
		r = speaking(r, v.words)
		if v.closed() {
			g.showClosed(w, r, v)
			return
		}
		next(w, r, v)
	}
}

func (g *Pages) visit(r *http.Request, load loader) (*visit, error) {
	token := r.PathValue("token")
	if err := g.paces.client(r, g.trusted, g.engine.Now()); err != nil {
		return nil, err
	}
	shopID, id, err := g.engine.ParseCheckoutToken(token)
	if err != nil {
		return nil, err
	}
	if err := g.paces.opened(id, g.engine.Now()); err != nil {
		return nil, err
	}
	s, err := g.engine.Shop(r.Context(), shopID)
	if err != nil {
		return nil, err
	}
	p, err := load(r.Context(), shopID, id)
	if err != nil {
		return nil, err
	}
	if p.Type != payment.Deposit {
		return nil, payment.ErrNotFound
	}
	var c payment.Customer
	_ = p.Customer.Into(&c) // without a locale the browser's language counts
	w := chooseWords(c.Locale, r.Header.Get("Accept-Language"))
	if p.Terms.Verify {
		w = w.forBinding()
	}
	return &visit{shop: s, payment: p, path: g.base + "/payment/" + token, host: g.host, words: w, now: g.engine.Now(), apple: hasApplePay(r.UserAgent()), android: isAndroid(r.UserAgent())}, nil
}

func (v *visit) target() engine.Target { return engine.Target{Shop: v.shop, ID: v.payment.ID} }

// closed reports that the merchant has abandoned the payment, whatever its state.
func (v *visit) closed() bool { return !v.payment.Abandoned.IsZero() }

// expired reports that the time for paying ran out, whether or not the payment was closed for it yet.
func (v *visit) expired() bool {
	until := v.payment.CheckoutUntil
	return v.payment.Payable() && !until.IsZero() && !v.now.Before(until)
}

// away returns the attempt that waits for the customer at a provider or bank, or nil.
func (v *visit) away() *payment.Attempt {
	a := v.payment.LiveAttempt()
	if v.payment.State() != payment.Pending || a == nil || a.Class != payment.ClassWaiting ||
		!a.Next.Leads() || !shop.AbsoluteURL(a.Next.URL) {
		return nil
	}
	return a
}

// settled reports that nothing is left to do for the customer.
func (v *visit) settled() bool {
	s := v.payment.State()
	return s.Final() || s == payment.Authorized
}

// returnURL is where the customer goes afterwards, in characters that a header can carry, or empty when neither the
// payment nor the shop says. It may be of a scheme that an app registered.
func (v *visit) returnURL() string {
	wanted := v.payment.Return()
	if failed := v.payment.Terms.ErrorURL; v.expired() && failed != "" {
		wanted = failed
	}
	for _, template := range []string{wanted, v.shop.Settings.ReturnURL} {
		if template == "" {
			continue
		}
		if read, err := address.Return(template); err == nil {
			template = read.Text
		}
		if u := ReturnURL(template, &v.payment); isReturn(u) {
			return inHeader(u)
		}
	}
	return ""
}

// isReturn is asked once more before anybody is sent there: what was stored by earlier versions, or is put into a
// template, was not judged with it.
func isReturn(text string) bool {
	_, err := address.Return(text)
	return err == nil
}

// isWeb reports whether an address is http or https.
func isWeb(text string) bool {
	a, err := address.Return(text)
	return err == nil && a.Web()
}

// hostOf is the name of the host at which an installation is reached.
func hostOf(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// pathOf is the path under which an installation is reached, without a slash at its end.
func pathOf(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.EscapedPath(), "/")
}

// toPage sends the browser to the payment's page, which shows the state as it is. A reload there repeats nothing.
func (v *visit) toPage(w http.ResponseWriter, r *http.Request) { seeOther(w, r, v.path) }

func seeOther(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // a page of ours, named by a token that was read, or the address that a shop has given
}

// gone reports that nobody waits for the answer any more.
func gone(err error) bool { return errors.Is(err, context.Canceled) }
