// Package risk says what screening is: what is known of a payment when it is about to be sent, and who judges by that. It
// is pure. Rules, lists and limits will stand on it; today nobody judges, and all payments pass.
//
// The verdict itself is payment.Verdict, because it is the domain that follows it: see payment/verdict.go.
package risk

import (
	"net/netip"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Facts are what is known when a payment is about to be sent to a provider.
type Facts struct {
	Now  time.Time
	Shop *shop.Shop // shared, not to be changed
	// Payment is as it will be sent: with its method, amount, customer, address, browser and the masked instrument. Its
	// Screened tells of an earlier verdict, and whether a review let it pass.
	Payment payment.Payment
	Card    *Card      // nil where no card is charged or paid to, or only a provider has it
	From    netip.Addr // the customer's address, as the one who brought the payment gave it; the zero value where it is not known
}

// Card is what rules may know of a card.
type Card struct {
	Mark []byte // a keyed hash of the number: the same for the same card in this installation, and for no other
	BIN  string // at most its first eight digits
}

// Screener judges a payment that is about to be sent: a deposit that is submitted, a withdrawal, a follow-up of a recurring
// chain; refunds are not screened. It is asked within the transaction that stores the intent, perhaps several times, so it
// must come to the same verdict and neither wait nor call anybody. An error or a panic is no verdict: then nothing is stored
// or sent, a human is told, and whoever asked may try again.
type Screener func(*Facts) (payment.Verdict, error)
