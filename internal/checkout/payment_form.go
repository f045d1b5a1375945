package checkout

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// form is what the template of the form needs.
type form struct {
	Nonce, Cancel string
	Ticket        string // for what of the card was right in the form before
	Amount        *field // nil when the payment has its amount
	Card          []field
	Held          *heldCard // the card that came with the payment; of the card fields only the code then, if any
	Saved         []choice  // other cards that are kept for the customer, and the way to none of them
	SavedTitle    string
	SavedCard     string   // name of the kept card that the form is for
	App           string   // of a bank, which asks the customer without a code
	Save          *saveBox // whether the card is to be kept
	Fields        []field  // of a method that is no card
	Person        []field  // of who pays, where the provider wants to know
	Address       []field  // likewise, of the billing address
	Chooses       bool     // among them is nothing but choices
	Plain         string   // where nothing is entered for the method: what comes next
	Pay           string   // label of the main button; empty when there is none
	Sheet         string   // address of the wallet's page, to which the main button leads
	Button        *button  // the wallet's own, in the place of the main one
	PayValue      string   // method that the main button chooses; empty when it is fixed
	First         *choice  // a likelier way than the card, whose form is shown
	Title         string   // of the page, where the method has its own
	Others        []choice
	Back          string   // where all methods are shown again; empty where there is no choice
	Lasts         *lasting // how long the page is open
	None          string   // why nothing can be paid
	Faults        []fault
}

// field is one labelled input, or what was right in it before. Autofocus is set on the first with a fault. No field has a length
// or a pattern for the browser to keep to, which would cut what is pasted and refuse what we can read.
type field struct {
	ID, Label, Note, Hint, Value, Fault string
	Type, Dir, Autocomplete, Mode       string
	Suffix, Class                       string
	Marks                               []string // brands of cards that are taken, as customers call them
	Required, Focus                     bool
	Options                             []option // of a list
	Kept, Change                        string   // shown instead of the input, and how to get that back
}

// Described is the id of what explains the input: what is wrong with it, else its hint.
func (f field) Described() string {
	switch {
	case f.Fault != "":
		return f.ID + "-fault"
	case f.Hint != "":
		return f.ID + "-hint"
	}
	return ""
}

// Summary reports whether the faults are listed above the form: not for a single one that stands at its field, or at the wallet's button.
func (f *form) Summary() bool {
	if f.Button != nil && len(f.Faults) == 1 && f.Faults[0].Field == fieldMethod {
		return false
	}
	return len(f.Faults) > 1 || len(f.Faults) == 1 && f.Faults[0].Field == fieldMethod
}

type heldCard struct {
	Name, Expiry string
	Method       payment.Method // whose mark stands beside it
}

// methods lists what the customer may choose from: the payment's own method, or all that a terminal of the shop
// takes for it, cards first.
func (v *visit) methods() []payment.Method {
	return engine.Methods(v.shop, &v.payment)
}

// chooses reports that the method is the customer's choice, and not settled.
func (v *visit) chooses() bool { return v.payment.Method == "" || v.payment.ChoosesAgain() }

// offered is methods, the likeliest first, without those that the customer's device has nothing for, unless there is no other one.
func (v *visit) offered() []payment.Method {
	all := v.withoutUnpayable(v.methods())
	able := slices.DeleteFunc(slices.Clone(all), func(m payment.Method) bool { return m.Spec().Apple && !v.apple })
	if len(able) == 0 {
		able = all
	}
	return v.byLikelihood(able)
}

// showForm shows the form, with what was entered before as far as it may be shown again.
func (g *Pages) showForm(w http.ResponseWriter, r *http.Request, v *visit, e *entry) {
	if !v.shop.Active {
		g.showProblem(w, r, engine.ErrForbidden)
		return
	}
	g.opened(r, v)
	page := view{
		Page: "payment_form", Status: http.StatusOK, Title: v.words.FormTitle, Text: v.words.FormText, Action: v.path,
	}
	if v.payment.BetweenTries() {
		page.Text = v.again()
	}
	if e.slowed {
		page.Text = v.words.Slowed
	}
	f := g.form(r, v, e)
	page.Form = f
	switch {
	case f.First != nil: // the card is one of several ways, and not the first
	case f.Held != nil && f.App == "" || len(f.Card) > 0:
		page.Title = v.words.FormTitleCard
	case f.Title != "":
		page.Title = f.Title
	}
	switch {
	case e.slowed:
		page.Status = http.StatusTooManyRequests
	case e.faulty():
		page.Status = http.StatusUnprocessableEntity
	}
	g.render(w, r, v, page)
}

// opened tells the engine that a customer sees the form, which may have to last longer then. Who asks for the headers
// only, or loads the page ahead of somebody who may never look, is no customer. The page does not depend on it.
func (g *Pages) opened(r *http.Request, v *visit) {
	if r.Method != http.MethodGet || ahead(r.Header) {
		return
	}
	if err := g.engine.PageOpened(r.Context(), &v.payment); err != nil {
		g.logProblem(r, err)
	}
}

// ahead reports that a browser loads the page before anybody has asked to see it.
func ahead(h http.Header) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if value := strings.ToLower(h.Get(name)); strings.Contains(value, "prefetch") || strings.Contains(value, "preview") {
			return true
		}
	}
	return false
}

func (g *Pages) form(r *http.Request, v *visit, e *entry) *form {
	f := &form{Nonce: g.engine.SubmitNonce(&v.payment), Cancel: v.path + "/cancel", Faults: e.faults, Ticket: e.ticket, Lasts: v.lasts()}
	methods := v.offered()
	if len(methods) == 0 {
		f.None = fill(v.words.NoMethod, v.payment.Asked.Currency)
		return f
	}
	f.Pay = v.words.PayPlain
	switch {
	case v.payment.Terms.Verify:
	case v.payment.Asked.Amount.IsZero():
		amount := amountField(v, e)
		f.Amount = &amount
	default:
		f.Pay = fill(v.words.PayButton, v.words.amount(v.payment.Asked.Amount, v.payment.Asked.Currency))
	}
	g.fillMethods(r, f, v, e, methods)
	f.focus(e)
	return f
}

// fillMethods puts one method into the form: the customer's choice, the only one, or the card. The others are ways to pages of
// their own: looking at one settles nothing.
func (g *Pages) fillMethods(r *http.Request, f *form, v *visit, e *entry, methods []payment.Method) {
	open := v.chooses()
	shown := picked(r, v, e, methods)
	switch {
	case shown == "":
		f.Pay = ""
	case shown.Spec().Means == instrument.KindCard && !g.cardElsewhere(v, shown):
		g.fillCard(r, f, v, e)
	case g.fillApp(r, f, v, e, shown):
	default:
		g.fillOther(r, f, v, e, shown)
	}
	elsewhere := shown != "" && (shown.Spec().Means != instrument.KindCard || g.cardElsewhere(v, shown))
	if open && len(methods) > 1 && elsewhere {
		f.Back = v.path
	}
	if shown != "" {
		f.Person, f.Address = g.personFields(v, e, shown)
	}
	if open {
		f.PayValue = string(shown)
	}
	if f.Back == "" {
		f.fillWays(v, shown, methods)
	}
}

// cardElsewhere reports that a card is entered on the provider's own page.
func (g *Pages) cardElsewhere(v *visit, m payment.Method) bool {
	return m.Spec().Means == instrument.KindCard && g.engine.Page().Wants(v.shop, &v.payment, m).NoCard
}

// picked is the method that the form is for; empty where the customer has to choose first.
func picked(r *http.Request, v *visit, e *entry, methods []payment.Method) payment.Method {
	wanted := e.method
	if wanted == "" && v.mistaken() != nil && !r.URL.Query().Has(fieldMethod) {
		wanted = v.payment.Method
	}
	if wanted == "" && r.Method == http.MethodGet {
		wanted = payment.Method(r.URL.Query().Get(fieldMethod))
	}
	switch {
	case slices.Contains(methods, wanted):
		return wanted
	case len(methods) == 1:
		return methods[0]
	}
	for _, m := range methods {
		if m.Spec().Means == instrument.KindCard {
			return m
		}
	}
	return ""
}

// fillCard puts the card into the form: its fields, or the card that came with the payment.
func (g *Pages) fillCard(r *http.Request, f *form, v *visit, e *entry) {
	var kept *engine.KeptCard
	if !e.slowed { // then another card may be taken
		kept = g.engine.KeptCard(r.Context(), v.shop, &v.payment)
	}
	switch {
	case kept == nil:
		g.fillSaved(r, f, v, e)
		return
	case kept.AskCode:
		code := codeField(v.words, e)
		code.Required = true
		f.Card = []field{code}
	}
	f.Held = held(kept, v.words)
}

// continueWith is what the button says that leads on to a method.
func continueWith(w *words, m payment.Method) string {
	if text := w.Methods[string(m)].Go; text != "" {
		return text
	}
	return w.method(m)
}

func cardFields(v *visit, e *entry) []field {
	w := v.words
	number := field{ID: fieldNumber, Label: w.NumberLabel, Fault: e.of(fieldNumber), Type: "text", Dir: "ltr", Autocomplete: "cc-number",
		Mode: "numeric", Required: true}
	for _, b := range v.shop.Settings.Brand.Cards {
		number.Marks = append(number.Marks, named(w.Brands, string(b)))
	}
	if e.shown.brand != "" {
		number.Change, number.Kept = w.Change, fill(w.HeldCard, named(w.Brands, string(e.shown.brand)), e.shown.last4)
	}
	return []field{
		number,
		{ID: fieldExpiry, Label: w.ExpiryLabel, Hint: w.ExpiryHint, Value: e.expiryText, Fault: e.of(fieldExpiry),
			Type: "text", Dir: "ltr", Autocomplete: "cc-exp", Mode: "numeric", Class: "half", Required: true},
		codeField(w, e),
		{ID: fieldHolder, Label: w.HolderLabel, Note: w.Optional, Value: e.holderText, Fault: e.of(fieldHolder),
			Type: "text", Dir: "auto", Autocomplete: "cc-name"},
	}
}
