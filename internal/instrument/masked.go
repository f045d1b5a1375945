package instrument

import "cmp"

// Masked is what may be shown and stored of the card or account that a payment is made with, in the words of
// the gateway contract. Fields that are not known are empty; only the first is used for other methods than cards.
type Masked struct {
	CustomerAccountNumber string `json:"customerAccountNumber,omitempty"` // at most 256 characters; PAN.Mask of a card
	CardToken             string `json:"cardToken,omitempty"`             // at most 32 characters, of the shop's vault
	CardholderName        string `json:"cardholderName,omitempty"`        // at most 128 characters
	CardExpiryMonth       string `json:"cardExpiryMonth,omitempty"`       // two digits
	CardExpiryYear        string `json:"cardExpiryYear,omitempty"`        // four digits
	CardBrand             Brand  `json:"cardBrand,omitempty"`
	CardIssuingCountry    string `json:"cardIssuingCountryCode,omitempty"` // ISO 3166 alpha-2
}

// With returns i completed and overridden by what other knows.
func (i Masked) With(other Masked) Masked {
	return Masked{
		CustomerAccountNumber: cmp.Or(other.CustomerAccountNumber, i.CustomerAccountNumber),
		CardToken:             cmp.Or(other.CardToken, i.CardToken),
		CardholderName:        cmp.Or(other.CardholderName, i.CardholderName),
		CardExpiryMonth:       cmp.Or(other.CardExpiryMonth, i.CardExpiryMonth),
		CardExpiryYear:        cmp.Or(other.CardExpiryYear, i.CardExpiryYear),
		CardBrand:             cmp.Or(other.CardBrand, i.CardBrand),
		CardIssuingCountry:    cmp.Or(other.CardIssuingCountry, i.CardIssuingCountry),
	}
}

// Clone returns a copy with digits of its own, so that wiping one leaves the other.
// The copy of nil is nil.
func (c *Card) Clone() *Card {
	if c == nil {
		return nil
	}
	copied := *c
	copied.Number.secret, copied.SecurityCode.secret = c.Number.secret.clone(), c.SecurityCode.secret.clone()
	return &copied
}

// clone returns a copy of the secret that is not shared.
func (h hidden[T]) clone() hidden[T] {
	value := *h.value()
	return hide(&value)
}
