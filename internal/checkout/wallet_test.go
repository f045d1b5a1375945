package checkout_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/testkit/purse"
)

// walletShop is a house whose shop is paid by the simulator's pretended wallets.
func walletShop(t *testing.T, edit ...func(*shop.Shop)) *provider {
	t.Helper()
	var p *provider
	makers := purse.NewMakers(t, time.Now().Add(-time.Hour))
	p = newProvider(t, append(edit, func(s *shop.Shop) { purse.New(t, makers, "1", time.Now).Open(t, s) })...)
	google, apple, err := p.sim.WalletRoots()
	if err != nil {
		t.Fatal(err)
	}
	w := &p.shop.Settings.Wallets
	w.Google.Pretended = shop.Pretended{Roots: google, Sheet: p.url + "/wallet/google"}
	w.Apple.Pretended = shop.Pretended{Roots: apple, Sheet: p.url + "/wallet/apple"}
	p.changed()
	return p
}

// changed has the shop's settings be in force.
func (p *provider) changed() {
	p.t.Helper()
	if err := p.update(p.shop); err != nil {
		p.t.Fatal(err)
	}
	p.clock.Advance(2 * time.Second)
}

var (
	walletLink = regexp.MustCompile(`class="primary" href="([^"]+/wallet/[^"]+)"`)
	hiddenText = regexp.MustCompile(`name="(nonce|method|wallet)" value="([^"]*)"`)
	sentTo     = regexp.MustCompile(`<form method="post" action="([^"]+)">`)
)

// sheet is the address of the wallet to which a page leads.
func (p *provider) sheet(page string, m payment.Method) string {
	p.t.Helper()
	a := p.by(iphone, page+"?method="+string(m))
	at := walletLink.FindStringSubmatch(a.body)
	if a.status != http.StatusOK || at == nil {
		p.t.Fatalf("no way to the wallet: %d %s", a.status, a.body)
	}
	return html.UnescapeString(at[1])
}

// chosen is what the wallet sends, and where, once the customer has chosen a card there.
func (p *provider) chosen(sheet, card string) (to string, form url.Values) {
	p.t.Helper()
	a := p.do("POST", sheet, url.Values{"card": {card}})
	at := sentTo.FindStringSubmatch(a.body)
	if a.status != http.StatusOK || at == nil {
		p.t.Fatalf("%s: %d %s", card, a.status, a.body)
	}
	form = url.Values{}
	for _, field := range hiddenText.FindAllStringSubmatch(a.body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	return html.UnescapeString(at[1]), form
}

// here is the address of this house's page for one that was made for the public.
func (p *provider) here(address string) string {
	p.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.house.url + u.Path
}

// TestThePretendedWallets: each card in the wallet, and what comes of it.
func TestThePretendedWallets(t *testing.T) {
	t.Parallel()
	for _, m := range []payment.Method{payment.GooglePay, payment.ApplePay} {
		for card, want := range map[string]payment.State{"visa": payment.Completed, "mastercard": payment.Completed, "declined": payment.Declined, "funds": payment.Declined} {
			p := walletShop(t)
			id, page := p.pay("", "EUR")
			to, form := p.chosen(p.sheet(page, m), card)
			if p.here(to) != page {
				t.Errorf("sent to %s, not to %s", to, page)
			}
			if a := p.do("POST", page, form); a.status != http.StatusSeeOther {
				t.Errorf("%s, %s: %d %s", m, card, a.status, a.body)
			}
			if got := p.state(id); got != want {
				t.Errorf("%s, %s: %s, want %s", m, card, got, want)
			}
			if strings.Contains(p.get(page).body, form.Get("wallet")[20:80]) {
				t.Error("the token is shown")
			}
		}
	}
	p := walletShop(t)
	id, page := p.pay("", "EUR")
	_, form := p.chosen(p.sheet(page, payment.GooglePay), "file")
	p.do("POST", page, form)
	if got, err := p.engine.Get(t.Context(), p.shop.ID, id); err != nil || got.LiveAttempt() == nil || got.LiveAttempt().Next.URL == "" {
		t.Errorf("a card on file is authenticated by its bank: %v, %s", err, got.State())
	}
}

// TestAWalletThatComesToNothing leads back to the page, on which everything is as it was.
func TestAWalletThatComesToNothing(t *testing.T) {
	t.Parallel()
	p := walletShop(t)
	id, page := p.pay("", "EUR")
	sheet := p.sheet(page, payment.ApplePay)
	if a := p.do("POST", sheet, url.Values{"card": {"none"}}); a.status != http.StatusSeeOther || p.here(a.header.Get("Location")) != page {
		t.Errorf("cancelled: %d to %s", a.status, a.header.Get("Location"))
	}
	_, form := p.chosen(sheet, "visa")
	again := func(change string, to ...string) {
		t.Helper()
		sent := url.Values{}
		maps.Copy(sent, form)
		sent[change] = to
		a := p.do("POST", page, sent)
		a.wants(t, "Your wallet could not be used for this payment. Nothing was charged.")
		if a.status != http.StatusUnprocessableEntity || p.state(id) != payment.Checkout {
			t.Errorf("%s %q: %d, %s", change, to, a.status, p.state(id))
		}
	}
	again("wallet")
	again("wallet", "  ")
	again("wallet", "no token")
	again("wallet", `{"version":"EC_v1","data":"","signature":"","header":{}}`)
	again("method", string(payment.GooglePay))
	p.clock.Advance(20 * time.Minute)
	again("method", string(payment.ApplePay)) // too old by now
	if a := p.do("POST", page, url.Values{"nonce": {"another"}, "method": form["method"], "wallet": form["wallet"]}); a.status != http.StatusSeeOther {
		t.Errorf("a form of before: %d", a.status)
	}

	// The token of one payment is none for another of another amount, and none for the same once it has paid.
	_, form = p.chosen(p.sheet(page, payment.ApplePay), "visa")
	other, dear := p.deposit(func(e *engine.Create) { e.Method, e.Currency, e.Amount = "", "EUR", money.MustParse("31") })
	stolen := url.Values{"nonce": {p.fill(dear).Get("nonce")}, "method": form["method"], "wallet": form["wallet"]}
	if a := p.do("POST", dear, stolen); a.status != http.StatusUnprocessableEntity || p.state(other) != payment.Checkout {
		t.Errorf("another amount: %d, %s", a.status, p.state(other))
	}
	if p.do("POST", page, form); p.state(id) != payment.Completed {
		t.Errorf("the payment that it is for: %s", p.state(id))
	}
	same, twin := p.pay("", "EUR")
	stolen.Set("nonce", p.fill(twin).Get("nonce"))
	if a := p.do("POST", twin, stolen); a.status != http.StatusUnprocessableEntity || p.state(same) != payment.Checkout {
		t.Errorf("once it has paid: %d, %s", a.status, p.state(same))
	}
}

// TestWalletsThatThePageCannotOffer: an account that has no sheet here, and a payment whose amount nobody can agree to yet.
func TestWalletsThatThePageCannotOffer(t *testing.T) {
	t.Parallel()
	p := walletShop(t)
	_, open := p.deposit(func(e *engine.Create) { e.Method, e.Currency, e.Amount = "", "EUR", money.Amount{} })
	if a := p.by(iphone, open); strings.Contains(a.body, "GOOGLEPAY") || strings.Contains(a.body, "APPLEPAY") {
		t.Error("wallets are offered for an amount that is not known")
	}
	w := &p.shop.Settings.Wallets
	w.Google.Sheet, w.Apple.Sheet, w.Google.Recipient, w.Google.GatewayMerchant, w.Google.Roots = "", "", "gateway:northwind", "1", ""
	p.changed()
	_, page := p.pay("", "EUR")
	if a := p.by(iphone, page); strings.Contains(a.body, "GOOGLEPAY") || strings.Contains(a.body, "APPLEPAY") {
		t.Error("wallets are offered that say neither who asks nor from which country")
	}
	if a := p.by(android, page); strings.Contains(a.body, "APPLEPAY") {
		t.Error("Apple Pay is offered on a device that has none")
	}
}
