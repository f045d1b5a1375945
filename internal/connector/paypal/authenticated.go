package paypal

import (
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// card is what PayPal tells of a card. Its number is never told.
type card struct {
	Brand      string          `json:"brand"`
	Result     *authentication `json:"authentication_result"`
	Attributes struct {
		Vault struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"vault"`
	} `json:"attributes"`
}

// authentication is how the holder of a card was authenticated.
type authentication struct {
	Shift  string `json:"liability_shift"`
	Secure struct {
		Status   string `json:"authentication_status"`
		Enrolled string `json:"enrollment_status"`
	} `json:"three_d_secure"`
}

// describe adds what PayPal tells besides: the card, how its holder was authenticated, and what can be charged later.
func (o *order) describe(f *payment.Fact) {
	c := o.Source.Card
	if c == nil {
		return
	}
	f.Instrument.CardBrand = brands[c.Brand]
	if c.Result != nil {
		f.Auth = instrument.Authentication{Result: results[c.Result.Secure.Status]}.Proof()
	}
	won := f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized
	if kept := c.Attributes.Vault; won && (kept.Status == "VAULTED" || kept.Status == "") && provider.Word(kept.ID, 255) {
		f.Credential = kept.ID
	}
}

// brands are PayPal's words for the schemes.
var brands = map[string]instrument.Brand{
	"AMEX": instrument.BrandAmex, "DISCOVER": instrument.BrandDiscover, "JCB": instrument.BrandJCB, "MASTERCARD": instrument.BrandMastercard,
	"CHINA_UNION_PAY": instrument.BrandUnionPay, "VISA": instrument.BrandVisa, "ELECTRON": instrument.BrandVisa, "DELTA": instrument.BrandVisa,
	"MAESTRO": instrument.BrandMaestro, "SWITCH": instrument.BrandMaestro,
}

// results are PayPal's words for how an authentication ended.
var results = map[string]instrument.AuthResult{
	"Y": instrument.AuthYes, "A": instrument.AuthAttempted, "N": instrument.AuthNo, "R": instrument.AuthNo, "U": instrument.AuthUnavailable,
	"I": instrument.AuthInformed,
}

// verdict is what PayPal advises after a card's holder was asked.
type verdict uint8

const (
	undecided verdict = iota // the holder is still being asked
	goOn
	stop
)

// advised goes by PayPal's table (https://developer.paypal.com/docs/checkout/advanced/customize/3d-secure/response-parameters/): to go on where
// the issuer may be liable, or where nobody could be asked because card or issuer do not take part; else not.
func (a *authentication) advised() (verdict, payment.ErrorCode) {
	switch a.Secure.Status {
	case "N", "R":
		return stop, "5.00"
	}
	switch {
	case a.Shift == "POSSIBLE" || a.Shift == "YES":
		return goOn, ""
	case a.Secure.Status == "" && a.Shift == "NO" && (a.Secure.Enrolled == "N" || a.Secure.Enrolled == "U" || a.Secure.Enrolled == "B"):
		return goOn, ""
	case a.Secure.Status == "C", a.Secure.Status == "D":
		return undecided, "5.01"
	}
	return stop, "5.02"
}
