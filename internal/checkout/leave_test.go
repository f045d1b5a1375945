package checkout_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
)

var otherWay = regexp.MustCompile(`action="(/payment/[^"]+/other)" class="cancel">\s*<input type="hidden" name="nonce"`)

// leaves presses the button that leads from what is done elsewhere to all methods.
func (p *provider) leaves(page string) answer {
	p.t.Helper()
	at := otherWay.FindStringSubmatch(p.get(page).body)
	if at == nil {
		p.t.Fatalf("there is no way back:\n%s", p.get(page).body)
	}
	p.do("POST", p.house.url+at[1], p.fill(page))
	return p.get(page)
}

// waiting are the methods whose customers have something to do elsewhere, and what they enter before.
var waiting = []struct {
	method   payment.Method
	currency money.Currency
	fields   []string
}{
	{payment.Blik, "PLN", []string{"blik", "123456"}}, {payment.Pix, "BRL", nil}, {payment.PayByLink, "PLN", []string{"bank", "mbank"}},
	{payment.OpenBanking, "EUR", []string{"bank", "harbour"}},
}

// chooses has the customer of a new payment choose a method.
func (p *provider) chooses(m payment.Method, c money.Currency, fields []string) (payment.ID, string) {
	p.t.Helper()
	id, page := p.pay("", c)
	p.do("POST", page, p.fill(page+"?method="+string(m), append(fields, "method", string(m))...))
	return id, page
}

// TestLeavingForAnotherMethod: what waits in an app, or at a bank, is closed first, and the card pays once.
func TestLeavingForAnotherMethod(t *testing.T) {
	t.Parallel()
	for _, c := range waiting {
		t.Run(string(c.method), func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, attempts(3))
			id, page := p.chooses(c.method, c.currency, c.fields)
			old := p.fill(page)
			p.leaves(page).wants(t, "was not completed, and nothing was charged", "cc-number", "?method="+string(c.method))
			p.do("POST", page+"/other", old) // a second click
			form := p.card(page, approved)
			form.Set("method", "BASIC_CARD")
			p.do("POST", page, form)
			p.get(page).wants(t, "Payment successful")
			p.do("POST", page+"/other", old)
			p.wantEnd(id, payment.Completed, "")
			if n := p.booked("captured"); n != 1 {
				t.Errorf("paid %d times", n)
			}
		})
	}
}

// TestWhoHasPaidMeanwhileHasPaid: the wish to pay another way comes too late.
func TestWhoHasPaidMeanwhileHasPaid(t *testing.T) {
	t.Parallel()
	p := newProvider(t, attempts(3))
	id, page := p.chooses(payment.Pix, "BRL", nil)
	p.decide(p.appOf(page), "approve")
	p.leaves(page).wants(t, "Payment successful")
	p.wantEnd(id, payment.Completed, "")
}

// TestWhatIsPaidAfterAllGoesBack: a code that was left can be paid a moment later; the card has paid by then. So it is whatever the shop
// does about late successes. Where nothing else was paid, the payment is.
func TestWhatIsPaidAfterAllGoesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ honour, card bool }{"not honoured": {false, true}, "honoured": {true, true}, "no card": {false, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newTellingProvider(t, attempts(3), func(s *shop.Shop) { s.Settings.HonourLateSuccess = c.honour })
			id, page := p.chooses(payment.Pix, "BRL", nil)
			app := p.appOf(page)
			p.leaves(page)
			if c.card {
				form := p.card(page, approved)
				form.Set("method", "BASIC_CARD")
				p.do("POST", page, form)
				p.wantEnd(id, payment.Completed, "")
			}
			p.decide(app, "late")
			want := map[bool]string{true: "refunded", false: "captured"}[c.card]
			p.await(want+" by the provider, and the page knows", func() bool {
				if _, err := p.engine.ManualCheck(t.Context(), p.shop.ID, id); err != nil {
					t.Fatal(err)
				}
				return p.booked(want) == 1 && p.state(id) == payment.Completed
			})
			if n := p.booked("captured"); c.card && n != 2 {
				t.Errorf("captured %d times", n)
			}
		})
	}
}

// booked counts the entries of a kind in the provider's books.
func (p *provider) booked(kind string) (n int) {
	for _, e := range p.sim.Find(simulator.Filter{}) {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// await looks until something is there.
func (p *provider) await(what string, there func() bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !there(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s: it is not there", what)
		}
	}
}

// TestWhereThereIsNoOtherWay: without another try, or another method, there is no button, and who asks all the same gets nowhere.
func TestWhereThereIsNoOtherWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tries  int
		method payment.Method
	}{"one try": {1, ""}, "the shop's method": {3, payment.Pix}} {
		p := newProvider(t, attempts(c.tries))
		id, page := p.pay(c.method, "BRL")
		form := p.fill(page + "?method=PIX")
		if c.method == "" {
			form.Set("method", "PIX")
		}
		p.do("POST", page, form)
		a := p.get(page)
		a.wants(t, "copied")
		a.lacks(t, "/other")
		if a := p.do("POST", page+"/other", form); a.status != http.StatusSeeOther || p.state(id) != payment.Pending {
			t.Errorf("%s: %d %s", name, a.status, p.state(id))
		}
		p.get(page).wants(t, "copied")
	}
}
