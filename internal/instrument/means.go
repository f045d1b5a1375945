package instrument

import (
	"fmt"
	"log/slog"
	"time"
)

// Means is what a customer pays with, from the request that brings it to the connector that uses it: a *[Card], *[SavedCard],
// *[Credential], *[Code], *[Wallet] or *[Bank], and nil where nothing is given. There are no others. It lives in memory only
// and has one owner, who wipes it. Whatever prints, logs or encodes it gets a text without its secrets.
type Means interface {
	fmt.Formatter
	// Kind tells which of the types it is.
	Kind() Kind
	// Masked is what may be shown and stored of it.
	Masked() Masked
	// Wipe overwrites what is secret, here and in all copies that share it.
	Wipe()

	clone() Means
}

// MeansKind is a kind of Means.
type Kind string

// The kinds. MeansNone is that of methods for which a customer gives nothing beforehand.
const (
	KindNone       Kind = ""
	KindCard       Kind = "card"
	KindSavedCard  Kind = "saved card"
	KindCredential Kind = "credential"
	KindCode       Kind = "code"
	KindWallet     Kind = "wallet"
	KindBank       Kind = "bank"
)

// Another reports that what a customer gave can be used once more, at another terminal. A code is spent, the token of a wallet
// used up, and a credential is of one provider.
func (k Kind) Another() bool { return k == KindNone || k == KindCard || k == KindSavedCard }

// WipeMeans is Wipe, also of nil.
func Wipe(m Means) {
	if m != nil {
		m.Wipe()
	}
}

// CloneMeans returns a copy of its own, so that wiping one leaves the other. The copy of nil is nil.
func Clone(m Means) Means {
	if m == nil {
		return nil
	}
	return m.clone()
}

// CardOf is the card where that is what is given, else nil.
func CardOf(m Means) *Card {
	card, _ := m.(*Card)
	return card
}

// NumberIn is the card whose number the means hold, in an opened token too; nil where they hold none.
func NumberIn(m Means) *Card {
	if w, ok := m.(*Wallet); ok {
		return w.Card
	}
	return CardOf(m)
}

// SavedCard is a card that the shop keeps under a token of its own.
type SavedCard struct {
	Token string `json:"-"`
	With  *Card  `json:"-"` // what came with it, if anything: a security code, a name, a later expiry; never a number
}

// Credential is what a provider has given for charging a customer again without the customer.
type Credential struct {
	Handle string `json:"-"`
}

// Code is a short number that the customer's bank has given for one payment, such as BLIK's, or the name by which an app of the bank knows
// the customer without one.
type Code struct {
	Digits string `json:"-"` // empty where the app asks by the alias alone
	// Alias is our name for the customer: beside a code the app may know the customer by it from then on. Empty where nothing is remembered.
	Alias string `json:"-"`
	App   string `json:"-"` // which app that knows the alias; none where a code is given
}

// Wallet is the token of a wallet, as the browser or the merchant passed it on, and, once it was opened, what was in it.
type Wallet struct {
	Method string // the payment method whose wallet it is
	Token  []byte `json:"-"` // none once it was opened
	// Card is what was in the token; nil before it is opened. Its number is the device's own where there is a Cryptogram, which
	// proves that the device made it for this payment; else it is that of a card on file, of which nothing is proved. It never has
	// a security code. ECI is how the scheme takes it: two characters, or none.
	Card            *Card  `json:"-"`
	Cryptogram, ECI string `json:"-"`
	// ID is the token's own name, by which it pays once; Until is how long that has to be remembered, and zero for good.
	ID    string `json:"-"`
	Until time.Time
}

// Bank is the bank that the customer has chosen, by the name that the provider has for it.
type Bank struct{ ID string }

// Kind implements Means.
func (*Card) Kind() Kind { return KindCard }

// Kind implements Means.
func (*SavedCard) Kind() Kind { return KindSavedCard }

// Kind implements Means.
func (*Credential) Kind() Kind { return KindCredential }

// Kind implements Means.
func (*Code) Kind() Kind { return KindCode }

// Kind implements Means.
func (*Wallet) Kind() Kind { return KindWallet }

// Kind implements Means.
func (*Bank) Kind() Kind { return KindBank }

// Masked shows the token: it is the merchant's own, and good for that shop only.
func (s *SavedCard) Masked() Masked { return Masked{CardToken: s.Token} }

// Masked is empty: what the chain was begun with is known from there.
func (*Credential) Masked() Masked { return Masked{} }

// Masked is empty: a code is nowhere kept.
func (*Code) Masked() Masked { return Masked{} }

// Masked is that of the card in the token, and empty before it was opened.
func (w *Wallet) Masked() Masked {
	if w.Card == nil {
		return Masked{}
	}
	return w.Card.Masked()
}

// Masked is empty.
func (*Bank) Masked() Masked { return Masked{} }

// Wipe forgets the token, and overwrites what came with it.
func (s *SavedCard) Wipe() {
	s.With.Wipe()
	*s = SavedCard{}
}

// Wipe forgets the handle.
func (c *Credential) Wipe() { *c = Credential{} }

// Wipe forgets the code.
func (c *Code) Wipe() { *c = Code{} }

// Wipe overwrites the token and the card that was in it.
func (w *Wallet) Wipe() {
	clear(w.Token)
	w.Card.Wipe()
	*w = Wallet{}
}

// Wipe forgets the bank.
func (b *Bank) Wipe() { *b = Bank{} }

func (c *Card) clone() Means       { return c.Clone() }
func (s *SavedCard) clone() Means  { return &SavedCard{s.Token, s.With.Clone()} }
func (c *Credential) clone() Means { copied := *c; return &copied }
func (c *Code) clone() Means       { copied := *c; return &copied }
func (w *Wallet) clone() Means {
	copied := *w
	copied.Token, copied.Card = append([]byte(nil), w.Token...), w.Card.Clone()
	return &copied
}
func (b *Bank) clone() Means { copied := *b; return &copied }

// Format writes the kind and nothing of the token, whatever the verb.
func (s SavedCard) Format(f fmt.State, _ rune) { writeMasked(f, string(KindSavedCard)) }

// Format writes the kind and nothing of the handle, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { writeMasked(f, string(KindCredential)) }

// Format writes the kind and nothing of the code, whatever the verb.
func (c Code) Format(f fmt.State, _ rune) { writeMasked(f, string(KindCode)) }

// Format writes the wallet's method and nothing of the token, whatever the verb.
func (w Wallet) Format(f fmt.State, _ rune) { writeMasked(f, string(KindWallet)+" "+w.Method) }

// Format writes the kind and the bank, whatever the verb.
func (b Bank) Format(f fmt.State, _ rune) { writeMasked(f, string(KindBank)+" "+b.ID) }

// LogValue is what Format writes.
func (s SavedCard) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }

// LogValue is what Format writes.
func (c Credential) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// LogValue is what Format writes.
func (c Code) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(c)) }

// LogValue is what Format writes.
func (w Wallet) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(w)) }

// LogValue is what Format writes.
func (b Bank) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(b)) }
