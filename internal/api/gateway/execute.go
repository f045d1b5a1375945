package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

// execute goes ahead with a deposit without the hosted page.
func (g *Gateway) execute(w http.ResponseWriter, r *http.Request, s *shop.Shop) error {
	t, err := command(r, s)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	doc, err := api.ReadObject(w, r)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	defer wipeCard(doc)
	browser, code, err := g.bindExecute(r.Context(), doc, t)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	t.Idem.Fingerprint = g.engine.Fingerprint(canonicalCommand(t.Idem.Route, t.ID, money.Amount{}, browser))
	x := engine.Execute{Target: t, Browser: browser, From: g.customerAt(r, browser)}
	if code != nil {
		x.Means = code
	}
	o, err := g.engine.Execute(r.Context(), x)
	if err != nil {
		return err
	}
	g.answerOutcome(w, &o)
	return nil
}

// customerAt is the address of the customer as far as the merchant tells it. The address that the request itself comes
// from is the merchant's own, whatever it is given for.
func (g *Gateway) customerAt(r *http.Request, browser payment.Document) netip.Addr {
	var b payment.Browser
	_ = browser.Into(&b) // it was made a moment ago
	said, err := netip.ParseAddr(b.IP)
	if err != nil || engine.SameCustomer(said, web.ClientIP(r, g.TrustedProxies)) {
		return netip.Addr{}
	}
	return said
}

// command reads what commands on a payment have in common: which payment, and the idempotency key. The target is
// usable for known even when the error is about the key.
func command(r *http.Request, s *shop.Shop) (engine.Target, error) {
	t, err := target(r, s)
	if err != nil {
		return t, err
	}
	t.Idem.Route = r.Pattern
	t.Idem.Key, err = api.IdempotencyKey(r.Header)
	return t, err
}

// known returns fault, the error of a request that cannot be carried out, unless the payment that it names does not
// exist: that comes first.
func (g *Gateway) known(ctx context.Context, t engine.Target, fault error) error {
	if t.ID == "" {
		return fault
	}
	if _, err := g.engine.Get(ctx, t.Shop.ID, t.ID); errors.Is(err, payment.ErrNotFound) {
		return err
	}
	return fault
}

// bindExecute reads a DepositPatchRequest, and the security code of the card that came with the payment, which is an addition
// to the contract: a card without a number, or nil. The error is *invalid.
func (g *Gateway) bindExecute(ctx context.Context, doc *api.Value, t engine.Target) (payment.Document, *instrument.Card, error) {
	b := newBinder(doc)
	browser := b.browser()
	var card *instrument.Card
	whole := !doc.Get("card").Get("cardNumber").Blank() || !doc.Get("card").Get("cardToken").Blank() // unknown here, and passed over
	if text := doc.Get("card").Get("cardSecurityCode"); !text.Blank() && !whole {
		brand := instrument.Brand("")
		if text.Kind() == api.Number { // it has lost its leading zeros
			p, err := g.engine.Get(ctx, t.Shop.ID, t.ID)
			if err != nil {
				return "", nil, err
			}
			brand = p.Instrument.CardBrand
		}
		if c, ok := b.child("card", true); ok {
			card = &instrument.Card{SecurityCode: c.securityCode(brand)}
		}
	}
	if err := b.err(); err != nil {
		card.Wipe()
		return "", nil, err
	}
	return browser, card, nil
}

// browser reads what a DepositPatchRequest tells of the customer's browser.
func (b binder) browser() payment.Document {
	var p payment.Browser
	if !b.missing("customerIp") {
		p.IP = b.sized("customerIp", 0, 39)
	}
	b.ip("customerIp", p.IP)
	p.IPCountryCode = b.sized("ipCountryCode", 2, 2)
	p.UserAgent = b.text("customerUserAgent", 512)
	p.WindowWidth = b.integer("browserWindowWidth")
	p.WindowHeight = b.integer("browserWindowHeight")
	p.ScreenWidth = b.integer("browserScreenWidth")
	p.ScreenHeight = b.integer("browserScreenHeight")
	p.ColorDepth = b.integer("browserScreenColorDepth")
	p.Language = b.text("browserLanguage", 32)
	p.JavaEnabled = b.boolean("browserJavaEnabled")
	p.TimezoneOffset = b.integer("browserTimezoneOffset")
	return b.document(&p)
}
