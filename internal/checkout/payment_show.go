package checkout

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// How long a page waits before it asks again, by how long the payment is under way.
var reloads = []struct{ within, every time.Duration }{
	{30 * time.Second, 3 * time.Second},
	{5 * time.Minute, 10 * time.Second},
}

const (
	slowReload = 30 * time.Second
	// returnAfter is how long the result of a success stays before the customer is taken back to the shop.
	returnAfter = 6 * time.Second
)

// showPayment shows the payment as it is: the form, the way to the bank, a wait, or the result.
func (g *Pages) showPayment(w http.ResponseWriter, r *http.Request, v *visit) {
	switch {
	case v.settled() || v.expired():
		g.showResult(w, r, v)
	case v.payment.Payable():
		g.showForm(w, r, v, &entry{})
	case v.away() != nil:
		g.showBank(w, r, v)
	case g.stepPage(v) != "":
		g.showStep(w, r, v)
	default:
		g.showWait(w, r, v)
	}
}

func (g *Pages) showWait(w http.ResponseWriter, r *http.Request, v *visit) {
	g.render(w, r, v, view{
		Page: "payment_wait", Status: http.StatusOK, Title: v.words.WaitTitle, Text: v.words.WaitText,
		Detail: v.words.WaitDetail, Watch: g.watch(v),
	})
}

// showBank offers the way to the provider or bank. Once the customer was sent there, the page also looks by itself
// whether the bank has answered meanwhile.
func (g *Pages) showBank(w http.ResponseWriter, r *http.Request, v *visit) {
	page := view{
		Page: "payment_bank", Status: http.StatusOK, Title: v.words.BankTitle, Text: v.words.BankText,
		Action: v.path + "/continue", Button: v.words.BankButton, Other: g.other(v),
	}
	if v.away().Redirected {
		page.Title, page.Text = v.words.BankWaitTitle, v.words.BankWaitText
		page.Watch = g.watch(v)
	}
	g.render(w, r, v, page)
}

func (g *Pages) showResult(w http.ResponseWriter, r *http.Request, v *visit) {
	outcome := v.outcome()
	page := view{
		Page: "payment_result", Status: http.StatusOK, Title: outcome.Title, Text: outcome.Text, Tone: outcome.Tone,
		Reference: string(v.payment.ID), Link: v.returnURL(), Receipt: v.receipt(),
	}
	switch {
	case page.Link != "" && outcome.Tone == toneSuccess:
		page.Detail = v.words.ReturnSoon
		refresh(w.Header(), returnAfter, page.Link)
	case page.Link == "" && outcome.Tone == toneSuccess:
		page.Detail = v.words.EndPaid
	case page.Link == "":
		page.Detail = v.words.EndUnpaid
	case outcome.Tone == toneNeutral:
		page.Next = v.words.Look.startAgain(v.payment.Terms.Verify)
	}
	g.render(w, r, v, page)
}

// showClosed says that the merchant has abandoned the payment. Nothing is sent and nobody is led anywhere.
func (g *Pages) showClosed(w http.ResponseWriter, r *http.Request, v *visit) {
	closed := v.words.Closed
	page := view{
		Page: "payment_result", Status: http.StatusOK, Title: closed.Title, Text: closed.Text, Tone: closed.Tone,
		Reference: string(v.payment.ID), Link: v.returnURL(),
	}
	if page.Link == "" {
		page.Detail = v.words.EndClosed
	}
	g.render(w, r, v, page)
}

// outcome is what the customer is told. Every decline reads the same, so that nobody learns about a card by trying.
func (v *visit) outcome() outcomeWords {
	switch state := v.payment.State(); {
	case state == payment.Completed, state == payment.Authorized && v.payment.Terms.Verify: // nothing is held of a card that was only checked
		return v.words.Completed
	case state == payment.Authorized:
		return v.words.Authorized
	case state == payment.Declined:
		return v.words.Declined
	case v.payment.Payable(), v.payment.ErrorCode == payment.CodeTimeout:
		return v.words.Expired
	}
	return v.words.Cancelled
}

// age is how long the payment is under way.
func (v *visit) age() time.Duration {
	if a := v.payment.LiveAttempt(); a != nil {
		return v.now.Sub(a.Started)
	}
	return v.now.Sub(v.payment.Updated)
}

func (v *visit) reload() time.Duration {
	age := v.age()
	for _, r := range reloads {
		if age < r.within {
			return r.every
		}
	}
	return slowReload
}

// refresh lets the browser load another address after a time in whole seconds.
func refresh(h http.Header, after time.Duration, to string) {
	h.Set("Refresh", strconv.FormatInt(int64(after/time.Second), 10)+"; url="+to)
}
