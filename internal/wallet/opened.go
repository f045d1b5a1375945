package wallet

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
)

// LargestToken is how many bytes of JSON a token has at most; real ones have about 4,000.
const LargestToken = 64 << 10

// Opened is what was in a token. It lives in memory only and has one owner, who wipes it. Whatever prints or logs it shows the
// masked card.
type Opened struct {
	// Card has the number, which is the device's own where Device, the last month and, where the token names it, the holder.
	// It never has a security code.
	Card *instrument.Card
	// Device tells a network token, whose Cryptogram proves that the device made it for this payment: it is sent with both and
	// needs no 3-D Secure. Otherwise the number is that of a card on file at the wallet, which nothing is proved of.
	Device     bool
	Cryptogram string `json:"-"` // base64, as it came
	ECI        string // two digits, or empty: some schemes give none
	// What the wallet says that it has checked of a card: that the holder's account is there, that the holder was asked.
	AccountVerified, HolderAuthenticated bool
	// ID is the token's own. A payment takes it once, before it is sent: who comes second is FaultReplay.
	ID string
	// Until is how long the ID has to be remembered, and zero for good.
	Until time.Time
	// Amount and Currency are what the customer agreed to, where the token says it: Apple's does. Else Currency is empty.
	Amount   money.Amount
	Currency money.Currency
}

// Agrees returns an *Error of FaultPaymentMismatch where the customer has agreed to another amount or currency.
func (o *Opened) Agrees(amount money.Amount, currency money.Currency) error {
	if o.Currency == "" || o.Currency == currency && o.Amount.Cmp(amount) == 0 {
		return nil
	}
	return Refuse(FaultPaymentMismatch, "the customer agreed to another amount or currency")
}

// Wipe overwrites the card and forgets the rest.
func (o *Opened) Wipe() {
	o.Card.Wipe()
	*o = Opened{}
}

// Format writes the masked card, whatever the verb.
func (o Opened) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, o.masked()) // fmt keeps the error of its writer and returns it itself
}

// LogValue is what Format writes.
func (o Opened) LogValue() slog.Value { return slog.StringValue(o.masked()) }

func (o Opened) masked() string {
	if o.Card == nil {
		return "opened token"
	}
	return "opened token of " + fmt.Sprint(*o.Card)
}
