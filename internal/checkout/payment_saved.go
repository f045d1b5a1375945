package checkout

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// Cards that a shop keeps for the customer of a payment. Whoever has the page's address is taken for that customer, and a link can get
// into other hands: so only those that the customer had kept on such a page are shown, by their last digits and expiry; none is paid with
// but with its security code, which is nowhere kept; and none can be deleted here.

const (
	fieldSave    = "save" // ticked: the card is to be kept
	fieldSaved   = "card" // the kept card that is paid with, by its name on this payment's pages
	anotherCard  = "new"  // in its place: one that is entered
	mostSaved    = 5      // that are shown
	savedNameLen = 8      // bytes of a hash
)

// saveBox asks whether a card is to be kept.
type saveBox struct {
	Label, Hint string
	Ticked      bool
}

// savedCard is a kept card under the name that it has on the pages of one payment.
type savedCard struct {
	engine.CardToken

	name string
}

// keeps reports that the customer of the payment can have cards kept, and is asked.
func (g *Pages) keeps(v *visit) bool {
	return g.cards.On(v.shop) && !v.payment.Terms.Verify && customerOf(&v.payment) != ""
}

func customerOf(p *payment.Payment) string {
	var c payment.Customer
	_ = p.Customer.Into(&c) // nobody then
	return c.ReferenceID
}

// saved lists the cards that the customer had kept and can pay with, the latest first. Without them the page goes on.
func (g *Pages) saved(r *http.Request, v *visit) (cards []savedCard) {
	if !g.keeps(v) {
		return nil
	}
	all, err := g.cards.Of(r.Context(), v.shop, customerOf(&v.payment))
	if err != nil {
		g.logProblem(r, err)
	}
	for i := range all {
		if all[i].Saved && v.now.Before(all[i].Expires) && len(cards) < mostSaved {
			cards = append(cards, savedCard{all[i], savedName(&v.payment, all[i].Token)})
		}
	}
	return cards
}

// savedName is what a kept card is called on the pages of a payment: nobody learns its token there, or knows it on another page.
func savedName(p *payment.Payment, token string) string {
	sum := sha256.Sum256([]byte(string(p.ID) + "/" + token))
	return hex.EncodeToString(sum[:savedNameLen])
}

func findSaved(cards []savedCard, name string) *savedCard {
	for i := range cards {
		if cards[i].name == name {
			return &cards[i]
		}
	}
	return nil
}

// fillSaved puts the card into the form: one that is kept, with its code to be entered, or the fields of another one.
func (g *Pages) fillSaved(r *http.Request, f *form, v *visit, e *entry) {
	cards := g.saved(r, v)
	shown := pickedCard(r, e, cards)
	way := url.Values{}
	if v.chooses() {
		way.Set(fieldMethod, string(payment.MethodOf(instrument.KindCard)))
	}
	f.SavedTitle = v.words.SavedCards
	link := func(name, label string) {
		way.Set(fieldSaved, name)
		f.Saved = append(f.Saved, choice{Link: v.path + "?" + way.Encode(), Label: label, Method: payment.MethodOf(instrument.KindCard)})
	}
	for i := range cards {
		c := &cards[i]
		if c != shown {
			link(c.name, c.title(v.words)+", "+c.expiry(v.words))
		}
	}
	if shown == nil {
		f.Card = cardFields(v, e)
		if g.keeps(v) {
			f.Save = &saveBox{v.words.SaveCard, v.words.SaveHint, e.save}
		}
		return
	}
	code := codeField(v.words, e)
	code.Required = true
	f.Card = []field{code}
	f.Held, f.SavedCard = &heldCard{shown.title(v.words), shown.expiry(v.words), payment.BasicCard}, shown.name
	link(anotherCard, v.words.AnotherCard)
}

// pickedCard is the kept card that the form is for; nil for another one.
func pickedCard(r *http.Request, e *entry, cards []savedCard) *savedCard {
	wanted := e.saved
	if wanted == "" && r.Method == http.MethodGet {
		wanted = r.URL.Query().Get(fieldSaved)
	}
	switch found := findSaved(cards, wanted); {
	case found != nil:
		return found
	case e.slowed, e.typed, wanted == anotherCard, len(cards) == 0:
		return nil
	}
	return &cards[0]
}

func (c *savedCard) title(w *words) string {
	last := c.Masked[max(len(c.Masked)-4, 0):]
	return fill(w.HeldCard, named(w.Brands, string(c.Brand)), last)
}

func (c *savedCard) expiry(w *words) string { return fill(w.HeldExpiry, c.Month+"/"+c.Year) }

// readSaved reads the order to pay with a kept card: its code.
func (e *entry) readSaved(form url.Values, v *visit, cards []savedCard) {
	e.saved = form.Get(fieldSaved)
	card := findSaved(cards, e.saved)
	if card == nil { // deleted meanwhile, or nobody's
		e.saved, e.typed = "", true
		e.fault(fieldNumber, v.words.CardAgain)
		return
	}
	c := &instrument.Card{}
	e.readCode(c, card.Brand, form.Get(fieldCode), v.words, nil)
	if e.faulty() {
		c.Wipe()
		return
	}
	e.means = &instrument.SavedCard{Token: card.Token, With: c}
}
