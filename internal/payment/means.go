package payment

import (
	"fmt"
	"log/slog"
)

// Means is what a customer pays with, from the request that brings it to the connector that uses it: a *[Card], *[SavedCard],
// *[Credential], *[Code], *[Wallet] or *[Bank], and nil where nothing is given. There are no others. It lives in memory only
// and has one owner, who wipes it. Whatever prints, logs or encodes it gets a text without its secrets.
type Means interface {
	fmt.Formatter
	// Kind tells which of the types it is.
	Kind() MeansKind
	// Instrument is what may be shown and stored of it.
	Instrument() Instrument
	// Wipe overwrites what is secret, here and in all copies that share it.
	Wipe()

	clone() Means
}

// MeansKind is a kind of Means.
type MeansKind string

// The kinds. MeansNone is that of methods for which a customer gives nothing beforehand.
const (
	MeansNone       MeansKind = ""
	MeansCard       MeansKind = "card"
	MeansSavedCard  MeansKind = "saved card"
	MeansCredential MeansKind = "credential"
	MeansCode       MeansKind = "code"
	MeansWallet     MeansKind = "wallet"
	MeansBank       MeansKind = "bank"
)

// WipeMeans is Wipe, also of nil.
func WipeMeans(m Means) {
	if m != nil {
		m.Wipe()
	}
}

// CloneMeans returns a copy of its own, so that wiping one leaves the other. The copy of nil is nil.
func CloneMeans(m Means) Means {
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

// SavedCard is a card that the shop keeps under a token of its own.
type SavedCard struct {
	Token string `json:"-"`
}

// Credential is what a provider has given for charging a customer again without the customer.
type Credential struct {
	Handle string `json:"-"`
}

// Code is a short number that the customer's bank has given for one payment, such as BLIK's.
type Code struct {
	Digits string `json:"-"`
}

// Wallet is the token of a wallet, as the browser or the merchant passed it on.
type Wallet struct {
	Method Method // whose wallet it is
	Token  []byte `json:"-"`
}

// Bank is the bank that the customer has chosen, by the name that the provider has for it.
type Bank struct{ ID string }

// Kind implements Means.
func (*Card) Kind() MeansKind { return MeansCard }

// Kind implements Means.
func (*SavedCard) Kind() MeansKind { return MeansSavedCard }

// Kind implements Means.
func (*Credential) Kind() MeansKind { return MeansCredential }

// Kind implements Means.
func (*Code) Kind() MeansKind { return MeansCode }

// Kind implements Means.
func (*Wallet) Kind() MeansKind { return MeansWallet }

// Kind implements Means.
func (*Bank) Kind() MeansKind { return MeansBank }

// Instrument shows the token: it is the merchant's own, and good for that shop only.
func (s *SavedCard) Instrument() Instrument { return Instrument{CardToken: s.Token} }

// Instrument is empty: what the chain was begun with is known from there.
func (*Credential) Instrument() Instrument { return Instrument{} }

// Instrument is empty: a code is nowhere kept.
func (*Code) Instrument() Instrument { return Instrument{} }

// Instrument is empty: what is in the token comes out when it is opened.
func (*Wallet) Instrument() Instrument { return Instrument{} }

// Instrument is empty.
func (*Bank) Instrument() Instrument { return Instrument{} }

// Wipe forgets the token.
func (s *SavedCard) Wipe() { *s = SavedCard{} }

// Wipe forgets the handle.
func (c *Credential) Wipe() { *c = Credential{} }

// Wipe forgets the code.
func (c *Code) Wipe() { *c = Code{} }

// Wipe overwrites the token.
func (w *Wallet) Wipe() {
	clear(w.Token)
	*w = Wallet{}
}

// Wipe forgets the bank.
func (b *Bank) Wipe() { *b = Bank{} }

func (c *Card) clone() Means       { return c.Clone() }
func (s *SavedCard) clone() Means  { copied := *s; return &copied }
func (c *Credential) clone() Means { copied := *c; return &copied }
func (c *Code) clone() Means       { copied := *c; return &copied }
func (w *Wallet) clone() Means {
	return &Wallet{Method: w.Method, Token: append([]byte(nil), w.Token...)}
}
func (b *Bank) clone() Means { copied := *b; return &copied }

// Format writes the kind and nothing of the token, whatever the verb.
func (s SavedCard) Format(f fmt.State, _ rune) { writeMasked(f, string(MeansSavedCard)) }

// Format writes the kind and nothing of the handle, whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { writeMasked(f, string(MeansCredential)) }

// Format writes the kind and nothing of the code, whatever the verb.
func (c Code) Format(f fmt.State, _ rune) { writeMasked(f, string(MeansCode)) }

// Format writes the wallet's method and nothing of the token, whatever the verb.
func (w Wallet) Format(f fmt.State, _ rune) { writeMasked(f, string(MeansWallet)+" "+string(w.Method)) }

// Format writes the kind and the bank, whatever the verb.
func (b Bank) Format(f fmt.State, _ rune) { writeMasked(f, string(MeansBank)+" "+b.ID) }

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
