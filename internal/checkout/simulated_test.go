package checkout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
)

// provider is the sandbox provider of a house: what a customer does in its app or on its pages is posted to it.
type provider struct {
	*house

	sim *simulator.Simulator
	url string
}

type noNotices struct{}

func (noNotices) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no notices")
}

// newProvider has a house whose shop pays at the sandbox provider, which tells nothing by itself.
func newProvider(t *testing.T, edit ...func(*shop.Shop)) *provider {
	t.Helper()
	return newProviderThat(t, noNotices{}, `{"url":%q,"apiKey":"key"}`, edit...)
}

// newTellingProvider is newProvider with one that posts notices.
func newTellingProvider(t *testing.T, edit ...func(*shop.Shop)) *provider {
	t.Helper()
	return newProviderThat(t, http.DefaultTransport, `{"url":%q,"apiKey":"key","noticeSecret":"secret"}`, edit...)
}

func newProviderThat(t *testing.T, notices http.RoundTripper, config string, edit ...func(*shop.Shop)) *provider {
	t.Helper()
	var p provider
	sim, err := simulator.New(simulator.Config{
		APIKey: "key", NoticeSecret: "secret", NoticeClient: notices, SweepEvery: -1,
		Now: func() time.Time { return p.clock.Now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	p.sim, p.url = sim, server.URL
	p.house = newHouse(t, append([]func(*shop.Shop){everywhere, func(s *shop.Shop) {
		s.Terminals[0].Connector = "sandbox"
		s.Terminals[0].Config = json.RawMessage(fmt.Sprintf(config, server.URL))
	}}, edit...)...)
	return &p
}

// by makes a payment of 30.00 by a method, or one for which the customer chooses.
func (p *provider) pay(m payment.Method, c money.Currency) (payment.ID, string) {
	p.t.Helper()
	return p.deposit(func(e *engine.Create) { e.Method, e.Currency, e.Amount = m, c, money.MustParse("30") })
}

var prompts = regexp.MustCompile(`class="button" href="(/pay/[^"]+)"`)

// inApp answers the newest prompt in the app.
func (p *provider) inApp(decision string) {
	p.t.Helper()
	at := prompts.FindStringSubmatch(p.get(p.url + "/app").body)
	if at == nil {
		p.t.Fatal("nothing waits in the app")
	}
	p.decide(p.url+at[1], decision)
}

func (p *provider) decide(address, decision string) answer {
	p.t.Helper()
	a := p.do("POST", address, url.Values{"decision": {decision}})
	if a.status >= http.StatusBadRequest {
		p.t.Fatalf("%s: %d %s", decision, a.status, a.body)
	}
	return a
}

// later is the page some seconds later, when the provider has been asked.
func (p *provider) later(page string) answer {
	p.t.Helper()
	p.clock.Advance(time.Minute)
	return p.get(page)
}

// wantEnd checks how a payment ended.
func (p *provider) wantEnd(id payment.ID, state payment.State, code payment.ErrorCode) {
	p.t.Helper()
	got, err := p.engine.Get(p.t.Context(), p.shop.ID, id)
	if err != nil {
		p.t.Fatal(err)
	}
	if got.State() != state || got.ErrorCode != code {
		p.t.Errorf("%s %q, want %s %q", got.State(), got.ErrorCode, state, code)
	}
}

// TestBlik walks a code from the page into the app and back.
func TestBlik(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code, decision string
		wait           time.Duration
		says           string
		state          payment.State
		error          payment.ErrorCode
	}{
		"confirmed":           {"123 456", "approve", 0, "Payment successful", payment.Completed, ""},
		"refused in the app":  {"123456", "cancel", 0, "Payment cancelled", payment.Cancelled, payment.CodeByCustomer},
		"declined":            {"１２３-456", "decline", 0, "Payment declined", payment.Declined, "4.00"},
		"not answered":        {"123456", "", 3 * time.Minute, "Payment declined", payment.Declined, payment.CodeAbandoned},
		"confirmed by itself": {"777123", "", 3 * time.Second, "Payment successful", payment.Completed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			id, page := p.pay(payment.Blik, "PLN")
			p.get(page).wants(t, `<label for="blik">BLIK code</label>`, `inputmode="numeric"`, "Pay PLN\u00a030.00", "<h1>Pay with BLIK</h1>")
			if a := p.do("POST", page, p.fill(page, "blik", c.code)); a.status != http.StatusSeeOther || p.state(id) != payment.Pending {
				t.Fatalf("%d, %s:\n%s", a.status, p.state(id), a.body)
			}
			if c.decision != "" {
				p.get(page).wants(t, "Confirm in your bank&#39;s app", `role="timer"`, "Time left: 1:", p.url+"/pay/")
				p.inApp(c.decision)
			}
			p.clock.Advance(c.wait)
			p.later(page).wants(t, c.says)
			p.wantEnd(id, c.state, c.error)
		})
	}
}

// TestAWrongBlikCodeIsEnteredAnew: whatever the shop lets its customers try; and nothing of a code is anywhere afterwards.
func TestAWrongBlikCodeIsEnteredAnew(t *testing.T) {
	t.Parallel()
	for _, method := range []payment.Method{payment.Blik, ""} {
		p := newProvider(t)
		id, page := p.pay(method, "PLN")
		form := func(code string) url.Values {
			return p.fill(page+"?method=BLIK", "blik", code, "method", string(method))
		}
		for _, code := range []string{"500500", "700701", "700703"} {
			f := form(code)
			f.Set("method", "BLIK")
			p.do("POST", page, f)
			a := p.get(page)
			a.wants(t, "wrong, used already, or too old", `id="blik"`, "Pay PLN\u00a030.00")
			a.lacks(t, code)
			if p.state(id) != payment.Pending {
				t.Fatalf("%s after %s", p.state(id), code)
			}
		}
		f := form("123456")
		f.Set("method", "BLIK")
		p.do("POST", page, f)
		p.inApp("approve")
		p.later(page).wants(t, "Payment successful")
		p.wantEnd(id, payment.Completed, "")
		if strings.Contains(p.log.String(), "500500") || strings.Contains(p.log.String(), "123456") {
			t.Error("the log has a code")
		}
	}
}

// TestWhatIsNoBlikCodeIsRefused: it is not shown again, nor sent.
func TestWhatIsNoBlikCodeIsRefused(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	id, page := p.pay(payment.Blik, "PLN")
	for text, says := range map[string]string{
		"": "Enter the BLIK code", "\u00a0\u200b": "Enter the BLIK code", "12345": "has six digits", "1234567": "has six digits", "12345a": "has six digits",
		"12.3456": "has six digits", "123456\u0000": "has six digits", "<b>123456</b>": "has six digits", strings.Repeat("1", 9000): "has six digits",
	} {
		a := p.do("POST", page, p.fill(page, "blik", text))
		if a.status != http.StatusUnprocessableEntity || p.state(id) != payment.Checkout {
			t.Errorf("%.20q: %d, %s", text, a.status, p.state(id))
		}
		a.wants(t, says, `aria-invalid="true" autofocus`)
		if len(text) > 3 {
			a.lacks(t, text, `value="123`)
		}
	}
	for _, text := range []string{"123456", " 123 456 ", "123\u00a0456", "123–456", "۱۲۳۴۵۶", "１２３４５６", "\u200e123456"} {
		q := newProvider(t)
		id, page := q.pay(payment.Blik, "PLN")
		if q.do("POST", page, q.fill(page, "blik", text)); q.state(id) != payment.Pending {
			t.Errorf("%q: %s", text, q.state(id))
		}
	}
}

// TestAfterADeclineAnotherMethod: the customer who was declined by one method pays by another.
func TestAfterADeclineAnotherMethod(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first    payment.Method
		currency money.Currency
		fields   []string
		ends     func(p *provider, page string)
	}{
		{payment.Blik, "PLN", []string{"blik", "123456"}, func(p *provider, _ string) { p.inApp("decline") }},
		{payment.Blik, "PLN", []string{"blik", "123456"}, func(p *provider, _ string) { p.clock.Advance(3 * time.Minute) }},
		{payment.Pix, "BRL", nil, func(p *provider, page string) { p.decide(p.appOf(page), "cancel") }},
		{payment.PayByLink, "PLN", []string{"bank", "mbank"}, func(p *provider, page string) { p.decide(p.awayFrom(page), "decline") }},
		{payment.OpenBanking, "EUR", []string{"bank", "harbour"}, func(p *provider, page string) { p.decide(p.awayFrom(page), "cancel") }},
	} {
		p := newProvider(t, attempts(3))
		id, page := p.pay("", c.currency)
		p.do("POST", page, p.fill(page+"?method="+string(c.first), append(c.fields, "method", string(c.first))...))
		c.ends(p, page)
		a := p.later(page)
		a.wants(t, "cc-number", "othing was charged")
		if p.state(id) != payment.Pending {
			t.Fatalf("%s: %s", c.first, p.state(id))
		}
		form := p.card(page, approved)
		form.Set("method", "BASIC_CARD")
		p.do("POST", page, form)
		p.get(page).wants(t, "Payment successful")
		p.wantEnd(id, payment.Completed, "")
	}
}

// TestComingBackAfterTheDeclineIsKnown: the provider's word was there before the customer, who is back on the form.
func TestComingBackAfterTheDeclineIsKnown(t *testing.T) {
	t.Parallel()
	p := newProvider(t, attempts(3))
	id, page := p.pay("", "EUR")
	p.do("POST", page, p.fill(page+"?method=OPEN_BANKING", "bank", "harbour", "method", "OPEN_BANKING"))
	back := p.decide(p.awayFrom(page), "decline")
	if _, err := p.engine.ManualCheck(t.Context(), p.shop.ID, id); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also by the browser's button
		if a := p.get(back.location()); a.status != http.StatusSeeOther || !strings.HasSuffix(page, a.location()) {
			t.Errorf("%d to %q:\n%s", a.status, a.location(), a.body)
		}
	}
	p.get(page).wants(t, "cc-number", "othing was charged")
	p.wantEnd(id, payment.Pending, "")
}

var links = regexp.MustCompile(`href="(http://[^"]+/pay/[^"]+)"`)

// appOf is the address of the pretended app, as the page links it.
func (p *provider) appOf(page string) string {
	p.t.Helper()
	a := p.get(page)
	at := links.FindStringSubmatch(a.body)
	if at == nil {
		p.t.Fatalf("no link to the app:\n%s", a.body)
	}
	return at[1]
}

// awayFrom goes on to the bank's page, and returns its address.
func (p *provider) awayFrom(page string) string {
	p.t.Helper()
	p.do("POST", page+"/continue", nil)
	a := p.get(page + "/continue")
	at := links.FindStringSubmatch(a.body)
	if at == nil {
		p.t.Fatalf("no way to the bank: %d\n%s", a.status, a.body)
	}
	return at[1]
}

var copied = regexp.MustCompile(`<textarea id="copied"[^>]*>([^<]+)</textarea>`)

// TestPix walks a code from our page into the app and back.
func TestPix(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decision string
		says     string
		state    payment.State
		error    payment.ErrorCode
	}{
		"paid":    {"approve", "Payment successful", payment.Completed, ""},
		"refused": {"cancel", "Payment cancelled", payment.Cancelled, payment.CodeByCustomer},
		"expired": {"", "Time ran out", payment.Cancelled, payment.CodeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			id, page := p.pay(payment.Pix, "BRL")
			p.do("POST", page, p.fill(page))
			a := p.get(page)
			a.wants(t, "<h1>Pay with Pix</h1>", `<svg xmlns="http://www.w3.org/2000/svg"`, `role="img"`, `role="timer"`, "30.00")
			code := copied.FindStringSubmatch(a.body)
			if code == nil || !strings.Contains(code[1], "540530.00") {
				t.Fatalf("the code: %q", code)
			}
			if c.decision == "" {
				p.clock.Advance(16 * time.Minute)
			} else {
				scanned := p.do("POST", p.url+"/app", url.Values{"code": {code[1]}})
				p.decide(p.url+scanned.location(), c.decision)
			}
			p.later(page).wants(t, c.says)
			p.wantEnd(id, c.state, c.error)
		})
	}
}

// TestPixIsRefunded: in parts, up to what was paid.
func TestPixIsRefunded(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	id, page := p.pay(payment.Pix, "BRL")
	p.do("POST", page, p.fill(page))
	p.decide(p.appOf(page), "approve")
	p.later(page).wants(t, "Payment successful")
	for _, c := range []struct {
		amount string
		state  payment.State
	}{{"10.25", payment.Completed}, {"19.75", payment.Completed}, {"0.01", ""}} {
		o, err := p.engine.Create(t.Context(), engine.Create{Shop: p.shop, Type: payment.Refund, Parent: id, Amount: money.MustParse(c.amount), Currency: "BRL"})
		if (err == nil) != (c.state != "") || err == nil && o.Payment.State() != c.state {
			t.Fatalf("%s: %v %s", c.amount, err, o.Payment.State())
		}
	}
	if n := p.booked("refunded"); n != 2 {
		t.Errorf("%d refunds are booked", n)
	}
	p.wantEnd(id, payment.Completed, "")
}

// TestLateSuccess: what is paid after its end goes back, or is kept where the shop wants that.
func TestLateSuccess(t *testing.T) {
	t.Parallel()
	for _, honour := range []bool{false, true} {
		for method, currency := range map[payment.Method]money.Currency{payment.Pix: "BRL", payment.Blik: "PLN"} {
			p := newProvider(t, func(s *shop.Shop) { s.Settings.HonourLateSuccess = honour })
			id, page := p.pay(method, currency)
			p.do("POST", page, p.fill(page, "blik", "123456"))
			app := p.appOf(page)
			p.clock.Advance(16 * time.Minute)
			p.later(page)
			if p.state(id) == payment.Pending {
				t.Fatal("the try has not ended")
			}
			p.decide(app, "late")
			if _, err := p.engine.ManualCheck(t.Context(), p.shop.ID, id); err != nil {
				t.Fatal(err)
			}
			sums := p.sim.Find(simulator.Filter{})
			last := sums[len(sums)-1].Type
			if got := p.state(id); honour != (got == payment.Completed) || honour == (last == "refunded") {
				t.Errorf("%s, honoured %t: %s, and the provider's books end with %s", method, honour, got, last)
			}
		}
	}
}

// TestBanks walks the choice of a bank, its page, the return, and the days that money takes.
func TestBanks(t *testing.T) {
	t.Parallel()
	for method, c := range map[payment.Method]struct {
		currency   money.Currency
		bank, name string
	}{payment.OpenBanking: {"EUR", "rhein", "Rheinbank"}, payment.PayByLink: {"PLN", "mbank", "mBank"}} {
		for _, decision := range []string{"approve", "decline", "cancel", "pending"} {
			p := newProvider(t)
			id, page := p.pay(method, c.currency)
			a := p.get(page)
			a.wants(t, `<select id="bank" name="bank"`, `<option value="`+c.bank+`">`+c.name+`</option>`, "Choose your bank")
			a.lacks(t, "Sleeping Bank")
			for _, wrong := range []string{"", "asleep", "nobody", "<script>"} {
				if a := p.do("POST", page, p.fill(page, "bank", wrong)); a.status != http.StatusUnprocessableEntity || p.state(id) != payment.Checkout {
					t.Fatalf("%q: %d", wrong, a.status)
				}
			}
			p.do("POST", page, p.fill(page, "bank", c.bank))
			bank := p.awayFrom(page)
			p.get(bank).wants(t, "Log in at "+c.name)
			back := p.decide(bank, decision)
			if !strings.HasPrefix(back.location(), page+"/return?") {
				t.Fatalf("back to %q", back.location())
			}
			p.get(back.location())
			switch decision {
			case "approve":
				p.wantEnd(id, payment.Completed, "")
			case "decline":
				p.wantEnd(id, payment.Declined, "4.00")
			case "cancel":
				p.wantEnd(id, payment.Cancelled, payment.CodeByCustomer)
			case "pending":
				p.clock.Advance(2 * 24 * time.Hour) // longer than the checkout
				p.later(page).wants(t, "Your bank has your order", "some days")
				p.wantEnd(id, payment.Pending, "")
				p.decide(bank, "approve")
				p.clock.Advance(24 * time.Hour)
				p.get(page).wants(t, "Payment successful")
				p.wantEnd(id, payment.Completed, "")
			}
		}
	}
}
