package checkout

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/web"
)

// Names of the form's fields; they are the ids of the inputs too.
const (
	fieldNonce  = "nonce"
	fieldAmount = "amount"
	fieldMethod = "method"
	fieldNumber = "number"
	fieldExpiry = "expiry"
	fieldCode   = "code"
	fieldHolder = "holder"
	fieldTicket = "kept"   // for what is on the shelf
	fieldChange = "change" // the button pressed to enter number or code anew
)

// fewestDigits are those of the shortest card number.
const fewestDigits = 12

const maxForm = 16 << 10 // bytes of a form

// bodyOwner is whose memory forms take while they are read: that of all pages together, because anybody can send one.
const bodyOwner = "pages"

// errForm: the request's body is not a form.
var errForm = errors.New("not a form")

// readForm reads a form from the body, never from the address. It returns web.ErrBodyTooLarge or errForm.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("%w: content type", errForm)
	}
	body, err := web.ReadBody(w, r, maxForm, bodyOwner)
	if err != nil {
		if errors.Is(err, web.ErrBodyTooLarge) || errors.Is(err, web.ErrBusy) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errForm, err)
	}
	defer clear(body)
	read, err := url.ParseQuery(private.Text(body))
	if err != nil { // its text would repeat part of the body
		return nil, fmt.Errorf("%w: encoding", errForm)
	}
	form := make(url.Values, len(read))
	for name, values := range read {
		kept := make([]string, len(values))
		for i, v := range values {
			kept[i] = strings.Clone(v)
			private.Wipe(v) // part of the body, or a copy without its escapes
		}
		form[strings.Clone(name)] = kept
	}
	return form, nil
}

// wipeForm overwrites number, security code, tokens of wallets and codes of banks. Nothing else shares their memory.
func wipeForm(form url.Values) {
	for _, name := range []string{fieldNumber, fieldCode, fieldWallet} {
		for _, v := range form[name] {
			private.Wipe(v)
		}
		delete(form, name)
	}
	wipeFields(form)
}

// current reports whether the form was made for the payment as it is now.
func (g *Pages) current(form url.Values, v *visit) bool {
	return hmac.Equal([]byte(form.Get(fieldNonce)), []byte(g.engine.SubmitNonce(&v.payment)))
}

// entry is what the customer entered, as far as it was understood, and what is wrong with it.
type entry struct {
	method payment.Method   // empty: the payment's own
	amount money.Amount     // zero: the payment's own
	means  instrument.Means // nil: none needed, or what came with the payment
	faults []fault          // in the order of the form
	slowed bool             // the card is not tried now
	lost   bool             // the form has a ticket, and there is nothing on the shelf for it
	change string           // the field that the customer wants to enter anew
	saved  string           // name of the kept card, or of the app, that is paid with
	typed  bool             // the card was entered
	save   bool             // it is to be kept

	right  *instrument.Card // what was right of a card with which something is wrong, or which is to be changed
	ticket string           // for it, once it is on the shelf
	shown  shownCard        // what the form says of it

	// What the form shows again. Number and security code are not among it.
	amountText, expiryText, holderText string
	fields                             map[string]string // by id

	person map[payer.Detail]string // what was entered of who pays
	filled payer.Filled            // with it, once all is right
}

// fault is something wrong with one field, in words for the customer.
type fault struct{ Field, Text string }

func (e *entry) fault(field, text string) { e.faults = append(e.faults, fault{field, text}) }

func (e *entry) faulty() bool { return len(e.faults) > 0 }

// of returns what is wrong with a field, or nothing.
func (e *entry) of(field string) string {
	for _, f := range e.faults {
		if f.Field == field {
			return f.Text
		}
	}
	return ""
}

// shownCard is what a form shows in the place of fields that were right.
type shownCard struct {
	brand instrument.Brand // empty where the number is not kept
	last4 string
	coded bool // the security code is kept
}

// readEntry checks a form against the payment: what the payment fixes already is not read from the form.
func (g *Pages) readEntry(r *http.Request, form url.Values, v *visit) *entry {
	e := &entry{}
	if change := form.Get(fieldChange); change == fieldNumber || change == fieldCode {
		e.change = change
	}
	if v.payment.Asked.Amount.IsZero() && !v.payment.Terms.Verify {
		e.readAmount(form.Get(fieldAmount), v)
	}
	method := v.payment.Method
	if v.chooses() {
		if method = payment.Method(form.Get(fieldMethod)); e.change != "" {
			method = payment.MethodOf(instrument.KindCard)
		}
		if e.method = method; !slices.Contains(v.methods(), method) {
			e.fault(fieldMethod, v.words.MethodMissing)
			return e
		}
	}
	g.readPerson(e, form, v, method)
	switch kind := method.Spec().Means; {
	case v.opens(method):
		e.readWallet(form, v, method)
	case g.cardElsewhere(v, method):
	case kind != instrument.KindCard:
		g.readApp(e, r, form, v, method)
	case form.Has(fieldSaved):
		e.readSaved(form, v, g.saved(r, v))
	case form.Has(fieldNumber), form.Has(fieldTicket):
		e.typed, e.save = true, form.Get(fieldSave) != "" && g.keeps(v)
		kept := g.shelf.get(v.payment.ID, form.Get(fieldTicket))
		e.lost = kept == nil && form.Get(fieldTicket) != ""
		e.readCard(form, v, kept)
	case form.Has(fieldCode):
		e.readCodeAlone(form, v)
	}
	return e
}

// shelve keeps what was right, and says what the form shows of it.
func (g *Pages) shelve(e *entry, v *visit, ticket string) {
	switch e.change {
	case fieldNumber:
		e.right.Number.Wipe()
	case fieldCode:
		e.right.SecurityCode.Wipe()
	}
	if e.right.Number.IsZero() && e.right.SecurityCode.IsZero() {
		g.shelf.clear(v.payment.ID)
		return
	}
	e.shown = shownCard{brand: e.right.Number.Brand(), last4: e.right.Number.Last4(), coded: !e.right.SecurityCode.IsZero()}
	kept := &instrument.Card{Number: e.right.Number, SecurityCode: e.right.SecurityCode}
	e.ticket, e.right = g.shelf.put(v.payment.ID, ticket, kept), nil
}

func (e *entry) readAmount(text string, v *visit) {
	amount, err := parseAmount(text, v.payment.Asked.Currency)
	e.amountText = echo(text, maxEcho)
	switch {
	case err == nil:
		e.amount = amount
	case errors.Is(err, errNoAmount):
		e.fault(fieldAmount, v.words.AmountMissing)
	case errors.Is(err, money.ErrPrecision):
		e.fault(fieldAmount, v.words.tooFine(v.payment.Asked.Currency))
	default:
		e.fault(fieldAmount, v.words.AmountWrong)
	}
}
