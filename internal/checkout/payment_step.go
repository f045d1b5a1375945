package checkout

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/qr"
	"github.com/sluicepay/sluice/internal/shop"
)

// A method whose customers do something without leaving the page, such as taking a code to the app of a bank, has a page of its
// own for that: its template is templates/method_NAME.html, its texts stand with its name in the tables of words. Whose bank has an
// order that takes days is told so on a page that all methods share.

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
	if a.Next.Kind == payment.NextDone {
		page = "payment_done"
	}
	if g.assets.pages[page] == nil {
		return ""
	}
	return page
}

// step is what a page shows of what is done elsewhere.
type step struct {
	Code, Label string
	Picture     template.HTML // of the code
	Left        string        // of the time for it, as it is written
	Seconds     int           // the same, for the script that counts them
	App         string        // address of an app where it is done; empty where there is none
}

// showStep shows it, and looks by itself whether it was done.
func (g *Pages) showStep(w http.ResponseWriter, r *http.Request, v *visit) {
	next := v.payment.LiveAttempt().Next
	page := view{Page: g.stepPage(v), Status: http.StatusOK, Watch: g.watch(v), Other: g.other(v)}
	if next.Kind == payment.NextDone {
		page.Title, page.Text = v.words.Done.Title, v.words.Done.Text
		g.render(w, r, v, page)
		return
	}
	texts := v.words.Steps[string(v.payment.Method)]
	page.Title, page.Text = texts.Title, texts.Text
	page.Step = &step{Code: next.Code, Label: texts.Label}
	if picture, err := qr.SVG(next.Code); err == nil {
		page.Step.Picture = template.HTML(picture) //nolint:gosec // squares of our own; the text is not in it
	}
	if !next.Until.IsZero() {
		left := next.Until.Sub(v.now)
		page.Step.Seconds, page.Step.Left = int(left/time.Second), clock(left)
	}
	if shop.AbsoluteURL(next.URL) {
		page.Step.App = asciiURL(next.URL)
	}
	g.render(w, r, v, page)
}

// clock writes how long something lasts, such as 1:59.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
