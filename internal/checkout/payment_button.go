package checkout

import (
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/wallet/sheet"
)

// A wallet that is not pretended has a button of its own, by a script, on a page of its own: no card is entered there, so that the
// script of another site gets to see none. Where methods are listed, a script of ours shows the way to it, on devices that may have the wallet.

// button is the wallet's own, and what the script beside it is told.
type button struct {
	Apple  bool
	Told   string // in JSON
	Absent string // what is said where the browser has no such wallet
	Says   string // what went wrong, if anything did

	nonce string // of what the wallet's script adds to the page; empty where it has none
}

// to is what the customer agrees to.
func (v *visit) to() money.Sum {
	return money.Sum{Amount: v.payment.Asked.Amount, Currency: v.payment.Asked.Currency}
}

// hasButton reports that the wallet's own button can stand on the page: the browser may lack the wallet all the same.
func (v *visit) hasButton(m payment.Method) (ok bool) {
	wallets := &v.shop.Settings.Wallets
	switch {
	case !v.opens(m) || wallets.Sheet(m.Spec().Apple) != "":
	case m.Spec().Apple:
		_, ok = sheet.Apple(wallets.Apple, v.merchant(), v.host, v.to())
	default:
		_, ok = sheet.Google(wallets.Google, v.merchant(), v.to())
	}
	return ok
}

// button is the wallet's own for the method, or nil.
func (g *Pages) button(v *visit, m payment.Method) *button {
	if !v.hasButton(m) {
		return nil
	}
	b := &button{Apple: m.Spec().Apple, Absent: fill(v.words.WalletAbsent, v.words.method(m))}
	var told any
	if b.Apple {
		asked, _ := sheet.Apple(v.shop.Settings.Wallets.Apple, v.merchant(), v.host, v.to())
		told = struct {
			Request sheet.AppleRequest `json:"request"`
			Session string             `json:"session"` // addresses: of what begins one,
			News    string             `json:"news"`    // of how the payment stands,
			Page    string             `json:"page"`    // and of its page
		}{asked, v.path + "/session", v.path + "/news", v.path}
	} else {
		b.nonce = rand.Text()
		asked, _ := sheet.Google(v.shop.Settings.Wallets.Google, v.merchant(), v.to())
		language, _, _ := strings.Cut(v.words.Lang, "-")
		told = struct {
			Environment string              `json:"environment"`
			Nonce       string              `json:"nonce"`
			Language    string              `json:"language"`
			Request     sheet.GoogleRequest `json:"request"`
		}{sheet.GoogleEnvironment(v.shop.Settings.Wallets.Google), b.nonce, language, asked}
	}
	text, err := json.Marshal(told)
	if err != nil {
		return nil
	}
	b.Told = string(text)
	return b
}

// needs is which wallet a browser must have to be shown the way to a method; empty where every browser has what it takes.
func (v *visit) needs(m payment.Method) string {
	switch {
	case !v.hasButton(m):
		return ""
	case m.Spec().Apple:
		return "apple"
	}
	return "google"
}
