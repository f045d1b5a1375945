package e2e

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// TestBrowserEnds walks every method of the table below through every ending, each in a tab of its own, and then compares
// what the merchants are shown with the provider's ledger. All of them share a browser, and on each database a server and a
// provider. SQLite sees every pair of method and ending; on PostgreSQL each method and each ending comes at least once.
func TestBrowserEnds(t *testing.T) {
	path := os.Getenv("SLUICE_TEST_CHROMIUM")
	if path == "" {
		setting.Missing(t, setting.Chromium, "endings of payments in a browser: SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	root := startChromium(t, path)
	onEach(t, func(t *testing.T, database string) {
		m := openMall(t, database)
		unsent := m.hasty.create(t, staying) // its time runs while the others are walked
		t.Run("walks", func(t *testing.T) {
			for i, y := range ways {
				for j, e := range endings {
					if database != "" && (i+j)%len(ways) != 0 {
						continue
					}
					if e.leaves && y.code != nil {
						continue
					}
					t.Run(y.method+", "+e.name, func(t *testing.T) {
						t.Parallel()
						b := openTab(t, root)
						b.carry(m.purse, y.card)
						e.walk(&walk{tab: b, mall: m, way: y})
					})
				}
			}
		})
		t.Run("a form that nobody sends", func(t *testing.T) { m.wantTimeOver(t, openTab(t, root), unsent) })
		m.judge(t)
	})
}

// way is a method of payment as its customers walk it.
type way struct {
	method, currency string
	enter            func(b *tab) // what they enter on our page, before they send it
	there            string       // headline of the page on which it is decided, or which waits for that
	app              bool         // it is decided in an app, on another device, while our page waits
	timeOver         string       // headline once the time to decide is over
	lateState        string       // state of the payment then
	instead          string       // by which method they pay once this one was declined
	card             *inWallet    // in the wallet on their device
	code             answerCodes  // what the provider answers in its own time, if nobody has anything to do there
}

// ways: a method is a line here and nothing else.
var ways = []way{
	{"BASIC_CARD", "EUR", func(b *tab) { b.fillCard(challengeCard) }, "Confirm your payment", false, "Payment declined", "DECLINED", "OPEN_BANKING", nil, nil},
	{"BLIK", "PLN", func(b *tab) { b.fill("blik", "123 456") }, "Confirm in your bank's app", true, "Payment declined", "DECLINED", "BASIC_CARD", nil, nil},
	{"PIX", "BRL", func(*tab) {}, "Pay with Pix", true, "Time ran out", "CANCELLED", "BASIC_CARD", nil, nil},
	{"OPEN_BANKING", "EUR", func(b *tab) { b.choose("bank", "rhein") }, "Log in at Rheinbank", false, "Time ran out", "CANCELLED", "BASIC_CARD", nil, nil},
	{"PAY_BY_LINK", "PLN", func(b *tab) { b.choose("bank", "mbank") }, "Log in at mBank", false, "Time ran out", "CANCELLED", "BLIK", nil, nil},
	{"GOOGLEPAY", "EUR", func(*tab) {}, "Confirm your payment", false, "Payment declined", "DECLINED", "BASIC_CARD", &onFile, nil},
	{"APPLEPAY", "EUR", func(*tab) {}, "We are checking your payment", true, "Payment declined", "DECLINED", "OPEN_BANKING", &slowDevice, laterOn},
}

// Cards of the provider: one is asked about, one is not.
const (
	challengeCard = "4000 0000 0000 0002"
	plainCard     = "4000 0000 0000 0408"
)

// endings are what can become of a payment on its page.
var endings = []struct {
	name   string
	walk   func(w *walk)
	leaves bool // the customer gives up while it is being decided, and has nothing to say where that is the provider's alone
}{
	{"success", func(w *walk) {
		w.begin(w.mall.strict, nil)
		w.decide("approve")
		w.returns("Payment successful", "COMPLETED")
	}, false},
	{"declined", func(w *walk) {
		w.begin(w.mall.strict, nil)
		w.decide("decline")
		w.returns("Payment declined", "DECLINED")
	}, false},
	{"refused by the customer", func(w *walk) {
		w.begin(w.mall.strict, nil)
		w.decide("cancel")
		w.returns("Payment cancelled", "CANCELLED")
	}, true},
	{"expiry", func(w *walk) {
		w.begin(w.mall.strict, staying)
		w.expire()
	}, false},
	{"late success that goes back", func(w *walk) {
		w.begin(w.mall.strict, staying)
		w.expire()
		w.payLate()
		w.mall.wantReturned(w.t, w.payment.ID)
		w.stays(w.timeOver, w.lateState)
	}, false},
	{"late success that counts", func(w *walk) {
		w.begin(w.mall.honest, staying)
		w.expire()
		w.payLate()
		await(w.t, "that it counts", browserPatience, func() bool { return w.shop.state(w.t, w.payment.ID) == "COMPLETED" })
		w.stays("Payment successful", "COMPLETED")
	}, false},
	{"declined, then another method", func(w *walk) {
		w.begin(w.mall.patient, choosing)
		w.decide("decline")
		w.paysInstead()
	}, false},
	{"left for another method", func(w *walk) {
		w.begin(w.mall.patient, choosing)
		w.leave()
		w.paysInstead()
	}, true},
}

// choosing makes a payment that stays, and whose method is the customer's choice.
var choosing = map[string]any{"returnUrl": nil, "paymentMethod": nil}

// walk is one payment on its way to one ending.
type walk struct {
	way
	*tab

	mall    *mall
	shop    *mallShop
	payment browserPayment
	inApp   string // address at which it is decided in an app, once the page does not show it any more
}

// begin makes the payment and goes to where it is decided.
func (w *walk) begin(s *mallShop, changes map[string]any) {
	w.t.Helper()
	w.shop = s
	request := object{"paymentMethod": w.method, "currency": w.currency}
	maps.Copy(request, changes)
	w.payment = s.create(w.t, request)
	w.open(w.payment.RedirectURL)
	w.goOn(w.way)
}

// goOn takes the form to where the way is decided, choosing it first where it is a choice.
func (w *walk) goOn(y way) {
	w.t.Helper()
	if choice := "a[href$='method=" + y.method + "']"; w.has(choice) {
		w.click(choice)
		w.eventually("the form of "+y.method, `location.search.endsWith("method=`+y.method+`")`)
	}
	y.enter(w.tab)
	w.click("button.primary, button.apple, button.gpay-button")
	w.heading(y.there)
}

// decide presses a button at the provider: on its page, or in the app that our page waits for.
func (w *walk) decide(decision string) {
	w.t.Helper()
	switch {
	case w.code != nil:
		w.answers(w.code[decision])
		return
	case !w.app:
		w.click("button[value=" + decision + "]")
		return
	}
	appDecides(w.t, w.text(`document.querySelector("a.secondary").href`), decision)
	w.text(lookAgain)
}

// answers has the provider say what became of it.
func (w *walk) answers(code string) {
	w.t.Helper()
	w.mall.sim.control(w.t, "/control/decide", object{"reference": w.mall.reference(w.t, w.payment.ID), "responseCode": code})
	w.text(lookAgain)
}

// lookAgain does what coming back to a tab does: the page looks for news at once.
const lookAgain = `(document.dispatchEvent(new Event("visibilitychange")), "")`

// expire lets the time to decide run out at the provider, and has the customer come too late.
func (w *walk) expire() {
	w.t.Helper()
	if w.code != nil {
		w.answers(w.code["timeout"])
		w.heading(w.timeOver)
		w.stays(w.timeOver, w.lateState)
		return
	}
	if w.app {
		w.inApp = w.text(`document.querySelector("a.secondary").href`)
	}
	w.mall.sim.control(w.t, "/control/decide", object{"reference": w.mall.reference(w.t, w.payment.ID), "responseCode": "timeout"})
	if w.app {
		w.text(lookAgain)
	} else {
		w.click("button[value=approve]")
	}
	w.heading(w.timeOver)
	w.stays(w.timeOver, w.lateState)
}

// payLate has the provider take the money after all.
func (w *walk) payLate() {
	w.t.Helper()
	if w.app && w.code == nil {
		appDecides(w.t, w.inApp, "late")
		return
	}
	w.mall.sim.control(w.t, "/control/correct", object{"reference": w.mall.reference(w.t, w.payment.ID), "to": "approved"})
}

// leave goes back from the provider to our page, and from there to all methods.
func (w *walk) leave() {
	w.t.Helper()
	w.open(w.payment.RedirectURL)
	w.click("form.cancel button.quiet")
}

// paysInstead is back on the form, told why, and pays by another method.
func (w *walk) paysInstead() {
	w.t.Helper()
	w.eventually("the form with the reason", `document.querySelector("form.pay") !== null && document.body.innerText.includes("othing was charged")`)
	if got := w.shop.state(w.t, w.payment.ID); got != "PENDING" {
		w.t.Errorf("state %s between two tries", got)
	}
	if w.instead == "BASIC_CARD" {
		w.fillCard(plainCard)
		w.click("button.primary")
	} else {
		w.way = ways[slices.IndexFunc(ways, func(y way) bool { return y.method == w.instead })]
		w.goOn(w.way)
		w.decide("approve")
	}
	w.heading("Payment successful")
	w.stays("Payment successful", "COMPLETED")
}

// returns expects the result, and goes back to the shop from there.
func (w *walk) returns(headline, state string) {
	w.t.Helper()
	if w.app { // the page shows it; a bank sends its customers on to the shop
		w.passed(headline)
		w.clickUntil("a.primary", "Welcome back")
	}
	w.heading("Welcome back")
	w.shop.wantReturn(w.t, w.tab, w.payment, state)
}

// stays expects the result on the page as it is opened anew.
func (w *walk) stays(headline, state string) {
	w.t.Helper()
	w.open(w.payment.RedirectURL)
	w.heading(headline)
	if got := w.shop.state(w.t, w.payment.ID); got != state {
		w.t.Errorf("state %s, want %s", got, state)
	}
}
