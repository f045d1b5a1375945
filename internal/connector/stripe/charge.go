package stripe

import (
	"strings"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/provider"
)

// charge is what Stripe tells of one charge of an intent.
type charge struct {
	Balance expandable `json:"balance_transaction"`
	Details struct {
		Card *card `json:"card"`
	} `json:"payment_method_details"`
}

// fee is what Stripe takes for the charge and what it pays out, in the account's currency; nothing where that is not known yet.
func (c *charge) fee() (fee, settled money.Sum) {
	var b struct {
		Fee      int64  `json:"fee"`
		Net      int64  `json:"net"`
		Currency string `json:"currency"`
	}
	if !c.Balance.read(&b) {
		return fee, settled
	}
	currency, err := provider.Currency(strings.ToUpper(b.Currency))
	if err != nil {
		return fee, settled
	}
	if amount, err := units.Amount(b.Fee, currency); err == nil && b.Fee > 0 {
		fee = money.Sum{Amount: amount, Currency: currency}
	}
	if amount, err := units.Amount(b.Net, currency); err == nil && b.Net > 0 {
		settled = money.Sum{Amount: amount, Currency: currency}
	}
	return fee, settled
}

// card is what Stripe tells of a card. Its number is never told.
type card struct {
	Brand   string `json:"brand"`
	Country string `json:"country"`
	ThreeDS *struct {
		Result    string `json:"result"`
		Flow      string `json:"authentication_flow"`
		ECI       string `json:"electronic_commerce_indicator"`
		Version   string `json:"version"`
		Exemption string `json:"exemption_indicator"`
		ID        string `json:"transaction_id"`
	} `json:"three_d_secure"`
}

// brands are Stripe's words for the schemes.
var brands = map[string]instrument.Brand{
	"amex": instrument.BrandAmex, "diners": instrument.BrandDiners, "discover": instrument.BrandDiscover, "jcb": instrument.BrandJCB,
	"mastercard": instrument.BrandMastercard, "unionpay": instrument.BrandUnionPay, "visa": instrument.BrandVisa,
}

func (c *card) masked() (m instrument.Masked) {
	if c == nil {
		return m
	}
	m.CardBrand = brands[c.Brand]
	if n := c.Country; len(n) == 2 && strings.ToUpper(n) == n && provider.Word(n, 2) {
		m.CardIssuingCountry = n
	}
	return m
}

// results are Stripe's words for how an authentication ended.
var results = map[string]instrument.AuthResult{
	"authenticated": instrument.AuthYes, "attempt_acknowledged": instrument.AuthAttempted, "failed": instrument.AuthNo,
	"not_supported": instrument.AuthUnavailable, "processing_error": instrument.AuthUnavailable,
	"exempted": instrument.AuthInformed, "data_share_only": instrument.AuthInformed,
}

func (c *card) proof() instrument.Proof {
	if c == nil || c.ThreeDS == nil {
		return ""
	}
	exemption := c.ThreeDS.Exemption
	if exemption == "none" {
		exemption = ""
	}
	return instrument.Authentication{
		Result: results[c.ThreeDS.Result], Challenged: c.ThreeDS.Flow == "challenge", ECI: c.ThreeDS.ECI, Version: c.ThreeDS.Version,
		Exemption: exemption, SchemeID: c.ThreeDS.ID,
	}.Proof()
}
