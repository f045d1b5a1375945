package checkout

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// A wallet of which the shop opens the tokens itself is a page of its own for the customer, who comes back with a token in a form. One
// of which it has no account is the provider's, like any page of a bank.

// fieldWallet is the token of a wallet in a form.
const fieldWallet = "wallet"

// opens reports that tokens of the method are opened here.
func (v *visit) opens(m payment.Method) bool { return engine.OpensTokens(v.shop, m) }

// payableHere reports that the page can have the customer pay by the method: a wallet needs a page or a button, and the amount that is
// to be agreed to.
func (v *visit) payableHere(m payment.Method) bool {
	return !v.opens(m) || v.hasButton(m) || v.shop.Settings.Wallets.Sheet(m.Spec().Apple) != "" && !v.payment.Asked.Amount.IsZero()
}

// withoutUnpayable leaves the methods out that the page cannot have the customer pay by.
func (v *visit) withoutUnpayable(all []payment.Method) []payment.Method {
	return slices.DeleteFunc(slices.Clone(all), func(m payment.Method) bool { return !v.payableHere(m) })
}

// sheet is the address of the wallet's page, with what the customer is to agree to and where the token goes; empty where the method has none.
func (g *Pages) sheet(v *visit, m payment.Method) string {
	wallets, apple := &v.shop.Settings.Wallets, m.Spec().Apple
	at := wallets.Sheet(apple)
	if at == "" || !v.opens(m) {
		return ""
	}
	q := url.Values{
		"amount": {v.payment.Asked.Amount.String()}, "currency": {string(v.payment.Asked.Currency)}, "merchant": {v.shop.Name},
		"back": {g.public + strings.TrimPrefix(v.path, g.base)}, "nonce": {g.engine.SubmitNonce(&v.payment)},
	}
	if apple {
		q.Set("recipient", wallets.Apple.MerchantID)
		q.Set("key", wallets.Apple.PublicKey)
	} else {
		q.Set("recipient", wallets.Google.Recipient)
		q.Set("key", wallets.Google.PublicKey)
	}
	return at + "?" + q.Encode()
}

// readWallet reads the token with which the customer has come back.
func (e *entry) readWallet(form url.Values, v *visit, m payment.Method) {
	token := form.Get(fieldWallet)
	if strings.TrimSpace(token) == "" {
		e.fault(fieldMethod, v.words.WalletFailed)
		return
	}
	e.means = &instrument.Wallet{Method: string(m), Token: []byte(token)}
}
