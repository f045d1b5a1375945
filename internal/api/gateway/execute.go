package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
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
	x, err := g.bindExecute(r.Context(), doc, t)
	if err != nil {
		return g.known(r.Context(), t, err)
	}
	x.Idem.Fingerprint = g.engine.Fingerprint(g.canonicalExecute(&x))
	x.From = g.customerAt(r, x.Browser)
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

// bindExecute reads a DepositPatchRequest, and in addition to the contract what the customer pays with. The error is *invalid, or
// that the payment cannot be read.
func (g *Gateway) bindExecute(ctx context.Context, doc *api.Value, t engine.Target) (engine.Execute, error) {
	b := newBinder(doc)
	x := engine.Execute{Target: t, Browser: b.browser()}
	if err := g.bindMeans(ctx, b, &x); err != nil {
		return engine.Execute{}, err
	}
	if err := b.err(); err != nil {
		instrument.Wipe(x.Means)
		return engine.Execute{}, err
	}
	return x, nil
}

// bindMeans reads by what the customer pays: the method of a payment that has none yet, what was entered for it, the token of a wallet, or the security
// code of the card that came with the payment, as a card without a number. Hardly any request has one of them, and none
// else needs the payment to be read.
func (g *Gateway) bindMeans(ctx context.Context, b binder, x *engine.Execute) error {
	if k := b.from.Get(fieldAdditional).Kind(); k != api.Absent && k != api.Object {
		b.fault(fieldAdditional, mismatch, "must be an object of strings")
	}
	x.Method = choice(b, "paymentMethod", payment.Methods)
	text, enters := b.from.Get("card").Get("cardSecurityCode"), entering(b.from)
	var p payment.Payment
	if text.Kind() == api.Number || enters || x.Method != "" { // a number has lost its leading zeros
		var err error
		if p, err = g.engine.Get(ctx, x.Shop.ID, x.ID); err != nil {
			return err
		}
	}
	switch {
	case x.Method.Valid() && p.Method != "" && x.Method != p.Method && !p.ChoosesAgain():
		b.fault("paymentMethod", pattern, `must match "`+string(p.Method)+`", which the payment has`)
	case walletIn(b.from) != "":
		x.Means = b.wallet(x.Shop)
	case enters:
		x.Means = b.entered(cmp.Or(x.Method, p.Method), false)
	default:
		if card := b.lostCode(p.Instrument.CardBrand); card != nil {
			x.Means = card
		}
	}
	return nil
}

// lostCode is the security code of a card that the payment has already; nil where there is none. A card with a number or a token
// is unknown here, and passed over.
func (b binder) lostCode(brand instrument.Brand) *instrument.Card {
	card := b.from.Get("card")
	if card.Get("cardSecurityCode").Blank() || !card.Get("cardNumber").Blank() || !card.Get("cardToken").Blank() {
		return nil
	}
	c, ok := b.child("card", true)
	if !ok {
		return nil
	}
	return &instrument.Card{SecurityCode: c.securityCode(brand)}
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
