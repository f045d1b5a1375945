package checkout

import (
	"net/http"
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
)

// A method whose customers do something without leaving the page, such as taking a code to the app of a bank, has a page of its
// own for that: its template is templates/method_NAME.html, its texts stand with its name in the tables of words.

// stepPage names the page on which the customer is told what to do now; empty where there is nothing to do here, or the method has
// no such page.
func (g *Pages) stepPage(v *visit) string {
	a := v.payment.LiveAttempt()
	if v.payment.State() != payment.Pending || a == nil || a.Class != payment.ClassWaiting || a.Next.IsZero() || a.Next.Leads() {
		return ""
	}
	if until := a.Next.Until; !until.IsZero() && !v.now.Before(until) {
		return ""
	}
	page := "method_" + strings.ToLower(string(v.payment.Method))
	if g.assets.pages[page] == nil {
		return ""
	}
	return page
}

// showStep shows it, and looks by itself whether it was done.
func (g *Pages) showStep(w http.ResponseWriter, r *http.Request, v *visit) {
	texts := v.words.Methods[string(v.payment.Method)]
	g.render(w, r, v, view{
		Page: g.stepPage(v), Status: http.StatusOK, Title: texts.Title, Text: texts.Text, Detail: texts.Detail,
		Code: v.payment.LiveAttempt().Next.Code, Label: texts.Label, Watch: g.watch(v),
	})
}
