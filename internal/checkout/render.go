package checkout

import (
	"bytes"
	"context"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/sluicepay/sluice/internal/web"
)

// view is what a page shows. What comes from merchants and providers is escaped by the templates.
type view struct {
	Page      string // name of the template
	Status    int
	Title     string // headline
	Text      string
	Detail    string // second, smaller text
	Tone      tone
	Action    string // where the page's form goes
	Button    string
	Link      string // where the page's link goes
	Reference string
	Next      string // what the customer can do now
	Receipt   *receipt
	Form      *form
	Step      *step  // of a page on which something is done elsewhere
	Post      *post  // of a form that leads away
	Other     *other // all methods, instead of what is done elsewhere
	Watch     *watch // of a page that looks for news by itself

	W *words // of the payment's customer where one is known, else as given

	// Set by render.
	Order       *order        // nil where no payment is known
	Style, Icon string        // addresses
	Accent      template.HTML // the shop's colour
	Scripts     []template.HTML
	Guest       string // address of another site's script
	Frame       string // for frame.js
	Request     string // number of the request, on problem pages
	ReturnLabel string
	Tab         string // what the browser's tab says before the merchant's name
}

// order is the payment as every page shows it.
type order struct {
	Merchant, Logo, Initial, Description string

	Amount    *price // nil where the customer says it
	Reference string // the merchant's
	Lines     *lines
	Contact   *contact
	Test      bool
	W         *words
}

func (g *Pages) render(w http.ResponseWriter, r *http.Request, v *visit, page view) {
	base := g.base
	page.Style, page.Icon = base+g.assets.style.path, base+g.assets.icon.path
	if v != nil {
		page.W, page.Order = v.words, g.order(r.Context(), v)
		page.ReturnLabel = fill(v.words.ReturnLink, isolated(page.Order.Merchant))
	} else {
		page.Request = web.RequestID(r.Context())
	}
	if page.Tab = page.Title; page.Form != nil && len(page.Form.Faults) > 0 {
		page.Tab = fill(page.W.FaultTab, page.Title)
	}
	g.setPolicy(w.Header(), v, &page)
	var body bytes.Buffer
	if err := g.assets.pages[page.Page].ExecuteTemplate(&body, "layout", page); err != nil {
		g.log.ErrorContext(r.Context(), "template of the payment page", "page", page.Page, "error", err)
		http.Error(w, page.W.Broken.Title, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(page.Status)
	_, _ = w.Write(body.Bytes()) // the customer may be gone
}

func (g *Pages) order(ctx context.Context, v *visit) *order {
	o := &order{
		Merchant: v.merchant(), Description: v.payment.Description, Test: !v.shop.Live,
		Reference: v.payment.Reference, Lines: g.soldLines(ctx, v), Contact: v.contact(), Logo: g.logo(v.shop), W: v.words,
	}
	if !v.payment.Asked.Amount.IsZero() {
		o.Amount = v.words.price(v.payment.Shown().Amount, v.payment.Asked.Currency)
	}
	for _, r := range o.Merchant {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			o.Initial = string(unicode.ToUpper(r))
			break
		}
	}
	return o
}

// isolated keeps a merchant's text that is written from right to left, or turns others around, from what stands beside it in a text
// of ours. Others are the same as without.
func isolated(text string) string {
	turns := func(r rune) bool {
		return unicode.In(r, unicode.Bidi_Control, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko)
	}
	if !strings.ContainsFunc(text, turns) {
		return text
	}
	return "\u2068" + text + "\u2069"
}
