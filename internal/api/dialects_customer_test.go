package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
)

// behaviours are those of the provider for one request: whether it is done, and whether the answer is known at once.
var behaviours = map[string]struct {
	done, known bool
	effect      simulator.Effect
}{
	"answers":       {true, true, simulator.Effect{Notice: simulator.NoticeLost}},
	"refuses":       {false, true, simulator.Effect{ResponseCode: "05", Notice: simulator.NoticeLost}},
	"is not heard":  {true, false, simulator.Effect{Fault: simulator.FaultDrop, Notice: simulator.NoticeLost}},
	"hears nothing": {false, false, simulator.Effect{Fault: simulator.FaultDrop, Stage: simulator.StageBefore}},
	"dawdles":       {true, false, simulator.Effect{AsyncAfterMs: 60_000, Notice: simulator.NoticeLost}},
	"dawdles for nothing": {false, false, simulator.Effect{AsyncAfterMs: 60_000, ResponseCode: "05",
		Notice: simulator.NoticeLost}},
}

// provider chooses how the next request of an operation goes, and does the rest of the step with it: begin where it is
// asked, end with what comes of it, now or later.
func (l *life) provider(operation string, choices []string, ask func() bool, end func(done bool)) {
	how := behaviours[l.pick("provider", choices...)]
	sim := l.w.app.Simulator
	struck, err := sim.AddScenario(simulator.Scenario{Match: simulator.Match{Operation: operation}, Effect: how.effect, Times: 1})
	if err != nil {
		l.Fatal(err)
	}
	if !how.known { // nor is it told to those who ask
		l.deaf()
	}
	sent := ask()
	sim.DeleteScenario(struck)
	switch {
	case !sent && len(l.open) == 0:
		sim.ClearScenarios()
	case !sent:
	case how.known:
		end(how.done)
	default:
		l.open = append(l.open, pending{how.done, how.effect.AsyncAfterMs > 0, end})
	}
}

// deaf makes the provider unable to tell what became of a request, and to close it.
func (l *life) deaf() {
	for _, operation := range []string{"status", "cancel"} {
		_, err := l.w.app.Simulator.AddScenario(simulator.Scenario{
			Match:  simulator.Match{Operation: operation},
			Effect: simulator.Effect{Fault: simulator.FaultServerError, Stage: simulator.StageBefore},
		})
		if err != nil {
			l.Fatal(err)
		}
	}
}

var (
	everything = []string{"answers", "answers", "answers", "answers", "answers", "refuses", "is not heard", "hears nothing", "dawdles", "dawdles for nothing"}
	kindly     = []string{"answers", "answers", "is not heard", "dawdles"}
)

var nonce = regexp.MustCompile(`<input type="hidden" name="nonce" value="([^"]+)">`)

// pay goes ahead with the payment: by a call where the merchant has given the card, else on the page.
func (l *life) pay() {
	send := l.onPage
	if l.direct {
		send = func() bool {
			a := l.gateway("PATCH", "/"+l.pid, `{"customerIp":"152.13.130.125"}`)
			l.allowed(a, l.state == "CHECKOUT", "execute")
			return a.status == 200
		}
	}
	if kind, _ := l.w.screens.Load().(payment.VerdictKind); kind != payment.VerdictPass && l.state == "CHECKOUT" {
		if send() {
			l.state, l.reviewed = closed, false
			if kind == payment.VerdictReview {
				l.state, l.reviewed = "PENDING", true
			}
		}
		return
	}
	l.sent(send)
}

// sent is what comes of a payment that is sent to the provider.
func (l *life) sent(send func() bool) {
	if l.card == cardAsks && (l.state == "CHECKOUT" || l.reviewed) {
		if send() {
			l.state, l.atBank, l.reviewed = "PENDING", true, false
		}
		return
	}
	choices := everything
	if l.card == cardNo {
		choices = []string{"answers", "refuses", "hears nothing", "is not heard"}
	}
	before := l.state
	l.provider("payment", choices, func() bool {
		sent := send()
		if sent && before == "CHECKOUT" {
			l.state = "PENDING"
		}
		return sent
	}, func(done bool) { l.paid(done && l.card != cardNo) })
}

// review has a person or the clock judge what is in review, and who is late hears so.
func (l *life) review() {
	ctx := context.Background()
	judgement := store.ManualUpdate{Shop: l.shop.ID, Payment: payment.ID(l.pid), To: store.StopByHand, Reason: "never told", AskedBy: "ann"}
	if !l.reviewed {
		_, _, err := l.w.app.Engine.ManualUpdate(ctx, judgement)
		if refusal := new(payment.Refusal); !errors.As(err, &refusal) || refusal.Code != payment.CodeWrongState {
			l.Fatalf("a verdict on what is not in review: %v", err)
		}
		return
	}
	l.met["reviewed"] = true
	switch l.pick("verdict", "pass", "pass", "stop", "nobody judges") {
	case "pass":
		judgement.To = store.PassByHand
		l.sent(func() bool {
			if _, _, err := l.w.app.Engine.ManualUpdate(ctx, judgement); err != nil {
				l.Fatal(err)
			}
			return true
		})
	case "stop":
		if _, _, err := l.w.app.Engine.ManualUpdate(ctx, judgement); err != nil {
			l.Fatal(err)
		}
		l.state = closed
	default:
		l.w.app.Clock.Advance(reviewFor)
		if err := l.w.app.Engine.Work(ctx, l.shop.ID, payment.ID(l.pid)); err != nil {
			l.Fatal(err)
		}
		l.state = closed
	}
	l.reviewed = false
}

// onPage fills the form in. It reports false where there is none.
func (l *life) onPage() bool {
	page, err := l.w.app.Client.Get(l.page)
	if err != nil {
		l.Fatal(err)
	}
	text, err := io.ReadAll(page.Body)
	_ = page.Body.Close() // it was read
	if err != nil {
		l.Fatal(err)
	}
	found := nonce.FindSubmatch(text)
	if form := found != nil && bytes.Contains(text, []byte(`name="number"`)); form != (l.state == "CHECKOUT") {
		l.Fatalf("a form is shown: %t, and the payment is %s:\n%s", form, l.state, text)
	} else if !form {
		return false
	}
	answer, err := l.w.app.Client.PostForm(l.page, url.Values{
		"nonce": {string(found[1])}, "method": {"BASIC_CARD"}, "number": {l.card}, "expiry": {"12/89"}, "code": {"123"},
		"holder": {"JANE DOE"},
	})
	if err != nil {
		l.Fatal(err)
	}
	_ = answer.Body.Close() // not read
	if answer.StatusCode >= 400 {
		l.Fatalf("the page answers %d", answer.StatusCode)
	}
	return true
}

// paid is the end of a deposit.
func (l *life) paid(done bool) {
	l.atBank = false
	switch {
	case !done:
		l.state = closed
	case l.preAuth:
		l.state, l.held, l.authorised = "AUTHORIZED", true, l.amount
		l.deeds = append(l.deeds, &deed{kind: "AUTHORIZE", status: "SUCCESS", amount: l.amount})
	default:
		l.state, l.authorised, l.captured = "COMPLETED", l.amount, l.amount
		l.deeds = append(l.deeds, &deed{kind: "CAPTURE", status: "SUCCESS", amount: l.amount})
	}
	if done && l.rolled { // what is found goes back by itself
		l.goesBack()
	}
}

// goesBack lets what a rollback left to do be done.
func (l *life) goesBack() {
	if l.preAuth && l.state == "AUTHORIZED" {
		l.state = "CANCELLED"
		l.deeds = append(l.deeds, &deed{kind: "VOID", status: "SUCCESS", amount: l.authorised})
	} else if l.state == "COMPLETED" && l.left() > 0 {
		l.backs = append(l.backs, &back{amount: l.left(), state: "COMPLETED"})
	}
	l.works()
}

// works does what comes due until nothing does. What a notice has just begun gets the time to end, while the clock stays.
func (l *life) works() {
	l.Helper()
	ctx := context.Background()
	var p payment.Payment
	for range tries(2 * time.Millisecond) {
		var err error
		if p, err = l.w.app.Engine.Get(ctx, l.shop.ID, payment.ID(l.pid)); err != nil {
			l.Fatal(err)
		}
		if p.Live == 0 && !p.Owes() {
			return
		}
		if a := p.LiveAttempt(); a != nil && a.Op != 0 {
			continue
		}
		l.w.app.Clock.Advance(max(time.Minute, p.Due.Sub(l.w.app.Clock.Now())))
		if err := l.w.app.Engine.Work(ctx, l.shop.ID, p.ID); err != nil {
			l.Fatal(err)
		}
	}
	l.Fatalf("the payment does not come to rest: %+v", p)
}

// bank presses a button at the customer's bank.
func (l *life) bank(button string) {
	if !l.atBank {
		return
	}
	p, err := l.w.app.Engine.Get(context.Background(), l.shop.ID, payment.ID(l.pid))
	if err != nil {
		l.Fatal(err)
	}
	resp, err := l.w.app.Client.PostForm(p.LiveAttempt().Next.URL, url.Values{"decision": {button}})
	if err != nil {
		l.Fatal(err)
	}
	_ = resp.Body.Close() // not read
	back, err := l.w.app.Client.Get(resp.Header.Get("Location"))
	if err != nil {
		l.Fatal(err)
	}
	_ = back.Body.Close() // not read
	l.paid(button == "approve")
}

// allowed wants a gateway's answer to be a success, or a refusal of the caller.
func (l *life) allowed(a said, ok bool, what string) {
	l.Helper()
	if (a.status == 200) != ok || a.status != 200 && a.status != 400 {
		l.Fatalf("gateway %s in %s (rolled back: %t): %d %v, want allowed: %t", what, l.state, l.rolled, a.status, a.doc, ok)
	}
}

// refused wants the other dialect's answer to be a success where why is empty, and that refusal otherwise.
func (l *life) refused(a said, why, what string) {
	l.Helper()
	got := fmt.Sprintf("%d %s", a.status, a.at("reasonCode"))
	if a.status == 200 {
		got = ""
	}
	if got != why {
		l.Fatalf("yandexpay %s in %s (rolled back: %t): %q %v, want %q", what, l.state, l.rolled, got, a.doc, why)
	}
}
